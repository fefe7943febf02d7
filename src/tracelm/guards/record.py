"""What guardrails decided, as log records: what was found and where, never the text itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from tracelm import semconv
from tracelm.guards.decision import Decision
from tracelm.scoring.call import Judgement
from tracelm.scoring.score import Score
from tracelm.trace import runtime
from tracelm.trace.safely import report
from tracelm.trace.scores import emit_all, error_attributes, score_attributes
from tracelm.trace.values import type_name

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from tracelm.otlp.encode import LineEncoder

MAX_SPANS: Final = 200
"""So many places are recorded of one decision; how many there were is told beside them."""

Told: TypeAlias = tuple[Decision, Judgement]
"""What a guardrail decided, and what its scorer had said."""


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
    told: Iterable[Told],
    about: About,
    *,
    attempt: int = 0,
    on: "SpanContext | None" = None,
    checks: int | None = None,
) -> None:
    """Record decisions and the scores behind them, in one write.

    Args:
        told: Each decision, and what the scorer had said.
        about: What was judged.
        attempt: How often the function had been called again.
        on: The span that was judged; the current one by default.
        checks: Of a stream: how often the scorer was asked.
    """
    current = runtime.active
    if current is None:
        return
    events: list[tuple[str, list[bytes]]] = []
    for decision, judgement in told:
        try:
            pieces = _decision(decision, judgement, about, current.lines, attempt=attempt, checks=checks)
            events.append((semconv.DECISION_EVENT, pieces))
        except Exception as error:
            current.journal.miss()
            report("record a guardrail's decision", error)
        # On its own: a verdict that cannot be recorded must not take the decision with it.
        try:
            events.extend(
                (semconv.EVALUATION_EVENT, each) for each in _scores(judgement, decision.guardrail.name, current)
            )
        except Exception as error:
            current.journal.miss()
            report("record a guardrail's score", error)
    emit_all(events, on=on)


def _decision(
    decision: Decision,
    judgement: Judgement,
    about: About,
    encoder: "LineEncoder",
    *,
    attempt: int,
    checks: int | None,
) -> list[bytes]:
    who, intended, taken, outcome = decision.guardrail.name, decision.intended, decision.taken, decision.outcome
    start = encoder.phrase(
        (semconv.DECISION_EVENT, who, about.side, intended, taken, outcome),
        lambda: {
            semconv.GUARDRAIL_NAME: who,
            semconv.GUARDRAIL_SIDE: about.side,
            semconv.GUARDRAIL_INTENDED: intended,
            semconv.GUARDRAIL_TAKEN: taken,
            semconv.GUARDRAIL_OUTCOME: outcome,
        },
    )
    rest: dict[str, Any] = {
        semconv.GUARDRAIL_LATENCY: judgement.latency_s,
        semconv.SCORER_VERSION: judgement.version,
        **about.policy,
    }
    if attempt:
        rest[semconv.GUARDRAIL_ATTEMPT] = attempt
    if checks is not None:
        rest[semconv.GUARDRAIL_CHECKS] = checks
    if decision.failure is not None:
        rest[semconv.ERROR_TYPE] = type_name(decision.failure)
    if decision.spans:
        rest[semconv.GUARDRAIL_SPANS] = orjson.dumps(decision.spans[:MAX_SPANS]).decode()
        rest[semconv.GUARDRAIL_FOUND] = len(decision.spans)
    return [start.piece, *encoder.attributes(rest)]


def _scores(judgement: Judgement, who: str, current: "runtime.Runtime") -> Iterator[list[bytes]]:
    encoder, version = current.lines, judgement.version
    content, redactor = current.settings.capture_content, current.redactor

    def said(name: str, score: Score) -> dict[str, Any]:
        found = score_attributes(
            name,
            score,
            source="guardrail",
            scorer_version=version,
            content=content,
            redactor=redactor,
            encode=current.encode,
        )
        found[semconv.GUARDRAIL_NAME] = who
        return found

    for name, score in judgement.scores.items():
        if type(score.value) is bool and score.explanation is None and not score.details:
            # What passes is nearly always told so.
            key = (semconv.EVALUATION_EVENT, who, name, score.value, score.passed, version)
            yield [encoder.phrase(key, partial(said, name, score)).piece]
        else:
            yield encoder.attributes(said(name, score))
    if judgement.error is not None:
        failed = error_attributes(
            judgement.name,
            judgement.error,
            source="guardrail",
            scorer_version=version,
            content=content,
            redactor=redactor,
        )
        yield encoder.attributes({**failed, semconv.GUARDRAIL_NAME: who})
