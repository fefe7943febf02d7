"""Finds out how rare a condition is, by looking for a few more rows than a page of a list has.

To find so many of what is neither rare nor common, most of a window is read, and then it is too many. So both ends of
the window are looked at first: where each has as many as it would have of too many, that is the answer. What happened
in one hour only has an end with fewer.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from tracelm.store.filters.compile import Few

_FEW: Final = 500
END: Final = 20
"""An end is this part of a window."""
_MOST_CONDITIONS: Final = 20  # of one query, that it is worth while to look at


def finds_few(connection: Connection) -> Few:
    """Return what executes a query for keys, and returns the rows of a table that have them if these are few.

    The keys are compared in Python: SQLite reads a whole table for a comparison of several columns with a list.
    """
    looked_at = 0

    def few(query: Select[Any], table: Table, ends: Sequence[Select[Any]]) -> Sequence[int] | None:
        nonlocal looked_at
        looked_at += 1
        if looked_at > _MOST_CONDITIONS:
            return None
        if ends and all(_has_many(connection, end) for end in ends):
            return None
        found = [tuple(row) for row in connection.execute(query.limit(_FEW + 1))]
        if len(found) > _FEW:
            return None
        keys = set(found)
        columns: list[ColumnElement[Any]] = [table.c[column.name] for column in query.selected_columns]
        wanted: Select[Any] = select(table.c.id, *columns).where(table.c.trace_id.in_({key[0] for key in keys}))
        return [number for number, *key in connection.execute(wanted) if tuple(key) in keys]

    return few


def _has_many(connection: Connection, end: Select[Any]) -> bool:
    wanted = _FEW // END
    return len(connection.execute(end.limit(wanted)).all()) == wanted
