"""The tree of a trace in pages: the order is worked out from ids alone, and only the spans of a page are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, select

from tracelm.errors import StoreError
from tracelm.store.tables import SPANS, TRACES

_Key: TypeAlias = tuple[str, str]
_INNER: Final = frozenset({"id", "pending_in", "record", "repricings", "resource_id", "scope_id"})
_COLUMNS: Final = tuple(column for column in SPANS.columns if column.name not in _INNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSpan:
    """One span in its place.

    Attributes:
        columns: Its columns in the store, by name; not its contents.
        depth: How many spans it lies below, from 0.
        child_count: How many spans lie right below it.
    """

    columns: Mapping[str, Any]
    depth: int
    child_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePage:
    """A part of a trace in tree order: a span, then what it contains, earlier ones first.

    Attributes:
        spans: The spans of this page.
        span_count: How many the trace has in all.
        next: The cursor of the next page; `None` when this is the last one.
    """

    spans: Sequence[TreeSpan]
    span_count: int
    next: str | None


def trace_parts(connection: Connection, trace_id: str, *, project: str | None) -> Sequence[Mapping[str, Any]]:
    """Return the roll-ups of a trace, one for each project that it runs through; the earliest first.

    Raises:
        StoreError: No trace has this id.
    """
    wanted = [TRACES.c.trace_id == trace_id, *([] if project is None else [TRACES.c.project == project])]
    found = connection.execute(select(TRACES).where(*wanted).order_by(TRACES.c.start_ns, TRACES.c.id))
    parts = [dict(row) for row in found.mappings()]
    if not parts:
        raise StoreError(f"no trace {trace_id!r} in {'this store' if project is None else f'project {project!r}'}")
    return parts


def tree_page(connection: Connection, trace_id: str, *, project: str | None, after: str | None, limit: int) -> TreePage:
    """Return a page of a trace.

    Args:
        connection: One that may read.
        trace_id: 32 hex digits.
        project: Only its part in this project.
        after: `TreePage.next` of the page before.
        limit: How many spans.

    Raises:
        StoreError: The cursor names a span that is not there.
    """
    wanted = [SPANS.c.trace_id == trace_id, *([] if project is None else [SPANS.c.project == project])]
    skeleton = select(SPANS.c.id, SPANS.c.project, SPANS.c.span_id, SPANS.c.parent_span_id, SPANS.c.start_ns)
    rows = connection.execute(skeleton.where(*wanted).order_by(SPANS.c.start_ns, SPANS.c.span_id)).all()
    ordered, children = _in_tree_order(rows)
    start = 0 if after is None else _behind(ordered, after)
    chosen = ordered[start : start + limit]
    ids = [row.id for row, _ in chosen]
    columns = {
        row["id"]: {name: value for name, value in row.items() if name != "id"}
        for row in connection.execute(select(SPANS.c.id, *_COLUMNS).where(SPANS.c.id.in_(ids))).mappings()
    }
    found = [
        TreeSpan(columns=columns[row.id], depth=depth, child_count=len(children.get(_key(row), ())))
        for row, depth in chosen
    ]
    last = chosen[-1][0] if chosen else None
    has_next = last is not None and start + limit < len(ordered)
    return TreePage(
        spans=found,
        span_count=len(ordered),
        next=f"{last.span_id}:{last.project}" if has_next and last is not None else None,
    )


def _in_tree_order(
    rows: "Sequence[Row[Any]]",
) -> "tuple[list[tuple[Row[Any], int]], dict[_Key, list[Row[Any]]]]":
    """Return the spans with their depth, and which spans lie below which; see `TraceTree.build`."""
    known = {_key(row): row for row in rows}
    anywhere = {row.span_id: _key(row) for row in reversed(rows)}
    children: dict[_Key, list[Row[Any]]] = {}
    roots: list[Row[Any]] = []
    for row in rows:
        parent = (row.project, row.parent_span_id or "")
        parent = parent if parent in known else anywhere.get(parent[1], parent)
        if parent in known and known[parent] is not row:
            children.setdefault(parent, []).append(row)
        else:
            roots.append(row)
    ordered: list[tuple[Row[Any], int]] = []
    seen: set[_Key] = set()
    for root in (*roots, *rows):  # the second time only those are left that name each other in a ring
        stack = [(root, 0)]
        while stack:
            row, depth = stack.pop()
            if _key(row) in seen:
                continue
            seen.add(_key(row))
            ordered.append((row, depth))
            stack.extend((below, depth + 1) for below in reversed(children.get(_key(row), ())))
    return ordered, children


def _behind(ordered: "Sequence[tuple[Row[Any], int]]", after: str) -> int:
    span_id, _, project = after.partition(":")
    for place, (row, _) in enumerate(ordered):
        if row.span_id == span_id and row.project == project:
            return place + 1
    raise StoreError("the cursor names no span of this trace: leave it out to begin anew")


def _key(row: "Row[Any]") -> _Key:
    return row.project, row.span_id
