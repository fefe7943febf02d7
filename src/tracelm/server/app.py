"""The application: its routes, the checks that stand before all of them, and how errors are told."""

import logging
import time
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracelm.errors import StoreError, TracelmError
from tracelm.server import health, ingest_http, pages
from tracelm.server.access.rule import check_rules
from tracelm.server.api import publishing, routers
from tracelm.server.api.models import ProblemDocument
from tracelm.server.problems import Problem, of_store
from tracelm.server.state import ServerState

_log: Final = logging.getLogger("tracelm.server")

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_MOST_BYTES: Final = 1_000_000
_OFF: Final = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_app(state: ServerState | None) -> FastAPI:
    """Make the application.

    Args:
        state: The parts that it uses; `None` to look at its routes only.

    Raises:
        RuntimeError: A route has no access rule.
    """
    from importlib.metadata import version

    extra: dict[str, Any] = {"telemetry": _OFF}  # FastAPI would make spans of its own; older ones ignore the word
    app = _App(
        title="tracelm",
        summary="Traces, scores and evaluation runs of LLM applications.",
        version=version("tracelm"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        **extra,
    )
    app.state.server = state
    for router in (*routers(), health.router, ingest_http.router, pages.router):
        app.router.routes.extend(router.routes)  # as they are: `include_router` would hide them from the check below
    check_rules(app.routes)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(StoreError, _store_error)
    app.add_exception_handler(TracelmError, _tracelm_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_middleware(_Doors)
    return app


class _App(FastAPI):
    """FastAPI, which describes errors too, and what a route reads for itself: routes only point to these."""

    def openapi(self) -> dict[str, Any]:
        found = super().openapi()
        for model in (ProblemDocument, publishing.NewVersion):
            found["components"]["schemas"].setdefault(model.__name__, model.model_json_schema())
        return found


class _Doors:
    """What stands before every route, and behind it: Host and Origin, the headers of an answer, one line of log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no WebSockets here
        began = time.perf_counter()
        status = 0

        async def headed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers(scope["path"])]
            await send(message)

        request = Request(scope, receive)
        state: ServerState = scope["app"].state.server
        refusal = state.hosts.refusal(request.headers)
        try:
            if refusal is not None:
                await _told(request, Problem(refusal.status, refusal.why))(scope, receive, headed)
            elif not _reads_for_itself(scope["path"]) and (problem := _body_problem(request)) is not None:
                await problem.response()(scope, receive, headed)
            else:
                await self._app(scope, receive, headed)
        except Exception:
            _log.exception("a request failed", extra={"facts": _facts(scope, 500, began)})
            if status == 0:
                problem = Problem(500, "an error of tracelm's own: see the server's log")
                await _told(request, problem)(scope, receive, headed)
            return
        if status >= 400:
            _log.info("request refused", extra={"facts": _facts(scope, status, began)})


def _reads_for_itself(path: str) -> bool:
    """Whether the bodies of a path may be large: they are read, and bounded, behind the check of who sends them."""
    return ingest_http.is_otlp(path) or publishing.is_large(path)


def _body_problem(request: Request) -> Problem | None:
    """Refuse a large body before anything of it is read."""
    if "transfer-encoding" in request.headers:
        return Problem(411, "say how long the body is, with a Content-Length")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > _MOST_BYTES:
        return Problem(413, f"the request is larger than {_MOST_BYTES:,} bytes")
    return None


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    found = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    if path.startswith(("/api/", "/v1/")):
        found.append((b"cache-control", b"no-store"))
    return found


def _facts(scope: Scope, status: int, began: float) -> dict[str, object]:
    """Return what the log says of a request: never what it holds, nor its query or path, which may quote data."""
    route = scope.get("route")
    client = scope.get("client")
    return {
        "method": scope["method"],
        "route": getattr(route, "path", None),
        "status": status,
        "client": None if client is None else client[0],
        "took_ms": round((time.perf_counter() - began) * 1000, 1),
    }


def _told(request: Request, problem: Problem) -> Response:
    """Return a problem in the form that the route's protocol has for it."""
    is_otlp = ingest_http.is_otlp(request.url.path)
    return ingest_http.failure(request, problem) if is_otlp else problem.response()


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _told(request, error)


async def _store_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    caller = getattr(request.state, "caller", None)
    problem = of_store(error, sees_all=caller is not None and caller.projects is None)
    if problem.status == 503:
        _log.error("the store failed", exc_info=error)
    return _told(request, problem)


async def _tracelm_error(request: Request, error: Exception) -> Response:
    return _told(request, Problem(400, str(error)))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [{"where": ".".join(map(str, each["loc"])), "what": each["msg"]} for each in error.errors()[:20]]
    return _told(request, Problem(422, "the request is not as the API's description says", extra={"errors": found}))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told(request, Problem(error.status_code, str(error.detail), headers=error.headers))


async def _gone(request: Request, _error: Exception) -> Response:
    return _told(request, Problem(400, "the connection ended before the request did"))
