"""What guardrails decided, as log records: what was found and where, never the text itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracelm import semconv
from tracelm.guards.decision import Decision
from tracelm.scoring.call import Judgement
from tracelm.trace import runtime
from tracelm.trace.safely import safely
from tracelm.trace.scores import emit_all, error_attributes, score_attributes
from tracelm.trace.values import type_name

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

MAX_SPANS: Final = 200
"""So many places are recorded of one decision; how many there were is told beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What all decisions of one side of a guard have in common.

    Attributes:
        side: `input` or `output`.
        of: What is judged, for messages.
        policy: Attributes that name the policy; empty where there is none.
    """

    side: str
    of: str
    policy: Mapping[str, str]


def record(
    decision: Decision,
    judgement: Judgement,
    about: About,
    *,
    attempt: int = 0,
    on: "SpanContext | None" = None,
    checks: int | None = None,
) -> None:
    """Record a decision and the scores behind it.

    Args:
        decision: The decision.
        judgement: What the scorer said.
        about: What was judged.
        attempt: How often the function had been called again.
        on: The span that was judged; the current one by default.
        checks: Of a stream: how often the scorer was asked.
    """
    current = runtime.active
    if current is None:
        return
    name = decision.guardrail.name
    by = {semconv.GUARDRAIL_NAME: name}
    attributes: dict[str, Any] = {
        **by,
        semconv.GUARDRAIL_SIDE: about.side,
        semconv.GUARDRAIL_INTENDED: decision.intended,
        semconv.GUARDRAIL_TAKEN: decision.taken,
        semconv.GUARDRAIL_OUTCOME: decision.outcome,
        semconv.GUARDRAIL_LATENCY: judgement.latency_s,
        semconv.SCORER_VERSION: judgement.version,
        **about.policy,
    }
    if attempt:
        attributes[semconv.GUARDRAIL_ATTEMPT] = attempt
    if checks is not None:
        attributes[semconv.GUARDRAIL_CHECKS] = checks
    events: list[tuple[str, Mapping[str, Any]]] = []
    with safely("record a guardrail's decision"):
        if decision.failure is not None:
            attributes[semconv.ERROR_TYPE] = type_name(decision.failure)
        if decision.spans:
            attributes[semconv.GUARDRAIL_SPANS] = orjson.dumps(decision.spans[:MAX_SPANS]).decode()
            attributes[semconv.GUARDRAIL_FOUND] = len(decision.spans)
        events.append((semconv.DECISION_EVENT, attributes))
    # On its own: a verdict that cannot be recorded must not take the decision with it.
    with safely("record a guardrail's score"):
        events.extend((semconv.EVALUATION_EVENT, {**each, **by}) for each in _scores(judgement, current))
    emit_all(events, on=on)


def _scores(judgement: Judgement, current: "runtime.Runtime") -> Iterator[dict[str, Any]]:
    content, redactor, version = current.settings.capture_content, current.redactor, judgement.version
    for name, score in judgement.scores.items():
        yield score_attributes(
            name,
            score,
            source="guardrail",
            scorer_version=version,
            content=content,
            redactor=redactor,
            encode=current.encode,
        )
    if judgement.error is not None:
        yield error_attributes(
            judgement.name,
            judgement.error,
            source="guardrail",
            scorer_version=version,
            content=content,
            redactor=redactor,
        )
