"""Several trials of each row: what varies between the rows, what within them, and one value out of many.

Formulas: Miller 2024 (arXiv 2411.00640), Var(mean) = Var(x)/n + E[σ²]/(nK); pass@k: Chen et al. 2021 (arXiv
2107.03374); pass^k: Yao et al. 2024, τ-bench (arXiv 2406.12045).
"""

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tracelm.evals.statistics.interval import finite

REDUCERS: Final = ("mean", "median", "majority", "max", "min", "at_least_K", "pass@K", "pass^K")
"""What `reduce_trials` knows; K is a whole number."""

_WITH_K: Final = re.compile(r"(at_least_|pass@|pass\^)([1-9][0-9]{0,5})\Z")


@dataclass(frozen=True, slots=True)
class VarianceParts:
    """Where the uncertainty of a mean over rows and trials comes from.

    Attributes:
        rows: How many rows there are.
        trials: Trials a row: the harmonic mean, where rows differ.
        between: Variance of the rows' true values.
        within: Variance of the trials of one row, averaged.
        se: The standard error that these two give.
        se_without_within: What it would be with endless trials of the same rows.
        advice: More rows or more trials? A sentence.
    """

    rows: int
    trials: float
    between: float
    within: float
    se: float
    se_without_within: float
    advice: str


def variance_parts(trials: Iterable[Sequence[float]]) -> VarianceParts:
    """Take apart what varies between rows and what varies from trial to trial.

    Args:
        trials: For each row, the values of its trials.

    Raises:
        ValueError: Fewer than two rows, a row without a value, no row with two, or a value that is not finite.

    Example:
        >>> found = variance_parts([[1, 1], [0, 1], [0, 0], [1, 1]])
        >>> round(found.between, 4), found.within
        (0.1667, 0.125)
        >>> found.advice
        'more rows: endless trials of these would only take the standard error from 0.239 to 0.204'
    """
    rows = [finite(each) for each in trials]
    repeated = [row for row in rows if len(row) > 1]
    if len(rows) < 2 or not repeated:
        raise ValueError("this needs two rows or more, and two trials of at least one of them: trials=2")
    n = len(rows)
    freedom = sum(len(row) - 1 for row in repeated)
    within = math.fsum(statistics.variance(row) * (len(row) - 1) for row in repeated) / freedom
    share = math.fsum(1 / len(row) for row in rows) / n
    means = [math.fsum(row) / len(row) for row in rows]
    observed = statistics.variance(means)
    # What the trials leave in the rows' means is not the rows' own; an estimate below 0 is 0.
    between = max(0.0, observed - within * share)
    se, floor = math.sqrt((between + within * share) / n), math.sqrt(between / n)
    return VarianceParts(n, 1 / share, between, within, se, floor, _advice(between, within * share, se, floor))


def _advice(between: float, noise: float, se: float, floor: float) -> str:
    if not between + noise:
        return "neither: the values do not vary"
    if noise > between:
        return (
            f"more trials help: most of the noise lies within the rows (standard error {se:.3g}, at best {floor:.3g} "
            "with endless trials); more rows help as much for the same number of calls"
        )
    return f"more rows: endless trials of these would only take the standard error from {se:.3g} to {floor:.3g}"


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that at least one of `k` trials is right, without bias: 1 - C(n-c, k) / C(n, k).

    Args:
        n: Trials that were made.
        c: How many of them were right.
        k: How many may be tried.

    Raises:
        ValueError: `k` above `n` (it cannot be told from so few trials), or counts that cannot be.

    Example:
        >>> round(pass_at_k(10, 3, 5), 6)
        0.916667
    """
    _check_counts(n, c, k)
    ways = math.comb(n, k)
    return (ways - math.comb(n - c, k)) / ways


def pass_hat_k(n: int, c: int, k: int) -> float:
    """Return the chance that all of `k` trials are right, without bias: C(c, k) / C(n, k).

    Args:
        n: Trials that were made.
        c: How many of them were right.
        k: How many have to be right.

    Raises:
        ValueError: As `pass_at_k`.

    Example:
        >>> round(pass_hat_k(10, 8, 2), 4)
        0.6222
    """
    _check_counts(n, c, k)
    return math.comb(c, k) / math.comb(n, k)


def reduce_trials(values: Iterable[float], reducer: str) -> float:
    """Make one value of the trials of one row.

    Args:
        values: The values of the trials; bools count as 0 and 1.
        reducer: `mean`, `median`, `max`, `min`; for values of 0 and 1 also `majority` (more than half are 1),
            `at_least_K`, `pass@K` and `pass^K`.

    Raises:
        ValueError: No values, an unknown reducer, other values than 0 and 1 where it needs those, or fewer trials
            than K.

    Example:
        >>> reduce_trials([1, 0, 1], "majority"), reduce_trials([1, 0, 1], "at_least_3")
        (1.0, 0.0)
    """
    numbers = finite(values)
    match reducer:
        case "mean":
            return math.fsum(numbers) / len(numbers)
        case "median":
            return statistics.median(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case _:
            return _counted(numbers, reducer)


def _counted(numbers: Sequence[float], reducer: str) -> float:
    found = _WITH_K.match(reducer)
    if found is None and reducer != "majority":
        raise ValueError(f"no reducer is called {reducer!r}: there are {', '.join(REDUCERS)}")
    if not set(numbers) <= {0.0, 1.0}:
        raise ValueError(f"{reducer!r} is about right and wrong: it needs values of 0 and 1")
    n, right = len(numbers), sum(map(int, numbers))
    if found is None:
        return float(2 * right > n)
    k = int(found[2])
    if k > n:
        raise ValueError(f"{reducer!r} needs {k} trials of each row, and there are {n}: trials={k}")
    match found[1]:
        case "at_least_":
            return float(right >= k)
        case "pass@":
            return pass_at_k(n, right, k)
        case _:
            return pass_hat_k(n, right, k)


def _check_counts(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n:
        raise ValueError(f"{c} of {n} trials cannot have been right")
    if k < 1 or k > n:
        raise ValueError(f"k={k} cannot be told from {n} trials: it must lie in 1..{n}")
