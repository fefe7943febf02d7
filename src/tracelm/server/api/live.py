"""Live events: `text/event-stream`, one for each new span and score."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from tracelm.server.access.caller import Caller
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName
from tracelm.server.live import LiveEvent
from tracelm.server.problems import Problem
from tracelm.server.state import ServerState

router: Final = APIRouter(prefix=PREFIX, tags=["live"], responses=PROBLEMS)
_AT_ONCE: Final = 500
_BEAT_S: Final = 15.0
_MOST: Final = 200
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events `span`, `score` and `reset` (load anew), until the connection ends.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/live", response_class=StreamingResponse, responses={**PROBLEMS, **_STREAM})
async def watch(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> StreamingResponse:
    """Tell of new spans and scores as they come: which, not what they hold.

    Each event has an id; a connection that breaks goes on behind the last one if it sends it as `Last-Event-ID`.
    """
    state: ServerState = request.app.state.server
    wanted = project_for(caller, project)
    if state.live.watchers >= _MOST:
        raise Problem(503, f"{_MOST} connections watch already", headers={"retry-after": "10"})
    return StreamingResponse(
        _events(state, caller, wanted, last_event_id),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


async def _events(
    state: ServerState, caller: Caller, project: str | None, last_event_id: str | None
) -> AsyncIterator[bytes]:
    live = state.live
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def tell() -> None:
        loop.call_soon_threadsafe(changed.set)

    live.watch(tell)
    try:
        seen = _behind(state, last_event_id)
        yield b"retry: 2000\n" + (b": ready\n\n" if seen is not None else b"")
        if seen is None:
            seen = live.last
            yield _written(state, LiveEvent(number=seen, kind="reset"))
        while not live.is_closed:
            found = live.after(seen, limit=_AT_ONCE)
            for each in found:
                seen = each.number
                if each.kind == "reset" or project is None or each.project == project:
                    yield _written(state, each)
            if found:
                continue
            changed.clear()
            try:
                await asyncio.wait_for(changed.wait(), _BEAT_S)
            except TimeoutError:
                if not await _is_still_let_in(state, caller):
                    return
                yield b": still here\n\n"
    finally:
        live.unwatch(tell)


async def _is_still_let_in(state: ServerState, caller: Caller) -> bool:
    """Whether the key of a watcher was not revoked meanwhile."""
    await asyncio.to_thread(state.gate.refresh)
    return state.gate.is_open if caller.key_id is None else state.gate.is_good(caller.key_id)


def _behind(state: ServerState, last_event_id: str | None) -> int | None:
    """Return the number behind which events are wanted; `None` where that cannot be told."""
    if last_event_id is None:
        return state.live.last
    boot, _, number = last_event_id.partition("-")
    if boot != state.live.boot or not (number.isascii() and number.isdecimal()):
        return None
    return int(number)


def _written(state: ServerState, event: LiveEvent) -> bytes:
    data: dict[str, object] = {}
    if event.kind != "reset":
        data = {
            "project": event.project,
            "trace_id": event.trace_id,
            "span_id": event.span_id,
            "name": event.name,
        }
        if event.kind == "span":
            data["state"] = event.state
    return b"event: %b\nid: %b-%d\ndata: %b\n\n" % (
        event.kind.encode(),
        state.live.boot.encode(),
        event.number,
        orjson.dumps(data),
    )
