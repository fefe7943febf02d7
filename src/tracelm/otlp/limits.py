"""How much a request that comes from outside may hold."""

from collections.abc import Iterable
from dataclasses import dataclass

from tracelm.errors import DecodeError
from tracelm.otlp.records import AnyValue, Attributes, LogRecord, Resource, Scope, SpanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """What a sender may send. A record beyond one of these is refused alone; a request, as a whole.

    Attributes:
        max_records: Records in a request; a resource or a scope counts as one.
        max_attributes: Attributes of a span, of one of its events or links, of a log record, a resource or a scope.
        max_events: Events of a span; likewise links.
        max_depth: How deep lists and maps may be nested in a value.
        max_values: Values inside of one attribute, at all depths together.
        max_key_bytes: The name of an attribute, in UTF-8.
        max_field_bytes: One attribute with all that is in it, or one text outside of attributes, in UTF-8. A number
            counts as 8 bytes.
    """

    max_records: int = 65_536
    max_attributes: int = 4_096
    max_events: int = 4_096
    max_depth: int = 32
    max_values: int = 262_144
    max_key_bytes: int = 4_096
    max_field_bytes: int = 4_194_304

    def check_records(self, count: int) -> None:
        """Refuse a request.

        Raises:
            DecodeError: It holds more records than one may.
        """
        if count > self.max_records:
            raise DecodeError(
                f"it holds more than {self.max_records:,} records, resources and scopes: send it in parts"
            )

    def check_attributes(self, count: int) -> None:
        """Refuse a record by the number of attributes in one place of it.

        Raises:
            DecodeError: There are more than may be.
        """
        if count > self.max_attributes:
            raise DecodeError(f"it has {count:,} attributes; at most {self.max_attributes:,} are taken")

    def check_events(self, count: int, name: str) -> None:
        """Refuse a span by the number of its events, or its links.

        Raises:
            DecodeError: It has more than a span may.
        """
        if count > self.max_events:
            raise DecodeError(f"it has {count:,} {name}; at most {self.max_events:,} are taken")

    def check_field(self, size_bytes: int, name: str) -> None:
        """Refuse a record by the size of a field.

        Raises:
            DecodeError: It is larger than a field may be.
        """
        if size_bytes > self.max_field_bytes:
            raise DecodeError(f"{name} has {size_bytes:,} bytes; at most {self.max_field_bytes:,} are taken")

    def check_values(self, count: int, depth: int) -> None:
        """Refuse a record by what is inside of one of its values.

        Raises:
            DecodeError: There are more, or deeper, lists and maps than one may have.
        """
        if count > self.max_values:
            raise DecodeError(f"a value has more than {self.max_values:,} values in it")
        if depth > self.max_depth:
            raise DecodeError(f"a value is nested more than {self.max_depth} levels deep")


def check_span(span: SpanRecord, limits: RequestLimits) -> None:
    """Refuse a span beyond the limits.

    Raises:
        DecodeError: Says which limit, and by how much.
    """
    if _is_surely_within(span.own_source, limits):
        return
    _check_texts(limits, name=span.name, message=span.status_message, traceState=span.trace_state)
    _check_attributes(span.attributes, limits)
    limits.check_events(len(span.events), "events")
    limits.check_events(len(span.links), "links")
    for event in span.events:
        _check_texts(limits, name=event.name)
        _check_attributes(event.attributes, limits)
    for link in span.links:
        _check_texts(limits, traceState=link.trace_state)
        _check_attributes(link.attributes, limits)


def check_log(log: LogRecord, limits: RequestLimits) -> None:
    """Refuse a log record beyond the limits.

    Raises:
        DecodeError: Says which limit, and by how much.
    """
    if _is_surely_within(log.own_source, limits):
        return
    _check_texts(limits, eventName=log.event_name, severityText=log.severity_text)
    limits.check_field(_size_bytes(log.body, limits), "body")
    _check_attributes(log.attributes, limits)


def check_holder(holder: Resource | Scope, limits: RequestLimits) -> None:
    """Refuse a resource or a scope beyond the limits, and with it what it holds.

    Raises:
        DecodeError: Says which limit, and by how much.
    """
    if _is_surely_within(holder.source, limits):
        return
    _check_texts(limits, schemaUrl=holder.schema_url)
    if isinstance(holder, Scope):
        _check_texts(limits, name=holder.name, version=holder.version)
    _check_attributes(holder.attributes, limits)


def _is_surely_within(source: bytes, limits: RequestLimits) -> bool:
    """Say whether a record is too small to break a limit, which holds for nearly all."""
    # The shortest attribute, event or level of a value has more than eight bytes in JSON.
    size = len(source)
    return (
        size <= limits.max_key_bytes
        and size <= limits.max_field_bytes
        and size <= 8 * limits.max_attributes
        and size <= 8 * limits.max_events
        and source.count(b'Value":{"') <= limits.max_depth
    )


def _check_texts(limits: RequestLimits, **texts: str) -> None:
    for name, text in texts.items():
        limits.check_field(_length_bytes(text), name)


def _check_attributes(attributes: Attributes, limits: RequestLimits) -> None:
    limits.check_attributes(len(attributes))
    for key, value in attributes.items():
        length = _length_bytes(key)
        if length > limits.max_key_bytes:
            raise DecodeError(f"the key {key[:40]!r}… has {length:,} bytes; at most {limits.max_key_bytes:,} are taken")
        size = length + (_length_bytes(value) if type(value) is str else _size_bytes(value, limits))
        if size > limits.max_field_bytes:
            limits.check_field(size, f"the attribute {key[:40]!r}")


def _size_bytes(value: AnyValue, limits: RequestLimits) -> int:
    total = 0
    level: list[AnyValue] = [value]
    count = depth = 0
    while True:
        total += sum(map(_own_bytes, level))
        depth += any(isinstance(each, list | dict) for each in level)
        level = [inner for each in level for inner in _inside(each)]
        count += len(level)
        limits.check_values(count, depth)
        if not level or total > limits.max_field_bytes:
            return total


def _own_bytes(value: AnyValue) -> int:
    """How large a value is, without those that it holds."""
    if isinstance(value, str):
        return _length_bytes(value)
    if isinstance(value, dict):
        return sum(map(_length_bytes, value))
    return len(value) if isinstance(value, bytes) else 8


def _inside(value: AnyValue) -> Iterable[AnyValue]:
    if isinstance(value, list):
        return value
    return value.values() if isinstance(value, dict) else ()


def _length_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
