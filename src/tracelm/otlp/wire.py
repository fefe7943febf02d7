"""Read OTLP requests in protobuf: each record alone, with its own OTLP/JSON as the journal has it."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from google.protobuf.message import DecodeError as WireError
from opentelemetry.proto.common.v1.common_pb2 import EntityRef

from tracelm.errors import DecodeError
from tracelm.otlp import shapes
from tracelm.otlp.decode import Decoded
from tracelm.otlp.encode import any_value, key_prefix, string
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

_R = TypeVar("_R")
_Seen = tuple[str, AnyValue, bytes]

_TIMES: Final = 2**63
_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_REPEATS_UP_TO_BYTES: Final = 96
_MAX_SEEN: Final = 8_192
_BROKEN: Final = "it is no protobuf, or a text in it is no UTF-8"

_SPAN: Final = (
    b'{"traceId":"%b","spanId":"%b"%b,"flags":%d,"name":%b,"kind":%d,'
    b'"startTimeUnixNano":"%d","endTimeUnixNano":"%d","attributes":[%b]%b}'
)


def read_spans(body: bytes, limits: RequestLimits) -> Decoded[SpanRecord]:
    """Read an `ExportTraceServiceRequest`.

    Raises:
        DecodeError: The body as a whole is no such request, or holds too many records.
    """
    return _read(body, limits, _span)


def read_logs(body: bytes, limits: RequestLimits) -> Decoded[LogRecord]:
    """Read an `ExportLogsServiceRequest`.

    Raises:
        DecodeError: The body as a whole is no such request, or holds too many records.
    """
    return _read(body, limits, _log)


def _read(
    body: bytes, limits: RequestLimits, read: Callable[[bytes, Resource, Scope, RequestLimits], _R]
) -> Decoded[_R]:
    records: list[_R] = []
    errors: list[DecodeError] = []
    resources = _parsed(shapes.REQUEST, body).resources
    count = len(resources)
    limits.check_records(count)  # each costs as much as a record, and can be sent in two bytes
    for of_resource in resources:
        resource_part = _parsed(shapes.RESOURCE_PART, of_resource)
        resource = _or_error(_resource, resource_part, limits)
        count += len(resource_part.scopes)
        limits.check_records(count)
        for of_scope in resource_part.scopes:
            scope_part = _parsed(shapes.SCOPE_PART, of_scope)
            found = scope_part.records
            count += len(found)
            limits.check_records(count)
            scope = _or_error(_scope, scope_part, limits)
            if isinstance(resource, DecodeError) or isinstance(scope, DecodeError):
                errors.extend(
                    [resource if isinstance(resource, DecodeError) else cast("DecodeError", scope)] * len(found)
                )
                continue
            for one in found:
                try:
                    records.append(read(one, resource, scope, limits))
                except DecodeError as error:
                    errors.append(error)
    return Decoded(tuple(records), tuple(errors))


def _parsed(shape: Any, data: bytes) -> Any:
    try:
        return shape.FromString(data)
    except WireError:
        raise DecodeError(_BROKEN) from None


def _or_error(read: Callable[[Any, RequestLimits], _R], part: Any, limits: RequestLimits) -> _R | DecodeError:
    try:
        return read(part, limits)
    except DecodeError as error:
        return error


def _span(data: bytes, resource: Resource, scope: Scope, limits: RequestLimits) -> SpanRecord:
    span = _parsed(shapes.SPAN, data)
    trace_id = _id(span.trace_id, _NO_TRACE, "traceId")
    span_id = _id(span.span_id, _NO_SPAN, "spanId")
    parent = span.parent_span_id
    parent_id = _id_or_none(parent, _NO_SPAN, "parentSpanId")
    attributes, pieces = _attributes(span.attributes, limits)
    start_ns, end_ns = _time(span.start, "startTimeUnixNano"), _time(span.end, "endTimeUnixNano")
    kind, name, flags = span.kind, span.name, span.flags
    rest: list[bytes] = []
    trace_state = span.trace_state
    if trace_state:
        rest.append(b',"traceState":%b' % string(trace_state))
    dropped = span.dropped
    if dropped:
        rest.append(b',"droppedAttributesCount":%d' % dropped)
    events = _each(_event, span.events, limits, b"events", rest)
    dropped_events = span.dropped_events
    if dropped_events:
        rest.append(b',"droppedEventsCount":%d' % dropped_events)
    links = _each(_link, span.links, limits, b"links", rest)
    dropped_links = span.dropped_links
    if dropped_links:
        rest.append(b',"droppedLinksCount":%d' % dropped_links)
    code, message = 0, ""
    if span.HasField("status"):
        status = span.status
        code, message = status.code, status.message
        rest.append(_status(code, message))
    record = SpanRecord(
        resource=resource,
        scope=scope,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        trace_state=trace_state,
        flags=flags,
        name=name,
        kind=_named(kind, KINDS),
        start_ns=start_ns,
        end_ns=end_ns,
        status=_named(code, STATUSES),
        status_message=message,
        attributes=attributes,
        dropped_attributes=dropped,
        events=events,
        dropped_events=dropped_events,
        links=links,
        dropped_links=dropped_links,
        own_source=_SPAN
        % (
            trace_id.encode(),
            span_id.encode(),
            b',"parentSpanId":"%b"' % parent.hex().encode() if parent else b"",
            flags,
            string(name),
            kind,
            start_ns,
            end_ns,
            b",".join(pieces),
            b"".join(rest),
        ),
    )
    check_span(record, limits)
    return record


def _log(data: bytes, resource: Resource, scope: Scope, limits: RequestLimits) -> LogRecord:
    log = _parsed(shapes.LOG, data)
    time_ns, observed_ns = _time(log.time, "timeUnixNano"), _time(log.observed, "observedTimeUnixNano")
    trace_id, span_id = log.trace_id, log.span_id
    attributes, pieces = _attributes(log.attributes, limits)
    parts = [b'"timeUnixNano":"%d","observedTimeUnixNano":"%d"' % (time_ns, observed_ns)]
    if log.severity:
        parts.append(b'"severityNumber":%d' % log.severity)
    if log.severity_text:
        parts.append(b'"severityText":%b' % string(log.severity_text))
    body: AnyValue = None
    if len(log.body):
        limits.check_field(sum(map(len, log.body)), "body")
        body, piece = _Values(limits).read(_parsed(shapes.VALUE, b"".join(log.body)))
        parts.append(b'"body":%b' % piece)
    if log.dropped:
        parts.append(b'"droppedAttributesCount":%d' % log.dropped)
    if log.flags:
        parts.append(b'"flags":%d' % log.flags)
    if trace_id:
        parts.append(b'"traceId":"%b"' % trace_id.hex().encode())
    if span_id:
        parts.append(b'"spanId":"%b"' % span_id.hex().encode())
    if log.event_name:
        parts.append(b'"eventName":%b' % string(log.event_name))
    parts.append(b'"attributes":[%b]' % b",".join(pieces))
    record = LogRecord(
        resource=resource,
        scope=scope,
        time_ns=time_ns or observed_ns,
        observed_ns=observed_ns,
        trace_id=_id_or_none(trace_id, _NO_TRACE, "traceId"),
        span_id=_id_or_none(span_id, _NO_SPAN, "spanId"),
        flags=log.flags,
        severity=log.severity,
        severity_text=log.severity_text,
        event_name=log.event_name,
        body=body,
        attributes=attributes,
        dropped_attributes=log.dropped,
        own_source=b"{%b}" % b",".join(parts),
    )
    check_log(record, limits)
    return record


def _each(
    read: Callable[[bytes, RequestLimits], tuple[_R, bytes]],
    found: Any,
    limits: RequestLimits,
    name: bytes,
    rest: list[bytes],
) -> tuple[_R, ...]:
    """Read the events or links of a span, and add their list to what is written of it."""
    if not found:
        return ()
    limits.check_events(len(found), name.decode())
    each = [read(data, limits) for data in found]
    rest.append(b',"%b":[%b]' % (name, b",".join([piece for _, piece in each])))
    return tuple([record for record, _ in each])


def _event(data: bytes, limits: RequestLimits) -> tuple[EventRecord, bytes]:
    event = _parsed(shapes.EVENT, data)
    time_ns = _time(event.time, "timeUnixNano")
    attributes, pieces = _attributes(event.attributes, limits)
    record = EventRecord(event.name, time_ns, attributes, event.dropped)
    return record, b'{"timeUnixNano":"%d","name":%b,"attributes":[%b]%b}' % (
        time_ns,
        string(event.name),
        b",".join(pieces),
        _dropped(event.dropped),
    )


def _link(data: bytes, limits: RequestLimits) -> tuple[LinkRecord, bytes]:
    link = _parsed(shapes.LINK, data)
    trace_id = _id_or_none(link.trace_id, _NO_TRACE, "traceId") or ""
    span_id = _id_or_none(link.span_id, _NO_SPAN, "spanId") or ""
    attributes, pieces = _attributes(link.attributes, limits)
    record = LinkRecord(trace_id, span_id, link.trace_state, attributes, link.dropped, link.flags)
    return record, b'{"traceId":"%b","spanId":"%b","traceState":%b,"attributes":[%b]%b,"flags":%d}' % (
        link.trace_id.hex().encode(),
        link.span_id.hex().encode(),
        string(link.trace_state),
        b",".join(pieces),
        _dropped(link.dropped),
        link.flags,
    )


def _resource(part: Any, limits: RequestLimits) -> Resource:
    schema_url = _utf8(part.schema_url)
    resource = _parsed(shapes.RESOURCE, b"".join(part.resource))
    attributes, pieces = _attributes(resource.attributes, limits)
    entities = b",".join([_entity(_parsed(EntityRef, each)) for each in resource.entities])
    found = Resource(
        attributes=attributes,
        dropped_attributes=resource.dropped,
        schema_url=schema_url,
        source=b"{%b}"
        % b",".join(
            _present(
                len(part.resource)
                and b'"resource":{"attributes":[%b]%b%b}'
                % (
                    b",".join(pieces),
                    _dropped(resource.dropped),
                    b',"entityRefs":[%b]' % entities if entities else b"",
                ),
                schema_url and b'"schemaUrl":%b' % string(schema_url),
            )
        ),
    )
    check_holder(found, limits)
    return found


def _scope(part: Any, limits: RequestLimits) -> Scope:
    schema_url = _utf8(part.schema_url)
    scope = _parsed(shapes.SCOPE, b"".join(part.scope))
    attributes, pieces = _attributes(scope.attributes, limits)
    found = Scope(
        name=scope.name,
        version=scope.version,
        attributes=attributes,
        dropped_attributes=scope.dropped,
        schema_url=schema_url,
        source=b"{%b}"
        % b",".join(
            _present(
                len(part.scope)
                and b'"scope":{"name":%b,"version":%b,"attributes":[%b]%b}'
                % (string(scope.name), string(scope.version), b",".join(pieces), _dropped(scope.dropped)),
                schema_url and b'"schemaUrl":%b' % string(schema_url),
            )
        ),
    )
    check_holder(found, limits)
    return found


def _present(*pieces: bytes | str | int) -> list[bytes]:
    return [piece for piece in pieces if isinstance(piece, bytes)]


def _entity(entity: EntityRef) -> bytes:
    return b'{"schemaUrl":%b,"type":%b,"idKeys":[%b],"descriptionKeys":[%b]}' % (
        string(entity.schema_url),
        string(entity.type),
        b",".join(map(string, entity.id_keys)),
        b",".join(map(string, entity.description_keys)),
    )


_seen: dict[bytes, _Seen] = {}
"""Attributes that were read before, by their bytes: most of a span's say what the last span's said."""


def _attributes(found: Sequence[bytes], limits: RequestLimits) -> tuple[Attributes, list[bytes]]:
    limits.check_attributes(len(found))
    attributes: Attributes = {}
    pieces: list[bytes] = []
    for data in found:
        known = _seen.get(data)
        if known is None:
            known = _attribute(data, limits)
        key, attributes[key], piece = known[0], known[1], known[2]
        pieces.append(piece)
    return attributes, pieces


def _attribute(data: bytes, limits: RequestLimits) -> _Seen:
    limits.check_field(len(data), "an attribute")
    pair = _parsed(shapes.PAIR, data)
    key, held = pair.key, pair.value
    text = held.text
    seen: _Seen
    if text:  # most values are
        seen = key, text, b'%b{"stringValue":%b}}' % (key_prefix(key), string(text))
    else:
        value, piece = _Values(limits).read(held)
        seen = key, value, b"%b%b}" % (key_prefix(key), piece)
    if len(data) <= _REPEATS_UP_TO_BYTES:
        if len(_seen) >= _MAX_SEEN:
            _seen.clear()
        _seen[data] = seen
    return seen


class _Values:
    """Reads one value with all that is in it, and counts: two bytes can be a value, which is a hundred in memory."""

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits
        self._count = 0
        self._depth = 0

    def read(self, held: Any) -> tuple[AnyValue, bytes]:
        """Return a value, and what OTLP/JSON writes for it; in a map, both of a key that stands there twice."""
        match held.WhichOneof("one"):
            case "text":
                return held.text, b'{"stringValue":%b}' % string(held.text)
            case "integer":
                return held.integer, b'{"intValue":"%d"}' % held.integer
            case "number":
                return held.number, any_value(held.number)
            case "flag":
                return held.flag, any_value(held.flag)
            case "raw":
                return held.raw, any_value(held.raw)
            case "list":
                values: list[AnyValue] = []
                pieces: list[bytes] = []
                for item in self._items(held.list):
                    value, piece = self.read(_parsed(shapes.VALUE, item))
                    values.append(value)
                    pieces.append(piece)
                self._depth -= 1
                return values, b'{"arrayValue":{"values":[%b]}}' % b",".join(pieces)
            case "map":
                pairs: dict[str, AnyValue] = {}
                pieces = []
                for item in self._items(held.map):
                    pair = _parsed(shapes.PAIR, item)
                    key: str = pair.key
                    pairs[key], piece = self.read(pair.value)
                    pieces.append(b"%b%b}" % (key_prefix(key), piece))
                self._depth -= 1
                return pairs, b'{"kvlistValue":{"values":[%b]}}' % b",".join(pieces)
            case _:
                return None, b"{}"

    def _items(self, data: bytes) -> Any:
        items = _parsed(shapes.ITEMS, data).items
        self._count += len(items)
        self._depth += 1
        self._limits.check_values(self._count, self._depth)
        return items


def _id(data: bytes, none: bytes, name: str) -> str:
    if len(data) != len(none):
        raise DecodeError(f"{name} has {len(data)} bytes, not {len(none)}")
    if data == none:
        raise DecodeError(f"{name} is all zeros, which means no id")
    return data.hex()


def _id_or_none(data: bytes, none: bytes, name: str) -> str | None:
    """Read an id that need not be there; all zeros is what some senders write for none."""
    return None if not data or data == none else _id(data, none, name)


def _time(time_ns: int, name: str) -> int:
    if time_ns >= _TIMES:
        raise DecodeError(f"{name} is {time_ns}: out of range")
    return time_ns


def _named(number: int, names: tuple[str, ...]) -> str:
    # A number from a newer version of the protocol is no reason to lose the span.
    return names[number] if 0 <= number < len(names) else names[0]


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise DecodeError(_BROKEN) from None


def _dropped(count: int) -> bytes:
    return b',"droppedAttributesCount":%d' % count if count else b""


def _status(code: int, message: str) -> bytes:
    if not code and not message:
        return b',"status":{}'
    return b',"status":{"code":%d,"message":%b}' % (code, string(message))
