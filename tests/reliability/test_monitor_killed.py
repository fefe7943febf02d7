"""A monitor that is killed goes on where it was: every span has one verdict, none has two."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import tracelm

SPANS = 350
MODULE = """
import os, pathlib, signal
import tracelm

said = pathlib.Path(os.environ["SAID"])

def polite(output: str) -> bool:
    with said.open("a") as file:
        file.write(output + "\\n")
    if os.environ.get("DIE_AT") == output:
        os.kill(os.getpid(), signal.SIGKILL)
    return output != "7"

def tells(notice):
    with said.with_name("told").open("a") as file:
        file.write(f"{notice.uid} {notice.kind}\\n")
    if os.environ.get("DIE_AT") == "notice":
        os.kill(os.getpid(), signal.SIGKILL)

high = tracelm.Alert("pass_rate > 0.5", renotify=None, to=[tells])
answers = tracelm.Monitor(name="answers", scorers=[polite], where="op:answer", alerts=[high])
"""


def watch(folder: Path, **env: str) -> int:
    (folder / "watching.py").write_text(MODULE, encoding="utf-8")
    program = "from tracelm.cli.main import main; main()"
    command = [sys.executable, "-c", program, "monitor", "run", "watching", "--once", "--concurrency", "1"]
    known = {**os.environ, "SAID": str(folder / "said"), **env}
    return subprocess.run(command, cwd=folder, env=known, timeout=120, check=False).returncode


def test_each_span_has_one_verdict_however_often_the_monitor_was_killed(tmp_path: Path) -> None:
    tracelm.init("shop")

    @tracelm.op(name="answer")
    def answer(number: int) -> str:
        return str(number)

    for number in range(SPANS):
        answer(number)
    tracelm.shutdown()

    assert watch(tmp_path, DIE_AT="50") == -signal.SIGKILL
    assert watch(tmp_path, DIE_AT="240") == -signal.SIGKILL
    assert watch(tmp_path, DIE_AT="240") == -signal.SIGKILL
    assert watch(tmp_path) == 0
    with tracelm.open_store() as store:
        scores = store.scores(limit=None)
        assert store.maintenance.check() == []
    assert max(Counter(each.span_id for each in scores).values()) == 1
    assert len(scores) == SPANS
    assert [each.passed for each in scores].count(False) == 1
    # What was committed was not asked again: at most a page each time it was killed.
    asked = (tmp_path / "said").read_text().split()
    assert set(asked) == {str(number) for number in range(SPANS)}
    assert SPANS < len(asked) <= SPANS + 3 * 100


def test_an_alert_whose_process_is_killed_while_it_tells_is_told_again_and_is_one(tmp_path: Path) -> None:
    tracelm.init("shop")

    @tracelm.op(name="answer")
    def answer(number: int) -> str:
        return str(number)

    for number in range(60):
        answer(number)
    tracelm.shutdown()

    assert watch(tmp_path, DIE_AT="notice") == -signal.SIGKILL
    assert watch(tmp_path) == 0
    assert watch(tmp_path) == 0
    with tracelm.open_store() as store:
        (notice,) = store.alerts()
        assert notice.deliveries == {"tells": None}
    assert (tmp_path / "told").read_text() == f"{notice.uid} firing\n" * 2
