"""What the verdicts of a window say about an alert."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.unit.monitors.verdicts import BASE
from tracelm.monitors.alerts.condition import BurnRate, Threshold
from tracelm.monitors.alerts.observe import Observation, burn_rate, latest, threshold
from tracelm.monitors.windows import Verdict

LOW = Threshold("pass_rate", "<", 0.95)


def verdicts(passed: int, failed: int, errors: int = 0) -> list[Verdict]:
    good = [replace(BASE, trace_id=f"g{number}") for number in range(passed)]
    bad = [replace(BASE, trace_id=f"b{number}", passed=False, value=0.0) for number in range(failed)]
    broken = [replace(BASE, trace_id=f"e{number}", passed=None, value=None, is_error=True) for number in range(errors)]
    return [*good, *bad, *broken]


def seen(passed: int, failed: int, level: float | None = 0.95) -> Observation:
    return threshold(LOW, verdicts(passed, failed), min_n=50, level=level)


def test_a_figure_just_beyond_the_line_from_50_verdicts_raises_no_alarm() -> None:
    assert seen(47, 3).finding == "unclear"  # 94 %, and the interval reaches from 84 % to 98 %
    assert seen(47, 3, level=None).finding == "beyond"
    assert seen(40, 10).finding == "beyond"
    assert seen(940, 60).finding == "unclear"
    assert seen(9400, 600).finding == "beyond"


def test_it_is_over_when_the_figure_itself_is_back() -> None:
    assert seen(48, 2).finding == "within"
    assert seen(190, 10).finding == "within"


def test_fewer_verdicts_than_asked_for_are_no_data() -> None:
    assert seen(0, 49).finding == "no data"
    assert threshold(LOW, [], min_n=1, level=0.95).finding == "no data"
    assert threshold(LOW, verdicts(0, 0, errors=80), min_n=50, level=0.95).finding == "no data"


def test_an_error_of_the_scorer_counts_in_the_error_rate_alone() -> None:
    errors = Threshold("error_rate", ">", 0.1)
    found = threshold(errors, verdicts(40, 0, errors=40), min_n=50, level=0.95)
    assert (found.finding, found.value, found.n) == ("beyond", 0.5, 80)
    assert threshold(LOW, verdicts(60, 0, errors=40), min_n=50, level=0.95).finding == "within"


def test_the_number_of_verdicts_is_always_known() -> None:
    few = Threshold("n", "<", 5)
    assert threshold(few, [], min_n=50, level=0.95).finding == "beyond"
    assert threshold(few, verdicts(5, 0), min_n=50, level=0.95).finding == "within"


def test_a_mean_has_a_line_on_either_side() -> None:
    long = [replace(BASE, trace_id=str(number), value=10.0 + number % 3) for number in range(60)]
    assert threshold(Threshold("mean", ">", 9), long, min_n=50, level=0.95).finding == "beyond"
    assert threshold(Threshold("mean", "<=", 11), long, min_n=50, level=0.95).finding == "unclear"
    assert threshold(Threshold("mean", ">=", 12), long, min_n=50, level=0.95).finding == "within"


def test_a_burn_rate_is_failures_over_what_may_fail() -> None:
    kind = BurnRate(5)
    found = burn_rate(kind, verdicts(50, 50), verdicts(2, 2), objective=0.9, min_n=50, level=0.95)
    assert (found.finding, found.n) == ("unclear", 100)  # 5 times as fast, and not surely more
    found = burn_rate(kind, verdicts(20, 80), verdicts(0, 2), objective=0.9, min_n=50, level=0.95)
    assert found.finding == "beyond"
    assert found.value == pytest.approx(8)
    assert found.low is not None
    assert found.high is not None
    assert 5 < found.low < 8 < found.high < 10
    few = burn_rate(kind, verdicts(20, 80), verdicts(3, 0), objective=0.9, min_n=50, level=0.95)
    assert few.finding == "unclear"  # three that pass may be chance
    calm = burn_rate(kind, verdicts(20, 80), verdicts(30, 0), objective=0.9, min_n=50, level=0.95)
    assert calm.finding == "within"
    assert burn_rate(kind, verdicts(20, 80), [], objective=0.9, min_n=50, level=0.95).finding == "unclear"
    assert burn_rate(kind, verdicts(0, 9), [], objective=0.9, min_n=50, level=0.95).finding == "no data"


@settings(deadline=None)
@given(st.integers(0, 80), st.integers(0, 80), st.sampled_from(["<", "<=", ">", ">="]), st.floats(0.01, 0.99))
def test_beyond_and_within_are_what_the_figure_says_too(passed: int, failed: int, operator: str, line: float) -> None:
    kind = Threshold("pass_rate", operator, line)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    found = threshold(kind, verdicts(passed, failed), min_n=2, level=0.95)
    if found.finding == "no data":
        assert passed + failed < 2
        return
    assert found.value is not None
    assert kind.holds(found.value) == (found.finding in {"beyond", "unclear"})


def test_a_window_ends_before_its_end() -> None:
    at = [replace(BASE, at_ns=second * 10**9) for second in range(10)]
    assert [each.at_ns // 10**9 for each in latest(at, now_ns=8 * 10**9, width_s=3)] == [5, 6, 7]
