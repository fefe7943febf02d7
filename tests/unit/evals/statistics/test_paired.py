"""Paired figures: published numbers, and the small samples where the usual formulas claim to be certain."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.unit.evals.statistics.labels import gsm8k
from tracelm.evals.statistics import (
    effect_size,
    mcnemar,
    mean_interval,
    paired_difference,
    paired_proportions,
    wilcoxon,
)


def test_gsm8k_has_its_published_paired_difference(shared: Path) -> None:
    a, b = gsm8k(shared, "6b_verification"), gsm8k(shared, "175b_finetuning")
    found = paired_difference(a, b)
    assert found.mean == pytest.approx(0.043215, abs=5e-7)
    assert found.se == pytest.approx(0.014361, abs=5e-7)
    assert found.se is not None
    # Published with the normal distribution; Student's t is wider by 3 of 100,000.
    assert found.mean - 1.959964 * found.se == pytest.approx(0.01507, abs=5e-6)
    assert found.mean + 1.959964 * found.se == pytest.approx(0.07136, abs=5e-6)
    assert found.low == pytest.approx(0.01507, abs=4e-5)
    assert found.high == pytest.approx(0.07136, abs=4e-5)


def test_gsm8k_pairs_are_correlated_as_published_and_pairing_helps(shared: Path) -> None:
    a, b = gsm8k(shared, "6b_verification"), gsm8k(shared, "175b_finetuning")
    se_a, se_b = mean_interval(a).se, mean_interval(b).se
    assert se_a is not None
    assert se_b is not None
    rho = float(np.corrcoef(a, b)[0, 1])
    assert rho == pytest.approx(0.41513, abs=5e-6)
    assert math.hypot(se_a, se_b) == pytest.approx(0.018776, abs=5e-7)
    by_formula = math.sqrt(se_a**2 + se_b**2 - 2 * rho * se_a * se_b)
    assert paired_difference(a, b).se == pytest.approx(by_formula)


def test_gsm8k_has_its_published_mcnemar_test(shared: Path) -> None:
    found = mcnemar(gsm8k(shared, "6b_verification"), gsm8k(shared, "175b_finetuning"))
    assert (found.both, found.only_a, found.only_b, found.neither) == (306, 209, 152, 652)
    assert found.p_value == pytest.approx(0.0031507, abs=5e-8)
    assert found.chi2_p_value == pytest.approx(0.0032049, abs=5e-8)


def test_millers_example_like_math_has_its_published_interval() -> None:
    # 5,000 questions, 65.5 % against 63.0 %, correlation .5: a table of that shape has these four counts.
    p_a, p_b, n = 0.655, 0.630, 5000
    shared_part = 0.5 * math.sqrt(p_a * (1 - p_a) * p_b * (1 - p_b))
    both = round(n * (p_a * p_b + shared_part))
    only_a, only_b = round(n * p_a) - both, round(n * p_b) - both
    a = [1] * both + [1] * only_a + [0] * only_b + [0] * (n - both - only_a - only_b)
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * (n - both - only_a - only_b)
    found = paired_difference(a, b)
    assert found.se == pytest.approx(0.00678, abs=5e-6)
    assert found.low == pytest.approx(0.012, abs=5e-4)
    assert found.high == pytest.approx(0.038, abs=5e-4)
    se_a, se_b = mean_interval(a).se, mean_interval(b).se
    assert math.hypot(se_a or 0, se_b or 0) == pytest.approx(0.00958, abs=5e-6)


def test_a_difference_of_0_and_1_is_no_proportion() -> None:
    # All differences are 0 or 1, but they could have been -1: Wilson's interval would be wrong.
    found = paired_difference([1, 1, 0, 0], [0, 1, 0, 0])
    low, high = stats.t.interval(0.95, 3, loc=0.25, scale=0.25)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_differences_are_clustered_where_pairs_belong_together() -> None:
    found = paired_difference([3, 4, 1, 1], [1, 1, 1, 2], cluster=["x", "x", "y", "y"])
    # Mean 1; the clusters' sums of what is off from it: 3 and -3; 2 / (2 - 1) clusters.
    assert found.se == pytest.approx(math.sqrt(18 * 2) / 4)


def test_few_pairs_that_never_differ_are_not_certain_to_be_equal() -> None:
    naive, honest = paired_difference([1] * 10, [1] * 10), paired_proportions([1] * 10, [1] * 10)
    assert (naive.low, naive.high) == (0.0, 0.0)
    assert honest.low is not None
    assert honest.high is not None
    assert honest.high == pytest.approx(-honest.low)
    # z² / (n + z²): with ten pairs, more than a quarter of all pairs may still differ.
    assert honest.high == pytest.approx(1.959964**2 / (10 + 1.959964**2), abs=1e-6)


def test_the_ends_of_tangos_interval_solve_his_equation() -> None:
    # b - c - n d = z sqrt(n (2 q + d (1 - d))), where q is the fitted share of pairs that differ the other way.
    a = [1] * 43 + [1]
    b = [1] * 43 + [0]
    found = paired_proportions(a, b)
    assert found.mean == pytest.approx(1 / 44)
    for bound, z in ((found.low, 1.959964), (found.high, -1.959964)):
        assert bound is not None
        linear = -1 + (2 * 44 - 1) * bound
        q = (math.sqrt(linear**2) - linear) / (4 * 44)
        assert (1 - 44 * bound) / math.sqrt(44 * (2 * q + bound * (1 - bound))) == pytest.approx(z, rel=1e-5)


def test_no_pair_that_differs_is_no_evidence() -> None:
    assert mcnemar([1, 0], [1, 0]).p_value == 1.0
    assert wilcoxon([0.5, 0.7], [0.5, 0.7]) is None
    assert effect_size(paired_difference([1, 2], [0, 1])) is None


def test_the_effect_is_in_standard_deviations_of_the_differences() -> None:
    a, b = [5.0, 7.0, 6.0, 9.0], [4.0, 5.0, 6.0, 6.0]
    d = np.subtract(a, b)
    assert effect_size(paired_difference(a, b)) == pytest.approx(float(d.mean() / d.std(ddof=1)))


def test_wrong_pairs_are_named() -> None:
    with pytest.raises(ValueError, match="3 values on one side and 2 on the other"):
        paired_difference([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"0\.5 is neither 0 nor 1"):
        mcnemar([0.5], [1])
    with pytest.raises(ValueError, match="no mean of no values"):
        paired_proportions([], [])
