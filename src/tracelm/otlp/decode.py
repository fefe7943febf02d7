"""Read OTLP/JSON lines: one `ExportTraceServiceRequest` or `ExportLogsServiceRequest` each.

The format is OTLP's JSON encoding: camelCase keys, ids in hex, 64-bit integers as text or number, enums as
integers, bytes in base64 (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Keys that are
not known are passed over, as the specification asks; a record's `source` keeps them.
"""

import base64
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, NoReturn, TypeAlias, TypeGuard, TypeVar

import orjson

from tracelm.errors import DecodeError
from tracelm.otlp.limits import RequestLimits, check_holder, check_log, check_span
from tracelm.otlp.records import (
    KINDS,
    STATUSES,
    AnyValue,
    Attributes,
    EventRecord,
    LinkRecord,
    LogRecord,
    Resource,
    Scope,
    SpanRecord,
)

Json: TypeAlias = Mapping[str, Any]
_R = TypeVar("_R")
_S = TypeVar("_S", Resource, Scope)

_MAX_DEPTH: Final = 100  # protobuf's own limit for messages in messages
_INT64: Final = range(-(2**63), 2**63)
_INT32: Final = range(-(2**31), 2**31)
_UINT32: Final = range(2**32)
_TIMES: Final = range(2**63)  # the integers of a database have a sign: enough until the year 2262
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")
_HEX: Final = frozenset("0123456789abcdef")
_MAX_SHARED: Final = 256
_REPEATS_UP_TO_BYTES: Final = 16_384
"""Resources and scopes come with every line; longer ones are read each time, instead of filling memory."""


@dataclass(frozen=True, slots=True)
class Decoded(Generic[_R]):
    """What one line held.

    Attributes:
        records: The records that can be read, in the line's order.
        errors: One for each record that cannot.
    """

    records: tuple[_R, ...]
    errors: tuple[DecodeError, ...]


def decode_spans(line: bytes | str, *, limits: RequestLimits | None = None) -> Decoded[SpanRecord]:
    """Read the spans of one `ExportTraceServiceRequest`.

    A span that cannot be read becomes an entry of `errors`; its neighbours are kept.

    Args:
        line: OTLP/JSON.
        limits: What it may hold; `None`: what it likes, as in lines that tracelm itself wrote.

    Raises:
        DecodeError: The line as a whole is no such request, or holds too many spans.
    """
    return _decode(line, ("resourceSpans", "scopeSpans", "spans"), _span, check_span, limits)


def decode_logs(line: bytes | str, *, limits: RequestLimits | None = None) -> Decoded[LogRecord]:
    """Read the log records of one `ExportLogsServiceRequest`.

    A record that cannot be read becomes an entry of `errors`; its neighbours are kept.

    Args:
        line: OTLP/JSON.
        limits: What it may hold; `None`: what it likes, as in lines that tracelm itself wrote.

    Raises:
        DecodeError: The line as a whole is no such request, or holds too many records.
    """
    return _decode(line, ("resourceLogs", "scopeLogs", "logRecords"), _log, check_log, limits)


def decode_attributes(source: bytes) -> Attributes:
    """Read the attributes of one record, and nothing else of it.

    Args:
        source: A span or a log record alone, OTLP/JSON.

    Raises:
        DecodeError: It is no JSON object, or its attributes cannot be read.
    """
    try:
        record = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"it is no JSON: {error}") from None
    if not _is_object(record):
        raise DecodeError("it is no object")
    return _attributes(record)


def _decode(
    line: bytes | str,
    keys: tuple[str, str, str],
    read: Callable[[Json, Resource, Scope, bytes], _R],
    check: Callable[[_R, RequestLimits], None],
    limits: RequestLimits | None,
) -> Decoded[_R]:
    by_resource, by_scope, by_record = keys
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"it is no JSON: {error}") from None
    if not _is_object(request) or (by_resource not in request and (request or limits is None)):
        raise DecodeError(f"it has no {by_resource!r}")  # nothing at all is what a sender without news may send
    errors: list[DecodeError] = []
    records: list[_R] = []
    count = 0
    for of_resource in _objects(request, by_resource, errors):
        count += 1
        if limits is not None:
            limits.check_records(count)
        resource = _shared(of_resource, by_scope, _resource, limits)
        for of_scope in _objects(of_resource, by_scope, errors):
            count += 1
            if limits is not None:
                limits.check_records(count)
            scope = _shared(of_scope, by_record, _scope, limits)
            for one in _objects(of_scope, by_record, errors):
                count += 1
                if limits is not None:
                    limits.check_records(count)
                try:
                    record = read(one, _unless_bad(resource), _unless_bad(scope), _source(one))
                    if limits is not None:
                        check(record, limits)
                    records.append(record)
                except DecodeError as error:
                    errors.append(error)
    return Decoded(tuple(records), tuple(errors))


def _shared(part: Json, but: str, read: Callable[[bytes], _S], limits: RequestLimits | None) -> _S | DecodeError:
    """Read what the records of a part share; a part that cannot be read is an error of each of its records."""
    try:
        source = _source({key: value for key, value in part.items() if key != but})
        if len(source) > _REPEATS_UP_TO_BYTES:
            read = getattr(read, "__wrapped__", read)
        found = read(source)
        if limits is not None:
            check_holder(found, limits)
        return found
    except DecodeError as error:
        return error


def _unless_bad(shared: _S | DecodeError) -> _S:
    if isinstance(shared, DecodeError):
        raise shared
    return shared


def _source(part: Json) -> bytes:
    try:
        return orjson.dumps(part)
    except orjson.JSONEncodeError:
        raise DecodeError("it is nested too deep to be kept") from None


def _span(span: Json, resource: Resource, scope: Scope, source: bytes) -> SpanRecord:
    status = _object(span, "status")
    return SpanRecord(
        resource=resource,
        scope=scope,
        trace_id=_id(span, "traceId", 32),
        span_id=_id(span, "spanId", 16),
        parent_span_id=_id_or_none(span, "parentSpanId", 16),
        trace_state=_text(span, "traceState"),
        flags=_integer(span, "flags", _UINT32),
        name=_text(span, "name"),
        kind=_enum(span, "kind", KINDS),
        start_ns=_integer(span, "startTimeUnixNano", _TIMES),
        end_ns=_integer(span, "endTimeUnixNano", _TIMES),
        status=_enum(status, "code", STATUSES),
        status_message=_text(status, "message"),
        attributes=_attributes(span),
        dropped_attributes=_integer(span, "droppedAttributesCount", _UINT32),
        events=tuple(_event(event) for event in _objects(span, "events")),
        dropped_events=_integer(span, "droppedEventsCount", _UINT32),
        links=tuple(_link(link) for link in _objects(span, "links")),
        dropped_links=_integer(span, "droppedLinksCount", _UINT32),
        own_source=source,
    )


def _log(log: Json, resource: Resource, scope: Scope, source: bytes) -> LogRecord:
    observed_ns = _integer(log, "observedTimeUnixNano", _TIMES)
    return LogRecord(
        resource=resource,
        scope=scope,
        time_ns=_integer(log, "timeUnixNano", _TIMES) or observed_ns,
        observed_ns=observed_ns,
        trace_id=_id_or_none(log, "traceId", 32),
        span_id=_id_or_none(log, "spanId", 16),
        flags=_integer(log, "flags", _UINT32),
        severity=_integer(log, "severityNumber", _INT32),
        severity_text=_text(log, "severityText"),
        event_name=_text(log, "eventName"),
        body=_value(_object(log, "body")),
        attributes=_attributes(log),
        dropped_attributes=_integer(log, "droppedAttributesCount", _UINT32),
        own_source=source,
    )


def _event(event: Json) -> EventRecord:
    return EventRecord(
        name=_text(event, "name"),
        time_ns=_integer(event, "timeUnixNano", _TIMES),
        attributes=_attributes(event),
        dropped_attributes=_integer(event, "droppedAttributesCount", _UINT32),
    )


def _link(link: Json) -> LinkRecord:
    return LinkRecord(
        trace_id=_id_or_none(link, "traceId", 32) or "",
        span_id=_id_or_none(link, "spanId", 16) or "",
        trace_state=_text(link, "traceState"),
        attributes=_attributes(link),
        dropped_attributes=_integer(link, "droppedAttributesCount", _UINT32),
        flags=_integer(link, "flags", _UINT32),
    )


@lru_cache(maxsize=_MAX_SHARED)
def _resource(source: bytes) -> Resource:
    part = orjson.loads(source)
    resource = _object(part, "resource")
    return Resource(
        attributes=_attributes(resource),
        dropped_attributes=_integer(resource, "droppedAttributesCount", _UINT32),
        schema_url=_text(part, "schemaUrl"),
        source=source,
    )


@lru_cache(maxsize=_MAX_SHARED)
def _scope(source: bytes) -> Scope:
    part = orjson.loads(source)
    scope = _object(part, "scope")
    return Scope(
        name=_text(scope, "name"),
        version=_text(scope, "version"),
        attributes=_attributes(scope),
        dropped_attributes=_integer(scope, "droppedAttributesCount", _UINT32),
        schema_url=_text(part, "schemaUrl"),
        source=source,
    )


def _attributes(part: Json, depth: int = 0) -> Attributes:
    found: Attributes = {}
    for entry in _objects(part, "attributes" if depth == 0 else "values"):
        value = _object(entry, "value")
        text = value.get("stringValue")
        # Most values are text, and attributes are most of a span.
        found[_text(entry, "key")] = text if type(text) is str else _value(value, depth)
    return found


def _value(value: Json, depth: int = 0) -> AnyValue:
    if depth > _MAX_DEPTH:
        raise DecodeError(f"a value is nested more than {_MAX_DEPTH} levels deep")
    for kind, content in value.items():
        if content is None:  # what a writer without a word for NaN makes of it
            continue
        match kind:
            case "stringValue":
                return _text(value, kind)
            case "boolValue":
                if isinstance(content, bool):
                    return content
                raise DecodeError(f"boolValue is {_shown(content)}")
            case "intValue":
                return _integer(value, kind, _INT64)
            case "doubleValue":
                return _double(content)
            case "bytesValue":
                return _bytes(content)
            case "arrayValue":
                return [_value(item, depth + 1) for item in _objects(_object(value, kind), "values")]
            case "kvlistValue":
                return dict(_attributes(_object(value, kind), depth + 1))
            case _:
                continue
    return None


def _is_object(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _objects(part: Json, key: str, errors: list[DecodeError] | None = None) -> Iterator[Json]:
    """Yield the objects of the list at `key`; anything else raises, or goes to `errors` where given."""
    found = part.get(key)
    if found is None:
        return
    for item in found if _is_list(found) else [found]:
        if _is_object(item) and _is_list(found):
            yield item
            continue
        error = DecodeError(f"{key} holds {_shown(item)} where an object in a list belongs")
        if errors is None:
            raise error
        errors.append(error)


def _object(part: Json, key: str) -> Json:
    found = part.get(key)
    if found is None:
        return {}
    if _is_object(found):
        return found
    raise DecodeError(f"{key} is {_shown(found)}, no object")


def _text(part: Json, key: str) -> str:
    found = part.get(key)
    if found is None:
        return ""
    if isinstance(found, str):
        return found
    raise DecodeError(f"{key} is {_shown(found)}, no text")


def _id(part: Json, key: str, digits: int) -> str:
    found = _text(part, key).lower()
    if len(found) != digits or not _HEX.issuperset(found):
        raise DecodeError(f"{key} is {_shown(part.get(key))}, not {digits} hex digits")
    if not found.strip("0"):
        raise DecodeError(f"{key} is all zeros, which means no id")
    return found


def _id_or_none(part: Json, key: str, digits: int) -> str | None:
    """Read an id that need not be there; all zeros is what some senders write for none."""
    found = part.get(key)
    return None if not found or found == "0" * digits else _id(part, key, digits)


def _integer(part: Json, key: str, bounds: range) -> int:
    found = part.get(key)
    if found is None:
        return 0
    if type(found) is int and found in bounds:
        return found
    is_text = isinstance(found, str) and _INTEGER.fullmatch(found)
    is_whole = isinstance(found, int | float) and not isinstance(found, bool) and float(found).is_integer()
    if not is_text and not is_whole:
        raise DecodeError(f"{key} is {_shown(found)}, no integer")
    number = int(found)
    if number not in bounds:
        raise DecodeError(f"{key} is {number}: out of range")
    return number


def _enum(part: Json, key: str, names: tuple[str, ...]) -> str:
    number = _integer(part, key, _INT32)
    # A number from a newer version of the protocol is no reason to lose the span.
    return names[number] if 0 <= number < len(names) else names[0]


def _double(content: object) -> float:
    if isinstance(content, int | float) and not isinstance(content, bool):
        return float(content)
    try:
        return float(content) if isinstance(content, str) else _no_number(content)
    except ValueError:
        return _no_number(content)


def _no_number(content: object) -> NoReturn:
    raise DecodeError(f"doubleValue is {_shown(content)}, no number") from None


def _bytes(content: object) -> bytes:
    if isinstance(content, str):
        with contextlib.suppress(ValueError):
            return base64.b64decode(content, validate=True)
    raise DecodeError(f"bytesValue is {_shown(content)}, no base64")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
