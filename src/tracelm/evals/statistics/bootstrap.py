"""An interval for any figure, by drawing the same rows again and again.

Efron 1987, "Better Bootstrap Confidence Intervals" (BCa), as scipy computes it; always with a seed, so that the same
values give the same interval.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from tracelm.evals.statistics.interval import Interval, check_level, finite

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def bootstrap_interval(
    values: Iterable[float],
    metric: Callable[[Sequence[float]], float],
    *,
    cluster: Iterable[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return a figure with its bootstrap standard error and BCa interval.

    Args:
        values: What the figure is of.
        metric: Computes the figure from a list of values: a median, a share above a limit, an F1.
        cluster: For each value, what it belongs to; whole clusters are drawn then.
        level: The confidence level, between 0 and 1.
        resamples: How often the rows are drawn anew.
        seed: Where the drawing starts; the same seed gives the same interval.

    Returns:
        The figure as `mean`; `se`, `low` and `high` are `None` where the drawings do not vary.

    Raises:
        ValueError: No values, one that is not finite, a `cluster` of another length, or an impossible number.

    Example:
        >>> from statistics import median
        >>> found = bootstrap_interval([3, 5, 6, 8, 13, 20], median)
        >>> found.mean, found.low < 7 < found.high
        (7.0, True)
    """
    numbers = finite(values)
    check_level(level)
    if resamples < 100:
        raise ValueError(f"resamples={resamples} are too few for an interval: give 100 or more")
    names: list[Hashable] = list(range(len(numbers))) if cluster is None else list(cluster)
    if len(names) != len(numbers):
        raise ValueError(f"{len(numbers)} values but {len(names)} cluster names: give one for each value")
    parts: dict[Hashable, list[float]] = {}
    for name, number in zip(names, numbers, strict=True):
        parts.setdefault(name, []).append(number)
    groups = list(parts.values())
    figure = float(metric(numbers))
    if len(groups) < 2:
        return Interval(figure, None, None, None, len(numbers))
    return _bca(groups, metric, figure, len(numbers), level, resamples, seed)


def _bca(
    groups: list[list[float]],
    metric: Callable[[Sequence[float]], float],
    figure: float,
    n: int,
    level: float,
    resamples: int,
    seed: int,
) -> Interval:
    import warnings

    import numpy as np
    from scipy import stats

    def of_drawn(drawn: "NDArray[np.float64]") -> float:
        return float(metric([number for index in drawn.tolist() for number in groups[int(index)]]))

    with warnings.catch_warnings():
        # scipy warns where nothing varies; the result says so as well.
        warnings.simplefilter("ignore")
        found = stats.bootstrap(
            (np.arange(len(groups), dtype=np.float64),),
            of_drawn,
            vectorized=False,
            confidence_level=level,
            n_resamples=resamples,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
    se, (low, high) = float(found.standard_error), map(float, found.confidence_interval)
    if not (se > 0 and np.isfinite(low) and np.isfinite(high)):
        return Interval(figure, None, None, None, n)
    return Interval(figure, se, low, high, n)
