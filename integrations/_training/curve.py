"""What a training logs, as a curve that stays small however long it trains."""

from collections.abc import Iterator, Mapping
from typing import Final

from tracelm.frozen import frozen

MOST: Final = 200
"""So many points a curve has at most, and its last one."""


@frozen
class Point:
    """What was logged at a step.

    Attributes:
        step: Of the optimizer, from 0.
        time_ns: Nanoseconds since 1970, UTC.
        metrics: Numbers by their names.
    """

    step: int
    time_ns: int
    metrics: Mapping[str, float]


class Curve:
    """Keeps the first and the last point, and every n-th in between; n doubles each time that it is full.

    Args:
        most: How many points it has at most, the last one left aside; an even number.

    Example:
        >>> curve = Curve(most=4)
        >>> for step in range(100):
        ...     curve.add(Point(step=step, time_ns=step, metrics={"loss": 1 / (step + 1)}))
        >>> [point.step for point in curve]
        [0, 32, 64, 96, 99]
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._every = 1
        self._kept: list[Point] = []
        self._last: Point | None = None
        self.seen = 0
        """How many points there were."""

    def add(self, point: Point) -> None:
        """Take a point."""
        if self.seen % self._every == 0:
            if len(self._kept) == self._most:
                self._kept = self._kept[::2]
                self._every *= 2
            if self.seen % self._every == 0:
                self._kept.append(point)
        self._last = point
        self.seen += 1

    @property
    def last(self) -> Point | None:
        """The newest point."""
        return self._last

    def __iter__(self) -> Iterator[Point]:
        yield from self._kept
        if self._last is not None and (not self._kept or self._kept[-1] is not self._last):
            yield self._last
