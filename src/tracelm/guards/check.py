"""`Check`: a guardrail that is ready to judge: its scorer prepared, its deadline kept."""

import asyncio
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from tracelm.errors import ConfigError, EvaluationError
from tracelm.guards.decision import TookTooLongError, allowed
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.workers import result_of, workers
from tracelm.scoring.attempt import Attempt, attempt, attempt_now, can_be_awaited
from tracelm.scoring.call import Judgement, scoring_in_progress
from tracelm.scoring.judge import Judge
from tracelm.scoring.loop import run_in_own_loop

if TYPE_CHECKING:
    from concurrent.futures import Future

MAX_INLINE_CHARS: Final = 20_000
"""A longer text is too much for the event loop, however cheap the scorer."""


class Check:
    """A guardrail, prepared for one function.

    Args:
        guardrail: The guardrail.
        available: The names that its scorer's parameters can be filled from.
        of: The function, for messages.

    Raises:
        ConfigError: The scorer wants what the call does not have.
    """

    __slots__ = ("_judge", "_sync_judge", "guardrail", "latency_s", "passing")

    def __init__(self, guardrail: Guardrail, available: Collection[str], *, of: str) -> None:
        self.guardrail = guardrail
        self.passing = allowed(guardrail)
        """What it decides where nothing is to be refused."""
        self.latency_s = 0.0
        """A running mean of how long the scorer takes, in seconds."""
        try:
            self._judge = Judge(guardrail.scorer, available)
            self._sync_judge = Judge(guardrail.scorer, available, from_sync_code=True)
        except EvaluationError as error:
            raise ConfigError(
                f"guardrail {guardrail.name!r} cannot judge the {guardrail.on} of {of}: {error}"
            ) from None

    @property
    def wants_context(self) -> bool:
        """Whether its scorer asks for the `context`."""
        return "context" in self._judge.wanted

    @property
    def scorer_version(self) -> str:
        """The version of the scorer's code."""
        return self._judge.version

    def ask_now(self, values: Mapping[str, object]) -> Judgement:
        """Ask the scorer from sync code, within its deadline."""
        timeout_s = self.guardrail.timeout_s
        return self._done(self._attempt_now(values) if timeout_s is None else self._within(timeout_s, values))

    async def ask(self, values: Mapping[str, object]) -> Judgement:
        """Ask the scorer without holding up the event loop, within its deadline.

        A sync scorer runs in a worker thread, unless it is cheap and the text is short.
        """
        token = scoring_in_progress.set(True)
        try:
            return self._done(await self._attempt(values))
        finally:
            scoring_in_progress.reset(token)

    def start(self, values: Mapping[str, object]) -> "Future[Attempt]":
        """Begin asking the scorer in another thread."""
        return workers.submit(lambda: self._attempt_in_thread(values))

    def late(self) -> Judgement:
        """Return that the scorer did not answer in time."""
        return self._done(_late(self.guardrail.timeout_s))

    def done(self, done: Attempt) -> Judgement:
        """Return what a call that was begun with `start` gave."""
        return self._done(done)

    async def _attempt(self, values: Mapping[str, object]) -> Attempt:
        timeout_s = self.guardrail.timeout_s
        if self._judge.is_async:
            call = self._judge.call(values)
            if timeout_s is None:
                return await attempt(call, is_async=True)
            import anyio

            done: Attempt | None = None
            with anyio.move_on_after(timeout_s):
                done = await attempt(call, is_async=True)
            return _late(timeout_s) if done is None else done
        if timeout_s is None and self.guardrail.is_cheap and _is_short(values.get("output")):
            return attempt_now(self._sync_judge.call(values))
        return await self._in_thread(values)

    async def _in_thread(self, values: Mapping[str, object]) -> Attempt:
        import anyio

        timeout_s = self.guardrail.timeout_s
        future = self.start(values)
        try:
            with anyio.move_on_after(math.inf if timeout_s is None else timeout_s):
                return await result_of(future)
        finally:
            workers.abandon(future)
        return _late(timeout_s)

    def _attempt_in_thread(self, values: Mapping[str, object]) -> Attempt:
        try:
            return self._attempt_now(values)
        except asyncio.CancelledError as error:  # nobody cancels a thread: the scorer raised it
            failure = RuntimeError("the scorer was cancelled from inside (CancelledError)")
            failure.__cause__ = error
            return Attempt(None, failure, 0.0)

    def _attempt_now(self, values: Mapping[str, object]) -> Attempt:
        token = scoring_in_progress.set(True)
        try:
            done = attempt_now(self._sync_judge.call(values))
            if can_be_awaited(done.returned):
                awaitable = done.returned
                done = run_in_own_loop(lambda: attempt(lambda: awaitable, is_async=True))
            return done
        finally:
            scoring_in_progress.reset(token)

    def _within(self, timeout_s: float, values: Mapping[str, object]) -> Attempt:
        future = self.start(values)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            return _late(timeout_s)
        finally:
            workers.abandon(future)

    def _done(self, done: Attempt) -> Judgement:
        self.latency_s += 0.2 * (done.latency_s - self.latency_s)
        return self._judge.judgement(done)


def _late(timeout_s: float | None) -> Attempt:
    return Attempt(None, TookTooLongError(f"no answer within {timeout_s} s"), timeout_s or 0.0)


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_INLINE_CHARS
