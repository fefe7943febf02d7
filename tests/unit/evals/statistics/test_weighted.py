"""Means of values that were sampled with different probabilities."""

import random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tracelm.evals.statistics import Interval, mean_interval, weighted_interval

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)
WEIGHT = st.floats(1, 1000)


@settings(deadline=None)  # scipy is imported by the first
@given(VALUES, WEIGHT)
def test_equal_weights_weigh_nothing(values: list[float], weight: float) -> None:
    assert weighted_interval(values, [weight] * len(values)) == mean_interval(values)


@settings(deadline=None)
@given(st.data(), VALUES, st.integers(-20, 20))
def test_only_the_ratio_of_the_weights_counts(data: st.DataObject, values: list[float], power: int) -> None:
    weights = data.draw(st.lists(WEIGHT, min_size=len(values), max_size=len(values)))
    found = weighted_interval(values, weights)
    assert weighted_interval(values, [each * 2.0**power for each in weights]) == found
    assert min(values) <= found.mean <= max(values)


@settings(deadline=None)
@given(st.data(), st.lists(st.booleans(), min_size=2, max_size=40))
def test_a_share_has_an_interval_around_it_within_0_and_1(data: st.DataObject, values: list[bool]) -> None:
    weights = data.draw(st.lists(WEIGHT, min_size=len(values), max_size=len(values)))
    found = weighted_interval(values, weights)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.mean <= found.high <= 1
    # A weighted sample tells no more than a simple one of its size: all that pass, say, leave as much open.
    simple = mean_interval([True] * len(values))
    if all(values):
        assert found.low <= (simple.low or 0) + 1e-12


def test_the_standard_error_is_that_of_the_linearised_ratio() -> None:
    # By hand: mean (1·1 + 2·2 + 3·3) / 6 = 7/3; Σ (w (v - mean))² = 16/9 + 4/9 + 36/9 = 56/9; · 3/2 / 36.
    found = weighted_interval([1, 2, 3], [1, 2, 3])
    assert found.mean == pytest.approx(7 / 3)
    assert found.n == 3
    assert found.se == pytest.approx((56 / 9 * 3 / 2 / 36) ** 0.5)


def test_values_of_one_trace_count_as_one() -> None:
    twice = weighted_interval([1, 1, 0, 0, 1, 1], [1, 1, 2, 2, 3, 3], cluster="aabbcc")
    once = weighted_interval([1, 0, 1], [1, 2, 3])
    assert (twice.mean, twice.se, twice.low, twice.high) == pytest.approx((once.mean, once.se, once.low, once.high))
    assert weighted_interval([1, 0], [1, 3], cluster="aa") == Interval(0.25, None, None, None, 2)


def test_nine_of_ten_and_more_intervals_hold_the_truth() -> None:
    # Errors are all looked at, the rest by a tenth; 6 % fail, most of them with an error.
    held = 0
    for seed in range(400):
        rng = random.Random(seed)
        passed: list[bool] = []
        weights: list[float] = []
        truth = total = 0
        for _ in range(2000):
            is_error = rng.random() < 0.05
            passes = rng.random() < (0.1 if is_error else 0.985)
            truth, total = truth + passes, total + 1
            if rng.random() < (1 if is_error else 0.1):
                passed.append(passes)
                weights.append(1 if is_error else 10)
        found = weighted_interval(passed, weights)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth / total <= found.high
    assert held >= 0.93 * 400


def test_numbers_whose_squares_are_none_have_an_interval_too() -> None:
    large = weighted_interval([1e300, 2e300, 3e300], [1, 2, 3])
    small = weighted_interval([1, 2, 3], [1, 2, 3])
    assert large.se == pytest.approx((small.se or 0) * 1e300)


@pytest.mark.parametrize(
    ("values", "weights", "options", "said"),
    [
        ([], [], {}, "no values"),
        ([1], [1, 2], {}, "give one for each"),
        ([1, 2], [1, 0], {}, "not above 0"),
        ([1, 2], [1, float("inf")], {}, "infinite"),
        ([1, 2], [1, 2], {"cluster": "a"}, "give one for each"),
        ([1, 2], [1, 2], {"level": 1}, "between 0 and 1"),
    ],
)
def test_what_has_no_mean_is_refused(
    values: list[float], weights: list[float], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        weighted_interval(values, weights, **options)
