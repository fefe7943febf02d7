"""Tests that may be looked at after each value, for ever: what they promise holds over all these looks together.

The bets are those of Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting" (Journal
of the Royal Statistical Society B 86): capital that is bet on a mean being off grows only where it is off, and by
Ville's inequality (1939) it multiplies by 1 / α with a probability of at most α, whenever one looks. A value that was
sampled with probability p counts 1 / p, so that a bet is fair over the sampling too.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tracelm.evals.statistics.interval import check_level, finite

_BETS: Final = tuple(2.0**-power for power in range(1, 9))
"""Shares of the greatest bet that cannot lose more than all. The capital is spread over them evenly."""
_BLOCK: Final = 50
"""After so many values a change may have begun anew."""
_STEPS: Final = 40  # halvings of 0..1: finer than any figure is


@dataclass(frozen=True, slots=True)
class FallTest:
    """Has the mean of values from 0 to 1 fallen below a line, at a moment that nobody knows?

    At the beginning of each block of 50 values new capital is put on a fall from there on: 1 / (k (k + 1)) of all in
    the k-th block. All of it together is 1, so the expected number of alarms is at most `alpha` over the whole life as
    long as the mean of each value, given what came before, is at the line or above; also when the test is begun
    `again` after each of them. A fall is found late by only about the logarithm of the time before. Mixing over
    beginnings: Shin, Ramdas and Rinaldo 2024, "E-detectors" (New England Journal of Statistics in Data Science 2).

    Attributes:
        line: The mean under test, between 0 and 1.
        alpha: How likely a false alarm may be.
        seen: How many values there were.
        capital: What each size of bet holds.

    Example:
        >>> test = FallTest(line=0.9, alpha=0.01).after([1.0] * 1000)
        >>> test.is_alarm, test.after([1.0, 0.0] * 100).is_alarm
        (False, True)
    """

    line: float
    alpha: float
    seen: int = 0
    capital: tuple[float, ...] = (0.0,) * len(_BETS)

    def __post_init__(self) -> None:
        if not 0 < self.line < 1:
            raise ValueError(f"line={self.line!r} must lie between 0 and 1: nothing falls below 0")
        check_level(1 - self.alpha)

    @property
    def evidence(self) -> float:
        """How much capital there is, having begun with 1."""
        return math.fsum(self.capital) / len(_BETS)

    @property
    def is_alarm(self) -> bool:
        """Whether the mean has fallen."""
        return self.evidence >= 1 / self.alpha

    def after(self, values: Iterable[float], shares: Iterable[float] | None = None) -> "FallTest":
        """Return the test after further values; it stops at an alarm, and counts what is left of them.

        Args:
            values: From 0 to 1, in the order in which they came.
            shares: For each, its weight over the greatest possible weight: above 0, at most 1. Default: 1.

        Raises:
            ValueError: A value or a share is not in its range, or their numbers differ.
        """
        numbers, seen, capital = list(values), self.seen, list(self.capital)
        sizes = [1.0] * len(numbers) if shares is None else list(shares)
        limit = len(_BETS) / self.alpha
        for value, share in zip(numbers, sizes, strict=True):
            _check(value, share)
            if math.fsum(capital) < limit:
                if seen % _BLOCK == 0:
                    block = seen // _BLOCK + 1
                    capital = [each + 1 / (block * (block + 1)) for each in capital]
                odds = share * (self.line - value) / (1 - self.line)
                capital = [each * (1 + bet * odds) for each, bet in zip(capital, _BETS, strict=True)]
            seen += 1
        return replace(self, seen=seen, capital=tuple(capital))

    def again(self) -> "FallTest":
        """Return the test as it begins anew after an alarm: what was bet is gone, what is left to bet stays."""
        rest = -self.seen % _BLOCK  # the block that has begun has had its capital
        return replace(self, seen=self.seen + rest, capital=(0.0,) * len(_BETS))


def lowest_mean(values: Sequence[float], shares: Sequence[float] | None = None, *, alpha: float) -> float:
    """Return a number that the mean of values from 0 to 1 is above, but for a probability of at most `alpha`.

    It holds for any number of values and any distribution: it is no approximation for large numbers.

    Args:
        values: From 0 to 1.
        shares: For each, its weight over the greatest possible weight: above 0, at most 1. Default: 1.
        alpha: How likely the mean may be below.

    Raises:
        ValueError: No values, a value or a share that is not in its range, or lists of different length.

    Example:
        >>> round(lowest_mean([1.0] * 190 + [0.0] * 10, alpha=0.05), 3)
        0.887
    """
    numbers = finite(values)
    sizes = [1.0] * len(numbers) if shares is None else list(shares)
    check_level(1 - alpha)
    for value, share in zip(numbers, sizes, strict=True):
        _check(value, share)
    import numpy as np

    found, weight = np.array(numbers), np.array(sizes)
    bets = np.array(_BETS)[:, None] * weight
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        mean = (low + high) / 2
        gains = np.log1p(bets * (found - mean) / mean).sum(axis=1)
        if np.logaddexp.reduce(gains) >= math.log(len(_BETS) / alpha):
            low = mean
        else:
            high = mean
    return low


def _check(value: float, share: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"the value {value!r} does not lie between 0 and 1: scale it")
    if not 0 < share <= 1:
        raise ValueError(f"the share {share!r} is not above 0 and at most 1: it is a weight over the greatest one")
