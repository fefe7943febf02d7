"""Statistics: published numbers, oracles, and small samples."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.unit.evals.statistics.labels import column
from tracelm.evals.statistics import Interval, mean_interval


@pytest.mark.parametrize(
    ("model", "accuracy", "se"),
    [
        ("6b_finetuning", 0.21683, 0.01135),
        ("6b_verification", 0.39045, None),
        ("175b_finetuning", 0.34723, None),
        ("175b_verification", 0.56255, 0.013664),
    ],
)
def test_gsm8k_accuracies_have_their_published_errors(
    shared: Path, model: str, accuracy: float, se: float | None
) -> None:
    values = [int(each) for each in column(shared / "datasets" / "gsm8k_outcomes.csv", model)]
    found = mean_interval(values)
    assert found.n == 1319
    assert found.mean == pytest.approx(accuracy, abs=5e-6)
    assert found.se == pytest.approx(np.std(values, ddof=1) / math.sqrt(1319))
    if se is not None:
        assert found.se == pytest.approx(se, abs=5e-6)


def test_gsm8k_has_its_published_wilson_interval(shared: Path) -> None:
    values = [int(each) for each in column(shared / "datasets" / "gsm8k_outcomes.csv", "175b_verification")]
    found = mean_interval(values)
    oracle = stats.binomtest(sum(values), len(values)).proportion_ci(method="wilson")
    assert found.low == pytest.approx(0.53563, abs=5e-6)
    assert found.high == pytest.approx(0.58910, abs=5e-6)
    assert found.low == pytest.approx(oracle.low)
    assert found.high == pytest.approx(oracle.high)


def test_truthfulqa_has_its_published_clustered_error(shared: Path) -> None:
    path = shared / "datasets" / "truthfulqa_labels.csv"
    values = [int(each) for each in column(path, "truthful")]
    naive = mean_interval(values)
    clustered = mean_interval(values, cluster=column(path, "cluster"))
    assert clustered.n == 22434
    assert naive.mean == clustered.mean == pytest.approx(0.422751, abs=5e-7)
    assert naive.se == pytest.approx(0.0032982, abs=5e-8)
    assert clustered.se == pytest.approx(0.00484226, abs=5e-9)
    assert clustered.se is not None
    half = stats.t.ppf(0.975, 817 - 1) * clustered.se
    assert clustered.high == pytest.approx(clustered.mean + half)


def test_the_error_is_the_samples_and_not_the_populations() -> None:
    found = mean_interval([1, 2, 3, 4, 5])
    assert found.se == pytest.approx(0.7071, abs=1e-4)
    low, high = stats.t.interval(0.95, 4, loc=3, scale=stats.sem([1, 2, 3, 4, 5]))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_the_level_sets_the_width() -> None:
    values = [0.1, 0.5, 0.9, 0.4]
    low, high = stats.t.interval(0.8, 3, loc=np.mean(values), scale=stats.sem(values))
    found = mean_interval(values, level=0.8)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_a_single_value_has_a_mean_and_no_interval() -> None:
    assert mean_interval([1]) == Interval(1.0, None, None, None, 1)
    assert mean_interval([0.5, 0.7], cluster=["one", "one"]) == Interval(0.6, None, None, None, 2)


def test_a_proportion_at_its_end_is_not_certain() -> None:
    none, every = mean_interval([False] * 5), mean_interval([True] * 5)
    assert (none.mean, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.43448, abs=1e-5)
    assert (every.mean, every.high) == (1.0, 1.0)
    assert every.low == pytest.approx(0.56552, abs=1e-5)


def test_a_clustered_proportion_stays_between_0_and_1() -> None:
    found = mean_interval([1, 1, 1, 0, 0, 0], cluster=["a", "a", "a", "b", "b", "b"])
    assert (found.low, found.high) == (0.0, 1.0)


def test_numbers_at_the_ends_of_the_range_of_floats_still_have_an_error() -> None:
    assert mean_interval([1e200, 3e200]).se == pytest.approx(1e200)
    assert mean_interval([1e-200, 3e-200]).se == pytest.approx(1e-200)


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "no mean of no values"), ([1.0, float("nan")], "NaN or infinite"), ([float("inf")], "NaN or infinite")],
)
def test_there_is_no_mean_of_nothing_or_of_no_numbers(values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_interval(values)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="2 values but 1 cluster names"):
        mean_interval([1, 2], cluster=["a"])
    for level in (0, 1, 95, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            mean_interval([1, 2], level=level)
