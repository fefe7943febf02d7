"""What is wanted of a list: its filter, window, order and page; and the pieces of a query that this makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from tracelm.errors import StoreError
from tracelm.store.filters.attributes import attribute_conditions
from tracelm.store.filters.compile import NO_TEXT, Compiler, tokens
from tracelm.store.filters.rarity import END, finds_few
from tracelm.store.filters.syntax import EVERYTHING, All, Literally, Matches, Node
from tracelm.store.paging import Order, Page
from tracelm.store.search import SearchIndex
from tracelm.store.tables import SPANS, TRACES

Wanted: TypeAlias = Mapping[str, str | None]
"""Columns and what must stand in them; `None` for anything. `project` is always named."""

_INNER: Final = frozenset({"id", "pending_in", "attribute_bits_low", "attribute_bits_high"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What is wanted of a list.

    Attributes:
        where: What its rows have to meet.
        since_ns: When they began at the earliest, nanoseconds since 1970, UTC.
        until_ns: Before when they began.
        order_by: `start`, and for spans and traces `latency`, `cost` and `tokens`; with a `-` the greatest first.
        after: The cursor of the page before.
        limit: How many rows make a page; `None` for all.
        search: Where texts are looked up; without one, in names and status messages only.
    """

    where: Node = EVERYTHING
    since_ns: int | None = None
    until_ns: int | None = None
    order_by: str = "-start"
    after: str | None = None
    limit: int | None = None
    search: SearchIndex | None = None

    def page(self, what: str, wanted: Wanted) -> Page:
        """Return the page; its cursors are good for this query. The window of time may move between two pages."""
        asked = sorted((name, value) for name, value in wanted.items() if value is not None)
        return Page(after=self.after, limit=self.limit, query=(what, str(self.where), self.order_by, asked))

    @property
    def is_by_start(self) -> bool:
        """Whether an index has the order."""
        return self.order_by.removeprefix("-") == "start"


ALL: Final = Listing()


def columns(table: Table) -> Select[Any]:
    """Return all rows of a table with the columns that its records have."""
    return select(*(column for column in table.columns if column.name not in _INNER))


def matches(table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return what says that the columns equal those of `wanted`."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def limits(table: Table, wanted: Wanted, listing: Listing) -> list[ColumnElement[bool]]:
    """Return what says that rows are wanted, but for the filter: equal columns and the window of time."""
    return [*matches(table, wanted), *between(_began(table), listing.since_ns, listing.until_ns)]


def between(moment: ColumnElement[int], since_ns: int | None, until_ns: int | None) -> list[ColumnElement[bool]]:
    """Return what says that a moment lies in a window; its end does not belong to it."""
    since = [] if since_ns is None else [moment >= since_ns]
    return since if until_ns is None else [*since, moment < until_ns]


def compiler(
    connection: Connection,
    listing: Listing,
    within: Sequence[ColumnElement[bool]],
    *,
    ends: Sequence[Sequence[ColumnElement[bool]]] = (),
) -> Compiler:
    """Return what makes a condition of a filter.

    Args:
        connection: The one that will execute the query.
        listing: What is wanted.
        within: What all spans meet that may matter.
        ends: What those meet in the beginning and in the end of the window.
    """
    return Compiler(
        attribute_matches=attribute_conditions(connection, within=within),
        few=finds_few(connection),
        within=within,
        ends=ends,
        text_matches=NO_TEXT if listing.search is None else listing.search.matches(connection),
    )


def ends(connection: Connection, wanted: Wanted, listing: Listing) -> list[list[ColumnElement[bool]]]:
    """Return what the spans meet that stand in the first part, and in the last, of the time in which there are any.

    Without a filter nobody asks: none.

    Args:
        connection: To the store.
        wanted: What stands in their columns.
        listing: What is wanted. When it ends is left out.
    """
    if listing.where == EVERYTHING:
        return []
    moments = select(SPANS.c.start_ns).where(
        *matches(SPANS, wanted), *between(SPANS.c.start_ns, listing.since_ns, None)
    )
    first, last = (
        connection.execute(moments.order_by(way).limit(1)).scalar()
        for way in (SPANS.c.start_ns.asc(), SPANS.c.start_ns.desc())
    )
    if first is None or last is None or last - first < END:
        return []
    length = (last - first) // END
    parts = ((first, first + length), (last - length, None))
    return [[*matches(SPANS, wanted), *between(SPANS.c.start_ns, *part)] for part in parts]


def conditions(listing: Listing, compiled: Callable[[Node], ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """Return the filter as a condition; none where it is empty."""
    return [] if listing.where == EVERYTHING else [compiled(listing.where)]


def _names_few(node: Node) -> bool:
    """Say whether a filter names traces, or an evaluation run."""
    match node:
        case All(parts):
            return any(map(_names_few, parts))
        case Matches(name, values):
            return name.field in {"trace", "run"} and all(isinstance(each, Literally) for each in values)
        case _:
            return False


def _began(table: Table) -> ColumnElement[int]:
    return table.c.time_ns if "time_ns" in table.c else table.c.start_ns


def order(table: Table, wanted: Wanted, listing: Listing) -> Order:
    """Return how a list is sorted.

    Raises:
        StoreError: The order is not known.
    """
    began = _began(table)
    if any(wanted.get(name) is not None for name in ("trace_id", "run_id")) or _names_few(listing.where):
        began = began + 0  # not by the index of times: SQLite would read all of a project in its order, to sort a few
    values: dict[str, tuple[ColumnElement[Any], bool]] = {"start": (began, False)}
    if table in {SPANS, TRACES}:
        values |= {
            "latency": (table.c.duration_ns, False),
            "cost": (table.c.cost_usd, True),
            "tokens": (tokens(table), True),
        }
    order_by, name = listing.order_by, listing.order_by.removeprefix("-")
    if name not in values:
        raise StoreError(f"order_by={order_by!r}: it is one of {', '.join(values)}, with a - for the greatest first")
    by, is_nullable = values[name]
    return Order(by=by, row=table.c.id, descending=order_by.startswith("-"), is_nullable=is_nullable)
