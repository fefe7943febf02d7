"""The rows of a page, where a filter names few, or costs much and the order is not that of an index.

To sort rows a database first asks the filter about each of them, though only fifty are shown. Where that means to look
at other tables or into records, the rows are sorted first and asked then, some at a time, until the page is full.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Exists, select
from sqlalchemy.sql.visitors import iterate

from tracelm.store.filters.named_rows import beside_named, calls_python, conjuncts, names_rows
from tracelm.store.listing import Listing
from tracelm.store.paging import Order, Page

_LEAST: Final = 32
_FIRST: Final = 64
_MOST: Final = 512  # as many values as one statement takes


def narrowed(
    connection: Connection,
    listing: Listing,
    page: Page,
    order: Order,
    within: Sequence[ColumnElement[bool]],
    where: Sequence[ColumnElement[bool]],
) -> list[ColumnElement[bool]]:
    """Return what the rows of a page have to meet.

    Args:
        connection: The one that will execute the query.
        listing: What is wanted.
        page: Which rows of it.
        order: How they are sorted.
        within: What is asked of their own columns, and soon answered.
        where: What a filter asks.
    """
    if page.limit is None or not where:
        return [*within, *where]
    if within and any(names_rows(condition, order.row) for condition in where):
        rows = select(order.row).where(beside_named(within), *where, *page.behind(order))
        named = connection.execute(order.sorted(rows).limit(page.limit + 1)).scalars().all()
        return [order.row.in_(named)]
    parts = [part for condition in where for part in conjuncts(condition)]
    costly = [part for part in parts if _costs_much(part)]
    if listing.is_by_start or not costly:
        return [*within, *where]
    soon_answered = [part for part in parts if not _costs_much(part)]
    sorted_rows = order.sorted(select(order.row).where(*within, *soon_answered, *page.behind(order)))
    fitting: list[int] = []
    asked, size = 0, _FIRST
    with connection.execute(sorted_rows) as candidates:
        while len(fitting) <= page.limit and (some := candidates.scalars().fetchmany(size)):
            fits = set(connection.execute(select(order.row).where(order.row.in_(some), *costly)).scalars())
            fitting += [row for row in some if row in fits]
            asked += len(some)
            missing = page.limit + 1 - len(fitting)
            # A quarter more than fill the page, if as many fit as did until now.
            size = max(_LEAST, min(5 * missing * asked // (4 * max(1, len(fitting))), 2 * size, _MOST))
    return [order.row.in_(fitting[: page.limit + 1])]


def _costs_much(condition: ColumnElement[bool]) -> bool:
    return calls_python(condition) or any(isinstance(part, Exists) for part in iterate(condition))
