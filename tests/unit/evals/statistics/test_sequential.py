"""Tests that may be looked at after each value."""

from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tracelm.evals.statistics import FallTest, lowest_mean

VALUES = st.lists(st.floats(0, 1), max_size=300)


def draws(random: Random, n: int, passing: float) -> list[float]:
    return [float(random.random() < passing) for _ in range(n)]


def test_false_alarms_stay_below_alpha_over_a_whole_life_with_a_look_after_each_value() -> None:
    alarms = 0
    for seed in range(300):
        test = FallTest(line=0.95, alpha=0.1).after(draws(Random(seed), 3_000, 0.95))
        alarms += test.is_alarm
    assert alarms <= 300 * 0.1 + 2 * (300 * 0.1 * 0.9) ** 0.5
    assert alarms > 0  # it is no test that never says anything


def test_a_fall_is_found_soon_after_a_long_good_time() -> None:
    for seed in range(20):
        test = FallTest(line=0.95, alpha=0.01).after(draws(Random(seed), 5_000, 0.97))
        assert not test.is_alarm
        assert test.after(draws(Random(seed + 1), 400, 0.8)).is_alarm


def test_sampled_values_count_as_many_as_they_stand_for() -> None:
    """Failing calls are all judged, the others by a tenth: of the sample a third fails, of the traffic a twentieth."""
    alarms = 0
    for seed in range(100):
        random = Random(seed)
        values: list[float] = []
        shares: list[float] = []
        for value in draws(random, 5_000, 0.95):
            if value == 0 or random.random() < 0.1:
                values.append(value)
                shares.append(1.0 if value else 0.1)
        alarms += FallTest(line=0.95, alpha=0.1).after(values, shares).is_alarm
        assert lowest_mean(values, shares, alpha=1e-4) < 0.95
    assert alarms <= 100 * 0.1 + 2 * (100 * 0.1 * 0.9) ** 0.5


@settings(deadline=None)
@given(VALUES, st.integers(0, 300))
def test_it_does_not_matter_in_how_many_pieces_values_come(values: list[float], at: int) -> None:
    test = FallTest(line=0.5, alpha=0.05)
    whole, parts = test.after(values), test.after(values[:at]).after(values[at:])
    assert (whole.seen, whole.capital) == (parts.seen, parts.capital)


@settings(deadline=None)
@given(VALUES)
def test_values_that_could_not_be_better_are_never_an_alarm(values: list[float]) -> None:
    best = FallTest(line=0.999, alpha=0.2).after([1.0] * len(values))
    assert not best.is_alarm
    assert best.evidence <= 1


def test_after_an_alarm_it_begins_anew_and_bets_less() -> None:
    alarmed = FallTest(line=0.9, alpha=0.01).after([0.0] * 75)
    assert alarmed.is_alarm
    again = alarmed.again()
    assert (again.evidence, again.is_alarm, again.seen) == (0.0, False, 100)
    assert again.after([0.0]).evidence < FallTest(line=0.9, alpha=0.01).after([0.0]).evidence


def test_the_lowest_mean_is_below_the_mean_as_often_as_it_says() -> None:
    missed = sum(lowest_mean(draws(Random(seed), 200, 0.9), alpha=0.1) > 0.9 for seed in range(300))
    assert missed <= 300 * 0.1
    assert lowest_mean(draws(Random(1), 5_000, 0.9), alpha=0.1) > 0.87


def test_what_is_no_share_is_refused() -> None:
    for line in (0.0, 1.0):
        with pytest.raises(ValueError, match="must lie between 0 and 1"):
            FallTest(line=line, alpha=0.05)
    with pytest.raises(ValueError, match="scale it"):
        FallTest(line=0.5, alpha=0.05).after([2.0])
    with pytest.raises(ValueError, match="a weight over the greatest one"):
        lowest_mean([1.0], [2.0], alpha=0.05)
    with pytest.raises(ValueError, match="no mean of no values"):
        lowest_mean([], alpha=0.05)
