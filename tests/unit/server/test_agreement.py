"""People beside a judge, over the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.serving import Serving, serving


@tracelm.op(name="answer")
def answer(number: int) -> int:
    span = tracelm.current_span()
    tracelm.score(span, name="judge", value=number % 2 == 0, source="sdk")
    tracelm.score(span, name="grade", value=float(number), source="sdk")
    return number


def even(output: int) -> bool:
    return output % 2 == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    home = tmp_path / "home"
    tracelm.init("shop", home=home, patch=False)
    for number in range(6):
        answer(number)
    tracelm.shutdown()
    with serving(home) as running:
        yield running


def say(server: Serving, number: int, value: bool, *, author: str = "ada") -> None:
    trace = server.get("/traces", order_by="start").json["items"][number]["trace_id"]
    told = {"trace_id": trace, "name": "helpful", "value": value, "author": author}
    assert server.post("/scores", told).status == 201


def test_agreement_and_kappa_are_told_with_where_they_differ(server: Serving) -> None:
    for number, value in enumerate([True, False, True, True]):
        say(server, number, value)
    found = server.get("/agreement", name="helpful", judge="judge").json
    assert found["n"] == 4
    assert found["agreement"]["mean"] == 0.75
    assert found["kappa"]["mean"] == 0.5
    assert found["chance"] == 0.5
    assert found["confusion"] == snapshot(
        [
            {"people": "yes", "judge": "yes", "n": 2},
            {"people": "yes", "judge": "no", "n": 1},
            {"people": "no", "judge": "no", "n": 1},
        ]
    )
    [differs] = found["disagreements"]
    assert (differs["author"], differs["person"], differs["judge"]) == ("ada", "yes", "no")
    assert server.get(f"/traces/{differs['trace_id']}").json["trace"]["input_preview"] == '{"number":3}'


def test_the_newest_score_of_a_person_counts_and_people_are_told_apart(server: Serving) -> None:
    say(server, 0, False)
    say(server, 0, True)
    say(server, 0, True, author="grace")
    found = server.get("/agreement", name="helpful", judge="judge").json
    assert (found["n"], found["agreement"]["mean"], found["between_people"]) == (1, 1.0, 1.0)


def test_without_a_span_that_both_judged_there_is_no_figure(server: Serving) -> None:
    found = server.get("/agreement", name="helpful", judge="judge").json
    assert (found["n"], found["agreement"], found["confusion"]) == (0, None, [])


def test_people_of_two_minds_are_no_label(server: Serving) -> None:
    say(server, 0, True)
    say(server, 0, False, author="grace")
    assert server.get("/agreement", name="helpful", judge="judge").json["n"] == 0


def test_the_names_of_scores_are_listed(server: Serving) -> None:
    assert server.get("/scores/names", project="shop").json == {"items": ["grade", "judge"]}


def test_of_a_run_only_what_its_judge_scored_counts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tracelm.init("shop", home=home, patch=False)
    dataset = tracelm.Dataset(name="numbers", rows=[{"number": number} for number in range(3)])
    for _ in range(2):
        tracelm.Evaluation(name="even", dataset=dataset, scorers=[even]).run(answer)
    tracelm.shutdown()
    with serving(home) as server:
        newer, older = (each["run_id"] for each in server.get("/runs").json["items"])
        for run in (newer, older):
            scores = server.get("/scores", run_id=run, name="even").json["items"]
            told = [{name: each[name] for name in ("trace_id", "span_id")} | {"name": "right"} for each in scores]
            for each in told if run == newer else told[:1]:
                assert server.post("/scores", each | {"value": True}).status == 201
        counts = {
            run: server.get("/agreement", name="right", judge="even", run_id=run).json["n"] for run in (newer, older)
        }
        assert counts == {newer: 3, older: 1}
        assert server.get("/agreement", name="right", judge="even").json["n"] == 4
