"""The guardrails of one side of a function: who is asked when, and what comes of all that they say.

The cheap ones come first, one after the other, in the order given: each sees what the one before left. Then all others
at once, on what the cheap ones left, so that a model that judges need not see what was masked.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tracelm.guards.check import Check
from tracelm.guards.decision import STOPS, Decision, Fate, decide, failed
from tracelm.guards.guardrail import Guardrail, Side
from tracelm.guards.mask import mask
from tracelm.guards.record import About, Told, record
from tracelm.guards.warned import warn
from tracelm.scoring.call import Judgement, ScoreContext
from tracelm.trace.spans import current_span

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tracelm.guards.policy import Policy
    from tracelm.scoring.attempt import Attempt

Match: TypeAlias = Literal["first", "all"]

_BY_FATE: Final = ("block", "fallback", "retry")


def _nothing() -> "list[Told]":
    return []  # `list[Told]()` takes ten times as long


@dataclass(slots=True)
class Verdict:
    """What guardrails left of a value.

    Attributes:
        value: The value as it goes on, unless it is stopped.
        stop: Who stopped it, and how; `None` when nobody did.
        told: What each guardrail decided, in the order in which they were asked.
    """

    value: Any
    stop: Decision | None = None
    told: "list[Told]" = field(default_factory=_nothing)

    def add(self, decision: Decision, judgement: Judgement) -> None:
        """Take what one guardrail decided."""
        self.told.append((decision, judgement))
        if decision.taken == "warn":
            warn(decision)
        if decision.taken in STOPS and (
            self.stop is None or _BY_FATE.index(decision.taken) < _BY_FATE.index(self.stop.taken)
        ):
            self.stop = decision


class Rails:
    """The guardrails of one side of one function, prepared.

    Args:
        guardrails: Those of this side.
        available: The names of the function's parameters.
        side: Which side it is.
        of: The function, for messages.
        policy: Whose they are.
        match: `first`: as soon as one stops the value, nobody else is asked; `all`: everybody is.
    """

    __slots__ = ("_cheap", "_first", "_others", "_with_context", "about", "checks")

    def __init__(
        self,
        guardrails: Iterable[Guardrail],
        available: Collection[str],
        *,
        side: Side,
        of: str,
        policy: "Policy | None",
        match: Match,
    ) -> None:
        names = [*available, "output", "inputs", "context"]
        self.checks = [Check(each, names, of=of) for each in guardrails]
        self._cheap = [each for each in self.checks if each.guardrail.is_cheap]
        self._others = [each for each in self.checks if not each.guardrail.is_cheap]
        self._first = match == "first"
        self._with_context = any(each.wants_context for each in self.checks)
        named: Mapping[str, str] = {} if policy is None else policy.attributes
        self.about = About(side=side, of=f"the {side} of {of}", policy=named)

    def __bool__(self) -> bool:
        return bool(self.checks)

    @property
    def retries(self) -> int:
        """How often the function may be called again, at most."""
        return max((each.guardrail.retries for each in self.checks if each.guardrail.action == "retry"), default=0)

    def run_now(
        self, value: Any, inputs: Mapping[str, object], *, attempt: int = 0, may_fall_back: bool = True
    ) -> Verdict:
        """Ask them from sync code, and record what they decide.

        Args:
            value: What is judged.
            inputs: The arguments of the call.
            attempt: How often the function has been called again.
            may_fall_back: Whether there is a fallback left.
        """
        verdict = Verdict(value)
        for check in self._cheap:
            judgement = check.ask_now(self._values(inputs, verdict.value))
            self._settle(verdict, [(check, judgement)], attempt, may_fall_back)
            if self._first and verdict.stop is not None:
                break
        else:
            if self._others:
                values = self._values(inputs, verdict.value)
                if len(self._others) == 1:
                    asked = [(self._others[0], self._others[0].ask_now(values))]
                else:
                    asked = self._ask_at_once(values, verdict.value, attempt)
                self._settle(verdict, asked, attempt, may_fall_back)
        self._record(verdict, attempt)
        return verdict

    async def run(
        self, value: Any, inputs: Mapping[str, object], *, attempt: int = 0, may_fall_back: bool = True
    ) -> Verdict:
        """Ask them without holding up the event loop; else as `run_now`."""
        verdict = Verdict(value)
        for check in self._cheap:
            judgement = await check.ask(self._values(inputs, verdict.value))
            self._settle(verdict, [(check, judgement)], attempt, may_fall_back)
            if self._first and verdict.stop is not None:
                break
        else:
            if self._others:
                values = self._values(inputs, verdict.value)
                if len(self._others) == 1:
                    asked = [(self._others[0], await self._others[0].ask(values))]
                else:
                    asked = await self._ask_together(values, verdict.value, attempt)
                self._settle(verdict, asked, attempt, may_fall_back)
        self._record(verdict, attempt)
        return verdict

    def broken(self, value: Any, failure: Exception) -> Verdict:
        """Let each of them fail: what is to be judged cannot be looked at."""
        verdict = Verdict(value)
        for check in self.checks:
            judgement = Judgement(
                name=check.guardrail.name, version=check.scorer_version, scores={}, error=failure, latency_s=0.0
            )
            verdict.add(failed(check.guardrail, failure, of=self.about.of, may=()), judgement)
        self._record(verdict, 0)
        return verdict

    def _decide(self, check: Check, judgement: Judgement, value: Any, attempt: int, may_fall_back: bool) -> Decision:
        may: list[Fate] = ["fallback"] if may_fall_back else []
        if may_fall_back and attempt < check.guardrail.retries:
            may.append("retry")
        return decide(check.passing, value, judgement, of=self.about.of, may=may)

    def _stops(self, value: Any, check: Check, judgement: Judgement, attempt: int) -> bool:
        return self._first and self._decide(check, judgement, value, attempt, True).taken in STOPS

    def _settle(
        self, verdict: Verdict, asked: Sequence[tuple[Check, Judgement]], attempt: int, may_fall_back: bool
    ) -> None:
        value = verdict.value
        replacing: list[Decision] = []
        for check, judgement in asked:
            decision = self._decide(check, judgement, value, attempt, may_fall_back)
            verdict.add(decision, judgement)
            if decision.taken == "replace":
                replacing.append(decision)
        if not replacing or verdict.stop is not None:
            return
        texts = [each.guardrail.replacement for each in replacing if each.guardrail.replacement is not None]
        verdict.value = texts[0] if texts else mask(value, sorted(span for each in replacing for span in each.masks))

    def _record(self, verdict: Verdict, attempt: int) -> None:
        told = verdict.told
        if verdict.stop is not None:  # what was to be replaced went no further
            told = [(replace(each, taken="block") if each.taken == "replace" else each, said) for each, said in told]
        record(told, self.about, attempt=attempt)

    def _values(self, inputs: Mapping[str, object], value: object) -> Mapping[str, object]:
        values = {**inputs, "output": value, "inputs": inputs}
        if self._with_context:
            span = current_span()
            is_recorded = span.context.is_valid
            values["context"] = ScoreContext(
                row=inputs,
                output=value,
                trace_id=span.trace_id if is_recorded else None,
                span_id=span.span_id if is_recorded else None,
            )
        return values

    def _in_turn(self) -> list[Check]:
        return sorted(self._others, key=lambda each: each.latency_s)

    def _ask_at_once(self, values: Mapping[str, object], value: Any, attempt: int) -> list[tuple[Check, Judgement]]:
        from concurrent.futures import FIRST_COMPLETED, wait

        from tracelm.guards.workers import workers

        start = time.monotonic()
        pending: dict[Future[Attempt], Check] = {each.start(values): each for each in self._in_turn()}
        told: dict[Check, Judgement] = {}
        try:
            while pending:
                done, _ = wait(pending, _seconds_left(pending.values(), start), FIRST_COMPLETED)
                since = time.monotonic() - start
                late = [each for each, check in pending.items() if each not in done and since >= _limit_s(check)]
                for future in (*done, *late):
                    check = pending[future]
                    told[check] = check.done(future.result()) if future in done else check.late()
                    if future in done:
                        del pending[future]
                    if self._stops(value, check, told[check], attempt):
                        return self._in_order(told)
                for future in late:
                    workers.abandon(future)
                    pending.pop(future, None)
        finally:
            for future in pending:
                workers.abandon(future)
        return self._in_order(told)

    async def _ask_together(
        self, values: Mapping[str, object], value: Any, attempt: int
    ) -> list[tuple[Check, Judgement]]:
        import anyio

        told: dict[Check, Judgement] = {}

        async def one(check: Check) -> None:
            judgement = await check.ask(values)
            told[check] = judgement
            if self._stops(value, check, judgement, attempt):
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                for check in self._in_turn():
                    group.start_soon(one, check)
        except BaseExceptionGroup as group_error:  # what a scorer raises is no failure of it: an interrupt
            raise group_error.exceptions[0] from None
        return self._in_order(told)

    def _in_order(self, told: Mapping[Check, Judgement]) -> list[tuple[Check, Judgement]]:
        return [(check, told[check]) for check in self._others if check in told]


def _limit_s(check: Check) -> float:
    limit_s = check.guardrail.timeout_s
    return float("inf") if limit_s is None else limit_s


def _seconds_left(checks: Iterable[Check], start: float) -> float | None:
    left = min(map(_limit_s, checks)) - (time.monotonic() - start)
    return None if left == float("inf") else max(0.0, left)
