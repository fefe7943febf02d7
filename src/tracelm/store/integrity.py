"""Is the store whole? Every record can be put together, every piece is what its digest says, every sum adds up."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, and_, exists, func, select

from tracelm.errors import StoreError
from tracelm.store.contents import KEPT, Kept, read
from tracelm.store.database import Database
from tracelm.store.record import DIGEST_BYTES, decompress
from tracelm.store.sweep import orphans
from tracelm.store.tables import CONTENTS, LOGS, METADATA, RESOURCES, SCOPES, SCORES, SPANS, TRACES

_PAGE: Final = 500
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong in a store.

    Attributes:
        where: The table.
        what: What is wrong, with how many and which.
        remedy: What to do.
    """

    where: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How much a store holds.

    Attributes:
        place: The database.
        size_bytes: What it takes on disk.
        rows: Rows a table.
        spans_by_project: Spans a project, the most first.
        contents_bytes: The pieces of contents, compressed.
        records_bytes: What else is kept of spans and log records, compressed.
    """

    place: str
    size_bytes: int
    rows: dict[str, int]
    spans_by_project: dict[str, int]
    contents_bytes: int
    records_bytes: int


def check(database: Database) -> list[Fault]:
    """Look at all of a store, and return what is wrong; nothing is changed.

    Raises:
        StoreError: It cannot be read.
    """
    copy = "put a copy of the store in its place, or export what can be read"
    faults = [Fault("database", line, copy) for line in database.damages()]
    for table in (CONTENTS, RESOURCES, SCOPES):
        faults += _of_pieces(database, table, copy)
    for table in (SPANS, LOGS):
        faults += _of_records(database, table, copy)
    with database.read() as connection:
        faults += _of_traces(connection)
    if count := orphans(database):
        faults.append(Fault("contents", f"{count} pieces that no record has", "tracelm store vacuum"))
    return faults


def stats(database: Database) -> StoreStats:
    """Count what a store holds.

    Raises:
        StoreError: It cannot be read.
    """
    size = database.size_bytes()
    with database.read() as connection:

        def total(table: Table, column: str) -> int:
            length = func.length if connection.dialect.name == "sqlite" else func.octet_length
            return int(connection.execute(select(func.coalesce(func.sum(length(table.c[column])), 0))).scalar_one())

        return StoreStats(
            place=database.place,
            size_bytes=size,
            rows={
                str(table.name): int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in METADATA.sorted_tables
            },
            spans_by_project=dict(
                Counter(
                    {
                        project: int(count)
                        for project, count in connection.execute(
                            select(SPANS.c.project, func.count()).group_by(SPANS.c.project)
                        )
                    }
                ).most_common()
            ),
            contents_bytes=total(CONTENTS, "content"),
            records_bytes=total(SPANS, "record") + total(LOGS, "record"),
        )


def _of_pieces(database: Database, table: Table, remedy: str) -> list[Fault]:
    wrong: list[str] = []
    after = 0
    while True:
        page = select(table.c.id, table.c.digest, table.c.content).where(table.c.id > after)
        with database.read() as connection:
            rows = connection.execute(page.order_by(table.c.id).limit(_PAGE)).all()
        for number, digest, content in rows:
            try:
                found = hashlib.blake2b(decompress(content), digest_size=DIGEST_BYTES).digest()
            except StoreError:
                found = b""
            if found != bytes(digest):
                wrong.append(str(number))
        if len(rows) < _PAGE:
            break
        after = rows[-1].id
    return [Fault(table.name, f"{_listed(wrong)} not what the digest says", remedy)] if wrong else []


def _of_records(database: Database, table: Table, remedy: str) -> list[Fault]:
    wrong: list[str] = []
    after = 0
    while True:
        page = select(table.c.id, *(table.c[name] for name in KEPT)).where(table.c.id > after)
        with database.read() as connection:
            rows = connection.execute(page.order_by(table.c.id).limit(_PAGE)).all()
            kept = [(row.id, Kept(row.record, row.resource_id, row.scope_id)) for row in rows]
            wrong += _unreadable(connection, kept)
        if len(rows) < _PAGE:
            break
        after = rows[-1].id
    return [Fault(table.name, f"{_listed(wrong)} cannot be put together", remedy)] if wrong else []


def _unreadable(connection: Connection, kept: list[tuple[int, Kept]]) -> list[str]:
    """Read records together, and one by one where one of them fails."""
    try:
        read(connection, [each for _, each in kept])
    except (StoreError, KeyError):
        if len(kept) == 1:
            return [str(kept[0][0])]
        half = len(kept) // 2
        return _unreadable(connection, kept[:half]) + _unreadable(connection, kept[half:])
    return []


def _of_traces(connection: Connection) -> list[Fault]:
    sums = (
        select(SPANS.c.trace_id, SPANS.c.project, func.count().label("spans"))
        .group_by(SPANS.c.trace_id, SPANS.c.project)
        .subquery()
    )
    same = and_(sums.c.trace_id == TRACES.c.trace_id, sums.c.project == TRACES.c.project)
    miscounted = (
        select(TRACES.c.trace_id).outerjoin(sums, same).where(TRACES.c.span_count != func.coalesce(sums.c.spans, 0))
    )
    unlisted = select(sums.c.trace_id).where(
        ~exists().where(TRACES.c.trace_id == sums.c.trace_id, TRACES.c.project == sums.c.project)
    )
    without_record = select(SCORES.c.uid).where(
        ~exists().where(LOGS.c.uid == SCORES.c.uid, LOGS.c.project == SCORES.c.project)
    )
    questions = (
        ("traces", miscounted, "do not count their spans right"),
        ("traces", unlisted, "have spans and no line in the list"),
        ("scores", without_record, "have no record"),
    )
    remedy = "export the store and import it into a new one: 'tracelm store export', 'tracelm store import'"
    found = [(where, what, connection.execute(query).scalars().all()) for where, query, what in questions]
    return [Fault(where, f"{_listed([*map(str, wrong)])} {what}", remedy) for where, what, wrong in found if wrong]


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{len(names)} ({shown}{', …' if len(names) > _SHOWN else ''})"
