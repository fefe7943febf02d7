"""Preferences asked in both orders, panels of judges, and the scales of both."""

import asyncio
from typing import Any

import pytest

import tracelm
from tests.unit.scorers.judging import ROW, Server, verdict
from tracelm.scorers import Panel, Preference
from tracelm.scorers.scales import Scale, scale_of

pytest_plugins = ("tests.recordings.fixtures",)


def preferred(*labels: str) -> tracelm.Score:
    server = Server(*(verdict(each) for each in labels))
    scorer = Preference(rubric="Shorter is better.", model="judge-1", client=server.client)
    score = scorer.score(**ROW, baseline="Since it is so.")
    first, second = (each["messages"][1]["content"] for each in server.asked)
    assert first.index("Because.") < first.index("Since it is so.")
    assert second.index("Since it is so.") < second.index("Because.")
    return score


@pytest.mark.parametrize(
    ("labels", "value", "consistent"),
    [
        (("first", "second"), 1.0, True),
        (("second", "first"), 0.0, True),
        (("tie", "tie"), 0.5, True),
        (("first", "first"), 0.5, False),
        (("second", "second"), 0.5, False),
        (("first", "tie"), 0.5, False),
    ],
)
def test_a_preference_that_changes_with_the_order_is_none(
    labels: tuple[str, str], value: float, consistent: bool
) -> None:
    score = preferred(*labels)
    assert (score.value, score.details["consistent"]) == (value, consistent)


def test_a_preference_without_a_verdict_is_not_scored() -> None:
    score = preferred("first", "neither")
    assert score.value is None
    assert "not on the scale" in str(score.explanation)


def voting(*values: object, **settings: Any) -> Panel:
    def voter(value: object, number: int) -> tracelm.Scorer:
        def vote(output: str) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return tracelm.scorer(name=f"voter_{number}")(vote)

    return Panel(judges=tuple(voter(value, number) for number, value in enumerate(values)), **settings)


UNSURE = tracelm.Score(value=None, explanation="not sure")


def test_a_panel_gives_the_verdict_of_most_or_the_mean() -> None:
    assert voting(True, False, True).score(output="").value is True
    assert voting("a", "b", "b").score(output="").value == "b"
    graded = tracelm.Score(value=0.9, passed=True)
    assert voting(graded, tracelm.Score(value=0.8, passed=True), False).score(output="").value is True
    mean = voting(1, 0.5, True, combine="mean").score(output="")
    assert mean.value == pytest.approx(2.5 / 3)
    assert mean.details["spread"] == pytest.approx(0.28867513)


def test_a_panel_says_who_refused_and_wants_a_quorum() -> None:
    score = voting(True, UNSURE, True).score(output="")
    assert score.value is True
    assert [each["value"] for each in score.details["votes"]] == [True, None, True]
    assert voting(True, UNSURE, UNSURE).score(output="").explanation == (
        "refused to score: 1 of 3 judges gave a verdict"
    )
    assert voting(True, UNSURE, UNSURE, quorum=1).score(output="").value is True
    assert (
        voting(True, False).score(output="").explanation == "refused to score: the vote is split (1 × True, 1 × False)"
    )


def test_a_judge_that_fails_casts_no_vote_and_without_a_quorum_the_panel_fails() -> None:
    score = voting(True, ValueError("x"), True).score(output="")
    assert (score.value, score.details["votes"][1]["error"]) == (True, "ValueError")
    with pytest.raises(ValueError, match="x"):
        voting(True, ValueError("x"), UNSURE).score(output="")
    with pytest.raises(TypeError, match="labels have no mean"):
        voting("a", 1, combine="mean").score(output="")


def test_a_panel_of_judges_is_asked_in_async_code_at_once() -> None:
    judges = [
        Server(verdict(each)).judge(criterion=f"judge_{number}") for number, each in enumerate(("yes", "no", "yes"))
    ]
    panel = Panel(judges=tuple(judges))
    assert asyncio.run(panel.ascore(**ROW)).value is True
    assert panel.needs == ("inputs", "output")
    data = tracelm.Dataset(name="d", rows=[{"question": "Why?"}])

    def answer(question: str) -> str:
        return "Because."

    run = tracelm.Evaluation(dataset=data, scorers=[panel]).run(answer)
    assert run.rows["panel"].tolist() == [True]


def test_a_panel_that_cannot_work_is_refused() -> None:
    wrong: list[Any] = [(), (len,), (len, 3)]
    for judges in wrong:
        with pytest.raises(tracelm.ConfigError, match="two scorers or more"):
            Panel(judges=judges)
    with pytest.raises(tracelm.ConfigError, match="combine="):
        voting(1, 2, combine="median")
    with pytest.raises(tracelm.ConfigError, match="quorum="):
        voting(1, 2, quorum=3)


def test_a_scale_is_equal_to_itself_and_reads_labels_without_their_marks() -> None:
    scale = scale_of({"Good": 1, "bad": 0})
    assert scale == Scale((("Good", 1), ("bad", 0)))
    said: list[object] = [" good ", '"Bad".', "ugly", None, []]
    assert [scale.label(each) for each in said] == ["Good", "bad", None, None, None]
