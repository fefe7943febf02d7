"""Quantiles with an interval that assumes nothing about the shape of the values.

Conover, "Practical Nonparametric Statistics", 1999, section 3.2: between two of the ordered values, which the binomial
distribution chooses.
"""

import math
from collections.abc import Iterable

from tracelm.evals.statistics.interval import Interval, check_level, finite


def quantile_interval(values: Iterable[float], q: float, *, level: float = 0.95) -> Interval:
    """Return a quantile with its distribution-free confidence interval.

    Args:
        values: Finite numbers.
        q: Which quantile, between 0 and 1: 0.9 is the value that nine of ten stay below.
        level: The confidence level, between 0 and 1.

    Returns:
        The quantile (between two values linearly, as numpy does) as `mean`, without a standard error. An end is `None`
        where there are too few values to bound it.

    Raises:
        ValueError: No values, one that is not finite, or an impossible `q` or `level`.

    Example:
        >>> found = quantile_interval(range(1, 101), 0.5)
        >>> found.mean, found.low, found.high
        (50.5, 40.0, 61.0)
    """
    numbers = sorted(finite(values))
    check_level(level)
    if not 0 < q < 1:
        raise ValueError(f"q={q!r} must lie between 0 and 1, such as 0.9")
    n = len(numbers)
    place = q * (n - 1)
    below = math.floor(place)
    above = min(below + 1, n - 1)
    figure = numbers[below] + (numbers[above] - numbers[below]) * (place - below)
    from scipy.special import bdtr

    tail = (1 - level) / 2
    # So many values lie below the quantile at most (with probability `tail`), and so many at least.
    chances = [float(bdtr(float(count), n, q)) for count in range(n)]
    few = sum(chance <= tail for chance in chances)
    many = next((count for count, chance in enumerate(chances) if chance >= 1 - tail), n)
    low = numbers[few - 1] if few else None
    high = numbers[many] if many < n else None
    return Interval(figure, None, low, high, n)
