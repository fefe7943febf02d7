"""The store's questions, one statement each where it can be. All read; none writes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, and_, exists, select, tuple_

from tracelm import semconv
from tracelm.errors import StoreError
from tracelm.store.checks import check, check_page_limit, full_id
from tracelm.store.contents import KEPT, with_records
from tracelm.store.from_rows import score_of, span_of, trace_of
from tracelm.store.listing import (
    ALL,
    Listing,
    Wanted,
    between,
    columns,
    compiler,
    conditions,
    ends,
    limits,
    matches,
    order,
)
from tracelm.store.narrowing import narrowed
from tracelm.store.outline import Outline, Outlines
from tracelm.store.paging import cursor, read_cursor
from tracelm.store.results import Rows
from tracelm.store.stored import StoredSpan, StoredTrace
from tracelm.store.tables import LINKS, LOGS, SCORES, SPANS, TRACES
from tracelm.store.tree import PlacedSpan, TracePage, TraceTree
from tracelm.store.verdicts import StoredDecision, StoredScore

_Number = TypeVar("_Number", int, float)


_RECORD: Final = tuple(SPANS.c[name] for name in KEPT)


def traces(connection: Connection, wanted: Wanted, listing: Listing) -> Rows[StoredTrace]:
    """Return a page of the traces whose columns equal those of `wanted`."""
    check(connection, wanted["project"], listing.limit)
    of_project = {"project": wanted["project"]}
    # A trace begins with its first span.
    within = [*matches(SPANS, of_project), *between(SPANS.c.start_ns, listing.since_ns, None)]
    compiled = compiler(connection, listing, within, ends=ends(connection, of_project, listing))
    page, by = listing.page("traces", wanted), order(TRACES, wanted, listing)
    where = conditions(listing, compiled.of_traces)
    chosen = page.choose(
        _trace_query(), by, narrowed(connection, listing, page, by, limits(TRACES, wanted, listing), where)
    )
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredTrace, map(trace_of, rows), next=following)


def trace(connection: Connection, trace_id: str, *, project: str | None) -> TraceTree:
    """Return one whole trace, also where its parts belong to several projects."""
    summary = _summary(connection, trace_id, project=project)
    of_trace = {"project": project, "trace_id": summary.trace_id}
    return TraceTree.build(
        summary,
        spans(connection, of_trace),
        tuple(reversed(scores(connection, of_trace))),
        tuple(reversed(decisions(connection, of_trace))),
    )


def trace_page(
    connection: Connection, outlines: Outlines, trace_id: str, *, project: str | None, after: str | None, limit: int
) -> TracePage:
    """Return a part of one trace in tree order: its outline is looked up, and the page is read whole."""
    check_page_limit(limit)
    summary = _summary(connection, trace_id, project=project)
    asked = ("trace_page", summary.trace_id, project)
    outline = outlines.of(connection, summary.trace_id, project=project, span_count=summary.span_count)
    first = 0
    if after is not None:
        _, last = read_cursor(after, asked)
        try:
            first = outline.numbers.index(last) + 1
        except ValueError:
            raise StoreError("the span that ended the page before is not in the store any more: begin anew") from None
    end = min(first + limit, len(outline.numbers))
    shown = outline.numbers[first:end]
    rows = connection.execute(columns(SPANS).add_columns(SPANS.c.id).where(SPANS.c.id.in_(shown))).mappings()
    whole = {row.pop("id"): span_of(row) for row in with_records(connection, rows)}
    page = [
        PlacedSpan(span=whole[number], depth=depth, child_count=children)
        for number, depth, children in zip(shown, outline.depths[first:end], outline.children[first:end], strict=True)
    ]
    has_next = end < len(outline.numbers)
    return TracePage(summary=summary, spans=tuple(page), next=cursor(None, shown[-1], asked) if has_next else None)


def trace_outline(connection: Connection, outlines: Outlines, trace_id: str, *, project: str | None) -> Outline:
    """Return how the spans of one trace stand in its tree."""
    summary = _summary(connection, trace_id, project=project)
    return outlines.of(connection, summary.trace_id, project=project, span_count=summary.span_count)


def _summary(connection: Connection, trace_id: str, *, project: str | None) -> StoredTrace:
    check(connection, project, None)
    found_id = full_id(connection, TRACES, "trace_id", trace_id.lower(), "trace", project=project)
    wanted = _trace_query().where(TRACES.c.trace_id == found_id)
    if project is not None:
        wanted = wanted.where(TRACES.c.project == project)
    parts = [trace_of(row) for row in with_records(connection, connection.execute(wanted).mappings())]
    if not parts:
        raise StoreError(f"trace {found_id} has no span in project {project!r}: leave the project out")
    return _merged(parts)


def spans(connection: Connection, wanted: Wanted, listing: Listing = ALL) -> Rows[StoredSpan]:
    """Return a page of the spans whose columns equal those of `wanted`."""
    check(connection, wanted["project"], listing.limit)
    within = limits(SPANS, wanted, listing)
    compiled = compiler(connection, listing, within)
    page, by = listing.page("spans", wanted), order(SPANS, wanted, listing)
    where = conditions(listing, compiled.of_spans)
    chosen = page.choose(columns(SPANS), by, narrowed(connection, listing, page, by, within, where))
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredSpan, map(span_of, rows), next=following)


def spans_by_id(connection: Connection, ids: Collection[tuple[str, str]], *, project: str | None) -> Rows[StoredSpan]:
    """Return the spans with these trace and span ids, in no order; those that are not there are left out."""
    of_ids = tuple_(SPANS.c.trace_id, SPANS.c.span_id).in_(list(ids))
    found = columns(SPANS).where(of_ids, *matches(SPANS, {"project": project}))
    rows = with_records(connection, connection.execute(found).mappings())
    return Rows(StoredSpan, map(span_of, rows))


def spans_of_trace(
    connection: Connection, trace_id: str, span_ids: Collection[str], *, project: str | None
) -> Rows[StoredSpan]:
    """Return these spans of a trace, in no order; those that are not there are left out."""
    wanted = matches(SPANS, {"project": project, "trace_id": trace_id})
    found = columns(SPANS).where(SPANS.c.span_id.in_(span_ids), *wanted)
    rows = with_records(connection, connection.execute(found).mappings())
    return Rows(StoredSpan, map(span_of, rows))


def linked(connection: Connection, trace_id: str, wanted: Wanted, listing: Listing) -> Rows[StoredSpan]:
    """Return a page of the spans that have a link to a span of a trace, and whose columns equal those of `wanted`."""
    check(connection, wanted["project"], listing.limit)
    points_there = exists().where(
        LINKS.c.linked_trace_id == trace_id,
        LINKS.c.trace_id == SPANS.c.trace_id,
        LINKS.c.project == SPANS.c.project,
        LINKS.c.span_id == SPANS.c.span_id,
    )
    page, by = listing.page("linked", {**wanted, "trace_id": trace_id}), order(SPANS, {}, listing)
    chosen = page.choose(columns(SPANS), by, [points_there, *matches(SPANS, wanted)])
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredSpan, map(span_of, rows), next=following)


def scores(connection: Connection, wanted: Wanted, listing: Listing = ALL) -> Rows[StoredScore]:
    """Return a page of the scores whose columns equal those of `wanted`."""
    check(connection, wanted["project"], listing.limit)
    page, by = listing.page("scores", wanted), order(SCORES, wanted, listing)
    chosen = page.choose(columns(SCORES), by, limits(SCORES, wanted, listing))
    rows, following = page.read(connection.execute(chosen).mappings())
    return Rows(StoredScore, (score_of(row) for row in rows), next=following)


def decisions(connection: Connection, wanted: Wanted, listing: Listing = ALL) -> Rows[StoredDecision]:
    """Return a page of what guardrails decided, where the columns equal those of `wanted`."""
    check(connection, wanted["project"], listing.limit)
    known = [column for column in LOGS.columns if column.name not in {"id", "event_name"}]
    page, by = listing.page("decisions", wanted), order(LOGS, wanted, listing)
    within = limits(LOGS, {**wanted, "event_name": semconv.DECISION_EVENT}, listing)
    chosen = page.choose(select(*known), by, within)
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredDecision, (StoredDecision(**row) for row in rows), next=following)


def _trace_query() -> Select[Any]:
    at_root = and_(
        SPANS.c.trace_id == TRACES.c.trace_id,
        SPANS.c.project == TRACES.c.project,
        SPANS.c.span_id == TRACES.c.root_span_id,
    )
    known = [column for column in TRACES.columns if column.name != "id"]
    return select(*known, *_RECORD).join(SPANS, at_root)


def _merged(parts: Sequence[StoredTrace]) -> StoredTrace:
    """Return the summary of a trace whose parts belong to several projects."""
    first = min(parts, key=lambda part: (part.root.parent_span_id is not None, part.start_ns))
    start_ns, end_ns = min(part.start_ns for part in parts), max(part.end_ns for part in parts)
    return replace(
        first,
        start_ns=start_ns,
        end_ns=end_ns,
        duration_ns=max(0, end_ns - start_ns),
        span_count=sum(part.span_count for part in parts),
        error_count=sum(part.error_count for part in parts),
        state=max((part.state for part in parts), key=("ended", "lost", "in flight").index),
        input_tokens=_sum(part.input_tokens for part in parts),
        output_tokens=_sum(part.output_tokens for part in parts),
        cost_usd=_sum(part.cost_usd for part in parts),
    )


def _sum(values: Iterable[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], start=known[0]) if known else None
