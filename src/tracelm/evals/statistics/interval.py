"""A mean and how sure it is.

Formulas: Miller 2024, "Adding Error Bars to Evals" (arXiv 2411.00640); for proportions Wilson 1927.
"""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and how sure it is.

    Attributes:
        mean: The mean of the values.
        se: Its standard error; `None` where the values cannot tell (a single value or cluster).
        low: Lower end of the confidence interval; `None` where there is no standard error.
        high: Upper end of it.
        n: How many values there were.
    """

    mean: float
    se: float | None
    low: float | None
    high: float | None
    n: int


def mean_interval(
    values: Iterable[float], *, cluster: Iterable[Hashable] | None = None, level: float = 0.95
) -> Interval:
    """Return the mean with its standard error and confidence interval.

    The standard error is the sample's (n - 1), or, with `cluster`, the cluster-robust one with the factor
    C / (C - 1). The interval is Wilson's when all values are 0 or 1 and there are no clusters; otherwise
    Student's t with n - 1 (or C - 1) degrees of freedom, cut to 0..1 where all values are 0 or 1.

    Args:
        values: Finite numbers; bools count as 0 and 1.
        cluster: For each value, what it belongs to. Values of one cluster are not independent: repeated
            trials of a row, questions about one text.
        level: The confidence level, between 0 and 1.

    Raises:
        ValueError: No values, a value that is not finite, a `cluster` of another length, or an impossible
            `level`.

    Example:
        >>> found = mean_interval([1, 2, 3, 4, 5])
        >>> found.mean, round(found.se, 3)
        (3.0, 0.707)
    """
    numbers = finite(values)
    return _scaled(numbers, cluster, level, is_proportion=set(numbers) <= {0.0, 1.0})


def student_interval(
    values: Iterable[float], *, cluster: Iterable[Hashable] | None = None, level: float = 0.95
) -> Interval:
    """Do as `mean_interval`, for numbers that are no proportion even where all of them are 0 or 1: differences.

    Raises:
        ValueError: As `mean_interval`.
    """
    return _scaled(finite(values), cluster, level, is_proportion=False)


def _scaled(numbers: list[float], cluster: Iterable[Hashable] | None, level: float, *, is_proportion: bool) -> Interval:
    check_level(level)
    names = None if cluster is None else list(cluster)
    if names is not None and len(names) != len(numbers):
        raise ValueError(f"{len(numbers)} values but {len(names)} cluster names: give one for each value")
    exponent = math.frexp(max(map(abs, numbers)))[1]
    if abs(exponent) < 400:
        return _interval(numbers, names, level, is_proportion=is_proportion)
    # Squares of such numbers leave the range of a float; scaling by a power of two loses nothing.
    shrunk = [math.ldexp(each, 1 - exponent) for each in numbers]
    scaled = _interval(shrunk, names, level, is_proportion=False)
    mean, se, low, high = (
        None if each is None else each * math.ldexp(1.0, exponent - 1)
        for each in (scaled.mean, scaled.se, scaled.low, scaled.high)
    )
    return Interval(0.0 if mean is None else mean, se, low, high, scaled.n)


def check_level(level: float) -> None:
    """Refuse what is no confidence level.

    Raises:
        ValueError: It does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} must lie between 0 and 1, such as 0.95")


def finite(values: Iterable[float]) -> list[float]:
    """Return the values as floats.

    Raises:
        ValueError: There are none, or one is NaN or infinite.
    """
    numbers = [float(each) for each in values]
    if not numbers:
        raise ValueError("there is no mean of no values: pass at least one")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a value is NaN or infinite: leave out what was not scored, and count it apart")
    return numbers


def _interval(numbers: list[float], cluster: list[Hashable] | None, level: float, *, is_proportion: bool) -> Interval:
    n = len(numbers)
    mean = math.fsum(numbers) / n
    parts: dict[Hashable, list[float]] = {}
    for number, name in zip(numbers, range(n) if cluster is None else cluster, strict=True):
        parts.setdefault(name, []).append(number - mean)
    count = len(parts)
    if count == 1:
        return Interval(mean, None, None, None, n)
    # With one value a cluster this is the sample's standard error: sum of squares / (n (n - 1)).
    spread = math.fsum(math.fsum(part) ** 2 for part in parts.values())
    se = math.sqrt(spread * count / (count - 1)) / n
    if is_proportion and cluster is None:
        return Interval(mean, se, *wilson(mean, n, level), n)
    low, high = student(mean, se, count - 1, level)
    if is_proportion:
        low, high = max(0.0, low), min(1.0, high)
    return Interval(mean, se, low, high, n)


def student(mean: float, se: float, freedom: int, level: float) -> tuple[float, float]:
    """Return the ends of Student's t interval.

    Args:
        mean: The mean.
        se: Its standard error.
        freedom: Degrees of freedom, 1 or more.
        level: The confidence level.
    """
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, (1 + level) / 2)) * se
    return mean - half, mean + half


def wilson(p: float, n: float, level: float) -> tuple[float, float]:
    """Return the ends of Wilson's score interval.

    Args:
        p: The share of hits.
        n: Of how many; of a weighted sample, the effective number.
        level: The confidence level.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At p = 0 and p = 1 one bound is p itself; rounding must not put it on the other side.
    return min(p, max(0.0, (centre - half) / scale)), max(p, min(1.0, (centre + half) / scale))
