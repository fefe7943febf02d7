"""The true rate behind a judge that errs."""

from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tracelm.evals.statistics import Interval, corrected_rate, mean_interval

SURE = Interval(0.9, None, None, None, 100)


def draws(random: Random, n: int, rate: float) -> list[bool]:
    return [random.random() < rate for _ in range(n)]


@pytest.mark.parametrize(
    ("true", "se", "sp", "labels"), [(0.9, 0.95, 0.8, 60), (0.97, 0.9, 0.7, 40), (0.6, 0.8, 0.9, 99)]
)
def test_the_interval_holds_the_truth_as_often_as_it_says(true: float, se: float, sp: float, labels: int) -> None:
    random = Random(3)
    held = naive = 0
    for _ in range(600):
        judged = mean_interval([random.random() < (se if random.random() < true else 1 - sp) for _ in range(400)])
        sensitivity = mean_interval(draws(random, labels, se))
        specificity = mean_interval(draws(random, labels // 2, sp))
        found = corrected_rate(judged.mean, judged.n, sensitivity=sensitivity, specificity=specificity)
        assert found is not None
        held += (found.low or 0) <= true <= (found.high or 0)
        naive += (judged.low or 0) <= true <= (judged.high or 0)
    assert held >= 0.93 * 600
    assert naive < 0.6 * 600  # as it was judged, it would be wrong


def test_more_labels_make_it_surer_up_to_what_the_traffic_tells() -> None:
    widths: list[float] = []
    for labels in (20, 200, 2_000, 200_000):
        known = Interval(0.9, None, None, None, labels)
        found = corrected_rate(0.82, 1_000, sensitivity=known, specificity=known)
        assert found is not None
        assert found.mean == pytest.approx(0.9)
        widths.append((found.high or 0) - (found.low or 0))
    assert widths == sorted(widths, reverse=True)


def test_of_a_judge_that_is_no_better_than_chance_nothing_follows() -> None:
    half = Interval(0.5, None, None, None, 100)
    assert corrected_rate(0.5, 100, sensitivity=half, specificity=half) is None
    few = corrected_rate(0.5, 100, sensitivity=Interval(1.0, None, None, None, 1), specificity=SURE)
    assert few is not None
    assert (few.high or 0) - (few.low or 0) > 0.5


@settings(deadline=None)
@given(
    st.floats(0, 1), st.floats(1, 1e6), st.floats(0, 1), st.integers(1, 10_000), st.floats(0, 1), st.integers(1, 10_000)
)
def test_it_is_always_a_share_within_its_interval(
    rate: float, n: float, se: float, se_n: int, sp: float, sp_n: int
) -> None:
    known = Interval(se, None, None, None, se_n), Interval(sp, None, None, None, sp_n)
    found = corrected_rate(rate, n, sensitivity=known[0], specificity=known[1])
    if found is None:
        assert se + sp <= 1
        return
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.mean <= found.high <= 1


def test_what_is_no_rate_is_refused() -> None:
    for rate, n in ((1.1, 10.0), (0.5, 0.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            corrected_rate(rate, n, sensitivity=SURE, specificity=SURE)
