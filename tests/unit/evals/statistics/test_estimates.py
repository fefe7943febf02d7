"""The true rate from few labels, the bootstrap, and quantiles."""

import random
from collections.abc import Sequence
from statistics import median

import pytest

from tracelm.evals.statistics import Interval, bootstrap_interval, mean_interval, ppi_mean, quantile_interval


def test_a_good_judge_makes_few_labels_worth_more() -> None:
    random_ = random.Random(1)
    truth = [float(random_.random() < 0.7) for _ in range(2000)]
    judged = [label if random_.random() < 0.9 else 1 - label for label in truth]
    alone = mean_interval(truth[:100])
    found = ppi_mean(truth[:100], judged[:100], judged[100:])
    assert found.se is not None
    assert alone.se is not None
    assert found.se < 0.75 * alone.se
    assert found.low is not None
    assert found.low < 0.7 < (found.high or 0)


PPI_PYTHON: dict[str, tuple[list[float], list[float], list[float], tuple[float, float, float]]] = {
    # Inputs, then what ppi-python 0.2.3 gave for them: the estimate and its 95 % interval. The package is not installed
    # here, because it brings a top-level package `tests` along, which hides ours.
    "bits": (
        [float(i * 7 % 10 < 6) for i in range(50)],
        [float(i * 7 % 10 < 5 or i % 9 == 0) for i in range(50)],
        [float(i * 3 % 11 < 6) for i in range(400)],
        (0.5901224294595887, 0.49492488056379924, 0.6853199783553782),
    ),
    "numbers": (
        [i * 37 % 101 / 100 for i in range(80)],
        [(i * 37 % 101) / 100 * 0.8 + (i * 13 % 17) / 50 for i in range(80)],
        [(i * 53 % 101) / 100 * 0.9 + 0.05 for i in range(600)],
        (0.44529616020665513, 0.41328619557357027, 0.47730612483974),
    ),
    "a judge who does not look": (
        [i * 37 % 101 / 100 for i in range(40)],
        [(i * 59 % 97) / 96 for i in range(40)],
        [(i * 61 % 89) / 88 for i in range(300)],
        (0.4986953705185655, 0.40734912281143665, 0.5900416182256943),
    ),
}


@pytest.mark.parametrize("name", PPI_PYTHON)
def test_the_estimate_is_that_of_ppi_python(name: str) -> None:
    labels, judged, unlabelled, (mean, low, high) = PPI_PYTHON[name]
    found = ppi_mean(labels, judged, unlabelled)
    assert found.mean == pytest.approx(mean, abs=1e-12)
    # Ours is wider by Student's t and by n / (n - 1): 4 % for 40 labels.
    assert found.low is not None
    assert found.high is not None
    assert found.low < low < high < found.high
    assert found.high - found.low == pytest.approx(high - low, rel=0.05)


def test_a_useless_judge_changes_nothing() -> None:
    labels = [1, 0, 1, 1, 0, 1]
    found = ppi_mean(labels, [1, 1, 1, 1, 1, 1], [1] * 50)
    assert found.mean == pytest.approx(4 / 6)
    assert found.se == pytest.approx(mean_interval(labels).se)


def test_a_judge_who_is_always_off_is_corrected() -> None:
    random_ = random.Random(2)
    truth = [float(random_.random() < 0.5) for _ in range(4000)]
    judged = [max(label, float(random_.random() < 0.4)) for label in truth]
    assert sum(judged) / 4000 > 0.65
    found = ppi_mean(truth[:400], judged[:400], judged[400:])
    assert found.low is not None
    assert found.low < 0.5 < (found.high or 0) < 0.6


def test_what_the_estimate_needs_is_said() -> None:
    with pytest.raises(ValueError, match="2 labels but 1 verdicts"):
        ppi_mean([1, 0], [1], [1])
    with pytest.raises(ValueError, match="give two or more"):
        ppi_mean([1], [1], [1])
    with pytest.raises(ValueError, match="no mean of no values"):
        ppi_mean([1, 0], [1, 0], [])


def test_the_bootstrap_gives_the_same_interval_each_time() -> None:
    random_ = random.Random(3)
    values = [random_.random() for _ in range(40)]
    one = bootstrap_interval(values, median)
    assert one == bootstrap_interval(values, median)
    assert one != bootstrap_interval(values, median, seed=1)


def test_the_bootstrap_of_a_mean_is_near_its_formula() -> None:
    random_ = random.Random(4)
    values = [random_.gauss(10, 2) for _ in range(200)]
    found, formula = bootstrap_interval(values, lambda drawn: sum(drawn) / len(drawn)), mean_interval(values)
    assert found.se == pytest.approx(formula.se, rel=0.1)
    assert found.low == pytest.approx(formula.low, abs=0.05)
    assert found.high == pytest.approx(formula.high, abs=0.05)


def test_the_bootstrap_draws_whole_clusters() -> None:
    values = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0] * 4
    names = [index // 4 for index in range(32)]

    def mean(drawn: Sequence[float]) -> float:
        return sum(drawn) / len(drawn)

    clustered, naive = bootstrap_interval(values, mean, cluster=names), bootstrap_interval(values, mean)
    assert clustered.se is not None
    assert naive.se is not None
    assert clustered.se > 1.7 * naive.se


def test_where_nothing_varies_the_bootstrap_claims_nothing() -> None:
    assert bootstrap_interval([2.0] * 9, median) == Interval(2.0, None, None, None, 9)
    assert bootstrap_interval([2.0], median) == Interval(2.0, None, None, None, 1)
    with pytest.raises(ValueError, match="too few for an interval"):
        bootstrap_interval([1.0, 2.0], median, resamples=10)


def test_a_high_quantile_of_few_values_has_no_upper_end() -> None:
    found = quantile_interval([0.1 * each for each in range(1, 11)], 0.9)
    assert found.mean == pytest.approx(0.91)
    assert found.low is not None
    assert found.high is None


def test_the_interval_of_a_quantile_covers_as_often_as_it_says() -> None:
    random_ = random.Random(5)
    hits = 0
    for _ in range(1000):
        found = quantile_interval([random_.expovariate(1) for _ in range(60)], 0.5)
        hits += (found.low or 0) <= 0.693147 <= (found.high or 9)
    assert 940 <= hits <= 985
