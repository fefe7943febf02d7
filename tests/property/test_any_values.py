"""Means and intervals, for any values."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tracelm.evals.statistics import Interval, mean_interval

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TAME = st.floats(-1e6, 1e6).map(lambda each: round(each, 3))


def ordered(found: Interval) -> bool:
    assert found.se is not None
    assert found.low is not None
    assert found.high is not None
    return found.se >= 0 and found.low <= found.mean <= found.high


@given(st.lists(NUMBERS, min_size=2))
def test_no_values_give_a_nan_and_the_mean_lies_in_its_interval(values: list[float]) -> None:
    found = mean_interval(values)
    assert not any(math.isnan(each) for each in (found.mean, found.se or 0.0, found.low or 0.0, found.high or 0.0))
    assert ordered(found)


@given(st.lists(TAME, min_size=2), st.floats(0.5, 0.999))
def test_numbers_agree_with_scipy(values: list[float], level: float) -> None:
    assume(not set(values) <= {0.0, 1.0})
    assume(len(set(values)) > 1)
    found = mean_interval(values, level=level)
    low, high = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    scale = max(map(abs, values))
    assert found.se == pytest.approx(stats.sem(values), rel=1e-6, abs=1e-12 * scale)
    assert found.low == pytest.approx(low, rel=1e-6, abs=1e-9 * scale)
    assert found.high == pytest.approx(high, rel=1e-6, abs=1e-9 * scale)


@given(st.integers(2, 500), st.data())
def test_proportions_agree_with_scipy(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    found = mean_interval([True] * hits + [False] * (n - hits))
    oracle = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert found.low == pytest.approx(oracle.low, abs=1e-9)
    assert found.high == pytest.approx(oracle.high, abs=1e-9)
    assert ordered(found)


@given(st.lists(TAME, min_size=2))
def test_clusters_of_one_value_are_no_clusters(values: list[float]) -> None:
    assume(not set(values) <= {0.0, 1.0})
    assert mean_interval(values, cluster=range(len(values))) == mean_interval(values)


@given(st.lists(st.tuples(TAME, st.integers(0, 5)), min_size=2))
def test_clustered_errors_follow_the_published_formula(pairs: list[tuple[float, int]]) -> None:
    values = np.array([value for value, _ in pairs])
    names = np.array([name for _, name in pairs])
    count = len(set(names.tolist()))
    assume(count > 1)
    found = mean_interval(values.tolist(), cluster=names.tolist())
    sums = [(values[names == name] - values.mean()).sum() for name in set(names.tolist())]
    oracle = math.sqrt(sum(each**2 for each in sums)) / len(values) * math.sqrt(count / (count - 1))
    assert found.se == pytest.approx(oracle, rel=1e-6, abs=1e-9 * max(1.0, float(np.abs(values).max())))


@given(st.lists(st.integers(0, 5), min_size=2), st.integers(2, 4))
def test_copies_of_a_row_add_no_certainty_when_clustered(values: list[int], copies: int) -> None:
    assume(not set(values) <= {0, 1})
    repeated = [value for value in values for _ in range(copies)]
    rows = [row for row in range(len(values)) for _ in range(copies)]
    assert mean_interval(repeated, cluster=rows).se == pytest.approx(mean_interval(values).se, abs=1e-12)
