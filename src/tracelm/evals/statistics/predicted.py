"""The true rate from many verdicts of a judge and few labels of people (PPI++).

Angelopoulos, Duchi and Zrnic 2023, "PPI++: Efficient Prediction-Powered Inference" (arXiv 2311.01453).
"""

import math
import statistics
from collections.abc import Iterable

from tracelm.evals.statistics.interval import Interval, check_level, finite, student


def ppi_mean(
    labels: Iterable[float], judged: Iterable[float], judged_unlabelled: Iterable[float], *, level: float = 0.95
) -> Interval:
    """Return the mean that people would give, from their few labels and a judge's many verdicts.

    The judge's mean over the unlabelled rows is corrected by how far it was off on the labelled ones. A weight λ
    between 0 and 1, chosen so that the variance is smallest, says how much the judge is trusted: a useless judge gets
    0, and the result is the mean of the labels alone. The variances are the sample's, and the interval is Student's t
    with n - 1 degrees of freedom, n being the labels: a little wider than the published one, which is for large n.

    Args:
        labels: What people said, a number or bool for each labelled row.
        judged: What the judge said of the same rows.
        judged_unlabelled: What the judge said of rows without a label.
        level: The confidence level, between 0 and 1.

    Returns:
        The mean with its interval; `n` counts the labels.

    Raises:
        ValueError: Fewer than two labels, no unlabelled rows, sides of different length, a value that is not finite, or
            an impossible `level`.

    Example:
        >>> found = ppi_mean([1, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 1, 0, 1, 1, 1])
        >>> round(found.mean, 3), found.n
        (0.836, 4)
    """
    truth, seen, unseen = finite(labels), finite(judged), finite(judged_unlabelled)
    check_level(level)
    if len(truth) != len(seen):
        raise ValueError(f"{len(truth)} labels but {len(seen)} verdicts on the same rows: give pairs")
    n, count = len(truth), len(unseen)
    if n < 2:
        raise ValueError("one label says nothing about how far the judge is off: give two or more")
    weight = _weight(truth, seen, unseen)
    corrections = [label - weight * verdict for label, verdict in zip(truth, seen, strict=True)]
    mean = weight * math.fsum(unseen) / count + math.fsum(corrections) / n
    spread = statistics.variance(corrections) / n
    if count > 1:
        spread += weight**2 * statistics.variance(unseen) / count
    se = math.sqrt(spread)
    low, high = student(mean, se, n - 1, level)
    if {*truth, *seen, *unseen} <= {0.0, 1.0}:
        mean = min(1.0, max(0.0, mean))
        low, high = min(mean, max(0.0, low)), max(mean, min(1.0, high))
    return Interval(mean, se, low, high, n)


def _weight(truth: list[float], seen: list[float], unseen: list[float]) -> float:
    n = len(truth)
    spread = statistics.variance([*seen, *unseen])
    if not spread:
        return 0.0
    middle, judge_middle = math.fsum(truth) / n, math.fsum(seen) / n
    shared = math.fsum((t - middle) * (f - judge_middle) for t, f in zip(truth, seen, strict=True)) / n
    return min(1.0, max(0.0, shared / ((1 + n / len(unseen)) * spread)))
