"""Move a whole store into another database: from the file on a laptop to the server of a team, or back.

Rows are copied as they are, in the order of their keys, a batch a transaction. A move that was broken off goes on where
it stopped. At the end each table is read on both sides, and their counts and hashes are compared.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Integer, Table, delete, func, select, tuple_

from tracelm.errors import StoreError
from tracelm.store.database import Database
from tracelm.store.statements import add, insert
from tracelm.store.tables import CURSORS, KEPT_DIGESTS, METADATA

_BATCH: Final = 1_000
_MARK: Final = "moved from"
_TABLES: Final = tuple(table for table in METADATA.sorted_tables if table is not KEPT_DIGESTS)


@dataclass(frozen=True, slots=True)
class MovedTable:
    """One table that was moved.

    Attributes:
        name: The table.
        rows: How many rows it has, here and there.
        digest: The sum of the BLAKE2b hashes of its rows, here and there; hex.
    """

    name: str
    rows: int
    digest: str


def migrate(
    source: Database, target: Database, *, progress: Callable[[str, int], None] | None = None
) -> list[MovedTable]:
    """Copy everything from one store into another, and compare the two.

    Nothing should write to the source meanwhile: what changes is found by the comparison, and is an error.

    Args:
        source: It is only read.
        target: A new store, or one that an earlier call has filled in part.
        progress: Called with a table's name and how many of its rows were copied.

    Returns:
        The tables, all of them equal on both sides.

    Raises:
        StoreError: The target holds something else, or differs from the source afterwards; or one cannot be used.
    """
    with target.write() as connection:
        _begin(connection, source, target)
    with source.read() as reading:
        for table in _TABLES:
            copied = 0
            for rows in _batches(reading, table, _last(target, table)):
                with target.write() as connection:
                    add(connection, table, rows)
                copied += len(rows)
                if progress is not None:
                    progress(table.name, copied)
        moved = [_compared(reading, target, table) for table in _TABLES]
    with target.write() as connection:
        connection.execute(delete(CURSORS).where(CURSORS.c.segment == _MARK))
        if connection.dialect.name == "postgresql":
            for table in _TABLES:
                _go_on_numbering(connection, table)
    return moved


def _begin(connection: Connection, source: Database, target: Database) -> None:
    """Mark the target, unless the mark of an earlier call is there."""
    mark = connection.execute(select(CURSORS.c.signal).where(CURSORS.c.segment == _MARK)).scalar()
    if mark is None:
        filled = [table.name for table in _TABLES if connection.execute(select(table).limit(1)).first()]
        if filled:
            raise StoreError(
                f"the store {target.place} is not empty (it has {', '.join(filled[:3])}): move into a new one, or "
                "export and import to add to this one"
            )
        new = insert(connection.dialect.name, CURSORS).values(segment=_MARK, signal=source.place, offset=0)
        connection.execute(new)
    elif mark != source.place:
        raise StoreError(
            f"the store {target.place} was filled in part from {mark}: go on with that one, or take a new target"
        )


def _is_numbered(table: Table) -> bool:
    return "id" in table.c and isinstance(table.c.id.type, Integer)


def _last(target: Database, table: Table) -> int:
    """Return the number up to which a table was copied; tables without numbers are read from their beginning."""
    if not _is_numbered(table):
        return 0
    with target.read() as connection:
        return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())


def _batches(connection: Connection, table: Table, after: int) -> Iterator[list[dict[str, Any]]]:
    keys = list(table.primary_key.columns)
    last: tuple[Any, ...] | None = (after,) if _is_numbered(table) else None
    while True:
        page = select(table).order_by(*keys).limit(_BATCH)
        if last is not None:
            page = page.where(tuple_(*keys) > tuple_(*last))
        rows = [dict(row) for row in connection.execute(page).mappings()]
        if not rows:
            return
        yield rows
        last = tuple(rows[-1][key.name] for key in keys)


def _compared(reading: Connection, target: Database, table: Table) -> MovedTable:
    here = _digest(reading, table)
    with target.read() as connection:
        there = _digest(connection, table)
    if here != there:
        raise StoreError(
            f"{table.name} has {here[0]} rows in the source and {there[0]} in {target.place}, or they differ: "
            "something wrote meanwhile. Stop it, take a new target, and move again"
        )
    return MovedTable(str(table.name), *here)


def _digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Return count and hash of a table's rows, in whatever order a database sorts its keys."""
    total = count = 0
    for rows in _batches(connection, table, 0):
        for row in rows:
            if row.get("segment") == _MARK:
                continue
            digest = hashlib.blake2b(repr(list(row.values())).encode(), digest_size=32).digest()
            total = (total + int.from_bytes(digest)) % 2**256
            count += 1
    return count, f"{total:064x}"


def _go_on_numbering(connection: Connection, table: Table) -> None:
    if _is_numbered(table):
        sequence = func.pg_get_serial_sequence(table.name, "id")
        newest = select(func.coalesce(func.max(table.c.id), 1)).scalar_subquery()
        connection.execute(select(func.setval(sequence, newest)))
