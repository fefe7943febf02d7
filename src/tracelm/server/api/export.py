"""Traces as a file that other tools read too."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName

router: Final = APIRouter(prefix=PREFIX, tags=["traces"], responses=PROBLEMS)
_LINES: Final = "application/x-ndjson"
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "One request of OTLP/JSON a line.", "content": {_LINES: {"schema": {"type": "string"}}}}
}


@router.get("/export/spans.jsonl", response_class=StreamingResponse, responses=_FILE)
def export_spans(
    request: Request,
    caller: Reader,
    trace: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]],
        Query(min_length=1, max_length=100, description="A trace's id; may stand several times."),
    ],
    project: ProjectName = None,
) -> StreamingResponse:
    """Send the spans of traces that have ended as OTLP/JSON lines: `tracelm store import` and collectors read them."""
    wanted = project_for(caller, project)
    lines = store_of(request).maintenance.span_lines(trace, project=wanted)
    # What is sent is a file to keep, not a page to look at.
    headers = {"content-disposition": 'attachment; filename="spans.jsonl"'}
    return StreamingResponse((each + b"\n" for each in lines), media_type=_LINES, headers=headers)
