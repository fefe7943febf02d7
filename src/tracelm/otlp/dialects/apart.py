"""Messages of a call that its instrumentation sent beside the span, as log records of their own.

- Until 1.36 each message is one: `gen_ai.user.message`, `gen_ai.choice` and their like; the body holds what was said.
- Since then one record tells all of a call, `gen_ai.client.inference.operation.details`, with the attributes that the
  span would have.

Both are read as if the span had them: as its events, or its attributes. The records stay what they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tracelm import semconv
from tracelm.otlp.dialects.dialect import as_text, is_map, map_in
from tracelm.otlp.dialects.opentelemetry import MESSAGE_EVENTS
from tracelm.otlp.records import AnyValue, EventRecord, LogRecord, SpanRecord

APART: Final = frozenset({*MESSAGE_EVENTS, semconv.DETAILS_EVENT})
"""The names of such log records."""
_WHOLE: Final = (
    semconv.INPUT_MESSAGES,
    semconv.OUTPUT_MESSAGES,
    semconv.SYSTEM_INSTRUCTIONS,
    semconv.TOOL_DEFINITIONS,
)


def name_of(log: LogRecord) -> str | None:
    """Return the name of a log record that holds messages; `None` for others. Older SDKs have an attribute for it."""
    name = log.event_name or log.attributes.get("event.name")
    return name if isinstance(name, str) and name in APART else None


def may_have_more(shown: Mapping[str, AnyValue]) -> bool:
    """Say whether a span, by what `canonical` made of it, is a call of a model without any message."""
    is_call = shown.get(semconv.OPERATION_NAME) in semconv.MODEL_OPERATIONS
    return is_call and semconv.INPUT_MESSAGES not in shown and semconv.OUTPUT_MESSAGES not in shown


def with_said(span: SpanRecord, said: Sequence[LogRecord]) -> SpanRecord:
    """Return a span as if what was said in its log records stood in it; for `canonical`, not to be kept.

    Args:
        span: As it came.
        said: Log records of its context, in the order of their times; others than those of `APART` change nothing.
    """
    attributes: dict[str, AnyValue] = {}
    events: list[EventRecord] = []
    for each in said:
        name = name_of(each)
        if name == semconv.DETAILS_EVENT:
            for key in _WHOLE:
                value = each.attributes.get(key)
                if value is not None:
                    attributes[key] = value if isinstance(value, str) else as_text(value)
        elif name is not None:
            body = map_in(each.body) if is_map(each.body) else {"content": each.body}
            events.append(EventRecord(name, each.time_ns, {**each.attributes, **body}, 0))
    if not attributes and not events:
        return span
    return replace(span, attributes={**attributes, **span.attributes}, events=(*span.events, *events))
