"""A large trace for a page that shows some of its spans at once: how all stand in the tree, and the lines of a few."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints

from tracelm.json_model import Model
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import SpanLine
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName
from tracelm.server.api.traces import TraceId
from tracelm.store import queries

router: Final = APIRouter(prefix=PREFIX, tags=["traces"], responses=PROBLEMS)


class Outline(Model):
    """How the spans of a trace stand in its tree. The lists run side by side, in the order of the tree."""

    span_ids: list[str]
    depths: list[int] = Field(description="How many spans each lies below.")
    child_counts: list[int]
    projects: list[str] = Field(description="Those through which the trace runs.")
    owners: list[int] = Field(
        description="Of each span, the place of its project in `projects`; empty where it is one."
    )


class SpanLines(Model):
    """Some spans of a trace."""

    items: list[SpanLine] = Field(description="In no order; not those that are not there.")


@router.get("/traces/{trace_id}/outline")
def show_outline(request: Request, caller: Reader, trace_id: TraceId, project: ProjectName = None) -> Outline:
    """Show how the spans of a trace stand in its tree, all at once, and nothing else of them."""
    store = store_of(request)
    wanted = project_for(caller, project)
    store.index()
    with store.reading() as connection:
        found = queries.trace_outline(connection, store.outlines, trace_id, project=wanted)
    return Outline(
        span_ids=[f"{each:016x}" for each in found.span_ids],
        depths=found.depths.tolist(),
        child_counts=found.children.tolist(),
        projects=found.projects,
        owners=found.owners.tolist() if len(found.projects) > 1 else [],
    )


@router.get("/traces/{trace_id}/lines")
def list_lines(
    request: Request,
    caller: Reader,
    trace_id: TraceId,
    span: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]],
        Query(min_length=1, max_length=200, description="A span's id; may stand several times."),
    ],
    project: ProjectName = None,
) -> SpanLines:
    """List some spans of a trace: those that a page shows of it at the moment."""
    wanted = project_for(caller, project)
    with store_of(request).reading() as connection:
        found = queries.spans_of_trace(connection, trace_id, span, project=wanted)
    return SpanLines(items=[SpanLine.model_validate(each) for each in found])
