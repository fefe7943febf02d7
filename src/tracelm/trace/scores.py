"""Scores and decisions as OpenTelemetry log records in the context of the span that they are about."""

import os
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.otlp.encode import key_prefix
from tracelm.scoring.score import Score, ScoreValue
from tracelm.trace import runtime
from tracelm.trace.redact import Redactor
from tracelm.trace.safely import report, safely
from tracelm.trace.spans import SpanHandle
from tracelm.trace.values import type_name

if TYPE_CHECKING:
    from opentelemetry._logs import SeverityNumber

SOURCES: Final = frozenset({"eval", "guardrail", "monitor", "human", "sdk"})
_UID: Final = key_prefix(semconv.LOG_RECORD_UID)


def score(
    span_or_id: SpanHandle | SpanContext | str,
    *,
    name: str,
    value: ScoreValue,
    explanation: str | None = None,
    source: str = "human",
    author: str | None = None,
) -> None:
    """Score a span, during the call or any time later: feedback of a person, or of a program.

    Args:
        span_or_id: `tracelm.current_span()`, a span of OpenTelemetry, or text as the CLI prints it: a trace id
            (32 hex digits), or `TRACE_ID:SPAN_ID`.
        name: What is judged, for example `"helpful"`.
        value: True or False, a number, or a label.
        explanation: Why.
        source: `human`, or `sdk` for a program's verdict.
        author: Who gave it.

    Raises:
        ConfigError: The id, the value or the source is none.
    """
    if source not in SOURCES:
        raise ConfigError(f"source={source!r} is not known: use one of {', '.join(sorted(SOURCES))}")
    try:
        verdict = Score(value=value, explanation=explanation)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"score {name!r}: {error}") from None
    record_score(name, verdict, on=_context_of(span_or_id), source=source, author=author)


def record_score(
    name: str,
    verdict: Score,
    *,
    on: SpanContext | None = None,
    source: str,
    scorer_version: str | None = None,
    author: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Record a score as a `gen_ai.evaluation.result`.

    Args:
        name: The score's name.
        verdict: The score.
        on: The span that was scored; the current one by default.
        source: One of `SOURCES`.
        scorer_version: Which code judged.
        author: The person who judged.
        attributes: Further attributes of the record.
    """
    current = runtime.active
    if current is None:
        return
    found = score_attributes(
        name,
        verdict,
        source=source,
        scorer_version=scorer_version,
        author=author,
        content=current.settings.capture_content,
        redactor=current.redactor,
        encode=current.encode,
    )
    emit(semconv.EVALUATION_EVENT, {**found, **(attributes or {})}, on=on)


def score_attributes(
    name: str,
    verdict: Score,
    *,
    source: str,
    scorer_version: str | None = None,
    author: str | None = None,
    content: bool,
    redactor: Redactor,
    encode: Callable[[object], str],
) -> dict[str, Any]:
    """Return what a score says as attributes of its record.

    Args:
        name: The score's name.
        verdict: The score.
        source: One of `SOURCES`.
        scorer_version: Which code judged.
        author: The person who judged.
        content: Whether to tell why and with what details, which may quote an input; a label is one of few words.
        redactor: Takes the secrets out.
        encode: Returns a value as bounded JSON without secrets.
    """
    found: dict[str, Any] = {semconv.EVALUATION_NAME: name, semconv.SCORE_SOURCE: source}
    value = verdict.value
    if isinstance(value, bool):
        found[semconv.SCORE_VALUE] = float(value)
        found[semconv.SCORE_LABEL] = "true" if value else "false"
    elif isinstance(value, str):
        found[semconv.SCORE_LABEL] = redactor.string(value)
    elif value is not None:
        found[semconv.SCORE_VALUE] = float(value)
    if verdict.passed is not None:
        found[semconv.SCORE_PASSED] = verdict.passed
    if verdict.explanation is not None and content:
        found[semconv.SCORE_EXPLANATION] = redactor.string(verdict.explanation)
    if verdict.details and content:
        try:
            found[semconv.SCORE_DETAILS] = str(encode(verdict.details))
        except Exception as error:
            report("encode the details of a score", error)
    if scorer_version is not None:
        found[semconv.SCORER_VERSION] = scorer_version
    if author is not None:
        found[semconv.SCORE_AUTHOR] = author
    return found


def record_score_error(
    name: str,
    error: BaseException,
    *,
    on: SpanContext | None = None,
    source: str,
    scorer_version: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Record that a scorer failed: the same event, with `error.type` and no value."""
    current = runtime.active
    if current is None:
        return
    found = error_attributes(
        name,
        error,
        source=source,
        scorer_version=scorer_version,
        content=current.settings.capture_content,
        redactor=current.redactor,
    )
    emit(semconv.EVALUATION_EVENT, {**found, **(attributes or {})}, on=on)


def error_attributes(
    name: str,
    error: BaseException,
    *,
    source: str,
    scorer_version: str | None = None,
    content: bool,
    redactor: Redactor,
) -> dict[str, Any]:
    """Return what the record of a scorer that failed says; the arguments are those of `score_attributes`."""
    kind = type_name(error)
    found: dict[str, Any] = {semconv.EVALUATION_NAME: name, semconv.SCORE_SOURCE: source, semconv.ERROR_TYPE: kind}
    if content:
        with safely("record an exception"):  # an exception whose __str__ raises, say
            found[semconv.SCORE_EXPLANATION] = redactor.string(f"{kind}: {error}")
    if scorer_version is not None:
        found[semconv.SCORER_VERSION] = scorer_version
    return found


def emit(
    event_name: str,
    attributes: Mapping[str, Any],
    *,
    on: SpanContext | None = None,
    severity: "SeverityNumber | None" = None,
) -> None:
    """Write a log record about a span. Does nothing before `init`; never raises.

    Args:
        event_name: What kind of record it is.
        attributes: What it says.
        on: The span it is about; the current one by default.
        severity: How important it is, where the conventions say so.
    """
    current = runtime.active
    if current is None:
        return
    try:
        pieces = current.lines.attributes(attributes)
    except Exception as error:
        current.journal.miss()
        report("encode a score", error)
        return
    emit_all([(event_name, pieces)], on=on, severity=severity)


def emit_all(
    events: Sequence[tuple[str, list[bytes]]],
    *,
    on: SpanContext | None = None,
    severity: "SeverityNumber | None" = None,
) -> None:
    """Write several log records about one span in one write. Does nothing before `init`; never raises.

    Args:
        events: Of each record what kind it is, and what it says, as `LineEncoder.attributes` encodes it.
        on: The span they are about; the current one by default.
        severity: How important they are, where the conventions say so.
    """
    current = runtime.active
    if current is None:
        return
    about = trace.get_current_span().get_span_context() if on is None else on
    level = 0 if severity is None else severity.value
    # Not through a logger of the SDK: it would be ours alone, nobody else listens, and it costs twice as much.
    encoder, tracer = current.lines, current.tracer
    try:
        around = encoder.around_event(about, current.resource(tracer.resource), tracer.scope, level)
        lines = [encoder.event(name, time_ns(), around, [_uid(), *pieces]) for name, pieces in events]
    except Exception as error:
        for _ in events:
            current.journal.miss()
        report("encode a score", error)
        return
    if not lines:
        return
    try:
        current.keep("logs", lines)
    except Exception as error:
        report("record a score", error)


def _uid() -> bytes:
    return b'%b{"stringValue":"%b"}}' % (_UID, os.urandom(16).hex().encode())


def _context_of(span_or_id: SpanHandle | SpanContext | str) -> SpanContext:
    if isinstance(span_or_id, SpanHandle):
        return span_or_id.context
    if isinstance(span_or_id, SpanContext):
        return span_or_id
    otel = getattr(span_or_id, "get_span_context", None)
    if otel is not None:
        found: SpanContext = otel()
        return found
    trace_id, _, span_id = str(span_or_id).partition(":")
    try:
        if len(trace_id) != 32 or len(span_id) not in {0, 16}:
            raise ValueError
        return SpanContext(
            int(trace_id, 16),
            int(span_id or "0", 16),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
        )
    except ValueError:
        raise ConfigError(
            f"{span_or_id!r} is no span: give a trace id (32 hex digits) or TRACE_ID:SPAN_ID, as `tracelm show` prints"
        ) from None
