"""`Monitor`: which spans it chooses, and for how many each of them stands."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import tracelm
from tracelm.monitors.monitor import Monitor, drawn
from tracelm.scorers import PII, Contains

TRACE = st.integers(1, 2**128 - 1).map("{:032x}".format)
RATE = st.floats(0.001, 1)


def polite(output: str) -> bool:
    return "please" in output


def short(output: str) -> bool:
    return len(output) < 10


def monitor(**given: Any) -> Monitor:
    known: dict[str, Any] = {"name": "answers", "scorers": [polite], "where": "op:answer", **given}
    return Monitor(**known)


def test_it_is_a_public_name() -> None:
    assert tracelm.Monitor is Monitor


@given(TRACE, RATE)
def test_the_weight_is_one_over_the_probability(trace_id: str, rate: float) -> None:
    for each in monitor(sample_rate=rate).chosen(trace_id):
        assert each.weight == 1 / rate


@given(TRACE, RATE, RATE)
def test_a_higher_rate_only_adds_traces(trace_id: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert len(monitor(sample_rate=low).chosen(trace_id)) <= len(monitor(sample_rate=high).chosen(trace_id))


@given(TRACE)
def test_a_rate_of_one_chooses_every_trace(trace_id: str) -> None:
    assert [each.weight for each in monitor().chosen(trace_id)] == [1]


@given(TRACE, RATE)
def test_scorers_judge_the_same_traces_unless_each_is_to_draw_for_itself(trace_id: str, rate: float) -> None:
    together = monitor(scorers=[polite, short], sample_rate=rate).chosen(trace_id)
    assert len(together) in {0, 2}


def test_a_scorer_that_draws_for_itself_judges_other_traces() -> None:
    alone = monitor(scorers=[polite, short], sample_rate=0.5, correlated=False)
    counts = [len(alone.chosen(f"{number:032x}")) for number in range(1000)]
    assert {0, 1, 2} == set(counts)
    assert 400 < counts.count(1) < 600


def test_what_a_program_keeps_of_its_traces_is_sampled_again() -> None:
    # A tenth of all traces, as OpenTelemetry's sampler keeps them: the lowest ids.
    kept = [f"{number * 2**64 // 10_000:032x}" for number in range(1, 1001)]
    chosen = [each for each in kept if monitor(sample_rate=0.1).chosen(each)]
    assert 60 < len(chosen) < 140


def test_draws_are_even() -> None:
    draws = [drawn(f"{number:032x}") for number in range(10_000)]
    assert all(0 <= each < 1 for each in draws)
    assert all(900 < sum(low <= each * 10 < low + 1 for each in draws) < 1100 for low in range(10))


def test_of_several_cases_the_highest_rate_counts() -> None:
    found = monitor(sample_rate=0.1, over_sample={"status:error": 1.0, "latency>2s": 0.5})
    assert found.probability([False, False]) == 0.1
    assert found.probability([False, True]) == 0.5
    assert found.probability([True, True]) == 1.0
    assert [each.weight for each in found.chosen("0" * 31 + "1", [True, False])] == [1]


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"name": " "}, "at most 100 characters"),
        ({"scorers": []}, "at least one scorer"),
        ({"scorers": [PII]}, "write PII"),
        ({"scorers": [3]}, "a int is no scorer"),
        ({"scorers": [polite, polite]}, "another name"),
        ({"scorers": [Contains(phrases=("a",)), Contains(phrases=("b",))]}, "another name"),
        ({"where": ""}, "where='op:answer'"),
        ({"where": "refund"}, "goes by fields"),
        ({"where": "op:"}, "op"),
        ({"sample_rate": 0}, "above 0, at most 1"),
        ({"sample_rate": 1.5}, "above 0, at most 1"),
        ({"sample_rate": float("nan")}, "above 0, at most 1"),
        ({"sample_rate": True}, "above 0, at most 1"),
        ({"over_sample": {"status:error": 2}}, "above 0, at most 1"),
        ({"sample_rate": 0.5, "over_sample": {"status:error": 0.1}}, "give a higher rate"),
        ({"timeout_s": 0}, "seconds above 0"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_with_the_remedy(options: dict[str, object], remedy: str) -> None:
    with pytest.raises(tracelm.TracelmError, match=remedy):
        monitor(**options)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        monitor().name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError):
        monitor().over_sample["status:error"] = 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
