"""What verdicts say together: by window and version, by model, op and release."""

from dataclasses import replace
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.unit.monitors.verdicts import BASE
from tracelm.monitors.windows import Verdict, by_model, by_release, by_window, figures

HOUR = 3600
NS = 10**9
FAILED = replace(BASE, value=None, passed=None, is_error=True)


def _verdict(number: int, at_s: int, kind: int, version: str, model: str | None) -> Verdict:
    made = (BASE, replace(BASE, value=0.0, passed=False), FAILED, replace(BASE, value=None, passed=None))[kind]
    trace = f"{number:032x}"
    return replace(made, at_ns=at_s * NS, version=version, model=model, trace_id=trace, weight=1.0 + number % 3)


VERDICTS = st.lists(
    st.builds(
        _verdict,
        st.integers(0, 50),
        st.integers(0, 5 * HOUR),
        st.integers(0, 3),
        st.sampled_from(["v1", "v2"]),
        st.sampled_from([None, "m", "n"]),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(VERDICTS, st.sampled_from([60, HOUR, 24 * HOUR]))
def test_every_verdict_is_in_one_window_of_its_version(verdicts: list[Verdict], width_s: int) -> None:
    found = by_window(verdicts, width_s)
    assert sum(each.figures.n for each in found) == len(verdicts)
    assert sum(each.figures.errors for each in found) == sum(each.is_error for each in verdicts)
    assert sum(each.figures.spans for each in found) == pytest.approx(sum(each.weight for each in verdicts))
    assert len({(each.start_ns, each.version) for each in found}) == len(found)
    for each in found:
        assert each.start_ns % (width_s * NS) == 0
        assert each.end_ns - each.start_ns == width_s * NS
        inside = [one for one in verdicts if each.start_ns <= one.at_ns < each.end_ns and one.version == each.version]
        assert each.figures == figures(inside)


@settings(deadline=None)
@given(VERDICTS, st.randoms())
def test_the_order_in_which_verdicts_come_does_not_matter(verdicts: list[Verdict], random: Random) -> None:
    shuffled = list(verdicts)
    random.shuffle(shuffled)
    assert [(each.start_ns, each.version, each.figures.n) for each in by_window(verdicts, HOUR)] == [
        (each.start_ns, each.version, each.figures.n) for each in by_window(shuffled, HOUR)
    ]


@settings(deadline=None)
@given(VERDICTS)
def test_groups_hold_every_verdict_and_the_unnamed_come_last(verdicts: list[Verdict]) -> None:
    found = by_model(verdicts)
    assert sum(each.figures.n for each in found) == len(verdicts)
    for version in ("v1", "v2"):
        keys = [each.key for each in found if each.version == version]
        assert keys == sorted(keys, key=lambda key: (key is None, key or ""))


def test_a_scorer_that_failed_counts_in_nothing_but_errors() -> None:
    found = figures([replace(BASE, trace_id="a"), replace(BASE, trace_id="b"), replace(FAILED, trace_id="c")])
    assert (found.n, found.errors) == (3, 1)
    assert found.pass_rate is not None
    assert (found.pass_rate.mean, found.pass_rate.n) == (1.0, 2)


def test_weights_count_in_the_pass_rate() -> None:
    failing = replace(BASE, value=0.0, passed=False)
    found = figures([replace(BASE, trace_id="a", weight=9.0), replace(failing, trace_id="b", weight=1.0)])
    assert found.pass_rate is not None
    assert found.pass_rate.mean == 0.9
    assert found.spans == 10


def test_scores_without_a_line_have_a_mean_and_no_pass_rate() -> None:
    found = figures([replace(BASE, value=3.0, passed=None), replace(BASE, value=5.0, passed=None, trace_id="b")])
    assert found.pass_rate is None
    assert found.mean is not None
    assert found.mean.mean == 4


def test_nothing_says_nothing() -> None:
    assert by_window([], HOUR) == []
    assert by_release([]) == []
    with pytest.raises(ValueError, match="give 1 or more"):
        by_window([BASE], 0)
