"""Trials of a row: pass@k, reducers, and where the noise comes from."""

import itertools
import random

import pytest

from tracelm.evals.statistics import mean_interval, pass_at_k, pass_hat_k, reduce_trials, variance_parts


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"), [(10, 3, 5, 0.916667), (200, 13, 10, 0.497551), (200, 13, 100, 0.999919)]
)
def test_pass_at_k_is_as_published(n: int, c: int, k: int, expected: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("n", "c"), [(5, 0), (5, 2), (5, 5), (4, 3)])
def test_both_counts_are_the_shares_of_all_draws(n: int, c: int) -> None:
    trials = [True] * c + [False] * (n - c)
    for k in range(1, n + 1):
        draws = list(itertools.combinations(trials, k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
        assert pass_hat_k(n, c, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_pass_at_k_of_thousands_of_trials_does_not_overflow() -> None:
    assert pass_at_k(100_000, 1, 50_000) == pytest.approx(0.5)


def test_more_draws_than_trials_are_refused() -> None:
    for function in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match="cannot be told from 3 trials"):
            function(3, 1, 4)
    with pytest.raises(ValueError, match="4 of 3 trials"):
        pass_at_k(3, 4, 1)


@pytest.mark.parametrize(
    ("reducer", "expected"),
    [
        ("mean", 0.6),
        ("median", 1.0),
        ("max", 1.0),
        ("min", 0.0),
        ("majority", 1.0),
        ("at_least_3", 1.0),
        ("at_least_4", 0.0),
        ("pass@2", 0.9),
        ("pass^2", 0.3),
    ],
)
def test_five_trials_become_one_value(reducer: str, expected: float) -> None:
    assert reduce_trials([True, False, True, True, False], reducer) == pytest.approx(expected)


def test_half_of_the_trials_are_no_majority() -> None:
    assert reduce_trials([1, 0], "majority") == 0.0


def test_what_a_reducer_cannot_do_is_said() -> None:
    with pytest.raises(ValueError, match="no reducer is called 'best'"):
        reduce_trials([1], "best")
    with pytest.raises(ValueError, match="needs values of 0 and 1"):
        reduce_trials([0.5], "majority")
    with pytest.raises(ValueError, match="needs 3 trials of each row, and there are 2: trials=3"):
        reduce_trials([1, 0], "pass@3")


def test_the_parts_of_the_variance_are_found_again() -> None:
    random_ = random.Random(0)
    rates = [random_.random() for _ in range(4000)]
    found = variance_parts([[float(random_.random() < rate) for _ in range(4)] for rate in rates])
    assert found.between == pytest.approx(1 / 12, rel=0.06)
    assert found.within == pytest.approx(1 / 6, rel=0.03)
    assert found.trials == pytest.approx(4)


def test_the_parts_give_the_standard_error_of_the_rows() -> None:
    trials = [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    found = variance_parts(trials)
    values = [value for row in trials for value in row]
    names = [index for index, row in enumerate(trials) for _ in row]
    assert found.se == pytest.approx(mean_interval(values, cluster=names).se)


def test_the_advice_follows_the_noise() -> None:
    assert variance_parts([[1, 1], [0, 0], [1, 1], [0, 0]]).advice.startswith("more rows")
    assert variance_parts([[1, 0], [0, 1], [1, 0], [0, 1]]).advice.startswith("more trials help")
    assert variance_parts([[1, 1], [1, 1]]).advice == "neither: the values do not vary"


def test_without_repeats_there_is_nothing_to_take_apart() -> None:
    with pytest.raises(ValueError, match="trials=2"):
        variance_parts([[1], [0]])
