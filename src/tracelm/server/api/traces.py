"""Traces: the list, and one as pages of its tree."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from tracelm.json_model import Model
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import (
    DecisionLine,
    ScoreLine,
    SpanLine,
    TraceLine,
    columns_of,
    decision_line,
    score_line,
)
from tracelm.server.api.listing import OrderBy, Page, SinceNs, UntilNs, Where, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, ProjectName

router: Final = APIRouter(prefix=PREFIX, tags=["traces"], responses=PROBLEMS)
TraceId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hex digits.")]
_TraceIdOrPrefix = Annotated[
    str, Path(pattern="^[0-9a-f]{4,32}$", description="32 hex digits, or the first ones if no other trace begins so.")
]
_MOST_SCORES: Final = 1_000


class TreeLine(SpanLine):
    """A span in its place in the tree."""

    depth: int = Field(description="How many spans it lies below, from 0.")
    child_count: int


class Trace(Model):
    """One trace: its roll-up, and a page of its spans in tree order."""

    trace: TraceLine = Field(description="Over all projects that the trace runs through, or over the one asked for.")
    spans: list[TreeLine]
    next: str | None = Field(description="The cursor of the next page of spans, for `after`.")
    scores: list[ScoreLine] = Field(description="The earliest first, at most 1000; on the first page only.")
    decisions: list[DecisionLine] = Field(description="The earliest first, at most 1000; on the first page only.")


@router.get("/traces")
def list_traces(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    where: Where = "",
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    order_by: OrderBy = "-start",
    after: After = None,
    limit: Limit = 50,
) -> Page[TraceLine]:
    """List traces."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(
        lambda: store.traces(
            where,
            project=wanted,
            since_ns=since_ns,
            until_ns=until_ns,
            order_by=order_by,
            after=after,
            limit=limit,
        ),
        caller,
    )
    return Page(items=[TraceLine.model_validate(each) for each in found], next=found.next)


@router.get("/traces/{trace_id}")
def show_trace(
    request: Request,
    caller: Reader,
    trace_id: _TraceIdOrPrefix,
    project: ProjectName = None,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 200,
) -> Trace:
    """Show a trace: the spans in the order of the tree, in pages; their contents stand on pages of their own."""
    store = store_of(request)
    wanted = project_for(caller, project)
    page = store.trace_page(trace_id, project=wanted, after=after, limit=limit)
    is_first, full_id = after is None, page.summary.trace_id
    scores = store.scores(project=wanted, trace_id=full_id, limit=_MOST_SCORES) if is_first else ()
    decisions = store.decisions(project=wanted, trace_id=full_id, limit=_MOST_SCORES) if is_first else ()
    return Trace(
        trace=TraceLine.model_validate(page.summary),
        spans=[
            TreeLine(**columns_of(each.span), depth=each.depth, child_count=each.child_count) for each in page.spans
        ],
        next=page.next,
        scores=[score_line(each) for each in reversed(scores)],
        decisions=[decision_line(each) for each in reversed(decisions)],
    )
