"""Records for the tests of the checker, made as OTLP/JSON and decoded as any other."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson

from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.records import KINDS, STATUSES, LogRecord, SpanRecord

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"

CHAT: Mapping[str, object] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "server.address": "api.openai.com",
    "server.port": 443,
    "openai.api.type": "chat_completions",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
}
"""A chat in which nothing is missing."""


def span(
    name: str = "chat gpt-4o",
    attributes: Mapping[str, object] = CHAT,
    *,
    kind: str = "client",
    status: str = "unset",
    events: Iterable[str] = (),
    **changed: object,
) -> SpanRecord:
    """Return one span.

    Args:
        name: Of the span.
        attributes: What it carries.
        kind: One of `KINDS`.
        status: One of `STATUSES`.
        events: Names of events on it.
        changed: Attributes that are different, `__` for `.`; `None` for one that is left out.
    """
    one = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": name,
        "kind": KINDS.index(kind),
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "attributes": _pairs(_changed(attributes, changed)),
        "status": {"code": STATUSES.index(status)},
        "events": [{"name": each, "timeUnixNano": "1"} for each in events],
    }
    line = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]})
    return decode_spans(line).records[0]


def log(
    event: str, attributes: Mapping[str, object], *, severity: int = 0, in_span: bool = True, **changed: object
) -> LogRecord:
    """Return one log record; `changed` as for `span`."""
    one: dict[str, Any] = {
        "eventName": event,
        "timeUnixNano": "1",
        "severityNumber": severity,
        "attributes": _pairs(_changed(attributes, changed)),
    }
    if in_span:
        one |= {"traceId": TRACE, "spanId": SPAN}
    return decode_logs(orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [one]}]}]})).records[0]


def _changed(attributes: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, object]:
    found = {**attributes, **{key.replace("__", "."): value for key, value in changed.items()}}
    return {key: value for key, value in found.items() if value is not None}


def _pairs(attributes: Mapping[str, object]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [_value(each) for each in cast("list[object]", value)]}}
        case dict():
            return {"kvlistValue": {"values": _pairs(cast("dict[str, object]", value))}}
        case _:
            return {}
