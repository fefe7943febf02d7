"""A mean of values that were sampled with different probabilities, and how sure it is.

The estimator is Hájek's: each value counts 1 / the probability with which it was sampled, over the sum of these. Its
standard error is that of the linearised ratio (Särndal, Swensson and Wretman 1992, "Model Assisted Survey Sampling",
5.5). For shares: Wilson's interval at the effective sample size (Korn and Graubard 1998; Kish 1965 where all are
equal).
"""

import math
from collections.abc import Hashable, Iterable
from statistics import NormalDist

from tracelm.evals.statistics.interval import Interval, check_level, finite, mean_interval, student, wilson


def weighted_interval(
    values: Iterable[float],
    weights: Iterable[float],
    *,
    cluster: Iterable[Hashable] | None = None,
    level: float = 0.95,
) -> Interval:
    """Return the weighted mean with its standard error and confidence interval.

    With equal weights it is `mean_interval`.

    Args:
        values: Finite numbers; bools count as 0 and 1.
        weights: For each value, 1 / the probability with which it was sampled; above 0.
        cluster: For each value, what it belongs to; values of one cluster are not independent, say of one trace.
        level: The confidence level, between 0 and 1.

    Raises:
        ValueError: No values, one that is not finite, a weight that is not above 0, lists of different lengths, or an
            impossible `level`.

    Example:
        >>> found = weighted_interval([True, True, False, False], [10, 10, 1, 1])
        >>> round(found.mean, 3), found.n
        (0.909, 4)
    """
    numbers, counts = finite(values), finite(weights)
    check_level(level)
    if len(numbers) != len(counts):
        raise ValueError(f"{len(numbers)} values but {len(counts)} weights: give one for each value")
    if min(counts) <= 0:
        raise ValueError(f"the weight {min(counts):g} is not above 0: it is 1 / a probability")
    names = list[Hashable](range(len(numbers))) if cluster is None else list(cluster)
    if len(names) != len(numbers):
        raise ValueError(f"{len(numbers)} values but {len(names)} cluster names: give one for each value")
    is_clustered = len(set(names)) < len(names)
    if min(counts) == max(counts):
        return mean_interval(numbers, cluster=names if is_clustered else None, level=level)
    exponent = math.frexp(max(counts))[1]  # scaling by a power of two loses nothing
    shares = [math.ldexp(each, -exponent) for each in counts]
    large = math.frexp(max(map(abs, numbers)))[1]
    if abs(large) < 400:
        return _interval(numbers, shares, names, level)
    # Squares of such numbers leave the range of a float.
    found = _interval([math.ldexp(each, 1 - large) for each in numbers], shares, names, level)
    mean, se, low, high = (
        None if each is None else each * math.ldexp(1.0, large - 1)
        for each in (found.mean, found.se, found.low, found.high)
    )
    return Interval(0.0 if mean is None else mean, se, low, high, found.n)


def _interval(numbers: list[float], weights: list[float], names: list[Hashable], level: float) -> Interval:
    total = math.fsum(weights)
    mean = math.fsum(weight * number for weight, number in zip(weights, numbers, strict=True)) / total
    mean = min(max(mean, min(numbers)), max(numbers))  # rounding must not put it outside
    parts: dict[Hashable, list[float]] = {}
    for weight, number, name in zip(weights, numbers, names, strict=True):
        parts.setdefault(name, []).append(weight * (number - mean))
    count, n = len(parts), len(numbers)
    if count == 1:
        return Interval(mean, None, None, None, n)
    spread = math.fsum(math.fsum(part) ** 2 for part in parts.values())
    se = math.sqrt(spread * count / (count - 1)) / total
    if not set(numbers) <= {0.0, 1.0}:
        return Interval(mean, se, *student(mean, se, count - 1, level), n)
    return Interval(mean, se, *wilson(mean, _effective(mean, se, weights, count, level), level), n)


def _effective(p: float, se: float, weights: list[float], count: int, level: float) -> float:
    """Return how many values of a simple random sample would tell as much of a share; never more than there are."""
    if se == 0 or not 0 < p < 1:
        kish = math.fsum(weights) ** 2 / math.fsum(each * each for each in weights)
        return min(kish, float(count))
    low, high = student(0.0, 1.0, count - 1, level)
    z = NormalDist().inv_cdf((1 + level) / 2)
    return min(p * (1 - p) / se**2 * (2 * z / (high - low)) ** 2, float(count))
