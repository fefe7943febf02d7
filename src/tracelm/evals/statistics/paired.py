"""Two columns of values that belong together pair by pair: how far apart they are, and whether that is chance.

Formulas: Miller 2024 (arXiv 2411.00640) for the paired difference; McNemar 1947 in its exact form; Tango 1998,
"Equivalence test and confidence interval for the difference in proportions for the paired-sample design", for few
pairs of 0 and 1.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from tracelm.evals.statistics.interval import Interval, check_level, finite, student_interval


@dataclass(frozen=True, slots=True)
class McNemar:
    """What became of pairs of right and wrong.

    Attributes:
        both: Pairs in which both are right.
        only_a: Pairs in which only the first is right.
        only_b: Pairs in which only the second is right.
        neither: Pairs in which none is right.
        p_value: Of the exact test, two-sided: could a fair coin have split the pairs that differ like this?
        chi2: The statistic with continuity correction; 0 where no pair differs.
        chi2_p_value: Its p-value: what other programs print; trust it from about 25 differing pairs on.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    p_value: float
    chi2: float
    chi2_p_value: float


def paired_difference(
    a: Iterable[float], b: Iterable[float], *, cluster: Iterable[Hashable] | None = None, level: float = 0.95
) -> Interval:
    """Return the mean of `a - b`, pair by pair, with its standard error and confidence interval.

    What makes a question hard makes it hard for both: pairing takes that part of the noise out. The interval is
    Student's t, clustered where `cluster` says which pairs belong together.

    Args:
        a: One number a pair.
        b: The other number of the same pair.
        cluster: For each pair, what it belongs to.
        level: The confidence level, between 0 and 1.

    Raises:
        ValueError: No pairs, sides of different length, a value that is not finite, or an impossible `level`.

    Example:
        >>> found = paired_difference([1, 1, 0, 1], [0, 1, 0, 0])
        >>> found.mean, round(found.se, 3)
        (0.5, 0.289)
    """
    left, right = pairs_of(a, b)
    return student_interval((x - y for x, y in zip(left, right, strict=True)), cluster=cluster, level=level)


def paired_proportions(a: Iterable[float], b: Iterable[float], *, level: float = 0.95) -> Interval:
    """Return the difference of two proportions over the same rows, with Tango's score interval.

    It stays honest for few pairs, and where no pair differs: the interval is never a single point.

    Args:
        a: 0 or 1 for each row.
        b: 0 or 1 for the same rows.
        level: The confidence level, between 0 and 1.

    Raises:
        ValueError: As `paired_difference`, or a value that is neither 0 nor 1.

    Example:
        >>> found = paired_proportions([1, 1, 1], [0, 0, 0])
        >>> found.mean, round(found.low, 3), found.high
        (1.0, -0.123, 1.0)
    """
    check_level(level)
    table = _table(a, b)
    _, only_a, only_b, _ = table
    n = sum(table)
    mean = (only_a - only_b) / n
    z = NormalDist().inv_cdf((1 + level) / 2)
    se = math.sqrt(max(0.0, only_a + only_b - n * mean * mean) / (n * (n - 1))) if n > 1 else None

    def score(difference: float) -> float:
        return _tango(only_a, only_b, n, difference)

    low = _falls_to(score, z, -1.0, mean)
    high = _falls_to(score, -z, mean, 1.0)
    return Interval(mean, se, low, high, n)


def mcnemar(a: Iterable[float], b: Iterable[float]) -> McNemar:
    """Test whether two columns of right (1) and wrong (0) over the same rows differ by more than chance.

    Args:
        a: 0 or 1 for each row; bools count.
        b: 0 or 1 for the same rows.

    Raises:
        ValueError: No pairs, sides of different length, or a value that is neither 0 nor 1.

    Example:
        >>> found = mcnemar([1, 1, 1, 0], [0, 0, 1, 0])
        >>> found.only_a, found.only_b, found.p_value
        (2, 0, 0.5)
    """
    both, only_a, only_b, neither = _table(a, b)
    differ = only_a + only_b
    if not differ:
        return McNemar(both, only_a, only_b, neither, 1.0, 0.0, 1.0)
    from scipy.special import bdtr, chdtrc

    exact = min(1.0, 2 * float(bdtr(float(min(only_a, only_b)), differ, 0.5)))
    chi2 = max(0.0, abs(only_a - only_b) - 1) ** 2 / differ
    return McNemar(both, only_a, only_b, neither, exact, chi2, float(chdtrc(1, chi2)))


def paired_t(difference: Interval, *, freedom: int) -> float | None:
    """Return the two-sided p-value of a paired difference under Student's t.

    Args:
        difference: From `paired_difference`.
        freedom: Pairs, or clusters, less one.

    Returns:
        The p-value; `None` where there is no standard error, or where all differences are the same.
    """
    if not difference.se or freedom < 1:
        return None
    from scipy.special import stdtr

    return min(1.0, 2 * float(stdtr(freedom, -abs(difference.mean / difference.se))))


def wilcoxon(a: Iterable[float], b: Iterable[float]) -> float | None:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; pairs without a difference are left out.

    Returns:
        The p-value; `None` where no pair differs.

    Raises:
        ValueError: As `paired_difference`.
    """
    left, right = pairs_of(a, b)
    differences = [x - y for x, y in zip(left, right, strict=True) if x != y]
    if not differences:
        return None
    from scipy import stats

    return float(stats.wilcoxon(differences).pvalue)


def effect_size(difference: Interval) -> float | None:
    """Return Cohen's d of paired values: the mean difference in standard deviations of the differences.

    Args:
        difference: From `paired_difference`, without clusters.

    Returns:
        The effect size; `None` where the differences do not vary.
    """
    return difference.mean / (difference.se * math.sqrt(difference.n)) if difference.se else None


def pairs_of(a: Iterable[float], b: Iterable[float]) -> tuple[list[float], list[float]]:
    """Return both sides as finite floats.

    Raises:
        ValueError: They have different lengths, there are none, or a value is not finite.
    """
    left, right = list(a), list(b)
    if len(left) != len(right):
        raise ValueError(f"{len(left)} values on one side and {len(right)} on the other: give pairs of the same rows")
    return finite(left), finite(right)


def _table(a: Iterable[float], b: Iterable[float]) -> tuple[int, int, int, int]:
    left, right = pairs_of(a, b)
    for value in (*left, *right):
        if value not in {0.0, 1.0}:
            raise ValueError(f"{value:g} is neither 0 nor 1: this test is about right and wrong")
    pairs: Sequence[tuple[float, float]] = list(zip(left, right, strict=True))
    return pairs.count((1, 1)), pairs.count((1, 0)), pairs.count((0, 1)), pairs.count((0, 0))


def _tango(only_a: int, only_b: int, n: int, difference: float) -> float:
    """Return the score statistic of `difference`, with the share of the pairs that differ fitted to it."""
    linear = -only_a - only_b + (2 * n - only_a + only_b) * difference
    constant = -only_b * difference * (1 - difference)
    fitted = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * fitted + difference * (1 - difference))
    off = only_a - only_b - n * difference
    if variance <= 0:
        return 0.0 if off == 0 else math.copysign(math.inf, off)
    return off / math.sqrt(variance)


def _falls_to(score: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Return where `score`, which falls from `low` to `high`, reaches `target`; an end where it never does."""
    for _ in range(60):
        middle = (low + high) / 2
        if score(middle) > target:
            low = middle
        else:
            high = middle
    # The end that lies outside: 1.0 where the score never falls so far.
    return high if target < 0 else low
