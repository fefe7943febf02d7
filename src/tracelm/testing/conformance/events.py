"""`check_log`: the events of the conventions, which are log records; and the span events that they replaced."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tracelm import semconv
from tracelm.otlp.records import EventRecord, LogRecord
from tracelm.testing.conformance.attributes import OPERATIONS
from tracelm.testing.conformance.calls import call_findings
from tracelm.testing.conformance.finding import Finding
from tracelm.testing.conformance.operations import INFERENCE, SPAN_TYPES
from tracelm.testing.conformance.presence import recommended_findings, required_findings
from tracelm.testing.conformance.values import attribute_findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event.

    Attributes:
        required: Attributes that it must have.
        recommended: Attributes that it should have.
        severity: Its severity number; `None` when any will do.
    """

    required: frozenset[str] = frozenset()
    recommended: frozenset[str] = frozenset()
    severity: int | None = None


EVENTS: Final[Mapping[str, Event]] = {
    semconv.DETAILS_EVENT: Event(required=frozenset({semconv.OPERATION_NAME}), severity=5),
    semconv.EVALUATION_EVENT: Event(
        required=frozenset({semconv.EVALUATION_NAME}),
        recommended=frozenset({semconv.SCORE_EXPLANATION}),
    ),
    semconv.EXCEPTION_EVENT: Event(severity=13),
}
"""The events that the conventions define."""

_OF_MESSAGES: Final = f"write {semconv.INPUT_MESSAGES} and {semconv.OUTPUT_MESSAGES} on the span"
DEPRECATED_EVENTS: Final[Mapping[str, str]] = {
    **{f"gen_ai.{role}.message": _OF_MESSAGES for role in ("system", "user", "assistant", "tool")},
    "gen_ai.choice": _OF_MESSAGES,
    "gen_ai.content.prompt": _OF_MESSAGES,
    "gen_ai.content.completion": _OF_MESSAGES,
}
"""Events of older states, one for each message, with what to do instead."""


def check_log(record: LogRecord) -> list[Finding]:
    """Check one log record against OpenTelemetry's GenAI conventions, in their newest state.

    Args:
        record: As `tracelm.testing.Spans.logs` gives it. One whose event name is none of GenAI's is passed over.

    Returns:
        What differs, violations first; nothing when the record conforms.
    """
    name = record.event_name
    if not name.startswith("gen_ai."):
        return []
    event = EVENTS.get(name)
    if event is None:
        return _name_findings(name)
    attributes = record.attributes
    found = attribute_findings(attributes, is_event=True)
    found += required_findings(attributes, event.required, of=name)
    found += recommended_findings(attributes, event.recommended, of=name)
    if event.severity is not None and record.severity != event.severity:
        found.append(Finding("event", name, f"give it severity {event.severity}, not {record.severity}", "improvement"))
    if name == semconv.DETAILS_EVENT:
        found += _details_findings(record)
    if name == semconv.EVALUATION_EVENT:
        found += _evaluation_findings(record)
    if name == semconv.EXCEPTION_EVENT and not {"exception.type", "exception.message"}.intersection(attributes):
        found.append(Finding("required", "exception.type", "set it, or exception.message"))
    return sorted(found, key=lambda each: each.level != "violation")


def span_event_findings(events: Iterable[EventRecord]) -> list[Finding]:
    """Find events on a span that older states of the conventions had for messages."""
    names = dict.fromkeys(each.name for each in events)
    return [Finding("deprecated", name, DEPRECATED_EVENTS[name]) for name in names if name in DEPRECATED_EVENTS]


def _name_findings(name: str) -> list[Finding]:
    if name in DEPRECATED_EVENTS:
        return [Finding("deprecated", name, DEPRECATED_EVENTS[name])]
    return [Finding("unknown", name, "the conventions have no such event: use a namespace of your own")]


def _details_findings(record: LogRecord) -> list[Finding]:
    attributes = record.attributes
    operation = attributes.get(semconv.OPERATION_NAME)
    found: list[Finding] = []
    if isinstance(operation, str) and operation in INFERENCE:
        found += call_findings(attributes, operation, SPAN_TYPES["gen_ai.inference.client"], has_failed=False)
    elif isinstance(operation, str) and operation in OPERATIONS:
        message = f"it is not for {operation}, but for {', '.join(sorted(INFERENCE))}"
        found.append(Finding("misplaced", record.event_name, message))
    if record.span_id is None:
        message = "record it in the context of the span of the call"
        found.append(Finding("event", record.event_name, message, "improvement"))
    return found


def _evaluation_findings(record: LogRecord) -> list[Finding]:
    attributes = record.attributes
    found: list[Finding] = []
    if not {semconv.SCORE_VALUE, semconv.SCORE_LABEL, semconv.ERROR_TYPE}.intersection(attributes):
        message = f"set it, or {semconv.SCORE_LABEL}, or {semconv.ERROR_TYPE} where judging failed"
        found.append(Finding("recommended", semconv.SCORE_VALUE, message, "improvement"))
    if record.span_id is None and semconv.RESPONSE_ID not in attributes:
        message = f"record it in the context of the span that was judged, or set {semconv.RESPONSE_ID}"
        found.append(Finding("event", record.event_name, message, "improvement"))
    return found
