"""Scorers made of another scorer."""

import asyncio

import pytest

import tracelm
from tracelm.scorers import AtLeast, AtMost, Contains, ExactMatch, Matches, Named, Not, On, TokenF1, WordCount
from tracelm.scorers.paths import value_at
from tracelm.scoring.call import call_scorer_now, parameters_of


def share(output: str) -> float:
    return len(output) / 10


async def share_async(output: str) -> float:
    return len(output) / 10


def unknown(output: str) -> tracelm.Score:
    return tracelm.Score(value=None, explanation="no idea")


def several(output: str) -> dict[str, object]:
    return {"short": len(output) < 5, "upper": output.isupper()}


def label(output: str) -> str:
    return "good"


def same(text: str) -> str:
    return text


def broken(output: str) -> bool:
    raise KeyError("lost")


def test_not_turns_a_verdict_round_and_says_what_held() -> None:
    scorer = Not(Contains(phrases=("guarantee",)))
    assert scorer.score(output="We guarantee it") == tracelm.Score(value=False, explanation="contains holds")
    assert scorer.score(output="Perhaps") == tracelm.Score(value=True)
    assert Not(WordCount(at_most=1)).score(output="two words").value is True
    assert Not(Not(scorer)).score(output="Perhaps").value is True
    assert scorer.name == "not_contains"


def test_what_was_not_scored_stays_so() -> None:
    for scorer in (Not(unknown), AtLeast(unknown, 1), AtMost(unknown, 1), Named(unknown, "x")):
        assert scorer.score(output="") == tracelm.Score(value=None, explanation="no idea")


def test_what_draws_no_line_cannot_be_turned_round() -> None:
    with pytest.raises(TypeError, match="AtLeast or AtMost"):
        Not(share).score(output="abc")
    assert Not(AtLeast(share, 0.5)).score(output="abc").value is True


def test_a_bar_adds_a_verdict_and_keeps_number_and_name() -> None:
    scorer = AtLeast(TokenF1(), 0.8)
    assert scorer.name == "token_f1"
    low = scorer.score(output="red car", expected="red bike")
    assert (low.value, low.passed, low.explanation) == (0.5, False, "0.5 is below 0.8")
    assert scorer.score(output="red car", expected="red car").passed is True
    assert AtMost(share, 0.2).score(output="abc").explanation == "0.3 is above 0.2"
    assert AtMost(share, 0.3).score(output="abc").passed is True


def test_a_bar_overrules_the_verdict_that_was_there() -> None:
    assert AtLeast(WordCount(at_most=1), 2).score(output="two words").passed is True


def test_a_label_is_held_against_no_bar() -> None:
    with pytest.raises(TypeError, match="is a label"):
        AtLeast(label, 1).score(output="")


def test_each_of_several_scores_is_turned() -> None:
    judged = call_scorer_now(Not(several), {"output": "ABCDEFG"})
    assert {name: score.value for name, score in judged.scores.items()} == {
        "not_several.short": True,
        "not_several.upper": False,
    }


def test_the_failure_of_the_asked_scorer_is_the_failure() -> None:
    for scorer in (Not(broken), Named(broken, "x"), AtLeast(broken, 1)):
        assert isinstance(call_scorer_now(scorer, {"output": ""}).error, KeyError)


def test_sync_and_async_scorers_are_asked_in_either_way() -> None:
    for asked in (share, share_async):
        scorer = AtLeast(asked, 0.2)
        assert scorer.score(output="abc").value == 0.3
        assert asyncio.run(scorer.ascore(output="abc")).passed is True


def test_what_is_needed_is_known_before_anything_runs() -> None:
    assert Not(ExactMatch()).needs == ("output", "expected")
    assert On(Not(ExactMatch()), {"expected": "row.gold"}).needs == ("row", "output")
    for scorer, name in ((Not(ExactMatch()), "expected"), (On(ExactMatch(), {"expected": "gold"}), "gold")):
        with pytest.raises(tracelm.EvaluationError, match=f"wants the parameter '{name}'"):
            parameters_of(scorer, ["output", "inputs"])


def test_settings_and_the_asked_scorer_are_part_of_the_version() -> None:
    versions = {
        each.version
        for each in (
            Not(ExactMatch()),
            Not(ExactMatch(ignore_case=True)),
            AtLeast(ExactMatch(), 0),
            AtLeast(ExactMatch(), 1),
            Named(ExactMatch(), "a"),
            On(ExactMatch(), {"output": "a"}),
            On(ExactMatch(), {"output": "b"}),
        )
    }
    assert len(versions) == 7
    assert Not(ExactMatch()).version == Not(ExactMatch()).version
    assert Not(ExactMatch()) == Not(ExactMatch())
    assert Not(ExactMatch()) != Not(ExactMatch(ignore_case=True))


def test_two_of_one_kind_stand_in_one_evaluation_and_guard_an_output() -> None:
    names = [Named(Contains(phrases=(each,)), f"says_{each}") for each in ("yes", "please")]
    data = tracelm.Dataset(name="d", rows=[{"text": "yes"}])
    run = tracelm.Evaluation(dataset=data, scorers=names).run(same)
    assert run.summary["mean"].to_dict() == {"says_yes": 1.0, "says_please": 0.0}

    @tracelm.guard(tracelm.Guardrail(Not(Contains(phrases=("guarantee",)))))
    def promise() -> str:
        return "We guarantee it"

    with pytest.raises(tracelm.GuardrailTripped):
        promise()


def test_a_guardrail_masks_what_a_pattern_found_also_through_not() -> None:
    @tracelm.guard(tracelm.Guardrail(Not(Matches(pattern=r"[A-Z]{2}-[0-9]{4}")), action="replace"))
    def reply() -> str:
        return "Your tickets are AB-1234 and CD-5678."

    assert reply() == "Your tickets are [MATCH] and [MATCH]."


@pytest.mark.parametrize("wrong", [None, 3, ExactMatch, "exact_match"])
def test_only_a_scorer_can_be_wrapped(wrong: object) -> None:
    with pytest.raises(tracelm.ConfigError, match="takes a scorer"):
        Not(wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_arguments_that_cannot_work_are_refused() -> None:
    for bar in (float("nan"), True, "1"):
        with pytest.raises(tracelm.ConfigError, match="bar="):
            AtLeast(share, bar)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(tracelm.ConfigError, match="called is empty"):
        Named(share, " ")
    for places in ({}, {"output": ""}, {"output": 3}, "output"):
        with pytest.raises(tracelm.ConfigError, match="places"):
            On(share, places)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Holder:
    text = "t"
    _hidden = "h"


ROW = {"output": {"a": [{"b": 1}, Holder()], "with.dots": 2}, "x.y": 3}


@pytest.mark.parametrize(
    ("place", "value"),
    [("output.a.0.b", 1), ("output.a.1.text", "t"), ("output.a.-1.text", "t"), ("output.with.dots", 2), ("x.y", 3)],
)
def test_a_place_leads_through_keys_items_and_attributes(place: str, value: object) -> None:
    assert value_at(ROW, place) == value


@pytest.mark.parametrize("place", ["nothing", "output.c", "output.a.7", "output.a.1._hidden", "output.a.x", "x"])
def test_a_place_that_leads_nowhere_says_up_to_where_it_led(place: str) -> None:
    with pytest.raises(LookupError, match="there is no"):
        value_at(ROW, place)
