"""Do two judges mean the same? Agreement that chance alone would not give.

Cohen 1960 and 1968 (weighted), with the standard error of Fleiss, Cohen and Everitt 1969; Fleiss 1971; Krippendorff
2011, "Computing Krippendorff's Alpha-Reliability".

Agreement and kappa tell different things, and each misleads alone: where one label dominates, two judges who never
look agree often, and kappa is near 0.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Final, Literal, TypeAlias, TypeVar, cast

from tracelm.evals.statistics.interval import Interval, check_level

T = TypeVar("T", bound=Hashable)

Weights: TypeAlias = Literal["linear", "quadratic"]
Scale: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]

_SCALES: Final = ("nominal", "ordinal", "interval", "ratio")


def listed(values: Iterable[T]) -> list[T]:
    """Return values as a list of Python's own: numpy and pandas would give numbers of theirs."""
    tolist: Callable[[], list[T]] | None = getattr(values, "tolist", None)
    return list(values) if tolist is None else tolist()


def confusion(a: Iterable[T], b: Iterable[T]) -> Counter[tuple[T, T]]:
    """Count which label of the first meets which of the second.

    Args:
        a: One label a row.
        b: The other label of the same row.

    Raises:
        ValueError: No rows, or sides of different length.

    Example:
        >>> confusion(["yes", "no", "yes"], ["yes", "yes", "yes"])["no", "yes"]
        1
    """
    left, right = listed(a), listed(b)
    if len(left) != len(right):
        raise ValueError(f"{len(left)} labels on one side and {len(right)} on the other: give two of each row")
    if not left:
        raise ValueError("there is no agreement about no rows: pass at least one")
    return Counter(zip(left, right, strict=True))


def cohen_kappa(
    a: Iterable[Hashable],
    b: Iterable[Hashable],
    *,
    weights: Weights | None = None,
    labels: Sequence[Hashable] | None = None,
) -> float | None:
    """Return Cohen's kappa of two judges: 1 is full agreement, 0 what chance gives, below 0 less than that.

    Args:
        a: One label a row. `None` is a label like any other: a judgement that could not be read.
        b: The other label of the same row.
        weights: For labels that have an order: how much a miss by more than one step counts.
        labels: All labels in their order. Left out, numbers are sorted; other labels need it for `weights`.

    Returns:
        Kappa; `None` where both judges always say the same one thing, for then chance agrees fully too.

    Raises:
        ValueError: No rows, sides of different length, a label that `labels` lacks, or labels without an order.

    Example:
        >>> cohen_kappa([1, 1, 0, 0], [1, 1, 0, 1])
        0.5
    """
    one, other = listed(a), listed(b)
    cells, n = confusion(one, other), len(one)
    left, right = Counter(one), Counter(other)
    miss = _miss([*left, *right], weights, labels)
    observed = math.fsum(count * miss(x, y) for (x, y), count in cells.items()) / n
    expected = math.fsum(left[x] * right[y] * miss(x, y) for x in left for y in right) / n**2
    return 1 - observed / expected if expected else None


def kappa_interval(a: Iterable[Hashable], b: Iterable[Hashable], *, level: float = 0.95) -> Interval | None:
    """Return Cohen's kappa (unweighted) with its large-sample standard error and interval.

    Args:
        a: One label a row.
        b: The other label of the same row.
        level: The confidence level, between 0 and 1.

    Returns:
        Kappa as `mean`, its interval cut at 1; `None` where there is no kappa.

    Raises:
        ValueError: As `cohen_kappa`, or an impossible `level`.
    """
    check_level(level)
    one, other = listed(a), listed(b)
    kappa = cohen_kappa(one, other)
    if kappa is None:
        return None
    n = len(one)
    left = {label: count / n for label, count in Counter(one).items()}
    right = {label: count / n for label, count in Counter(other).items()}
    by_chance = math.fsum(share * right.get(label, 0.0) for label, share in left.items())
    agreeing, missing = [0.0], [0.0]
    for (x, y), count in confusion(one, other).items():
        if x == y:
            agreeing.append(count / n * (1 - (left[x] + right[x]) * (1 - kappa)) ** 2)
        else:
            missing.append(count / n * (right.get(x, 0.0) + left.get(y, 0.0)) ** 2)
    spread = math.fsum(agreeing) + (1 - kappa) ** 2 * math.fsum(missing) - (kappa - by_chance * (1 - kappa)) ** 2
    se = math.sqrt(max(0.0, spread) / n) / (1 - by_chance)
    half = NormalDist().inv_cdf((1 + level) / 2) * se
    return Interval(kappa, se, max(-1.0, kappa - half), min(1.0, kappa + half), n)


def fleiss_kappa(ratings: Iterable[Iterable[Hashable]]) -> float | None:
    """Return Fleiss' kappa of several judges who all judged every row.

    Args:
        ratings: For each judge, one label a row.

    Returns:
        Kappa; `None` where all always say the same one thing.

    Raises:
        ValueError: Fewer than two judges, no rows, or judges with different numbers of rows.

    Example:
        >>> round(fleiss_kappa([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]]), 4)
        0.6571
    """
    judgements = _checked(ratings)
    units = [Counter(unit) for unit in zip(*judgements, strict=True)]
    judges, n = len(judgements), len(units)
    pairs = judges * (judges - 1)
    observed = math.fsum(count * (count - 1) / pairs for unit in units for count in unit.values()) / n
    total = sum(units, Counter[Hashable]())
    expected = math.fsum((count / (n * judges)) ** 2 for count in total.values())
    return None if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(ratings: Iterable[Iterable[Hashable]], *, scale: Scale = "nominal") -> float | None:
    """Return Krippendorff's alpha of two or more judges; not every judge needs to have judged every row.

    Args:
        ratings: For each judge, one value a row; `None` or NaN where there is no judgement.
        scale: What the values are: labels (`nominal`), ranks (`ordinal`), numbers whose differences count
            (`interval`), or whose ratios count (`ratio`). All but labels must be numbers.

    Returns:
        Alpha: 1 is full agreement, 0 what chance gives. `None` where all judgements are the same, or no row has two.

    Raises:
        ValueError: Fewer than two judges, no rows, judges with different numbers of rows, an unknown scale, or values
            that are no numbers where the scale needs them.

    Example:
        >>> krippendorff_alpha([[1, 2, 3, None], [1, 2, 3, 3], [1, 2, 2, 3]])
        0.75
    """
    judgements = _checked(ratings)
    if scale not in _SCALES:
        raise ValueError(f"scale={scale!r} is none of {', '.join(_SCALES)}")
    units = [[value for value in unit if not _is_missing(value)] for unit in zip(*judgements, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    total: Counter[Hashable] = Counter(value for unit in units for value in unit)
    n = sum(total.values())
    if scale != "nominal" and not all(isinstance(value, int | float) for value in total):
        raise ValueError(f"the scale {scale!r} needs numbers")
    far = _distance(scale, total)
    observed = math.fsum(
        count * other_count * far(x, y) / (len(unit) - 1)
        for unit in units
        for (x, count), (y, other_count) in _pairs(Counter(unit))
    )
    expected = math.fsum(count * other * far(x, y) for (x, count), (y, other) in _pairs(total))
    return 1 - (n - 1) * observed / expected if expected else None


def _miss(
    seen: Sequence[Hashable], weights: Weights | None, labels: Sequence[Hashable] | None
) -> Callable[[Hashable, Hashable], float]:
    unknown = [] if labels is None else [label for label in seen if label not in labels]
    if unknown:
        raise ValueError(f"the label {unknown[0]!r} does not stand in labels={list(labels or ())!r}")
    if weights is None:
        return lambda x, y: float(x != y)
    if weights not in {"linear", "quadratic"}:
        raise ValueError(f"weights={weights!r} is neither 'linear' nor 'quadratic'")
    if labels is None and not all(isinstance(label, int | float) for label in seen):
        raise ValueError("labels that are no numbers have no order of their own: give labels=['low', 'high']")
    order = sorted(cast("set[float]", set(seen))) if labels is None else labels
    place: Mapping[Hashable, int] = {label: index for index, label in enumerate(order)}
    power = 1 if weights == "linear" else 2
    return lambda x, y: float(abs(place[x] - place[y]) ** power)


def _checked(ratings: Iterable[Iterable[Hashable]]) -> list[list[Hashable]]:
    found = [listed(each) for each in ratings]
    if len(found) < 2:
        raise ValueError("agreement needs two judges or more: one list of labels for each")
    if len({len(each) for each in found}) > 1:
        raise ValueError("every judge needs one entry for each row: None where there is no judgement")
    if not found[0]:
        raise ValueError("there is no agreement about no rows: pass at least one")
    return found


def _is_missing(value: Hashable) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _pairs(counts: Counter[Hashable]) -> list[tuple[tuple[Hashable, int], tuple[Hashable, int]]]:
    items = list(counts.items())
    return [(one, other) for one in items for other in items]


def _distance(scale: Scale, total: Counter[Hashable]) -> Callable[[Hashable, Hashable], float]:
    if scale == "nominal":
        return lambda x, y: float(x != y)
    numbers = cast("Counter[float]", total)
    order = sorted(numbers)
    place = {value: index for index, value in enumerate(order)}
    # How many judgements lie at or below each value: what lies between two ranks is their distance.
    up_to: list[float] = []
    for value in order:
        up_to.append((up_to[-1] if up_to else 0.0) + numbers[value])

    def ordinal(x: float, y: float) -> float:
        low, high = sorted((x, y))
        between = up_to[place[high]] - up_to[place[low]] + numbers[low]
        return (between - (numbers[low] + numbers[high]) / 2) ** 2

    def interval(x: float, y: float) -> float:
        return (x - y) ** 2

    def ratio(x: float, y: float) -> float:
        return ((x - y) / (x + y)) ** 2 if x + y else 0.0

    chosen = {"ordinal": ordinal, "interval": interval, "ratio": ratio}[scale]
    return lambda x, y: chosen(cast("float", x), cast("float", y))
