"""Many tests at once: of twenty, one is below 0.05 by chance. Both functions make p-values larger for that.

Holm 1979 keeps the chance of even one false alarm below α; Benjamini and Hochberg 1995 keep the share of false alarms
among the findings below it.
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the given order.

    Raises:
        ValueError: One is no probability.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = _ascending(p_values)
    adjusted = [0.0] * len(order)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return Benjamini and Hochberg's adjusted p-values (also called q-values), in the given order.

    Raises:
        ValueError: One is no probability.

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03])
        [0.03, 0.04, 0.04]
    """
    order = _ascending(p_values)
    adjusted = [0.0] * len(order)
    smallest = 1.0
    for rank, index in reversed(list(enumerate(order, start=1))):
        smallest = min(smallest, len(order) * p_values[index] / rank)
        adjusted[index] = smallest
    return adjusted


def _ascending(p_values: Sequence[float]) -> list[int]:
    for each in p_values:
        if not 0 <= each <= 1:
            raise ValueError(f"{each!r} is no p-value: it must lie in 0..1")
    return sorted(range(len(p_values)), key=lambda index: p_values[index])
