"""Scorers that hold a recorded call against a budget: time, money, tokens."""

import math
from dataclasses import dataclass
from typing import ClassVar

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.scorers.steps import Course
from tracelm.scorers.trajectory import TrajectoryScorer
from tracelm.scorers.values import refused
from tracelm.scoring.score import Score


@dataclass(frozen=True, kw_only=True)
class Latency(TrajectoryScorer):
    """How long the call took, in seconds, and whether that is short enough.

    Args:
        at_most_s: The longest time that passes, in seconds; without it no line is drawn.

    Raises:
        ConfigError: The bound is negative or no number.

    Example:
        >>> Latency(at_most_s=2.0).name
        'latency'
    """

    at_most_s: float | None = None
    gives: ClassVar[str] = "seconds, with a verdict"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bound("at_most_s", self.at_most_s)

    def judge(self, course: Course) -> Score:
        """Measure the span of the call."""
        if course.call is None:
            return refused("the call has not ended")
        return _bounded((course.call.end_ns - course.call.start_ns) / 1e9, self.at_most_s, "s")


@dataclass(frozen=True, kw_only=True)
class Cost(TrajectoryScorer):
    """What the models of the call cost, in US dollars, and whether that is little enough.

    Without a call of a model it is 0. Where the price of one is not known, the row is not scored: a sum without it
    would be too low.

    Args:
        at_most_usd: The highest cost that passes, in US dollars; without it no line is drawn.

    Raises:
        ConfigError: The bound is negative or no number.

    Example:
        >>> Cost(at_most_usd=0.01).name
        'cost'
    """

    at_most_usd: float | None = None
    gives: ClassVar[str] = "US dollars, with a verdict"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bound("at_most_usd", self.at_most_usd)

    def judge(self, course: Course) -> Score:
        """Sum the costs of the models."""
        calls = [each for each in course.all if each.is_model_call]
        unknown = [each.name for each in calls if each.attributes.get(semconv.COST_AMOUNT) is None]
        if unknown:
            return refused(f"the price of {unknown[0]!r} is not known: give it with tracelm.init(prices=...)")
        cost_usd = math.fsum(float(each.attributes[semconv.COST_AMOUNT]) for each in calls)
        return _bounded(cost_usd, self.at_most_usd, "USD")


@dataclass(frozen=True, kw_only=True)
class Tokens(TrajectoryScorer):
    """How many tokens the models of the call read and wrote, and whether that is few enough.

    A model call that reported no tokens, as a stream without usage, makes the sum unknown: the row is not scored.

    Args:
        at_most: The most tokens that pass; without it no line is drawn.

    Raises:
        ConfigError: The bound is negative or no number.

    Example:
        >>> Tokens(at_most=4_000).name
        'tokens'
    """

    at_most: int | None = None
    gives: ClassVar[str] = "a count, with a verdict"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bound("at_most", self.at_most)

    def judge(self, course: Course) -> Score:
        """Sum the tokens."""
        read = written = 0
        for each in course.all:
            if not each.is_model_call:
                continue
            used = [each.attributes.get(key) for key in (semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS)]
            if used == [None, None]:
                return refused(f"{each.name!r} reported no tokens")
            read, written = read + int(used[0] or 0), written + int(used[1] or 0)
        score = _bounded(read + written, self.at_most, "tokens")
        return Score(
            value=score.value,
            passed=score.passed,
            explanation=score.explanation,
            details={"input_tokens": read, "output_tokens": written},
        )


def _check_bound(argument: str, given: object) -> None:
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < math.inf:
        raise ConfigError(f"{argument}={given!r} cannot work: give a number, not below 0")


def _bounded(value: float, at_most: float | None, unit: str) -> Score:
    passed = None if at_most is None else value <= at_most
    why = f"{value:.6g} {unit}, at most {at_most:g} are wanted" if passed is False else None
    return Score(value=value, passed=passed, explanation=why)
