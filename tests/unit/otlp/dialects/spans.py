"""Spans for the tests of dialects."""

import json
from typing import Any

import orjson

from tracelm.otlp.dialects import canonical
from tracelm.otlp.records import Attributes, EventRecord, Resource, Scope, SpanRecord


def span(attributes: Attributes, *events: EventRecord) -> SpanRecord:
    """Return a span with these attributes."""
    return SpanRecord(
        resource=Resource({}, 0, "", b"{}"),
        scope=Scope("", "", {}, 0, "", b"{}"),
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        parent_span_id=None,
        trace_state="",
        flags=0,
        name="n",
        kind="client",
        start_ns=1,
        end_ns=2,
        status="unset",
        status_message="",
        attributes=attributes,
        dropped_attributes=0,
        events=events,
        dropped_events=0,
        links=(),
        dropped_links=0,
        own_source=b"{}",
    )


def said(name: str, **attributes: Any) -> EventRecord:
    return EventRecord(name, 1, attributes, 0)


def added(attributes: Attributes, *events: EventRecord) -> dict[str, Any]:
    """Return what a dialect's attributes mean in today's names, with JSON opened where the names promise it."""
    found = canonical(span(attributes, *events))
    return {key: opened(value) for key, value in found.items() if key not in attributes or attributes[key] != value}


def opened(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in "[{":
        return value
    try:
        return orjson.loads(value)
    except json.JSONDecodeError:
        return value
