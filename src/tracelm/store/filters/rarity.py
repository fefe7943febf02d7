"""Finds out how rare a condition is, by looking for a few more rows than a page of a list has."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from tracelm.store.filters.compile import Few

_FEW: Final = 500
_MOST_CONDITIONS: Final = 20  # of one query, that it is worth while to look at


def finds_few(connection: Connection) -> Few:
    """Return what executes a query for keys, and returns the rows of a table that have them if these are few.

    The keys are compared in Python: SQLite reads a whole table for a comparison of several columns with a list.
    """
    looked_at = 0

    def few(query: Select[Any], table: Table) -> Sequence[int] | None:
        nonlocal looked_at
        looked_at += 1
        if looked_at > _MOST_CONDITIONS:
            return None
        found = [tuple(row) for row in connection.execute(query.limit(_FEW + 1))]
        if len(found) > _FEW:
            return None
        keys = set(found)
        columns: list[ColumnElement[Any]] = [table.c[column.name] for column in query.selected_columns]
        wanted: Select[Any] = select(table.c.id, *columns).where(table.c.trace_id.in_({key[0] for key in keys}))
        return [number for number, *key in connection.execute(wanted) if tuple(key) in keys]

    return few
