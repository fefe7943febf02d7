"""A scorer that is ready to be called many times: its name, version and parameters are looked up once."""

import inspect
from collections.abc import Callable, Collection, Mapping
from contextvars import Context
from typing import Any, Final

from tracelm.scoring.attempt import Attempt, attempt_now
from tracelm.scoring.call import (
    Judgement,
    async_judge_of,
    judge_of,
    judgement_of,
    parameters_of,
    scoring_in_progress,
    wanted_by,
)
from tracelm.scoring.scorer import ScorerLike, name_of, version_of

_TRIED: Final = 3
_QUICK_S: Final = 0.000_5
_SLOW_S: Final = 0.002
_STUCK_S: Final = 0.05


class Judge:
    """A scorer, prepared.

    Args:
        scorer: The scorer.
        available: The names that its parameters can be filled from.
        from_sync_code: It is called where nobody can wait: its `score`, also where it has an `ascore` of its own.

    Attributes:
        name: What its scores are called.
        version: The version of its code, 12 hex digits.
        wanted: The names that it wants to see.
        is_async: It is known to return an awaitable.

    Raises:
        EvaluationError: A parameter without a default is not among `available`.
    """

    def __init__(self, scorer: ScorerLike, available: Collection[str], *, from_sync_code: bool = False) -> None:
        parameters_of(scorer, available)
        self._scorer = scorer
        self._function: Callable[..., Any] = judge_of(scorer) if from_sync_code else async_judge_of(scorer)
        self.name = name_of(scorer)
        self.version = version_of(scorer)
        self._by_position, self._by_name = wanted_by(self._function, available, who=f"scorer {self.name!r}")
        self.wanted = frozenset((*self._by_position, *self._by_name))
        self.is_async = inspect.iscoroutinefunction(self._function)
        self._seen = 0
        self._mean_s = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether it is sync, and was done at once whenever it was called: it may share a thread with others."""
        return not self.is_async and self._seen >= _TRIED and self._mean_s < _SLOW_S

    def call(self, values: Mapping[str, object]) -> Callable[[], Any]:
        """Return a call with its parameters filled from `values`."""
        args = [values[name] for name in self._by_position]
        kwargs = {name: values[name] for name in self._by_name}
        return lambda: self._function(*args, **kwargs)

    def attempt_in(self, context: Context, values: Mapping[str, object]) -> Attempt:
        """Call it here, in a context: a sync scorer whose turn it is in a shared thread."""
        context.run(scoring_in_progress.set, True)
        done: Attempt = context.run(attempt_now, self.call(values))
        self.took(done.latency_s)
        return done

    def took(self, latency_s: float) -> None:
        """Note how long a call took, in seconds."""
        self._seen += 1
        if self._seen <= _TRIED:  # a thread that waits for the interpreter is not a slow scorer: the best counts
            self._mean_s = latency_s if self._seen == 1 else min(self._mean_s, latency_s)
            if self._seen == _TRIED and self._mean_s > _QUICK_S:
                self._mean_s = 1.0
        elif latency_s > _STUCK_S:
            self._mean_s = 1.0
        elif self._mean_s < _SLOW_S:  # once slow, it keeps a thread of its own
            self._mean_s += 0.1 * (latency_s - self._mean_s)

    def judgement(self, done: Attempt) -> Judgement:
        """Return what a call gave as scores, or why there are none."""
        return judgement_of(self.name, self.version, done)
