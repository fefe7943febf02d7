"""`tracelm eval` and `tracelm lineage`: run an evaluation of a module, take it up, export it, ask about it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

MODULE = """
import os
import signal
import threading
import tracelm

dataset = tracelm.Dataset(name="squares", rows=[{"number": n, "expected": n * n} for n in range(8)])


def right(output, expected):
    return output == expected


def square(number):
    with open("calls", "a") as file:
        print(number, file=file)
    if number == 5 and os.environ.get("DIES"):
        os.kill(os.getpid(), 9)
    if number == 5 and os.environ.get("STOPS"):
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait()
    if number == 7:
        raise ValueError("seven")
    return {"value": number}["value"] ** 2


def limited():
    limits = tracelm.Limits(fail_on_error=1)
    return tracelm.Evaluation(dataset=dataset, scorers=[right], limits=limits, max_concurrency=1)


def gated(*conditions):
    return tracelm.Evaluation(dataset=dataset, scorers=[right], name="gated", conditions=conditions)


holds = gated("right >= 0.8")
falls = gated("right >= 1")
open_yet = gated("low(right) >= 0.9")
no_worse = gated("no worse than baseline by 0.5 on right")
evaluation = tracelm.Evaluation(dataset=dataset, scorers=[right], max_concurrency=1)


def steady(number):
    return number**2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nightly.py").write_text(MODULE)
    return tmp_path


def call(folder: Path, *arguments: str, code: int = 0, **env: str) -> str:
    """Run `tracelm` in a process of its own, in `folder`."""
    main = "import sys; from tracelm.cli.main import main; sys.argv[0] = 'tracelm'; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, *arguments],
        cwd=folder,
        env={**os.environ, "TRACELM_HOME": str(folder / "home"), "COLUMNS": "200", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def run_json(folder: Path, *arguments: str, code: int = 0) -> Any:
    return json.loads(call(folder, *arguments, "--json", code=code))


def test_a_run_that_was_killed_is_taken_up_from_the_command_line(folder: Path) -> None:
    call(folder, "eval", "run", "nightly:evaluation", "--task", "nightly:square", code=-9, DIES="1")
    (listed,) = run_json(folder, "eval", "list")
    assert (listed["name"], listed["rows"], listed["done"], listed["end_ns"]) == ("squares", 8, 5, None)
    assert f"tracelm eval resume {listed['run_id']}" in call(folder, "eval", "show", listed["run_id"])
    resumed = run_json(folder, "eval", "resume", listed["run_id"][:6])
    assert resumed["run"]["run_id"] == listed["run_id"]
    assert [row["outcome"] for row in resumed["rows"]] == ["scored"] * 7 + ["task_error"]
    assert (resumed["run"]["done"], resumed["summary"][0]["scored"]) == (8, 7)
    assert (folder / "calls").read_text().split() == ["0", "1", "2", "3", "4", "5", "5", "6", "7"]
    shown = run_json(folder, "eval", "show", listed["run_id"])
    assert shown["rows"] == resumed["rows"]
    assert shown["summary"] == resumed["summary"]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(folder: Path) -> None:
    shown = call(folder, "eval", "run", "nightly:evaluation", "--task", "nightly:square", code=130, STOPS="1")
    (listed,) = run_json(folder, "eval", "list")
    assert f"interrupted: 5 of 8 trials are kept, tracelm eval resume {listed['run_id']} runs the others" in shown
    assert "Traceback" not in shown
    assert run_json(folder, "eval", "resume", listed["run_id"])["run"]["done"] == 8


def test_a_run_that_a_limit_stopped_says_so_and_is_exit_code_1(folder: Path) -> None:
    (folder / "nightly.py").write_text(MODULE.replace("number == 7", "number == 2"))
    shown = call(folder, "eval", "run", "nightly:limited", "--task", "nightly:square", code=1)
    assert "stopped: 1 of 8 trials failed, fail_on_error=1" in shown
    assert "3 of 8 trials recorded" in shown


@pytest.mark.parametrize(
    ("evaluation", "task", "code", "answer"),
    [
        ("holds", "steady", 0, "passed"),
        ("falls", "square", 1, "failed"),
        ("open_yet", "steady", 3, "underpowered"),
    ],
)
def test_conditions_of_an_evaluation_are_the_exit_code(
    folder: Path, evaluation: str, task: str, code: int, answer: str
) -> None:
    words = ("eval", "run", f"nightly:{evaluation}", "--task", f"nightly:{task}")
    told = run_json(folder, *words, code=code)
    assert told["answer"] == answer
    assert [each["answer"] for each in told["conditions"]] == [answer]
    assert told["conditions"][0]["condition"] in call(folder, *words, code=code)


def test_a_condition_against_a_baseline_names_it_before_anything_runs(folder: Path) -> None:
    words = ("eval", "run", "nightly:no_worse", "--task", "nightly:square")
    assert "say which with --baseline RUN" in call(folder, *words, code=2)
    assert "no evaluation run has an id that begins with 'beef'" in call(folder, *words, "--baseline", "beef", code=2)
    assert not (folder / "calls").exists()
    first = run_json(folder, "eval", "run", "nightly:evaluation", "--task", "nightly:steady")["run"]["run_id"]
    shown = call(folder, *words[:3], "--task", "nightly:steady", "--baseline", first)
    assert "no worse than baseline by 0.5 on right" in shown


def test_lineage_says_what_a_run_was_made_of(folder: Path) -> None:
    for words in ("init -q", "add nightly.py", "-c user.name=a -c user.email=a@b commit -qm x"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    run = run_json(folder, "eval", "run", "nightly:evaluation", "--task", "nightly:square")["run"]
    made_of = run_json(folder, "lineage", run["run_id"])
    assert (made_of["dataset"], made_of["rows"], made_of["task"]) == ("squares", 8, "square")
    assert made_of["dataset_digest"] == run["dataset_digest"]
    assert list(made_of["scorers"]) == ["right"]
    assert made_of["settings"] == {
        "max_concurrency": 1,
        "evaluation": "nightly:evaluation",
        "task": "nightly:square",
    }
    assert made_of["git_dirty"] is False
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    assert made_of["git_commit"] == head.stdout.strip()
    assert "tracelm" in made_of["packages"]
    shown = call(folder, "lineage", run["run_id"])
    for text in (made_of["task_version"], made_of["git_commit"], "setting   task = nightly:square"):
        assert text in shown


def test_a_run_is_exported_with_every_row(folder: Path) -> None:
    rows = run_json(folder, "eval", "run", "nightly:evaluation", "--task", "nightly:square")
    run_id = rows["run"]["run_id"]
    call(folder, "eval", "export", run_id, "--output", "rows.jsonl")
    assert [orjson.loads(line) for line in (folder / "rows.jsonl").read_bytes().splitlines()] == rows["rows"]
    for name, read in (("rows.csv", pd.read_csv), ("rows.parquet", pd.read_parquet)):
        call(folder, "eval", "export", run_id, "-o", name)
        table: Any = read(folder / name)
        assert list(table["outcome"]) == ["scored"] * 7 + ["task_error"]
        assert list(table.columns) == list(rows["rows"][0])
    assert "ends in '.xls': name a file that ends in .jsonl, .csv, .parquet, .html" in call(
        folder, "eval", "export", run_id, "-o", "rows.xls", code=1
    )


@pytest.mark.parametrize(
    ("evaluation", "message"),
    [
        ("nightly", "error: 'nightly' names nothing: write MODULE:NAME"),
        ("nowhere:evaluation", "error: there is no module 'nowhere' in "),
        ("nightly:nothing", "error: 'nightly:nothing': nightly has no 'nothing'"),
        ("nightly:dataset", "error: a Dataset is no evaluation"),
    ],
)
def test_what_is_no_evaluation_is_told_in_one_line(folder: Path, evaluation: str, message: str) -> None:
    shown = call(folder, "eval", "run", evaluation, "--task", "nightly:square", code=2)
    assert message in shown
    assert "Traceback" not in shown
