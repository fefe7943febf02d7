"""Move what the journal holds into the store.

Each batch and the cursor behind it are committed together, and the cursor is read in the same transaction:
several processes may index one journal at once, one may die at any point, and a record is still counted once.
"""

import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, delete, func, select

from tracelm import semconv
from tracelm.errors import DecodeError, StoreError
from tracelm.otlp.decode import Decoded, decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, Resource, SpanRecord
from tracelm.store.database import Database, default_url, open_database
from tracelm.store.ingest import write_logs, write_open_spans, write_spans
from tracelm.store.refused import is_of_a_record, write_each
from tracelm.store.statements import insert
from tracelm.store.tables import CURSORS, OUTBOX, SPANS
from tracelm.store.unreadable import set_aside
from tracelm.store.writer import seen
from tracelm.trace.segments import KINDS, Kind, Segment, list_segments, locked, remove_leftovers

_log: Final = logging.getLogger("tracelm")
_R = TypeVar("_R", SpanRecord, LogRecord)

_BATCH_BYTES: Final = 250_000  # small enough that others get their turn to write, and the program its interpreter


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one pass over the journal did.

    Attributes:
        spans: Spans that were written.
        logs: Log records that were written; scores and decisions are such.
        skipped: Records or lines that could not be read. They lie in the folder `unreadable` of the home.
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
    if remove:
        remove_leftovers(home)
    segments, living = _with_open_spans(home)
    report = _index(database, segments, remove=remove, living=living)
    _look_after_open_spans(database, living)
    return report


def _with_open_spans(home: Path) -> tuple[list[Segment], dict[str, Segment]]:
    """List the segments, and those whose process lives and has open spans in them.

    Asked before anything is read: whatever a dead process has ended is in the segments of the list.
    """
    segments = list_segments(home)
    pending = [segment for segment in segments if segment.size("pending")]
    living = {segment.name: segment for segment in pending if not segment.is_closed()}
    if len(living) < len(pending):
        # It may have been closed because its spans were written into a new one, which is there by now.
        known = {segment.name for segment in segments}
        new = [segment for segment in list_segments(home) if segment.name not in known]
        segments += new
        living |= {segment.name: segment for segment in new if segment.size("pending") and not segment.is_closed()}
    return segments, living


def _last_seen_ns(segment: Segment) -> int | None:
    """Return when the process that has open spans in `segment` was seen last."""
    try:
        return segment.file("pending").stat().st_mtime_ns
    except FileNotFoundError:
        return None


def index_closed(home: Path, store_url: str | None = None) -> IndexReport:
    """Index the segments that no process writes to any more, and delete those that nobody needs.

    Args:
        home: The folder that holds `journal/`.
        store_url: The store that the home belongs to; by default `tracelm.db` in it.

    Raises:
        ConfigError: `store_url` is that of no store.
        StoreError: The store cannot be opened or written.
    """
    remove_leftovers(home)
    closed = [segment for segment in list_segments(home) if segment.is_closed()]
    return _index(open_database(store_url or default_url(home)), closed, remove=True) if closed else IndexReport()


def index_segment(database: Database, segment: Segment) -> IndexReport:
    """Index one segment that nobody writes to, whole lines and what a torn last one has left.

    Args:
        database: The store that the segment's home belongs to.
        segment: Its lock is held by the caller.

    Raises:
        StoreError: The store cannot be written.
    """
    report = IndexReport()
    for kind in KINDS:
        report += _index_file(database, segment, kind, remove=True)
    with database.write() as connection:
        return report + IndexReport(skipped=len(_pass_torn(connection, segment, remove=True)))


def forget(connection: Connection, segment: Segment) -> None:
    """Delete what the store knows of a segment that is gone."""
    for table in (CURSORS, OUTBOX):
        connection.execute(delete(table).where(table.c.segment == segment.name))


def _index(
    database: Database, segments: Sequence[Segment], *, remove: bool, living: Collection[str] = ()
) -> IndexReport:
    report = IndexReport()
    if not segments:
        return report
    with database.kept_open():
        with database.read() as connection:
            done = _cursors(connection)
        for segment in segments:
            try:
                new: list[Kind] = [
                    kind for kind in KINDS if segment.bytes_here(kind) > done.get((segment.name, kind), 0)
                ]
                for kind in new:
                    report += _index_file(database, segment, kind, remove=remove)
                # One with open spans that was closed meanwhile is left for the next time, with what followed it.
                if segment.name not in living and (new or (remove and segment.is_delivered())):
                    report += _close(database, segment, remove=remove)
            except OSError as error:
                if isinstance(error, StoreError):
                    raise
                _log.warning("tracelm cannot read %s, make it readable for this user: %s", segment.path, error)
    return report


def _look_after_open_spans(database: Database, living: Mapping[str, Segment]) -> None:
    """Say of each span in flight how long it runs, or that it was lost when its process ended."""
    with database.read() as connection:
        in_flight = select(SPANS.c.pending_in, func.max(SPANS.c.end_ns)).where(SPANS.c.state == "in flight")
        found = {str(name): int(end_ns) for name, end_ns in connection.execute(in_flight.group_by(SPANS.c.pending_in))}
    for name, known_ns in found.items():
        seen_ns = _last_seen_ns(living[name]) if name in living else None
        if name not in living or (seen_ns or 0) > known_ns:
            with database.write() as connection:
                seen(connection, name, seen_ns, alive=name in living)


def _index_file(database: Database, segment: Segment, signal: Kind, *, remove: bool) -> IndexReport:
    """Write the whole lines behind the cursor, a batch a transaction; where a record breaks it, each on its own."""
    report = IndexReport()
    while True:
        try:
            done = _index_batch(database, segment, signal, remove=remove)
        except Exception as error:
            if not is_of_a_record(error):
                raise
            done = _index_batch(database, segment, signal, remove=remove, one_by_one=True)
        if done is None:
            return report
        report += done


def _index_batch(
    database: Database, segment: Segment, signal: Kind, *, remove: bool, one_by_one: bool = False
) -> IndexReport | None:
    """Write some lines and move the cursor; `None` when there is none."""
    with database.write() as connection:
        offset = _cursors(connection).get((segment.name, signal), 0)
        batch = segment.read(signal, offset, max_bytes=_BATCH_BYTES)
        if batch.end == offset:
            return None
        written, unreadable = _write_lines(connection, segment, signal, batch.lines, one_by_one=one_by_one)
        if unreadable and remove:  # else another store owns the segment, and sees to it
            set_aside(segment, signal, offset, b"".join(line + b"\n" for line in unreadable))
        _move_cursor(connection, segment, signal, batch.end)
        return written


def _write_lines(
    connection: Connection, segment: Segment, signal: Kind, lines: Sequence[bytes], *, one_by_one: bool
) -> tuple[IndexReport, list[bytes]]:
    """Write lines, return what was done and the lines of which not all can be read or written."""
    errors: list[tuple[bytes, Exception]] = []
    if signal == "logs":
        logs = _decode(decode_logs, segment, lines, errors)
        report = IndexReport(logs=_write(connection, logs, write_logs, errors, one_by_one=one_by_one))
    else:
        spans = _decode(decode_spans, segment, lines, errors)
        write = (
            write_spans
            if signal == "spans"
            else partial(write_open_spans, segment=segment.name, seen_ns=_last_seen_ns(segment))
        )
        count = _write(connection, spans, write, errors, one_by_one=one_by_one)
        report = IndexReport(spans=count if signal == "spans" else 0)
    if errors:
        _log.warning(
            "tracelm cannot read %d records of %s, see the folder 'unreadable' of the home; the first: %s",
            len(errors),
            segment.file(signal),
            errors[0][1] if isinstance(errors[0][1], DecodeError) else repr(errors[0][1]),
        )
    return report + IndexReport(skipped=len(errors)), list(dict.fromkeys(line for line, _ in errors))


def _decode(
    decode: Callable[[bytes], Decoded[_R]],
    segment: Segment,
    lines: Sequence[bytes],
    errors: list[tuple[bytes, Exception]],
) -> list[tuple[bytes, tuple[_R, str]]]:
    """Return the records of lines, each with its line and project."""
    found: list[tuple[bytes, tuple[_R, str]]] = []
    for line in lines:
        try:
            decoded = decode(line)
        except Exception as error:
            if not is_of_a_record(error):
                raise
            errors.append((line, error))
        else:
            errors.extend((line, error) for error in decoded.errors)
            found += ((line, (record, project_of(record.resource, segment))) for record in decoded.records)
    return found


def _write(
    connection: Connection,
    found: Sequence[tuple[bytes, tuple[_R, str]]],
    write: Callable[[Connection, Sequence[tuple[_R, str]]], None],
    errors: list[tuple[bytes, Exception]],
    *,
    one_by_one: bool,
) -> int:
    """Write records, and return how many."""
    records = [record for _, record in found]
    if not one_by_one:
        write(connection, records)
        return len(records)
    refused = write_each(connection, records, write)
    errors.extend((found[index][0], error) for index, error in refused.items())
    return len(records) - len(refused)


def project_of(resource: Resource, segment: Segment) -> str:
    """Return the project that a record of `segment` belongs to."""
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
    torn = _pass_torn(connection, segment, remove=remove)
    done = _cursors(connection)
    indexed = all(done.get((segment.name, signal), 0) >= segment.bytes_here(signal) for signal in KINDS)
    if not (remove and indexed and segment.is_delivered()):
        return IndexReport(skipped=len(torn))
    if segment.size("pending"):  # in case that the finished spans come later, they replace these
        seen(connection, segment.name, _last_seen_ns(segment), alive=False)
    segment.remove()
    if not segment.path.exists():
        forget(connection, segment)
    return IndexReport(skipped=len(torn), removed=1)


def _pass_torn(connection: Connection, segment: Segment, *, remove: bool) -> list[Kind]:
    """Give up torn last lines; returns in which files."""
    torn = _torn(connection, segment)
    done = _cursors(connection)
    for signal in torn:
        if remove:
            offset = done.get((segment.name, signal), 0)
            set_aside(segment, signal, offset, segment.tail(signal, offset))
        _move_cursor(connection, segment, signal, segment.bytes_here(signal))
        _log.warning(
            "tracelm cannot read the torn last line of %s, see the folder 'unreadable' of the home",
            segment.file(signal),
        )
    return torn


def _torn(connection: Connection, segment: Segment) -> list[Kind]:
    """Return the files of which only the torn end of a line is left."""
    done = _cursors(connection)
    offsets: dict[Kind, int] = {signal: done.get((segment.name, signal), 0) for signal in KINDS}
    return [
        signal
        for signal, offset in offsets.items()
        if segment.bytes_here(signal) > offset and segment.read(signal, offset).end == offset
    ]


def _cursors(connection: Connection) -> dict[tuple[str, str], int]:
    found = connection.execute(select(CURSORS.c.segment, CURSORS.c.signal, CURSORS.c.offset))
    return {(segment, signal): offset for segment, signal, offset in found}


def _move_cursor(connection: Connection, segment: Segment, signal: Kind, offset: int) -> None:
    new = insert(connection.dialect.name, CURSORS).values(segment=segment.name, signal=signal, offset=offset)
    connection.execute(
        new.on_conflict_do_update(index_elements=("segment", "signal"), set_={"offset": new.excluded.offset})
    )
