"""Finds out how rare a condition is, by looking for a few more rows than a page of a list has."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select

from tracelm.store.filters.compile import Few

_FEW: Final = 500
_MOST_VALUES: Final = 10_000  # of one statement, over all of its conditions


def finds_few(connection: Connection) -> Few:
    """Return what executes a query and returns its rows, if there are at most 500 of them."""
    left = _MOST_VALUES

    def few(query: Select[Any]) -> Sequence[tuple[Any, ...]] | None:
        nonlocal left
        values = _FEW * len(query.selected_columns)
        if left < values:
            return None
        found = connection.execute(query.limit(_FEW + 1)).all()
        if len(found) > _FEW:
            return None
        left -= values
        return sorted({tuple(row) for row in found})

    return few
