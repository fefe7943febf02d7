"""Statistics against their oracles, for any values."""

import math
from typing import Any, Literal

import krippendorff
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar as oracle_mcnemar
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as oracle_fleiss
from statsmodels.stats.multitest import multipletests

from tracelm.evals.statistics import (
    benjamini_hochberg,
    cohen_kappa,
    fleiss_kappa,
    holm,
    kappa_interval,
    krippendorff_alpha,
    mcnemar,
    mean_interval,
    paired_difference,
    paired_proportions,
    ppi_mean,
    quantile_interval,
    wilcoxon,
)

TAME = st.floats(-1e3, 1e3).map(lambda each: round(each, 2))
BITS = st.integers(0, 1)
PAIRS = st.lists(st.tuples(TAME, TAME), min_size=3, max_size=40)
BIT_PAIRS = st.lists(st.tuples(BITS, BITS), min_size=1, max_size=60)
LABEL_PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)
QUICK = settings(deadline=None, max_examples=60)


def split(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


@QUICK
@given(PAIRS)
def test_paired_differences_agree_with_scipy(pairs: list[tuple[float, float]]) -> None:
    a, b = split(pairs)
    assume(np.std(np.subtract(a, b)) > 1e-3)
    found, oracle = paired_difference(a, b), stats.ttest_rel(a, b).confidence_interval()
    assert found.low == pytest.approx(oracle.low, rel=1e-6, abs=1e-6)
    assert found.high == pytest.approx(oracle.high, rel=1e-6, abs=1e-6)


@QUICK
@given(st.lists(st.tuples(TAME, st.integers(0, 6)), min_size=4, max_size=40))
def test_clustered_errors_agree_with_statsmodels(pairs: list[tuple[float, int]]) -> None:
    values, names = split(pairs)
    assume(len(set(names)) > 1)
    assume(np.std(values) > 1e-3)
    groups = np.unique(names, return_inverse=True)[1]
    fit = sm.OLS(np.asarray(values, dtype=np.float64), np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}
    )
    n, count = len(values), len(set(names))
    # statsmodels has the factor (n - 1) / (n - k) besides; with one column k = 1, so it is 1.
    assert n > 1
    assert count > 1
    assert mean_interval(values, cluster=names).se == pytest.approx(float(fit.bse[0]), rel=1e-6, abs=1e-6)


@QUICK
@given(BIT_PAIRS)
def test_mcnemar_agrees_with_statsmodels(pairs: list[tuple[int, int]]) -> None:
    a, b = split(pairs)
    found = mcnemar(a, b)
    table = [[found.both, found.only_a], [found.only_b, found.neither]]
    assert sum(map(sum, table)) == len(pairs)
    assert found.p_value == pytest.approx(float(oracle_mcnemar(table, exact=True).pvalue))
    if abs(found.only_a - found.only_b) >= 1:
        oracle = oracle_mcnemar(table, exact=False, correction=True)
        assert found.chi2 == pytest.approx(oracle.statistic)
        assert found.chi2_p_value == pytest.approx(oracle.pvalue)


@QUICK
@given(PAIRS)
def test_wilcoxon_agrees_with_scipy(pairs: list[tuple[float, float]]) -> None:
    a, b = split(pairs)
    assume(any(x != y for x, y in pairs))
    assert wilcoxon(a, b) == pytest.approx(float(stats.wilcoxon([x - y for x, y in pairs if x != y]).pvalue))


@QUICK
@given(BIT_PAIRS)
def test_the_interval_of_paired_proportions_holds_the_difference_and_turns_with_the_sides(
    pairs: list[tuple[int, int]],
) -> None:
    a, b = split(pairs)
    found, turned = paired_proportions(a, b), paired_proportions(b, a)
    assert found.low is not None
    assert found.high is not None
    assert turned.low is not None
    assert turned.high is not None
    assert -1 <= found.low <= found.mean <= found.high <= 1
    assert found.low < found.high
    assert turned.low == pytest.approx(-found.high, abs=1e-9)
    assert turned.high == pytest.approx(-found.low, abs=1e-9)


@QUICK
@given(LABEL_PAIRS, st.sampled_from([None, "linear", "quadratic"]))
def test_kappa_agrees_with_scikit_learn(
    pairs: list[tuple[int, int]], weights: Literal["linear", "quadratic"] | None
) -> None:
    a, b = split(pairs)
    found = cohen_kappa(a, b, weights=weights)
    assume(found is not None)
    if weights is not None:  # scikit-learn counts the steps between the labels that occur, as we do
        assume(len({*a, *b}) > 1)
    assert found == pytest.approx(cohen_kappa_score(a, b, weights=weights), abs=1e-9)


@QUICK
@given(LABEL_PAIRS)
def test_the_error_of_kappa_agrees_with_statsmodels(pairs: list[tuple[int, int]]) -> None:
    a, b = split(pairs)
    found = kappa_interval(a, b)
    assume(found is not None)
    assert found is not None
    table = np.zeros((4, 4), dtype=np.int64)
    for x, y in pairs:
        table[x, y] += 1
    oracle = cohens_kappa(table)
    assert found.mean == pytest.approx(oracle.kappa, abs=1e-9)
    expected = float(oracle.std_kappa)
    # Where the variance is 0, rounding may leave statsmodels the root of a negative number.
    assert found.se == pytest.approx(0.0 if math.isnan(expected) else expected, abs=1e-7)


@QUICK
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=2, max_size=30))
def test_fleiss_agrees_with_statsmodels(units: list[tuple[int, int, int]]) -> None:
    assume(len({value for unit in units for value in unit}) > 1)
    oracle = oracle_fleiss(aggregate_raters(units)[0])
    assert fleiss_kappa([list(judge) for judge in zip(*units, strict=True)]) == pytest.approx(oracle, abs=1e-9)


@QUICK
@given(
    st.lists(st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=3, max_size=3), min_size=2, max_size=20),
    st.sampled_from(["nominal", "ordinal", "interval", "ratio"]),
)
def test_alpha_agrees_with_the_package_krippendorff(
    units: list[list[int | None]], scale: Literal["nominal", "ordinal", "interval", "ratio"]
) -> None:
    ratings = [list(judge) for judge in zip(*units, strict=True)]
    found = krippendorff_alpha(ratings, scale=scale)
    assume(found is not None)
    data = [[math.nan if each is None else float(each) for each in judge] for judge in ratings]
    assert found == pytest.approx(krippendorff.alpha(reliability_data=data, level_of_measurement=scale), abs=1e-9)


@QUICK
@given(st.lists(st.tuples(TAME, TAME), min_size=3, max_size=40), st.lists(TAME, min_size=2, max_size=80))
def test_the_predicted_mean_follows_the_published_formula(
    pairs: list[tuple[float, float]], unlabelled: list[float]
) -> None:
    truth, judged = (np.asarray(side, dtype=np.float64) for side in split(pairs))
    unseen = np.asarray(unlabelled, dtype=np.float64)
    spread = float(np.concatenate([judged, unseen]).var(ddof=1))
    assume(spread > 1e-3)
    n, count = len(truth), len(unseen)
    shared = float(np.cov(truth, judged, ddof=0)[0, 1])
    weight = min(1.0, max(0.0, shared / ((1 + n / count) * spread)))
    found = ppi_mean(truth.tolist(), judged.tolist(), unlabelled)
    mean = weight * unseen.mean() + (truth - weight * judged).mean()
    variance = weight**2 * unseen.var(ddof=1) / count + (truth - weight * judged).var(ddof=1) / n
    if not {*truth.tolist(), *judged.tolist(), *unlabelled} <= {0.0, 1.0}:
        assert found.mean == pytest.approx(float(mean), abs=1e-6)
    assert found.se == pytest.approx(math.sqrt(variance), rel=1e-6, abs=1e-6)


@QUICK
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_agree_with_statsmodels_and_scipy(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values).tolist())


@QUICK
@given(st.lists(TAME, min_size=1, max_size=60), st.floats(0.05, 0.95))
def test_quantiles_agree_with_numpy_and_lie_in_their_interval(values: list[float], q: float) -> None:
    found = quantile_interval(values, q)
    assert found.mean == pytest.approx(float(np.quantile(values, q)), abs=1e-9)
    assert found.low is None or found.low <= found.mean + 1e-9
    assert found.high is None or found.high >= found.mean - 1e-9
