"""Journal lines for the tests of the store, made without the code that writes them in a program."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import orjson

from tracelm.trace.segments import Segment, create_segment

TRACE = "5b8efff798038103d269b633813fc60c"


def span_line(
    name: str = "op",
    *,
    trace: str = TRACE,
    span: str = "00000000000000a1",
    parent: str | None = None,
    start: int = 1_000,
    end: int = 2_000,
    status: int = 0,
    message: str = "",
    attributes: Mapping[str, object] | None = None,
    project: str | None = None,
) -> bytes:
    """Return one span as a line."""
    one = {
        "traceId": trace,
        "spanId": span,
        "parentSpanId": parent or "",
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": _pairs(attributes or {}),
        "status": {"code": status, "message": message},
    }
    return orjson.dumps({"resourceSpans": [{**_resource(project), "scopeSpans": [{"spans": [one]}]}]})


def log_line(
    event: str,
    attributes: Mapping[str, object],
    *,
    trace: str = TRACE,
    span: str = "00000000000000a1",
    time: int = 3_000,
    project: str | None = None,
    body: Mapping[str, object] | None = None,
) -> bytes:
    """Return one log record as a line; its body is a value of OTLP/JSON."""
    one = {
        "traceId": trace,
        "spanId": span,
        "eventName": event,
        "timeUnixNano": str(time),
        "attributes": _pairs(attributes),
        **({} if body is None else {"body": body}),
    }
    return orjson.dumps({"resourceLogs": [{**_resource(project), "scopeLogs": [{"logRecords": [one]}]}]})


def write_segment(
    home: Path,
    *,
    spans: Iterable[bytes] = (),
    logs: Iterable[bytes] = (),
    project: str = "shop",
    destinations: Iterable[str] = (),
) -> tuple[Segment, int]:
    """Write a segment that still lives; closing the descriptor ends its life."""
    segment, lock = create_segment(home, project=project, destinations=destinations)
    segment.file("spans").write_bytes(b"".join(line + b"\n" for line in spans))
    segment.file("logs").write_bytes(b"".join(line + b"\n" for line in logs))
    return segment, lock


def _resource(project: str | None) -> dict[str, Any]:
    return {} if project is None else {"resource": {"attributes": _pairs({"tracelm.project": project})}}


def _pairs(attributes: Mapping[str, object]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if math.isfinite(value) else "Infinity"}
        case list():
            return {"arrayValue": {"values": [_value(each) for each in cast("list[object]", value)]}}
        case _:
            return {"stringValue": str(value)}
