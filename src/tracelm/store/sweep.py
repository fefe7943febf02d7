"""Delete contents that no record has any more, while others go on writing.

What a record may have is read without a lock, page by page. Meanwhile writers note the pieces that they put: a sweep
leaves those alone, whether their record was read or not.
"""

import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Table, delete, exists, select

from tracelm.store.contents import KEPT, SWEEP, Kept
from tracelm.store.database import Database
from tracelm.store.record import digests
from tracelm.store.statements import insert
from tracelm.store.tables import CONTENTS, CURSORS, KEPT_DIGESTS, LOGS, RESOURCES, SCOPES, SPANS

_PAGE: Final = 2_000
_DELETED_AT_ONCE: Final = 200  # so that others get their turn to write


@dataclass(frozen=True, slots=True)
class _Live:
    """What records have: the digests of their pieces, the numbers of their resources and scopes."""

    pieces: set[bytes] = field(default_factory=set[bytes])
    resources: set[int] = field(default_factory=set[int])
    scopes: set[int] = field(default_factory=set[int])


def sweep(database: Database) -> int:
    """Delete what no record has, and return how many pieces that were.

    Another sweep that runs ends without harm: the last one to begin does the work. One that dies leaves a mark; the
    next one takes its place.

    Raises:
        StoreError: The store cannot be read or written, or is damaged.
    """
    token = time.time_ns()
    with database.write() as connection:
        _mark(connection, token)
    live = _live(database)
    counts = {
        table: _delete(database, table, _dead(database, table, key, among), token)
        for table, key, among in _of_tables(live)
    }
    with database.write() as connection:
        if _is_ours(connection, token):
            connection.execute(delete(CURSORS).where(CURSORS.c.segment == SWEEP))
            connection.execute(delete(KEPT_DIGESTS))
    return counts[CONTENTS]


def orphans(database: Database) -> int:
    """Return how many pieces no record has; what others write meanwhile may be counted too."""
    return len(_dead(database, CONTENTS, "digest", _live(database).pieces))


def _of_tables(live: _Live) -> tuple[tuple[Table, str, Container[object]], ...]:
    return (CONTENTS, "digest", live.pieces), (RESOURCES, "id", live.resources), (SCOPES, "id", live.scopes)


def _live(database: Database) -> _Live:
    live = _Live()
    for table in (SPANS, LOGS):
        for kept in _kept(database, table):
            live.pieces.update(digests(kept.blob))
            live.resources.add(kept.resource_id)
            live.scopes.add(kept.scope_id)
    return live


def _dead(database: Database, table: Table, key: str, live: Container[object]) -> list[int]:
    with database.read() as connection:
        found = connection.execution_options(yield_per=_PAGE).execute(select(table.c.id, table.c[key]))
        return [number for number, value in found if value not in live]


def _delete(database: Database, table: Table, dead: Sequence[int], token: int) -> int:
    count = 0
    for start in range(0, len(dead), _DELETED_AT_ONCE):
        with database.write() as connection:
            if not _is_ours(connection, token):
                break
            kept = exists().where(KEPT_DIGESTS.c.digest == table.c.digest)
            some = table.c.id.in_(dead[start : start + _DELETED_AT_ONCE])
            count += connection.execute(delete(table).where(some, ~kept)).rowcount
    return count


def _kept(database: Database, table: Table) -> Iterator[Kept]:
    """Yield what is kept of all records, a transaction a page: a long one would keep SQLite's log from shrinking."""
    columns = [table.c[name] for name in KEPT]
    after = 0
    while True:
        page = select(*columns, table.c.id).where(table.c.id > after).order_by(table.c.id).limit(_PAGE)
        with database.read() as connection:
            rows = connection.execute(page).all()
        yield from (Kept(row.record, row.resource_id, row.scope_id) for row in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def _mark(connection: Connection, token: int) -> None:
    connection.execute(delete(KEPT_DIGESTS))
    new = insert(connection.dialect.name, CURSORS).values(segment=SWEEP, signal="contents", offset=token)
    connection.execute(
        new.on_conflict_do_update(index_elements=("segment", "signal"), set_={"offset": new.excluded.offset})
    )


def _is_ours(connection: Connection, token: int) -> bool:
    return connection.execute(select(CURSORS.c.offset).where(CURSORS.c.segment == SWEEP)).scalar() == token
