"""From a scorer's judgement to what becomes of the output. Pure: nothing is called or recorded here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tracelm.errors import GuardrailBroken, GuardrailError, GuardrailTripped
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.mask import Span, mask, spans_of
from tracelm.scoring.call import Judgement
from tracelm.scoring.score import Score

Fate: TypeAlias = Literal["allow", "block", "replace"]
Outcome: TypeAlias = Literal["enforced", "failed_open", "failed_closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a guardrail decided about one output.

    Attributes:
        intended: What the verdict asks for; when there is none, what `on_error` asks for.
        taken: What was done. Differs from `intended` when an output to be masked had to be blocked.
        outcome: `enforced`, or how the guardrail failed: `failed_open` (released), `failed_closed` (blocked).
        released: The output as it goes on; of no meaning when blocked.
        error: What is raised instead when blocked.
        spans: What the refusing scores had found, and where.
    """

    intended: Fate
    taken: Fate
    outcome: Outcome = "enforced"
    released: object = None
    error: GuardrailError | None = None
    spans: tuple[Span, ...] = ()


def decide(guardrail: Guardrail, output: object, judgement: Judgement, *, of: str) -> Decision:
    """Decide what becomes of `output`.

    Args:
        guardrail: Who decides.
        output: What was judged.
        judgement: What its scorer said.
        of: The name of the function that returned the output, for messages.
    """
    failure = judgement.error or _unusable(guardrail, judgement)
    if failure is not None:
        return _without_verdict(guardrail, output, failure, of=of)
    refusing = [score for score in judgement.scores.values() if _refuses(guardrail, score)]
    if not refusing:
        return Decision(intended="allow", taken="allow", released=output)
    return _refuse(guardrail, output, refusing, of=of)


def _refuses(guardrail: Guardrail, score: Score) -> bool:
    number = _number(score)
    below = guardrail.threshold is not None and number is not None and number < guardrail.threshold
    return score.passed is False or below


def _number(score: Score) -> float | None:
    return None if score.value is None or isinstance(score.value, bool | str) else score.value


def _unusable(guardrail: Guardrail, judgement: Judgement) -> Exception | None:
    for name, score in judgement.scores.items():
        if score.value is None:
            return ValueError(f"{name!r} was not scored")
    by_number = guardrail.threshold is not None
    for score in judgement.scores.values():
        if score.passed is not None or (by_number and _number(score) is not None):
            return None
    return TypeError(
        f"scorer {judgement.name!r} draws no line: have it return a bool or `passed`, or, if it returns a "
        "number, give the guardrail a threshold"
    )


def _without_verdict(guardrail: Guardrail, output: object, failure: Exception, *, of: str) -> Decision:
    if guardrail.on_error == "allow":
        return Decision(intended="allow", taken="allow", outcome="failed_open", released=output)
    error = GuardrailBroken(
        f"guardrail {guardrail.name!r} could not judge the output of {of} ({type(failure).__name__}), and "
        "blocks then: see __cause__, or set on_error='allow' to let such outputs pass",
        guardrail=guardrail.name,
    )
    error.__cause__ = failure
    return Decision(intended="block", taken="block", outcome="failed_closed", error=error)


def _refuse(guardrail: Guardrail, output: object, refusing: Sequence[Score], *, of: str) -> Decision:
    spans: list[Span] = []
    masked: str | None = None
    why_not = ""
    try:
        by_score = [spans_of(score) for score in refusing]
        spans = sorted(span for found in by_score for span in found)
        if guardrail.action == "replace" and guardrail.replacement is None:
            masked = _masked(output, by_score)
    except ValueError as error:
        why_not = f"; it could not be masked ({error}): give the guardrail a replacement"
    replacement = masked if guardrail.replacement is None else guardrail.replacement
    if replacement is not None:
        return Decision(intended="replace", taken="replace", released=replacement, spans=tuple(spans))
    message = f"guardrail {guardrail.name!r} refused the output of {of}"
    if spans:
        message += f": found {_counted(spans)}"
    if guardrail.action == "replace":
        message += why_not
    tripped = GuardrailTripped(message, guardrail=guardrail.name, score=refusing[0])
    return Decision(intended=guardrail.action, taken="block", error=tripped, spans=tuple(spans))


def _masked(output: object, by_score: Sequence[Sequence[Span]]) -> str:
    if not isinstance(output, str):
        raise ValueError(f"the output is no str but a {type(output).__name__}")
    if not all(by_score):
        # One that says where and one that does not: what the second one refuses would still be there.
        raise ValueError("the scorer does not say where")
    return mask(output, sorted(span for found in by_score for span in found))


def _counted(spans: Sequence[Span]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(span.type for span in spans).items())
