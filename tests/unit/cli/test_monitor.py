"""`tracelm monitor run` and `tracelm monitor status`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tracelm
from tests.collector import sink
from tracelm.cli.main import app

MODULE = """
import tracelm

def polite(output: str) -> bool:
    return "please" in output

answers = tracelm.Monitor(name="answers", scorers=[polite], where="op:answer")
"""


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["monitor", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def read(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """A module with a monitor, and calls of an op: five questions pass, one fails twice."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "watched.py").write_text(MODULE, encoding="utf-8")
    tracelm.init("shop")

    @tracelm.op(name="answer")
    def answer(question: str) -> str:
        with tracelm.span("chat m", attributes={"gen_ai.request.model": "m", "gen_ai.operation.name": "chat"}):
            return "no" if question == "rude?" else f"please: {question}"

    for number in range(5):
        answer(str(number))
    answer("rude?")
    answer("rude?")
    tracelm.flush()
    yield
    sys.modules.pop("watched", None)


def test_a_run_says_what_it_judged_and_the_next_has_nothing_to_do() -> None:
    assert run("run", "watched", "--once") == "answers: 7 verdicts, of 7 spans\n"
    assert run("run", "watched:answers", "--once") == "answers: 0 verdicts, of 0 spans\n"


def test_the_status_has_pass_rate_model_and_what_fails_most() -> None:
    run("run", "watched", "--once")
    found = read("status", "answers", "--window", "1d")
    assert sum(each["figures"]["n"] for each in found["windows"]) == 7
    (model,) = found["models"]
    assert (model["key"], model["figures"]["pass_rate"]["mean"]) == ("m", pytest.approx(5 / 7))
    (failing,) = found["failing"]
    assert (failing["input"], failing["n"], failing["scores"]) == ('{"question":"rude?"}', 2, ["polite"])
    with tracelm.open_store() as store:
        assert set(failing["trace_ids"]) <= {each.trace_id for each in store.spans(op="answer")}
    assert "71.4%" in run("status", "answers", "--window", "1d")


def test_figures_break_where_the_scorer_changes(tmp_path: Path) -> None:
    run("run", "watched", "--once")
    sys.modules.pop("watched")
    (tmp_path / "watched2.py").write_text(MODULE.replace('"please"', '"thanks"'), encoding="utf-8")
    with tracelm.span("answer", attributes={"tracelm.op.name": "answer", "output.value": '"thanks"'}):
        pass
    tracelm.flush()
    run("run", "watched2", "--once")
    ops = read("status", "answers")["ops"]
    assert sorted(each["figures"]["n"] for each in ops) == [1, 7]
    assert len({each["version"] for each in ops}) == 2


def test_without_a_name_the_monitors_are_listed() -> None:
    assert "see tracelm monitor run" in run("status")
    run("run", "watched", "--once")
    assert read("status") == ["answers"]


def test_what_cannot_be_run_is_said_with_the_remedy(tmp_path: Path) -> None:
    assert "no module 'nowhere'" in run("run", "nowhere", "--once", code=1)
    (tmp_path / "without.py").write_text("x = 1", encoding="utf-8")
    assert "holds no monitor" in run("run", "without", "--once", code=1)
    assert "there is none" in run("status", "answers", code=1)
    assert "write 15m, 1h or 1d" in run("status", "answers", "--window", "soon", code=2)


def test_the_status_shows_where_alerts_stand_and_a_run_says_what_they_say(tmp_path: Path) -> None:
    alerts = 'alerts=[tracelm.Alert("pass_rate < 0.99", min_n=5, level=None, severity="critical", to=[])]'
    watching = MODULE.replace('where="op:answer"', f'where="op:answer", {alerts}')
    (tmp_path / "watched3.py").write_text(watching, encoding="utf-8")
    assert "critical: answers, polite: pass_rate < 0.99: firing" in run("run", "watched3", "--once")
    assert "pass_rate" not in run("run", "watched3", "--once")
    (alert,) = read("status", "answers")["alerts"]
    assert (alert["score"], alert["severity"], alert["status"], alert["n"]) == ("polite", "critical", "firing", 7)
    assert alert["value"] == pytest.approx(5 / 7)
    assert "firing" in run("status", "answers")


def test_with_a_collector_in_the_environment_a_run_sends_the_scores_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with sink() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        said = run("run", "watched", "--once")
        assert said == "answers: 7 verdicts, of 7 spans, 7 sent to the collector\n"
        assert {each.event_name for each in collector.log_records()} == {"gen_ai.evaluation.result"}
        assert len(collector.log_records()) == 7
        assert run("run", "watched", "--once") == "answers: 0 verdicts, of 0 spans\n"
