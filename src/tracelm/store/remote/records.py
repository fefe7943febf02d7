"""Records out of the documents of a server's API. Whole spans are fetched when they are first asked for."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.store.remote.connection import ApiConnection
from tracelm.store.stored import (
    StoredDecision,
    StoredProject,
    StoredRun,
    StoredScore,
    StoredSpan,
    StoredTrace,
)
from tracelm.store.stored_trial import StoredTrial

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    _R = TypeVar("_R", bound=DataclassInstance)

Line: TypeAlias = Mapping[str, Any]
_RECORD: Final = "record"


class RemoteSpan:
    """A whole span, fetched when it is first asked for."""

    __slots__ = ("_api", "_project", "_span_id", "_trace_id")

    def __init__(self, api: ApiConnection, line: Line, *, span_id: str = "span_id") -> None:
        """Remember where it is.

        Args:
            api: Where to ask.
            line: What names its project and trace.
            span_id: Under which name its own id stands there.
        """
        self._api = api
        self._project, self._trace_id, self._span_id = line["project"], line["trace_id"], line[span_id]

    def span(self) -> SpanRecord:
        """Return the whole span.

        Raises:
            StoreError: It was deleted meanwhile, or the server cannot be asked.
        """
        path = ("traces", self._trace_id, "spans", self._span_id, "otlp")
        source = self._api.get_bytes(*path, project=self._project)
        with self._api.understood():
            return decode_spans(source).records[0]


class RemoteLog:
    """A whole log record, which came along."""

    __slots__ = ("_api", "_source")

    def __init__(self, api: ApiConnection, line: Line) -> None:
        """Remember what it is."""
        self._api = api
        self._source: str = line["otlp"]

    def log(self) -> LogRecord:
        """Return the whole log record.

        Raises:
            StoreError: It is none.
        """
        with self._api.understood():
            return decode_logs(self._source.encode()).records[0]


def span(api: ApiConnection, line: Line) -> StoredSpan:
    """Return a span."""
    return _read(StoredSpan, line, record=RemoteSpan(api, line))


def trace(api: ApiConnection, line: Line) -> StoredTrace:
    """Return a line of the list of traces."""
    return _read(StoredTrace, line, record=RemoteSpan(api, line, span_id="root_span_id"))


def score(_api: ApiConnection, line: Line) -> StoredScore:
    """Return a score."""
    return _read(StoredScore, line)


def decision(api: ApiConnection, line: Line) -> StoredDecision:
    """Return what a guardrail decided."""
    return _read(StoredDecision, line, record=RemoteLog(api, line))


def run(_api: ApiConnection, line: Line) -> StoredRun:
    """Return an evaluation run."""
    return _read(StoredRun, line)


def trial(api: ApiConnection, line: Line) -> StoredTrial:
    """Return a row and trial of a run."""
    return _read(StoredTrial, line, record=RemoteSpan(api, line))


def project(_api: ApiConnection, line: Line) -> StoredProject:
    """Return a project."""
    return _read(StoredProject, line)


def _read(kind: "type[_R]", line: Line, **given: object) -> "_R":
    """Fill a record's fields from the members of the same names; what a newer server tells besides is left out."""
    names = [each.name for each in fields(kind) if each.name not in given]
    return kind(**{name: _value(name, line[name]) for name in names}, **given)


def _value(name: str, told: Any) -> Any:
    """Return a value as records have it: moments are text in the API, since JavaScript's numbers are too short."""
    if name.endswith("_ns") and isinstance(told, str):
        return int(told)
    return tuple(told) if name == "tags" else told
