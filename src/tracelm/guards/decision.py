"""From a scorer's judgement to what becomes of a value. Pure: nothing is called or recorded here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracelm.errors import GuardrailBroken, GuardrailError, GuardrailTimedOut, GuardrailTripped
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.mask import Span, spans_of
from tracelm.scoring.call import Judgement
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

Fate: TypeAlias = Literal["allow", "warn", "replace", "fallback", "retry", "block"]
Outcome: TypeAlias = Literal["enforced", "shadow", "failed_open", "failed_closed"]

STOPS: Final = frozenset({"fallback", "retry", "block"})
"""Fates after which the value goes no further."""


class TookTooLongError(TimeoutError):
    """A scorer did not answer within the guardrail's `timeout_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a guardrail decided about one value.

    Attributes:
        guardrail: Who decided.
        intended: What the verdict asks for; when there is none, what `on_error` or `on_timeout` asks for.
        taken: What is done. Differs from `intended` in shadow mode, and where a value to be masked had to be blocked
            or asking again has come to its end.
        outcome: `enforced`, `shadow`, or how the guardrail failed: `failed_open` (released), `failed_closed`.
        spans: What the refusing scores had found, and where.
        masks: What of the value is to be masked, where `taken` is `replace` and there is no replacement.
        error: What is raised when blocked.
        reason: Why it was refused, without the refused text.
        failure: What went wrong, where the guardrail failed.
    """

    guardrail: Guardrail
    intended: Fate
    taken: Fate
    outcome: Outcome = "enforced"
    spans: tuple[Span, ...] = ()
    masks: tuple[Span, ...] = ()
    error: GuardrailError | None = None
    reason: str = ""
    failure: Exception | None = None


def allowed(guardrail: Guardrail) -> Decision:
    """Return what a guardrail decides where nothing is to be refused: each time the same."""
    outcome: Outcome = "enforced" if guardrail.is_enforced else "shadow"
    return Decision(guardrail=guardrail, intended="allow", taken="allow", outcome=outcome)


def decide(passing: Decision, value: object, judgement: Judgement, *, of: str, may: Iterable[Fate]) -> Decision:
    """Decide what becomes of `value`.

    Args:
        passing: What is decided where nothing is to be refused, and who decides.
        value: What was judged.
        judgement: What its scorer said.
        of: What was judged, for messages: `"the output of answer"`.
        may: Which of `fallback` and `retry` can be done; another one is a block.
    """
    guardrail = passing.guardrail
    failure = judgement.error or unusable(guardrail, judgement)
    if failure is not None:
        return failed(guardrail, failure, of=of, may=may)
    refusing = refusals(guardrail, judgement)
    return _refused(guardrail, value, refusing, of=of, may=frozenset(may)) if refusing else passing


def refusals(guardrail: Guardrail, judgement: Judgement) -> list[Score]:
    """Return the scores that refuse."""
    return [score for score in judgement.scores.values() if _refuses(guardrail, score)]


def unusable(guardrail: Guardrail, judgement: Judgement) -> Exception | None:
    """Say why scores are no verdict; `None` where they are."""
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


def failed(guardrail: Guardrail, failure: Exception, *, of: str, may: Iterable[Fate]) -> Decision:
    """Decide what becomes of a value on which the guardrail could not give a verdict."""
    late = isinstance(failure, TookTooLongError)
    option = "on_timeout" if late else "on_error"
    intended: Fate = guardrail.on_timeout if late else guardrail.on_error
    if not guardrail.is_enforced:
        return Decision(guardrail=guardrail, intended=intended, taken="allow", outcome="shadow", failure=failure)
    if intended == "allow":
        return Decision(guardrail=guardrail, intended="allow", taken="allow", outcome="failed_open", failure=failure)
    if intended == "fallback" and "fallback" in may:
        return Decision(
            guardrail=guardrail, intended=intended, taken=intended, outcome="failed_closed", failure=failure
        )
    kind = GuardrailTimedOut if late else GuardrailBroken
    error = kind(
        f"guardrail {guardrail.name!r} could not judge {of} ({type(failure).__name__}), and "
        f"blocks then: see __cause__, or set {option}='allow' to let such values pass",
        guardrail=guardrail.name,
    )
    error.__cause__ = failure
    return Decision(
        guardrail=guardrail, intended=intended, taken="block", outcome="failed_closed", error=error, failure=failure
    )


def tripped(
    guardrail: Guardrail, score: Score | None, spans: Sequence[Span], *, of: str, because: str = ""
) -> GuardrailTripped:
    """Return the exception for a refused value."""
    message = f"guardrail {guardrail.name!r} refused {of}"
    if spans:
        message += f": found {counted(spans)}"
    return GuardrailTripped(message + because, guardrail=guardrail.name, score=score, safe_message=guardrail.message)


def _refused(
    guardrail: Guardrail, value: object, refusing: Sequence[Score], *, of: str, may: frozenset[Fate]
) -> Decision:
    found: list[Span] = []
    masks: tuple[Span, ...] = ()
    why_not = ""
    taken: Fate = guardrail.action
    try:
        by_score = [spans_of(score) for score in refusing]
        found = sorted(span for spans in by_score for span in spans)
        if guardrail.action == "replace" and guardrail.replacement is None:
            masks = _checked_masks(guardrail, value, by_score)
    except ValueError as error:
        if guardrail.action == "replace" and guardrail.replacement is None:
            taken = "block"
            why_not = f"; it could not be masked ({error}): give the guardrail a replacement"
    if taken in {"fallback", "retry"} and taken not in may:
        taken = "block"
    spans = tuple(found)
    score = refusing[0]
    reason = f"{guardrail.name}: {score.explanation or counted(spans) or 'refused'}"
    if not guardrail.is_enforced:
        return Decision(
            guardrail=guardrail, intended=guardrail.action, taken="allow", outcome="shadow", spans=spans, reason=reason
        )
    stopped = tripped(guardrail, score, spans, of=of, because=why_not) if taken == "block" else None
    return Decision(
        guardrail=guardrail,
        intended=guardrail.action,
        taken=taken,
        spans=spans,
        masks=masks,
        error=stopped,
        reason=reason,
    )


def _checked_masks(guardrail: Guardrail, value: object, by_score: Sequence[Sequence[Span]]) -> tuple[Span, ...]:
    if not isinstance(value, str):
        raise ValueError(f"the {guardrail.on} is no str but a {type(value).__name__}")
    if not all(by_score):
        # One that says where and one that does not: what the second one refuses would still be there.
        raise ValueError("the scorer does not say where")
    masks = tuple(sorted(span for found in by_score for span in found))
    for span in masks:
        if span.end > len(value):
            raise ValueError(f"a span ends at {span.end}, behind the end of the text ({len(value)} characters)")
    return masks


def _refuses(guardrail: Guardrail, score: Score) -> bool:
    threshold = guardrail.threshold
    if score.passed is False:
        return True
    number = None if threshold is None else _number(score)
    if threshold is None or number is None:
        return False
    less_is_better = isinstance(guardrail.scorer, Scorer) and guardrail.scorer.lower_is_better
    return number > threshold if less_is_better else number < threshold


def _number(score: Score) -> float | None:
    return None if score.value is None or isinstance(score.value, bool | str) else score.value


def counted(spans: Sequence[Span]) -> str:
    """Say how many of each type there are; nothing where there are none."""
    return ", ".join(f"{count} {kind}" for kind, count in Counter(span.type for span in spans).items())
