"""What is new in the store, told to whoever watches.

One thread follows the local journal and looks for new rows after each commit. Events stand in one ring with numbers, so
that a watcher costs no queue of its own: he asks for what came behind the number that he saw last, also after his
connection broke. Where that is no longer in the ring he is told to load anew.
"""

import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection, RowMapping, func, select

from tracelm.errors import TracelmError
from tracelm.server.counters import Counters
from tracelm.store.store import Store
from tracelm.store.tables import SCORES, SPANS
from tracelm.trace.segments import KINDS, list_segments

_log: Final = logging.getLogger("tracelm.server")
Kind: TypeAlias = Literal["span", "score", "reset"]
_RING: Final = 5_000
_AT_ONCE: Final = 1_000
"""When more rows are new than this, watchers load anew: nobody can read so fast."""
_PAUSE_S: Final = 0.1
_EVERY_S: Final = 1.0
_LINGERS_S: Final = 60.0
"""So long after the last watcher left, events are still made one by one: he may come back."""
_OF_SPAN: Final = (SPANS.c.id, SPANS.c.project, SPANS.c.trace_id, SPANS.c.span_id, SPANS.c.name, SPANS.c.state)
_OF_SCORE: Final = (SCORES.c.id, SCORES.c.project, SCORES.c.trace_id, SCORES.c.span_id, SCORES.c.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """One thing that is new.

    Attributes:
        number: Of the event, growing.
        kind: `span`, `score`, or `reset`: too much was new, load anew.
        project: What it belongs to; empty for a reset.
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        name: Of the span or score.
        state: Of a span: ended, in flight, lost.
    """

    number: int
    kind: Kind
    project: str = ""
    trace_id: str | None = None
    span_id: str | None = None
    name: str = ""
    state: str = ""


class LiveEvents:
    """Follows the store and its journal.

    Args:
        store: For reading, and for indexing the journal.
        counters: What is counted.
    """

    def __init__(self, store: Store, counters: Counters) -> None:
        self._store = store
        self._counters = counters
        self._ring: deque[LiveEvent] = deque(maxlen=_RING)
        self._numbers = itertools.count(1)
        self._last = 0
        self._lock = threading.Lock()
        self._watchers: set[Callable[[], None]] = set()
        self._watched_at = float("-inf")
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._seen = {SPANS: 0, SCORES: 0}
        self._in_flight: frozenset[int] = frozenset()
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._thread = threading.Thread(target=self._follow_forever, name="tracelm-live", daemon=True)
        self.boot: Final = secrets.token_hex(4)
        """Numbers mean something with this only: they begin anew with each process."""

    def start(self) -> None:
        """Begin to follow."""
        self._skip()
        self._thread.start()

    def close(self) -> None:
        """End, and let watchers end."""
        self._stopped.set()
        self._wake.set()
        self._tell()

    def join(self) -> None:
        """Wait for the end."""
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_closed(self) -> bool:
        """Whether nothing will come any more."""
        return self._stopped.is_set()

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return self._last

    def changed(self) -> None:
        """Say that the store may have something new."""
        self._wake.set()

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell`, from any thread, whenever there is something new."""
        with self._lock:
            self._watchers.add(tell)
            self._watched_at = time.monotonic()

    def unwatch(self, tell: Callable[[], None]) -> None:
        """Call it no more."""
        with self._lock:
            self._watchers.discard(tell)
            self._watched_at = time.monotonic()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def after(self, number: int, *, limit: int) -> list[LiveEvent]:
        """Return the events behind `number`, at most `limit`; one `reset` where some are gone."""
        with self._lock:
            oldest = self._ring[0].number if self._ring else self._last + 1
            if number + 1 < oldest or number > self._last:
                return [LiveEvent(number=self._last, kind="reset")]
            start = number + 1 - oldest
            return list(itertools.islice(self._ring, start, start + limit))

    def _follow_forever(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            try:
                self._index()
                self._look()
            except TracelmError:
                _log.exception("the journal or the store cannot be read; trying again")
            self._stopped.wait(_PAUSE_S)  # what comes within it is looked at together

    def _index(self) -> None:
        """Move what the local journal holds into the store, if something is in it that was not there before."""
        segments = list_segments(self._store.home)
        sizes = {each.name: tuple(each.bytes_here(kind) for kind in KINDS) for each in segments}
        if sizes == self._sizes and not self._in_flight:
            return
        report = self._store.index()
        self._counters.add("indexed_records", report.spans + report.logs)
        self._sizes = sizes

    def _look(self) -> None:
        if not self._watchers and time.monotonic() - self._watched_at > _LINGERS_S:
            if self._skip() and not (self._ring and self._ring[-1].kind == "reset"):
                self._publish([LiveEvent(number=0, kind="reset")])  # for one who comes back after all
            return
        with self._store.reading() as connection:
            spans = _new_spans(connection, self._seen[SPANS])
            scores = _new_scores(connection, self._seen[SCORES])
            open_now = _in_flight(connection)
            ended = _spans(connection, sorted(self._in_flight - open_now)[:_AT_ONCE])
        self._in_flight = open_now
        found = [*(event for _, event in spans), *ended, *(event for _, event in scores)]
        for table, new in ((SPANS, spans), (SCORES, scores)):
            if new:
                self._seen[table] = new[-1][0]
        if len(spans) > _AT_ONCE or len(scores) > _AT_ONCE:
            self._skip()
            found = [LiveEvent(number=0, kind="reset")]
        if found:
            self._publish(found)

    def _skip(self) -> bool:
        """Take all that is there for seen; returns whether anything was new."""
        with self._store.reading() as connection:
            newest = {table: connection.execute(select(func.max(table.c.id))).scalar() or 0 for table in self._seen}
            self._in_flight = _in_flight(connection)
        was_new = newest != self._seen
        self._seen = newest
        return was_new

    def _publish(self, found: Iterable[LiveEvent]) -> None:
        with self._lock:
            for each in found:
                self._last = next(self._numbers)
                self._ring.append(replace(each, number=self._last))
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for tell in watchers:
            tell()


def _new_spans(connection: Connection, seen: int) -> list[tuple[int, LiveEvent]]:
    found = select(*_OF_SPAN).where(SPANS.c.id > seen).order_by(SPANS.c.id).limit(_AT_ONCE + 1)
    return [(row["id"], _span_event(row)) for row in connection.execute(found).mappings()]


def _spans(connection: Connection, ids: Sequence[int]) -> list[LiveEvent]:
    if not ids:
        return []
    return [_span_event(row) for row in connection.execute(select(*_OF_SPAN).where(SPANS.c.id.in_(ids))).mappings()]


def _new_scores(connection: Connection, seen: int) -> list[tuple[int, LiveEvent]]:
    found = select(*_OF_SCORE).where(SCORES.c.id > seen).order_by(SCORES.c.id).limit(_AT_ONCE + 1)
    return [
        (
            row.id,
            LiveEvent(
                number=0,
                kind="score",
                project=row.project,
                trace_id=row.trace_id,
                span_id=row.span_id,
                name=row.name,
            ),
        )
        for row in connection.execute(found)
    ]


def _in_flight(connection: Connection) -> frozenset[int]:
    found = select(SPANS.c.id).where(SPANS.c.state == "in flight")
    return frozenset(connection.execute(found).scalars())


def _span_event(row: RowMapping) -> LiveEvent:
    return LiveEvent(
        number=0,
        kind="span",
        project=row["project"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        name=row["name"],
        state=row["state"],
    )
