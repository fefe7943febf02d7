"""Whether the server lives, can work, and how it does: for supervisors, load balancers and Prometheus."""

import shutil
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse

from tracelm.errors import StoreError
from tracelm.server.access.rule import Anybody, Reader
from tracelm.server.counters import MEANINGS
from tracelm.server.problems import Problem
from tracelm.server.state import ServerState

router: Final = APIRouter(include_in_schema=False)
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
async def healthz(_caller: Anybody) -> Response:
    """Say that the process lives."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request, _caller: Anybody) -> Response:
    """Say whether requests can be taken: the store answers, and there is room."""
    state: ServerState = request.app.state.server
    try:
        with state.store.reading():
            pass
    except StoreError:
        raise Problem(503, "the store cannot be read") from None
    if state.live.is_closed:
        raise Problem(503, "the server stops")
    if state.intake.waiting[0] >= state.options.max_waiting_requests:
        raise Problem(503, "too many requests wait to be written")
    return PlainTextResponse("ready\n")


@router.get("/metrics")
def metrics(request: Request, _caller: Reader) -> Response:
    """Tell the server's own numbers, in Prometheus' text format."""
    state: ServerState = request.app.state.server
    lines: list[str] = []
    for name, value in state.counters.all().items():
        _add(lines, f"tracelm_{name}_total", "counter", MEANINGS[name], value)
    requests, size_bytes = state.intake.waiting
    _add(lines, "tracelm_waiting_requests", "gauge", "OTLP requests that wait to be written.", requests)
    _add(lines, "tracelm_waiting_bytes", "gauge", "How many bytes these hold, as they came.", size_bytes)
    lag = state.intake.lag_s
    _add(lines, "tracelm_lag_seconds", "gauge", "For how long the oldest of them has waited.", round(lag, 3))
    _add(lines, "tracelm_watchers", "gauge", "Connections that get live events.", state.live.watchers)
    file = Path(state.store.place)
    if file.is_file():  # else it is a database server's
        _add(lines, "tracelm_store_bytes", "gauge", "Size of the store's file.", file.stat().st_size)
        _add(lines, "tracelm_disk_free_bytes", "gauge", "Free space beside it.", shutil.disk_usage(file.parent).free)
    return Response("\n".join(lines) + "\n", media_type=_PROMETHEUS)


def _add(lines: list[str], name: str, kind: str, meaning: str, value: float) -> None:
    lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", f"{name} {value}"]
