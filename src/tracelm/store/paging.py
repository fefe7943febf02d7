"""Keyset paging: a page begins behind the last row of the page before, wherever new rows have come in between."""

import base64
import binascii
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn, TypeAlias, cast

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, and_, or_, select, tuple_

from tracelm.errors import StoreError

Key: TypeAlias = int | float | None

_VERSION: Final = 1
_LONGEST: Final = 1_000
_ROW: Final = "page_row"
_VALUE: Final = "page_value"
_INT64: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, kw_only=True)
class Order:
    """How a list is sorted: by one value, then by the number of the row; what has no value comes last.

    Attributes:
        by: The value.
        row: The number of the row in its table.
        descending: Whether the greatest comes first.
        is_nullable: Whether rows may have no value.
    """

    by: ColumnElement[Any]
    row: ColumnElement[int]
    descending: bool
    is_nullable: bool

    def sorted(self, rows: Select[Any]) -> Select[Any]:
        """Sort rows. SQLite counts NULL as the smallest: descending, that is where it has to be."""
        if not self.descending:
            first = self.by.asc().nulls_last() if self.is_nullable else self.by.asc()
            return rows.order_by(first, self.row.asc())
        first = self.by.desc().nulls_last() if self.is_nullable else self.by.desc()
        return rows.order_by(first, self.row.desc())

    def behind(self, value: Key, row: int) -> ColumnElement[bool]:
        """Say which rows come behind the one with this value and number."""
        if not self.is_nullable:
            here, there = tuple_(self.by, self.row), tuple_(value, row)
            return here < there if self.descending else here > there
        later = self.row < row if self.descending else self.row > row
        if value is None:
            return and_(self.by.is_(None), later)
        beyond = self.by < value if self.descending else self.by > value
        return or_(beyond, and_(self.by == value, later), self.by.is_(None))


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which rows of a list are wanted.

    Attributes:
        after: The cursor that came with the page before; `None` for the first page.
        limit: How many rows; `None` for all.
        query: What was asked for, as the cursor remembers it.
    """

    after: str | None
    limit: int | None
    query: Sequence[object]

    def choose(self, rows: Select[Any], order: Order, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
        """Choose the rows of this page, in order.

        The page is chosen first and its rows are read then: only what the choice needs is read of the others.

        Args:
            rows: All rows with their columns.
            order: How they are sorted.
            where: What they have to meet, over the table of `order` alone.
        """
        conditions = [*where, *self.behind(order)]
        if self.limit is None:
            return order.sorted(rows.where(*conditions))
        keys: list[ColumnElement[Any]] = [order.row.label(_ROW), order.by.label(_VALUE)]
        page = order.sorted(select(*keys).where(*conditions)).limit(self.limit + 1).subquery("page")
        here = replace(order, by=page.c[_VALUE], row=page.c[_ROW])
        return here.sorted(rows.add_columns(here.by, here.row).join(page, order.row == here.row))

    def cut(self, rows: Select[Any], order: Order, *, of_groups: bool = False) -> Select[Any]:
        """Choose the rows of this page, in order, where they are not those of one table: groups, or of a join.

        Args:
            rows: All rows with their columns.
            order: How they are sorted. Its number need not be that of a row: a second value that tells rows apart.
            of_groups: Whether they are groups; `order` then sorts by aggregates.
        """
        behind = self.behind(order)
        rows = rows.having(*behind) if of_groups else rows.where(*behind)
        chosen = order.sorted(rows.add_columns(order.row.label(_ROW), order.by.label(_VALUE)))
        return chosen if self.limit is None else chosen.limit(self.limit + 1)

    def behind(self, order: Order) -> list[ColumnElement[bool]]:
        """Return what says that rows come behind the page before; nothing for the first page."""
        return [] if self.after is None else [order.behind(*read_cursor(self.after, self.query))]

    def read(self, found: Iterable[RowMapping | dict[str, Any]]) -> tuple[list[dict[str, Any]], str | None]:
        """Return the rows that `choose` chose, and the cursor of the next page; `None` when this is the last one."""
        rows = [dict(each) for each in found]
        has_next = self.limit is not None and len(rows) > self.limit
        shown = rows[: self.limit]
        ends = [(row.pop(_VALUE, None), row.pop(_ROW, 0)) for row in shown]
        return shown, cursor(*ends[-1], self.query) if has_next else None


def cursor(value: Key, row: int, query: Sequence[object]) -> str:
    """Return the cursor behind a row."""
    text = orjson.dumps([_VERSION, _digest(query), value, row])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_cursor(text: str, query: Sequence[object]) -> tuple[Key, int]:
    """Return the value and the number of the row behind which a page begins.

    Raises:
        StoreError: The text is no cursor, or that of another query.
    """
    if len(text) > _LONGEST or not text.isascii():
        _refuse()
    try:
        found = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, orjson.JSONDecodeError):
        _refuse()
    if not isinstance(found, list) or len(parts := cast("list[Any]", found)) != 4 or parts[0] != _VERSION:
        _refuse()
    _, digest, value, row = parts
    if not _is_key(value) or not isinstance(row, int) or isinstance(row, bool) or row not in _INT64:
        _refuse()
    if digest != _digest(query):
        raise StoreError(
            "this cursor belongs to another query: give the same filter, project and order as for the page before, "
            "or leave the cursor out to begin anew"
        )
    return value, row


def _is_key(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return value is None
    return value in _INT64 if isinstance(value, int) else isinstance(value, float) and math.isfinite(value)


def _refuse() -> NoReturn:
    raise StoreError("this is no cursor of this store: take `next` of the page before, or leave it out to begin anew")


def _digest(query: Sequence[object]) -> str:
    return hashlib.blake2b(orjson.dumps(list(query)), digest_size=9).hexdigest()
