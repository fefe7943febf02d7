"""Traces as a file that other tools read too."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.listing import SinceNs, UntilNs, Where, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName
from tracelm.server.problems import Problem
from tracelm.store.store import Store

router: Final = APIRouter(prefix=PREFIX, tags=["traces"], responses=PROBLEMS)
_LINES: Final = "application/x-ndjson"
_MOST: Final = 10_000  # traces of one file
_PAGE: Final = 1_000
_AT_ONCE: Final = 100
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "One request of OTLP/JSON a line.", "content": {_LINES: {"schema": {"type": "string"}}}}
}


@router.get("/export/spans.jsonl", response_class=StreamingResponse, responses=_FILE)
def export_spans(
    request: Request,
    caller: Reader,
    trace: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]] | None,
        Query(
            min_length=1,
            max_length=1_000,
            description="A trace's id; may stand several times. None: all that the filter finds.",
        ),
    ] = None,
    project: ProjectName = None,
    where: Where = "",
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
) -> StreamingResponse:
    """Send the spans of traces that have ended as OTLP/JSON lines: `tracelm store import` and collectors read them.

    The traces that are named, or those that a filter finds: at most 10,000.
    """
    wanted = project_for(caller, project)
    store = store_of(request)
    if trace is None:
        ids = listed(lambda: chosen(store, where, project=wanted, since_ns=since_ns, until_ns=until_ns), caller)
    elif where or since_ns is not None or until_ns is not None:
        raise Problem(400, "name traces, or give a filter and a time: not both")
    else:
        ids = trace
    maintenance = store.maintenance
    lines = (
        line + b"\n"
        for start in range(0, len(ids), _AT_ONCE)
        for line in maintenance.span_lines(ids[start : start + _AT_ONCE], project=wanted)
    )
    # What is sent is a file to keep, not a page to look at.
    headers = {"content-disposition": 'attachment; filename="spans.jsonl"'}
    return StreamingResponse(lines, media_type=_LINES, headers=headers)


def chosen(
    store: Store,
    where: str,
    *,
    project: str | None = None,
    since_ns: int | None = None,
    until_ns: int | None = None,
    most: int = _MOST,
) -> list[str]:
    """Return the ids of the traces that a filter finds, the newest first, each once.

    Raises:
        Problem: There are more than `most`.
        StoreError: The filter cannot be read.
    """
    found: dict[str, None] = {}
    after: str | None = None
    while True:
        page = store.traces(where, project=project, since_ns=since_ns, until_ns=until_ns, after=after, limit=_PAGE)
        found |= dict.fromkeys(each.trace_id for each in page)
        if len(found) > most:
            raise Problem(
                400,
                f"more than {most:,} traces match: take a shorter time or a narrower filter, or export the whole store "
                "with `tracelm store export`",
            )
        after = page.next
        if after is None:
            return list(found)
