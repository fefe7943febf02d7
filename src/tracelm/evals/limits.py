"""`Limits`: what a run may take, and how it treats a provider that has enough."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tracelm.errors import ConfigError

Retryable: TypeAlias = type[Exception] | int | str
"""An exception class, an HTTP status, or the name of an exception class."""

RATE_LIMITED: Final = (429, 529)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may take.

    At a budget (`max_...`, `fail_on_error`) the run stops cleanly: trials in work end, the others are `not_run`,
    `EvalRun.stopped` says why, and `resume=True` goes on once the budget is raised. Budgets count all that the run
    has taken, also before it was resumed, and what scorers take.

    Attributes:
        timeout_s: How long the task may take for one trial, retries included, and each scorer; in seconds. A sync
            task cannot be stopped: it goes on in its thread, and what it returns is dropped.
        retries: How often a call of the task is repeated, in one trial, after an error that `retry_on` names.
            Repeats that the client library made itself count.
        retry_on: Exception classes, HTTP statuses, or names of exception classes.
        adaptive: Call fewer trials at once while the provider answers 429 or 529.
        requests_per_minute: Of models; a task that calls none counts as one.
        tokens_per_minute: Sent and received, by models.
        max_cost_usd: Budget in US dollars.
        max_tokens: Budget in tokens, sent and received.
        max_duration_s: Budget in seconds, for this execution alone.
        fail_on_error: Below 1 the share of all trials, from 1 on the number, of trials that may fail (`task_error`
            or `timeout`) before the run stops.

    Raises:
        ConfigError: A limit that cannot work.

    Example:
        >>> Limits(timeout_s=60, max_cost_usd=5.0, fail_on_error=0.1).retry_on
        (429, 529)
    """

    timeout_s: float | None = None
    retries: int = 3
    retry_on: tuple[Retryable, ...] = RATE_LIMITED
    adaptive: bool = True
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_duration_s: float | None = None
    fail_on_error: float | None = None

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value: Any = getattr(self, each.name)
            if each.name in {"adaptive", "retry_on"}:
                continue
            least = 0 if each.name == "retries" else None
            if value is not None and not _is_number(value, least=least):
                raise ConfigError(f"{each.name}={value!r} cannot work: give a number above 0, or leave it out")
        if not isinstance(self.retries, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"retries={self.retries!r} cannot work: give a whole number, 0 or more")
        for named in self.retry_on:
            if not (isinstance(named, int | str) or issubclass(named, Exception)):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigError(f"retry_on names {named!r}: give exception classes, their names, or HTTP statuses")

    def as_dict(self) -> dict[str, Any]:
        """Return those that differ from the defaults, as plain data."""
        found = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        defaults = {each.name: each.default for each in dataclasses.fields(self)}
        given = {name: value for name, value in found.items() if value != defaults[name]}
        if "retry_on" in given:
            given["retry_on"] = [each.__name__ if isinstance(each, type) else each for each in self.retry_on]
        return given


class Budget:
    """What a run has taken so far, held against its limits.

    Args:
        limits: The limits.
        planned: Rows times trials.
        now_s: A clock, in seconds.
    """

    def __init__(self, limits: Limits, *, planned: int, now_s: Callable[[], float]) -> None:
        self._limits = limits
        self._planned = planned
        self._now_s = now_s
        self._start_s = now_s()
        self.cost_usd = 0.0
        self.tokens = 0
        self.failed = 0

    def add(self, *, cost_usd: float | None, tokens: int, failed: bool) -> None:
        """Add what one trial took."""
        self.cost_usd += cost_usd or 0.0
        self.tokens += tokens
        self.failed += failed

    def reached(self) -> str | None:
        """Say which limit is reached, as a sentence; `None` when none is."""
        limits = self._limits
        if limits.max_cost_usd is not None and self.cost_usd >= limits.max_cost_usd:
            return f"{self.cost_usd:.6g} USD were spent, max_cost_usd={limits.max_cost_usd:g}"
        if limits.max_tokens is not None and self.tokens >= limits.max_tokens:
            return f"{self.tokens} tokens were used, max_tokens={limits.max_tokens}"
        if limits.max_duration_s is not None and self._now_s() - self._start_s >= limits.max_duration_s:
            return f"the time is over, max_duration_s={limits.max_duration_s:g}"
        if limits.fail_on_error is not None:
            given = limits.fail_on_error
            allowed = given * self._planned if given < 1 else given
            if self.failed and self.failed >= allowed:
                return f"{self.failed} of {self._planned} trials failed, fail_on_error={given:g}"
        return None


def _is_number(value: object, *, least: int | None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return value > 0 if least is None else value >= least
