"""Scores over time, over the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.serving import Serving, serving
from tracelm.evals.statistics import mean_interval


def polite(output: str) -> bool:
    return "please" in output


def shout(question: str) -> str:
    return question.upper()


@tracelm.op
def answer(number: int) -> int:
    tracelm.score(tracelm.current_span(), name="polite", value=number % 2 == 0, source="sdk")
    return number


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    home = tmp_path / "home"
    tracelm.init("shop", home=home, patch=False)
    for number in range(4):
        answer(number)
    tracelm.shutdown()
    with serving(home) as running:
        yield running


def test_scores_over_time_are_those_of_what_runs_with_intervals(server: Serving) -> None:
    found = server.get("/stats/scores", buckets=1).json
    [line] = [each for each in found["items"] if each["name"] == "polite"]
    assert (line["n"], line["errors"], line["mean"]["mean"]) == (4, 0, 0.5)
    assert line["pass_rate"] == snapshot({"mean": 0.5, "low": 0.15003898915214955, "high": 0.8499610108478505, "n": 4})
    trace = server.get("/traces").json["items"][0]["trace_id"]
    for value in (1.0, 2.0, 6.0):
        assert server.post("/scores", {"trace_id": trace, "name": "tone", "value": value}).status == 201
    [tone] = [each for each in server.get("/stats/scores", buckets=1).json["items"] if each["name"] == "tone"]
    told = mean_interval([1.0, 2.0, 6.0])
    assert tone["mean"] == pytest.approx({"mean": 3.0, "low": told.low, "high": told.high, "n": 3})
    assert tone["pass_rate"] is None
    assert server.get("/stats/scores", since_ns=1, until_ns=2).json["items"] == []
    assert [each["name"] for each in server.get("/stats/scores", limit=1).json["items"]] == ["polite"]


def test_scores_of_an_evaluation_run_are_not_those_of_what_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tracelm.init("shop", home=home, patch=False)
    rows = tracelm.Dataset(name="words", rows=[{"question": "hours"}])
    tracelm.Evaluation(name="words", dataset=rows, scorers=[polite]).run(shout)
    tracelm.shutdown()
    with serving(home) as server:
        assert [each["name"] for each in server.get("/scores").json["items"]] == ["polite"]
        assert server.get("/stats/scores").json["items"] == []
