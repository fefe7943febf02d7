"""Records put together from what the store keeps of them: their holes filled, with their resource and scope."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, RowMapping, Table, select

from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.otlp.dialects.apart import APART
from tracelm.otlp.records import LogRecord, SpanRecord, request_line
from tracelm.store.record import DIGEST_BYTES, compress, decompress, digests, unpack
from tracelm.store.statements import add
from tracelm.store.tables import CONTENTS, CURSORS, KEPT_DIGESTS, LOGS, RESOURCES, SCOPES

SWEEP: Final = "sweep of contents"
"""The segment's name of the cursor that stands while a sweep runs."""
_SOME: Final = 500  # as many values as one statement takes, and records that are read together


class Kept(NamedTuple):
    """What a row keeps of a record."""

    blob: bytes
    resource_id: int
    scope_id: int


class Place(NamedTuple):
    """Where a span is, of which log records may tell more; parts that are not known are `None`."""

    project: str | None
    trace_id: str | None
    span_id: str | None


KEPT: Final = ("record", "resource_id", "scope_id")
"""The columns of `Kept`."""


class StoredRecord:
    """A record in the store, put together when it is first asked for.

    The records of one query are read together, a few hundred at a time: a list of spans whose contents nobody looks at
    reads none.
    """

    __slots__ = ("_among", "_index")

    def __init__(self, among: "Records", index: int) -> None:
        self._among = among
        self._index = index

    def span(self) -> SpanRecord:
        """Return the whole span.

        Raises:
            StoreError: It was deleted meanwhile, or the store is damaged or cannot be read.
        """
        return decode_spans(request_line("spans", *self._among.parts(self._index))).records[0]

    def said(self) -> Sequence[LogRecord]:
        """Return the log records in which messages of the span were told, the earliest first.

        Raises:
            StoreError: As `span` does.
        """
        return self._among.said(self._index)

    def log(self) -> LogRecord:
        """Return the whole log record.

        Raises:
            StoreError: As `span` does.
        """
        return decode_logs(request_line("logs", *self._among.parts(self._index))).records[0]


class Records:
    """The records of one query.

    Args:
        engine: The store's.
        kept: What its rows keep, in their order.
        places: Where their spans are.
    """

    def __init__(self, engine: Engine, kept: Sequence[Kept], places: Sequence[Place]) -> None:
        self._engine = engine
        self._kept = kept
        self._places = places
        self._told: tuple[int, Mapping[Place, list[LogRecord]]] = (-1, {})
        self._first = -1
        self._block: list[tuple[bytes, bytes, bytes]] = []

    def __getitem__(self, index: int) -> StoredRecord:
        return StoredRecord(self, index)

    def parts(self, index: int) -> tuple[bytes, bytes, bytes]:
        """Return resource, scope and body of one record."""
        first = index - index % _SOME
        if first != self._first:
            with self._engine.begin() as connection:
                self._block = read(connection, self._kept[first : first + _SOME])
            self._first = first
        return self._block[index - first]

    def said(self, index: int) -> Sequence[LogRecord]:
        """Return the log records in which messages of one span were told."""
        first = index - index % _SOME
        if first != self._told[0]:
            with self._engine.begin() as connection:
                self._told = first, said_of(connection, self._places[first : first + _SOME])
        return self._told[1].get(self._places[index], ())


def said_of(connection: Connection, places: Iterable[Place]) -> Mapping[Place, list[LogRecord]]:
    """Return the log records in which messages of spans were told, the earliest first.

    Args:
        connection: One that may read.
        places: Of the spans; a few hundred at most.

    Raises:
        StoreError: A text of them is missing, or damaged.
    """
    wanted = set(places)
    traces = {each.trace_id for each in wanted if each.trace_id is not None}
    columns = [LOGS.c[name] for name in (*Place._fields, *KEPT)]
    # Without a name of its own: an older SDK has it among the attributes.
    chosen = select(*columns).where(LOGS.c.trace_id.in_(traces), LOGS.c.event_name.in_(["", *sorted(APART)]))
    rows = connection.execute(chosen.order_by(LOGS.c.time_ns, LOGS.c.id)).mappings().all()
    rows = [row for row in rows if Place(row["project"], row["trace_id"], row["span_id"]) in wanted]
    found: dict[Place, list[LogRecord]] = {}
    for row, parts in zip(rows, read(connection, [Kept(*(row[name] for name in KEPT)) for row in rows]), strict=True):
        place = Place(row["project"], row["trace_id"], row["span_id"])
        found.setdefault(place, []).append(decode_logs(request_line("logs", *parts)).records[0])
    return found


def with_records(connection: Connection, rows: Iterable[RowMapping]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query with a `StoredRecord` as their `record`, in the place of the columns `KEPT`."""
    found = [dict(row) for row in rows]
    places = [
        Place(row.get("project"), row.get("trace_id"), row.get("span_id", row.get("root_span_id"))) for row in found
    ]
    records = Records(connection.engine, [Kept(*(row.pop(name) for name in KEPT)) for row in found], places)
    for index, row in enumerate(found):
        row["record"] = records[index]
        yield row


def spans_of(connection: Connection, rows: Sequence[RowMapping]) -> list[SpanRecord]:
    """Return the whole spans of rows that have the columns `KEPT`, read at once.

    Raises:
        StoreError: A text of them is missing, or damaged.
    """
    parts = read(connection, [Kept(*(row[name] for name in KEPT)) for row in rows])
    return [decode_spans(request_line("spans", *each)).records[0] for each in parts]


def read(connection: Connection, kept: Sequence[Kept]) -> list[tuple[bytes, bytes, bytes]]:
    """Return resource, scope and body of records, all as OTLP/JSON.

    Raises:
        StoreError: A text of them is missing, or damaged.
    """
    wanted = {digest for each in kept for digest in digests(each.blob)}
    pieces = pieces_of(connection, wanted)
    resources = _contents(connection, RESOURCES, "id", {each.resource_id for each in kept})
    scopes = _contents(connection, SCOPES, "id", {each.scope_id for each in kept})
    return [(resources[each.resource_id], scopes[each.scope_id], unpack(each.blob, pieces)) for each in kept]


def put(connection: Connection, pieces: Mapping[bytes, bytes]) -> None:
    """Keep pieces; those that are there already stay."""
    if not pieces:
        return
    known = {digest for digest, _ in _rows(connection, CONTENTS, "digest", pieces, "id")}
    new = [{"digest": digest, "content": compress(piece)} for digest, piece in pieces.items() if digest not in known]
    add(connection, CONTENTS, new)
    _keep_from_sweep(connection, pieces)


def numbers_of(connection: Connection, wanted: Iterable[bytes]) -> dict[bytes, int]:
    """Return the numbers of pieces by their digests; those that are not there are left out."""
    return dict(_rows(connection, CONTENTS, "digest", wanted, "id"))


def pieces_of(connection: Connection, wanted: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return pieces by their digests; those that are not there are left out."""
    return _contents(connection, CONTENTS, "digest", wanted)


def numbers(connection: Connection, table: Table, sources: Iterable[bytes]) -> dict[bytes, int]:
    """Return the numbers that resources or scopes have in the store; new ones get one.

    Args:
        connection: One that may write.
        table: `RESOURCES` or `SCOPES`.
        sources: Their OTLP/JSON.
    """
    wanted = {hashlib.blake2b(source, digest_size=DIGEST_BYTES).digest(): source for source in sources}
    known = dict(_rows(connection, table, "digest", wanted, "id"))
    if len(known) < len(wanted):
        new = [(digest, source) for digest, source in wanted.items() if digest not in known]
        add(connection, table, [{"digest": digest, "content": compress(source)} for digest, source in new])
        known = dict(_rows(connection, table, "digest", wanted, "id"))
    _keep_from_sweep(connection, wanted)
    return {source: known[digest] for digest, source in wanted.items()}


def _keep_from_sweep(connection: Connection, given: Iterable[bytes]) -> None:
    if connection.execute(_SWEEPING).first():
        add(connection, KEPT_DIGESTS, [{"digest": digest} for digest in given])


_SWEEPING: Final = select(CURSORS.c.offset).where(CURSORS.c.segment == SWEEP)


def _contents(connection: Connection, table: Table, key: str, values: Iterable[Any]) -> dict[Any, bytes]:
    return {value: decompress(content) for value, content in _rows(connection, table, key, values, "content")}


def _rows(connection: Connection, table: Table, key: str, values: Iterable[Any], column: str) -> Iterator[Any]:
    """Yield `key` and `column` of the rows whose `key` is among the values."""
    wanted = list(values)
    for start in range(0, len(wanted), _SOME):
        some = table.c[key].in_(wanted[start : start + _SOME])
        yield from connection.execute(select(table.c[key], table.c[column]).where(some))
