"""A policy over recorded traffic: what it would have decided, and what would differ. Nothing is recorded."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tracelm.errors import ConfigError
from tracelm.guards.check import Check
from tracelm.guards.decision import refusals, unusable
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.policy import Policy
from tracelm.guards.traffic import Call
from tracelm.scoring.call import ScoreContext

MOST_EXAMPLES: Final = 5


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What one guardrail, or any of a policy, would have done.

    Attributes:
        guardrail: Its name.
        side: `input`, `output`, or `any`.
        action: What it does to what it refuses.
        mode: `enforce` or `shadow`.
        judged: How many calls it could judge.
        refused: How many of those it refuses.
        newly: How many of those it did not refuse when they were made.
        failed: How many it failed on.
        withheld: Calls that a guardrail stopped or rewrote when they were made: what it was is not known.
        unreadable: Calls whose text was not recorded, or cut.
        acceptable: Judged calls that a person found acceptable.
        wrongly_refused: How many of those it refuses.
        unacceptable: Judged calls that a person did not find acceptable.
        caught: How many of those it refuses.
        examples: Traces that it refuses newly.
    """

    guardrail: str
    side: str
    action: str
    mode: str
    judged: int = 0
    refused: int = 0
    newly: int = 0
    failed: int = 0
    withheld: int = 0
    unreadable: int = 0
    acceptable: int = 0
    wrongly_refused: int = 0
    unacceptable: int = 0
    caught: int = 0
    examples: list[str] = field(default_factory=list[str])

    def count(self, call: Call, *, refused: bool, newly: bool) -> None:
        """Count one call that was judged."""
        self.judged += 1
        self.refused += refused
        self.newly += newly
        if call.label is not None:
            self.acceptable += call.label
            self.wrongly_refused += call.label and refused
            self.unacceptable += not call.label
            self.caught += not call.label and refused
        if newly and len(self.examples) < MOST_EXAMPLES:
            self.examples.append(call.span.trace_id)


ANY: Final = "any"


def replay(policy: Policy, traffic: Iterable[Call]) -> list[Replayed]:
    """Judge recorded calls under a policy.

    Args:
        policy: The policy.
        traffic: The calls.

    Returns:
        One line a guardrail, in the policy's order, then one of all that are enforced together.
    """
    lines = [
        Replayed(guardrail=each.name, side=each.on, action=each.action, mode=each.mode) for each in policy.guardrails
    ]
    together = Replayed(guardrail=ANY, side=ANY, action="", mode="enforce")
    checks: dict[tuple[int, tuple[str, ...]], Check | None] = {}
    for call in traffic:
        verdicts: list[bool] = []
        for place, (each, line) in enumerate(zip(policy.guardrails, lines, strict=True)):
            refused = _refused(each, call, line, checks, place)
            if refused is None:
                continue
            line.count(call, refused=refused, newly=refused and not _did_refuse(each, call))
            if each.is_enforced and each.action != "warn":
                verdicts.append(refused)
        if verdicts:
            refused = any(verdicts)
            newly = refused and not any(_stopped(each, call) for each in policy.guardrails)
            together.count(call, refused=refused, newly=newly)
    return [*lines, together]


def _refused(
    guardrail: Guardrail,
    call: Call,
    line: Replayed,
    checks: dict[tuple[int, tuple[str, ...]], Check | None],
    place: int,
) -> bool | None:
    """Say whether a guardrail refuses a call; `None` where it cannot be said, which is counted."""
    on_input = guardrail.on == "input"
    if call.is_withheld and not on_input:
        line.withheld += 1
        return None
    if (call.inputs is None) if on_input else not call.has_output:
        line.unreadable += 1
        return None
    inputs = call.inputs or {}
    names = tuple(inputs)
    if (place, names) not in checks:
        try:
            checks[place, names] = Check(guardrail, [*names, "output", "inputs", "context"], of=call.span.name)
        except ConfigError:
            checks[place, names] = None
    check = checks[place, names]
    if check is None:
        line.failed += 1
        return None
    value: Any = _input_of(guardrail, inputs) if on_input else call.output
    context = ScoreContext(row=inputs, output=value, trace_id=call.span.trace_id, span_id=call.span.span_id)
    judgement = check.ask_now({**inputs, "output": value, "inputs": inputs, "context": context})
    if judgement.error is not None or unusable(guardrail, judgement) is not None:
        line.failed += 1
        return None
    return bool(refusals(guardrail, judgement))


def _input_of(guardrail: Guardrail, inputs: dict[str, Any]) -> Any:
    if guardrail.argument is not None:
        return inputs.get(guardrail.argument)
    return next(iter(inputs.values())) if len(inputs) == 1 else inputs


def _did_refuse(guardrail: Guardrail, call: Call) -> bool:
    """Say whether the guardrail of this name refused the call when it was made, if only in shadow."""
    return any(each.guardrail == guardrail.name and each.intended != "allow" for each in call.decisions)


def _stopped(guardrail: Guardrail, call: Call) -> bool:
    return any(
        each.guardrail == guardrail.name and each.taken not in {"allow", "warn", None} for each in call.decisions
    )
