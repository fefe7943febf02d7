"""Move what the journal holds into the store.

Each batch and the cursor behind it are committed together, and the cursor is read in the same transaction:
several processes may index one journal at once, one may die at any point, and a record is still counted once.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from tracelm import semconv
from tracelm.errors import DecodeError, StoreError
from tracelm.otlp.decode import Decoded, decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, Resource, SpanRecord
from tracelm.store.database import Database, default_url, path_of
from tracelm.store.rows import log_row, run_row, score_row, span_row
from tracelm.store.tables import CURSORS, LOGS, RUNS, SCORES, SPANS
from tracelm.store.writer import roll_up, write
from tracelm.trace.segments import SIGNALS, Segment, Signal, list_segments, locked

_log: Final = logging.getLogger("tracelm")
_R = TypeVar("_R", SpanRecord, LogRecord)

_BATCH_BYTES: Final = 250_000  # small enough that others get their turn to write, and the program its interpreter


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one pass over the journal did.

    Attributes:
        spans: Spans that were written.
        logs: Log records that were written; scores and decisions are such.
        skipped: Records or lines that could not be read. They stay unread.
        removed: Segments that were deleted, because all of them is here and at its destinations.
    """

    spans: int = 0
    logs: int = 0
    skipped: int = 0
    removed: int = 0

    def __add__(self, other: "IndexReport") -> "IndexReport":
        return IndexReport(
            self.spans + other.spans,
            self.logs + other.logs,
            self.skipped + other.skipped,
            self.removed + other.removed,
        )


def index(database: Database, home: Path, *, remove: bool = True) -> IndexReport:
    """Bring the store up to the end of the journal under `home`.

    Args:
        database: The store.
        home: The folder that holds `journal/`.
        remove: Delete segments that nobody needs any more. Only for the store that the home belongs to.

    Raises:
        StoreError: The store cannot be written.
    """
    return _index(database, list_segments(home), remove=remove)


def index_closed(home: Path, store_url: str | None = None) -> IndexReport:
    """Index the segments that no process writes to any more, and delete those that nobody needs.

    Args:
        home: The folder that holds `journal/`.
        store_url: The store that the home belongs to; by default `tracelm.db` in it.

    Raises:
        ConfigError: `store_url` names something else than an SQLite file.
        StoreError: The store cannot be opened or written.
    """
    closed = [segment for segment in list_segments(home) if segment.is_closed()]
    return _index(Database(path_of(store_url or default_url(home))), closed, remove=True) if closed else IndexReport()


def _index(database: Database, segments: Sequence[Segment], *, remove: bool) -> IndexReport:
    report = IndexReport()
    if not segments:
        return report
    with database.kept_open():
        with database.read() as connection:
            done = _cursors(connection)
        for segment in segments:
            try:
                new: list[Signal] = [
                    signal for signal in SIGNALS if segment.size(signal) > done.get((segment.name, signal), 0)
                ]
                for signal in new:
                    report += _index_file(database, segment, signal)
                if new or (remove and segment.is_delivered()):
                    report += _close(database, segment, remove=remove)
            except OSError as error:
                if isinstance(error, StoreError):
                    raise
                _log.warning("tracelm cannot read %s, make it readable for this user: %s", segment.path, error)
    return report


def _index_file(database: Database, segment: Segment, signal: Signal) -> IndexReport:
    """Write the whole lines behind the cursor, a batch a transaction."""
    report = IndexReport()
    while True:
        with database.write() as connection:
            offset = _cursors(connection).get((segment.name, signal), 0)
            batch = segment.read(signal, offset, max_bytes=_BATCH_BYTES)
            if batch.end == offset:
                return report
            report += _write_lines(connection, segment, signal, batch.lines)
            _move_cursor(connection, segment, signal, batch.end)


def _write_lines(connection: Connection, segment: Segment, signal: Signal, lines: Sequence[bytes]) -> IndexReport:
    errors: list[DecodeError] = []
    if signal == "spans":
        spans = [(span, _project(span.resource, segment)) for span in _decode(decode_spans, lines, errors)]
        rows = [span_row(*span) for span in spans]
        write(connection, SPANS, rows)
        roll_up(connection, rows)
        write(connection, RUNS, [row for span in spans if (row := run_row(*span))])
        report = IndexReport(spans=len(spans), skipped=len(errors))
    else:
        logs = [(log, _project(log.resource, segment)) for log in _decode(decode_logs, lines, errors)]
        write(connection, LOGS, [log_row(*log) for log in logs])
        write(connection, SCORES, [row for log in logs if (row := score_row(*log))])
        report = IndexReport(logs=len(logs), skipped=len(errors))
    if errors:
        _log.warning(
            "tracelm passed over %d records of %s; the first: %s",
            len(errors),
            segment.file(signal),
            errors[0],
        )
    return report


def _decode(decode: Callable[[bytes], Decoded[_R]], lines: Sequence[bytes], errors: list[DecodeError]) -> Iterator[_R]:
    for line in lines:
        try:
            decoded = decode(line)
        except DecodeError as error:
            errors.append(error)
        else:
            errors.extend(decoded.errors)
            yield from decoded.records


def _project(resource: Resource, segment: Segment) -> str:
    named = resource.attributes.get(semconv.PROJECT)
    return named if isinstance(named, str) and named else segment.project


def _close(database: Database, segment: Segment, *, remove: bool) -> IndexReport:
    """Finish a segment that nobody writes to: give up a torn last line, delete what nobody needs any more."""
    with contextlib.suppress(FileNotFoundError), locked(segment.path) as free:
        # Its writer is gone, so sizes stand still from here on.
        if not free:
            return IndexReport()
        with database.read() as connection:
            torn = _torn(connection, segment)
        if torn or (remove and segment.is_delivered()):
            with database.write() as connection:
                return _closed(connection, segment, remove=remove)
    return IndexReport()


def _closed(connection: Connection, segment: Segment, *, remove: bool) -> IndexReport:
    torn = _torn(connection, segment)
    for signal in torn:
        _move_cursor(connection, segment, signal, segment.size(signal))
        _log.warning("tracelm passed over a torn last line of %s", segment.file(signal))
    done = _cursors(connection)
    indexed = all(done.get((segment.name, signal), 0) >= segment.size(signal) for signal in SIGNALS)
    if not (remove and indexed and segment.is_delivered()):
        return IndexReport(skipped=len(torn))
    segment.remove()
    if not segment.path.exists():
        connection.execute(delete(CURSORS).where(CURSORS.c.segment == segment.name))
    return IndexReport(skipped=len(torn), removed=1)


def _torn(connection: Connection, segment: Segment) -> list[Signal]:
    """Return the files of which only the torn end of a line is left."""
    done = _cursors(connection)
    offsets: dict[Signal, int] = {signal: done.get((segment.name, signal), 0) for signal in SIGNALS}
    return [
        signal
        for signal, offset in offsets.items()
        if segment.size(signal) > offset and segment.read(signal, offset).end == offset
    ]


def _cursors(connection: Connection) -> dict[tuple[str, str], int]:
    found = connection.execute(select(CURSORS.c.segment, CURSORS.c.signal, CURSORS.c.offset))
    return {(segment, signal): offset for segment, signal, offset in found}


def _move_cursor(connection: Connection, segment: Segment, signal: Signal, offset: int) -> None:
    new = insert(CURSORS).values(segment=segment.name, signal=signal, offset=offset)
    connection.execute(
        new.on_conflict_do_update(index_elements=("segment", "signal"), set_={"offset": new.excluded.offset})
    )
