"""What an OTLP request holds, as Python values: spans and log records with all their parts."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

AnyValue: TypeAlias = "bool | int | float | str | bytes | list[AnyValue] | dict[str, AnyValue] | None"
Attributes: TypeAlias = dict[str, AnyValue]

KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES: Final = ("unset", "ok", "error")


@dataclass(frozen=True, slots=True)
class Resource:
    """What produced a record: a process, with its service and project.

    Attributes:
        source: The resource with its schema's URL, OTLP/JSON: `{"resource":{…},"schemaUrl":"…"}`, what is empty left
            out. All that came in, also what has no field here. The records of a request share it.
    """

    attributes: Attributes
    dropped_attributes: int
    schema_url: str
    source: bytes


@dataclass(frozen=True, slots=True)
class Scope:
    """Which library produced a record.

    Attributes:
        source: The scope with its schema's URL, OTLP/JSON, as that of a resource: `{"scope":{…},"schemaUrl":"…"}`.
    """

    name: str
    version: str
    attributes: Attributes
    dropped_attributes: int
    schema_url: str
    source: bytes


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened at one moment of a span."""

    name: str
    time_ns: int
    attributes: Attributes
    dropped_attributes: int


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A span's pointer to another span, mostly of another trace.

    Attributes:
        trace_id: 32 lower-case hex digits; empty when the sender had none.
        span_id: 16 lower-case hex digits; empty when the sender had none.
    """

    trace_id: str
    span_id: str
    trace_state: str
    attributes: Attributes
    dropped_attributes: int
    flags: int


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span, as it came in.

    Attributes:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        parent_span_id: 16 hex digits; `None` for the root of a trace.
        kind: One of `KINDS`.
        start_ns: Nanoseconds since 1970, UTC.
        end_ns: Nanoseconds since 1970, UTC.
        status: One of `STATUSES`.
        own_source: The span alone, without resource and scope, OTLP/JSON: all that came in, also what has no field
            here.
    """

    resource: Resource
    scope: Scope
    trace_id: str
    span_id: str
    parent_span_id: str | None
    trace_state: str
    flags: int
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str
    attributes: Attributes
    dropped_attributes: int
    events: tuple[EventRecord, ...]
    dropped_events: int
    links: tuple[LinkRecord, ...]
    dropped_links: int
    own_source: bytes

    @property
    def source(self) -> bytes:
        """The span as a request of its own, OTLP/JSON, put together from its parts."""
        return request_line("spans", self.resource.source, self.scope.source, self.own_source)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record, as it came in: for us a score or a guardrail's decision.

    Attributes:
        time_ns: When it happened, else when it was observed; nanoseconds since 1970, UTC.
        trace_id: 32 lower-case hex digits; `None` when it belongs to no trace.
        span_id: 16 lower-case hex digits; `None` when it belongs to no span.
        own_source: The record alone, without resource and scope, OTLP/JSON: all that came in, also what has no field
            here.
    """

    resource: Resource
    scope: Scope
    time_ns: int
    observed_ns: int
    trace_id: str | None
    span_id: str | None
    flags: int
    severity: int
    severity_text: str
    event_name: str
    body: AnyValue
    attributes: Attributes
    dropped_attributes: int
    own_source: bytes

    @property
    def source(self) -> bytes:
        """The record as a request of its own, OTLP/JSON, put together from its parts."""
        return request_line("logs", self.resource.source, self.scope.source, self.own_source)


def request_line(signal: Literal["spans", "logs"], resource: bytes, scope: bytes, record: bytes) -> bytes:
    """Return a record as a request of its own.

    Args:
        signal: What the record is.
        resource: The `source` of its resource.
        scope: The `source` of its scope.
        record: Its `own_source`.
    """
    kind, records = (b"Spans", b"spans") if signal == "spans" else (b"Logs", b"logRecords")
    return b'{"resource%b":[%b%b"scope%b":[%b%b"%b":[%b]}]}]}' % (
        kind,
        resource[:-1],
        b"," if len(resource) > 2 else b"",
        kind,
        scope[:-1],
        b"," if len(scope) > 2 else b"",
        records,
        record,
    )
