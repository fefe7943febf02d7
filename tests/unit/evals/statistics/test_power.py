"""Sample sizes and what they can see: Miller's worked numbers."""

import math

import pytest

from tracelm.evals.statistics import minimal_detectable_effect, power_of, sample_size


def test_miller_needs_969_rows_for_three_points() -> None:
    assert sample_size(0.03, variance=1 / 9, alpha=0.05, power=0.8) == 969


@pytest.mark.parametrize(("trials", "effect"), [(1, 0.132), (10, 0.075)])
def test_millers_198_rows_see_what_is_published(trials: int, effect: float) -> None:
    found = minimal_detectable_effect(
        198, variance=1 / 9, within_a=1 / 6, within_b=1 / 6, trials_a=trials, trials_b=trials
    )
    assert found == pytest.approx(effect, abs=0.001)
    exact = {1: 0.1327, 10: 0.0757}
    assert found == pytest.approx(exact[trials], abs=5e-5)


@pytest.mark.parametrize(("trials", "cut"), [(2, 1 / 3), (4, 1 / 2), (6, 5 / 9), (10**9, 2 / 3)])
def test_trials_cut_the_variance_as_published(trials: int, cut: float) -> None:
    # x uniform on 0..1, answers right with probability x: Var(x) = 1/12 and E[x(1 - x)] = 1/6.
    once = minimal_detectable_effect(100, variance=1 / 12, within_a=1 / 6)
    often = minimal_detectable_effect(100, variance=1 / 12, within_a=1 / 6, trials_a=trials)
    assert 1 - (often / once) ** 2 == pytest.approx(cut, abs=1e-8)


def test_the_size_for_an_effect_can_see_it_and_one_row_fewer_cannot() -> None:
    n = sample_size(0.07, variance=0.2, within_a=0.1, within_b=0.05, trials_a=2, trials_b=3, power=0.9)
    sees = {
        rows: minimal_detectable_effect(
            rows, variance=0.2, within_a=0.1, within_b=0.05, trials_a=2, trials_b=3, power=0.9
        )
        for rows in (n - 1, n)
    }
    assert sees[n] <= 0.07 < sees[n - 1]


def test_power_is_what_was_asked_for_at_the_smallest_effect() -> None:
    effect = minimal_detectable_effect(200, variance=0.3)
    assert power_of(effect, se=math.sqrt(0.3 / 200)) == pytest.approx(0.8, abs=1e-4)
    assert power_of(0.0, se=1.0) == pytest.approx(0.05)


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="smallest difference that matters"):
        sample_size(0.0, variance=0.1)
    with pytest.raises(ValueError, match="cannot be negative"):
        sample_size(0.1, variance=-0.1)
    with pytest.raises(ValueError, match="at least once"):
        sample_size(0.1, variance=0.1, trials_b=0)
    with pytest.raises(ValueError, match="alpha=1 must lie"):
        sample_size(0.1, variance=0.1, alpha=1)
    with pytest.raises(ValueError, match="at least one row"):
        minimal_detectable_effect(0, variance=0.1)
    with pytest.raises(ValueError, match="above 0"):
        power_of(0.1, se=0.0)
