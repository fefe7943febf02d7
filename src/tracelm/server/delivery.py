"""One request with records: what it holds, and which of that its sender may write."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from tracelm import semconv
from tracelm.errors import DecodeError
from tracelm.otlp.records import LogRecord, Resource, SpanRecord
from tracelm.otlp.request import decode_logs_request, decode_trace_request
from tracelm.server.bodies import inflated

Signal: TypeAlias = Literal["spans", "logs"]
Encoding: TypeAlias = Literal["protobuf", "json"]
_R = TypeVar("_R", SpanRecord, LogRecord)

_UNNAMED: Final = "unknown_service"  # OpenTelemetry's word for a service that nobody named
_LONGEST: Final = 128
_REASONS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request as it came.

    Attributes:
        signal: What it holds.
        encoding: How.
        body: Its body, maybe compressed.
        compression: Its `Content-Encoding`.
        projects: Into which its sender may write; `None` for all.
    """

    signal: Signal
    encoding: Encoding
    body: bytes
    compression: str = ""
    projects: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Records that are not kept.

    Attributes:
        count: How many.
        reasons: Why, the first few different ones.
    """

    count: int = 0
    reasons: tuple[str, ...] = ()

    def with_reason(self, reason: str) -> "Rejected":
        """Return this with one record more."""
        known = reason in self.reasons or len(self.reasons) == _REASONS
        return Rejected(self.count + 1, self.reasons if known else (*self.reasons, reason))

    @property
    def message(self) -> str:
        """The reasons as one text; empty when nothing was rejected."""
        return "; ".join(self.reasons)


@dataclass(slots=True)
class Contents:
    """What a request holds: spans or log records."""

    size_bytes: int
    spans: list[tuple[SpanRecord, str]]
    logs: list[tuple[LogRecord, str]]
    rejected: Rejected

    @property
    def count(self) -> int:
        """How many records may be written."""
        return len(self.spans) + len(self.logs)


def read(delivery: Delivery, *, max_bytes: int) -> Contents:
    """Read a request, and reject the records that its sender may not write.

    Raises:
        BodyTooLargeError: It holds more than `max_bytes`.
        DecodeError: As a whole it is no such request.
    """
    body = inflated(delivery.body, delivery.compression, max_bytes=max_bytes)
    found = Contents(len(body), [], [], Rejected())
    errors: tuple[DecodeError, ...]
    if delivery.signal == "spans":
        spans = decode_trace_request(body, encoding=delivery.encoding)
        errors = spans.errors
        found.spans = _admitted(spans.records, delivery.projects, found)
    else:
        logs = decode_logs_request(body, encoding=delivery.encoding)
        errors = logs.errors
        found.logs = _admitted(logs.records, delivery.projects, found)
    for error in errors:
        found.rejected = found.rejected.with_reason(str(error))
    return found


def _admitted(records: tuple[_R, ...], projects: frozenset[str] | None, found: Contents) -> list[tuple[_R, str]]:
    admitted: list[tuple[_R, str]] = []
    known: dict[int, str | None] = {}  # the records of one resource share it
    for record in records:
        at = id(record.resource)
        if at not in known:
            known[at] = project_of(record.resource, projects)
        project = known[at]
        if project is None:
            found.rejected = found.rejected.with_reason("its project is longer than 128 characters, or not printable")
        elif projects is not None and project not in projects:
            found.rejected = found.rejected.with_reason(f"this API key may not write into project {project!r}")
        else:
            admitted.append((record, project))
    return admitted


def project_of(resource: Resource, projects: frozenset[str] | None) -> str | None:
    """Return the project that records of `resource` belong to: `tracelm.project`, else `service.name`.

    Where neither is there, it is the one project that the key is for. `None` when the name cannot be one.
    """
    for key in (semconv.PROJECT, semconv.SERVICE_NAME):
        named = resource.attributes.get(key)
        if isinstance(named, str) and named.strip():
            return named if len(named) <= _LONGEST and named.isprintable() else None
    return next(iter(projects)) if projects is not None and len(projects) == 1 else _UNNAMED
