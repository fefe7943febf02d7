"""What a collector has not taken yet, kept in the store so that the journal stays bounded.

A segment whose records were moved is a folder without them: it still says who owns it, where the records shall go and
how far they have got, but they are read from the store. Per record only its position in the segment and its key are
kept beside it.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, delete, select

from tracelm.errors import DecodeError, StoreError
from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.records import request_line
from tracelm.store.contents import KEPT, Kept, read
from tracelm.store.database import Database, default_url, open_database
from tracelm.store.index import forget, index_closed, index_segment, project_of
from tracelm.store.rows import label, uid_of
from tracelm.store.statements import add
from tracelm.store.tables import LOGS, OUTBOX, SPANS
from tracelm.trace.segments import SIGNALS, Batch, Segment, Signal, journal_bytes, list_segments, locked

_BATCH_BYTES: Final = 250_000
_MOST_LINES: Final = 4_000
_TOGETHER: Final = 100  # as many are read at once
_UNREADABLE: Final = b""


class Outbox:
    """The records in a store that wait for a collector.

    Args:
        home: The folder that holds `journal/`.
        store_url: The store that the home belongs to; by default `tracelm.db` in it.
    """

    def __init__(self, home: Path, store_url: str | None = None) -> None:
        self._home = home
        self._url = store_url or default_url(home)

    def move(self, segment: Segment, acknowledged: Mapping[Signal, int], *, into: Segment) -> None:
        """Move the records of a closed segment behind `acknowledged` into the store.

        Args:
            segment: Its lock is held by the caller.
            acknowledged: How far the destinations have taken each file, in bytes.
            into: The segment that stands for the records from then on; its lock is held by the caller too. It may be
                `segment` itself; if not, that one is deleted.

        Raises:
            StoreError: The store cannot be opened or written; nothing has changed then.
            OSError: The segment cannot be read or written.
        """
        database = open_database(self._url)
        with database.kept_open():
            index_segment(database, segment)
            ends = into.moved() or dict.fromkeys(SIGNALS, 0)
            for signal in SIGNALS:
                ahead = 0 if into is segment else ends[signal] - acknowledged[signal]
                batch = segment.read(signal, acknowledged[signal], max_bytes=_BATCH_BYTES)
                while batch.lines:
                    with database.write() as connection:
                        _note(connection, segment, into, signal, batch, ahead)
                    batch = segment.read(signal, batch.end, max_bytes=_BATCH_BYTES)
                ends[signal] = batch.end + ahead  # a torn last line is none
            _forget_delivered(database, into)
            into.note_moved(ends)
            if into is not segment:
                segment.remove()
                with database.write() as connection:
                    forget(connection, segment)

    def read(self, segment: Segment, signal: Signal, offset: int, *, max_bytes: int) -> Batch:
        """Read records that were moved, from `offset` on, about `max_bytes` of them.

        A record that the store has deleted meanwhile, or could never read, comes as an empty line.

        Raises:
            StoreError: The records lie in another store, or this one cannot be read.
        """
        with open_database(self._url).read() as connection:
            lines, ends = waiting(connection, segment.name, signal, offset, max_bytes=max_bytes)
        if not lines and offset < segment.size(signal):
            raise StoreError(
                f"what waits for a collector in {segment.path} is not in the store {self._url}: run once with the "
                "TRACELM_STORE_URL that the recording program had"
            )
        return Batch(lines, offset, ends)

    def bound_journal(self, max_bytes: int) -> None:
        """Index what dead processes left, and move what their collector has not taken while the journal is too large.

        Raises:
            ConfigError: The URL is that of no store.
            StoreError: The store cannot be opened or written.
        """
        while journal_bytes(self._home) > max_bytes:
            if not index_closed(self._home, self._url).removed:  # else more may have been closed meanwhile
                break
        for segment in list_segments(self._home):
            if journal_bytes(self._home) <= max_bytes:
                return
            with suppress(FileNotFoundError), locked(segment.path) as dead:
                if dead and segment.destinations and segment.moved() is None:
                    self.move(segment, segment.acknowledged(), into=segment)


def waiting(
    connection: Connection, queue: str, signal: Signal, offset: int, *, max_bytes: int
) -> tuple[list[bytes], list[int]]:
    """Return what waits behind a place, as lines of the journal, about `max_bytes` of it; and the place behind each.

    Args:
        connection: One that sees an unchanging state.
        queue: What the records wait in: the name of a segment, or that of a monitor's scores.
        signal: Spans or log records.
        offset: The place.
        max_bytes: So much at once.
    """
    lines: list[bytes] = []
    ends: list[int] = []
    size = 0
    while size < max_bytes:
        rows = connection.execute(_waiting(queue, signal, ends[-1] if ends else offset)).mappings().all()
        found = [row for row in rows if row["record"] is not None]
        parts = iter(read(connection, [Kept(*(row[name] for name in KEPT)) for row in found]))
        for row in rows:
            lines.append(_UNREADABLE if row["record"] is None else request_line(signal, *next(parts)))
            ends.append(row["end"])
            size += len(lines[-1])
        if len(rows) < _TOGETHER or len(lines) >= _MOST_LINES:
            break
    return lines, ends


def _forget_delivered(database: Database, segment: Segment) -> None:
    acknowledged = segment.acknowledged()
    with database.write() as connection:
        for signal in SIGNALS:
            taken = (OUTBOX.c.segment == segment.name, OUTBOX.c.signal == signal, OUTBOX.c.end <= acknowledged[signal])
            connection.execute(delete(OUTBOX).where(*taken))


def _note(connection: Connection, segment: Segment, into: Segment, signal: Signal, batch: Batch, ahead: int) -> None:
    keys = (
        {"segment": into.name, "signal": signal, "end": end + ahead} | _key(segment, signal, line)
        for line, end in zip(batch.lines, batch.ends, strict=True)
    )
    add(connection, OUTBOX, list(keys))


def _key(segment: Segment, signal: Signal, line: bytes) -> dict[str, str | None]:
    """Return under which key the record of a line lies in the store; without one if it could not be read."""
    nothing: dict[str, str | None] = {"project": None, "trace_id": None, "span_id": None, "uid": None}
    with suppress(DecodeError, IndexError):
        if signal == "spans":
            span = decode_spans(line).records[0]
            return nothing | {
                "project": label(project_of(span.resource, segment)),
                "trace_id": span.trace_id,
                "span_id": span.span_id,
            }
        log = decode_logs(line).records[0]
        # With the trace, which retention then spares.
        of_log = {"project": label(project_of(log.resource, segment)), "trace_id": log.trace_id, "uid": uid_of(log)}
        return nothing | of_log
    return nothing


def _waiting(queue: str, signal: Signal, offset: int) -> Select[Any]:
    if signal == "spans":
        table = SPANS
        same = and_(
            SPANS.c.trace_id == OUTBOX.c.trace_id,
            SPANS.c.project == OUTBOX.c.project,
            SPANS.c.span_id == OUTBOX.c.span_id,
        )
    else:
        table = LOGS
        same = and_(LOGS.c.uid == OUTBOX.c.uid, LOGS.c.project == OUTBOX.c.project)
    return (
        select(OUTBOX.c.end, *(table.c[name] for name in KEPT))
        .select_from(OUTBOX.outerjoin(table, same))
        .where(OUTBOX.c.segment == queue, OUTBOX.c.signal == signal, OUTBOX.c.end > offset)
        .order_by(OUTBOX.c.end)
        .limit(_TOGETHER)
    )
