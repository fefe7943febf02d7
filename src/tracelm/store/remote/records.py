"""Records out of the documents of a server's API. Whole spans are fetched when they are first asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.store.alert_notice import AlertNotice
from tracelm.store.remote.connection import ApiConnection
from tracelm.store.stored import StoredProject, StoredRun, StoredSpan, StoredTrace
from tracelm.store.stored_trial import StoredTrial
from tracelm.store.verdicts import StoredDecision, StoredScore

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    _R = TypeVar("_R", bound=DataclassInstance)

Line: TypeAlias = Mapping[str, Any]
_SOME: Final = 100  # the most that the API sends at once


class RemoteSpans:
    """The whole spans of one list, fetched some dozens at a time when one of them is asked for."""

    def __init__(self, api: ApiConnection, lines: Sequence[Line], *, span_id: str = "span_id") -> None:
        """Remember where they are.

        Args:
            api: Where to ask.
            lines: What names their projects and traces.
            span_id: Under which name their own ids stand there.
        """
        self._api = api
        self._places = [_Place(line["project"], line["trace_id"], line[span_id]) for line in lines]
        self._first = -1
        self._block: dict[_Place, bytes] = {}

    def __getitem__(self, index: int) -> "RemoteSpan":
        return RemoteSpan(self, index)

    def source(self, index: int) -> bytes:
        """Return one span, OTLP/JSON.

        Raises:
            StoreError: It was deleted meanwhile, or the server cannot be asked.
        """
        first, place = index - index % _SOME, self._places[index]
        if first != self._first:
            self._block = self._fetch(self._places[first : first + _SOME])
            self._first = first
        # What the server left out, since it is too large or is not there any more, is asked for alone.
        return self._block.get(place) or self._api.get_bytes(
            "traces", place.trace_id, "spans", place.span_id, "otlp", project=place.project
        )

    def span(self, index: int) -> SpanRecord:
        """Return one whole span.

        Raises:
            StoreError: It was deleted meanwhile, or the server cannot be asked.
        """
        source = self.source(index)
        with self._api.understood():
            return decode_spans(source).records[0]

    def said(self, index: int) -> Sequence[LogRecord]:
        """Return the log records in which messages of one span were told.

        Raises:
            StoreError: The server cannot be asked.
        """
        place = self._places[index]
        path = ("traces", place.trace_id, "spans", place.span_id, "messages")
        told = self._api.get(*path, project=place.project)
        with self._api.understood():
            return [decode_logs(each["otlp"].encode()).records[0] for each in told["items"]]

    def _fetch(self, places: "Sequence[_Place]") -> "dict[_Place, bytes]":
        if len(places) == 1:
            return {}
        projects = {place.project for place in places}
        told = self._api.get(
            "spans",
            "otlp",
            span=[f"{place.trace_id}:{place.span_id}" for place in places],
            project=places[0].project if len(projects) == 1 else None,
        )
        with self._api.understood():
            return {
                _Place(line["project"], line["trace_id"], line["span_id"]): line["otlp"].encode()
                for line in told["items"]
            }


class _Place(NamedTuple):
    project: str
    trace_id: str
    span_id: str


class RemoteSpan:
    """One of them."""

    __slots__ = ("_among", "_index")

    def __init__(self, among: RemoteSpans, index: int) -> None:
        """Remember which one."""
        self._among = among
        self._index = index

    def span(self) -> SpanRecord:
        """Return the whole span.

        Raises:
            StoreError: It was deleted meanwhile, or the server cannot be asked.
        """
        return self._among.span(self._index)

    def said(self) -> Sequence[LogRecord]:
        """Return the log records in which its messages were told, the earliest first.

        Raises:
            StoreError: The server cannot be asked.
        """
        return self._among.said(self._index)


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


def spans(api: ApiConnection, lines: Sequence[Line]) -> list[StoredSpan]:
    """Return spans."""
    whole = RemoteSpans(api, lines)
    return [_read(StoredSpan, line, record=whole[index]) for index, line in enumerate(lines)]


def traces(api: ApiConnection, lines: Sequence[Line]) -> list[StoredTrace]:
    """Return lines of the list of traces."""
    whole = RemoteSpans(api, lines, span_id="root_span_id")
    return [_read(StoredTrace, line, record=whole[index]) for index, line in enumerate(lines)]


def scores(_api: ApiConnection, lines: Sequence[Line]) -> list[StoredScore]:
    """Return scores."""
    return [_read(StoredScore, line) for line in lines]


def decisions(api: ApiConnection, lines: Sequence[Line]) -> list[StoredDecision]:
    """Return what guardrails decided."""
    return [_read(StoredDecision, line, record=RemoteLog(api, line)) for line in lines]


def alerts(_api: ApiConnection, lines: Sequence[Line]) -> list[AlertNotice]:
    """Return what alerts have said."""
    return [_read(AlertNotice, line) for line in lines]


def runs(_api: ApiConnection, lines: Sequence[Line]) -> list[StoredRun]:
    """Return evaluation runs."""
    return [_read(StoredRun, line) for line in lines]


def trials(api: ApiConnection, lines: Sequence[Line]) -> list[StoredTrial]:
    """Return rows and trials of a run."""
    whole = RemoteSpans(api, lines)
    return [_read(StoredTrial, line, record=whole[index]) for index, line in enumerate(lines)]


def projects(_api: ApiConnection, lines: Sequence[Line]) -> list[StoredProject]:
    """Return projects."""
    return [_read(StoredProject, line) for line in lines]


def _read(kind: "type[_R]", line: Line, **given: object) -> "_R":
    """Fill a record's fields from the members of the same names; what a newer server tells besides is left out."""
    names = [each.name for each in fields(kind) if each.name not in given]
    return kind(**{name: _value(name, line[name]) for name in names}, **given)


def _value(name: str, told: Any) -> Any:
    """Return a value as records have it: moments are text in the API, since JavaScript's numbers are too short."""
    if name.endswith("_ns") and isinstance(told, str):
        return int(told)
    return tuple(told) if name == "tags" else told
