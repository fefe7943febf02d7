"""The login of a browser, and who one is."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from tracelm.json_model import Model
from tracelm.server.access.caller import Caller, Right
from tracelm.server.access.rule import Anybody
from tracelm.server.access.sessions import COOKIE, LASTS_S
from tracelm.server.api.models import PREFIX, PROBLEMS
from tracelm.server.state import ServerState

router: Final = APIRouter(prefix=PREFIX, tags=["session"], responses=PROBLEMS)


class Login(Model):
    """What a browser sends to log in."""

    key: Annotated[str, Field(min_length=1, max_length=200, description="An API key.")]


class Session(Model):
    """Who asks, and what he may do."""

    name: str
    rights: list[Right]
    projects: list[str] | None = Field(description="Where; null for everywhere.")
    needs_login: bool = Field(description="Whether a key is needed here, and none was shown.")
    csrf_token: str | None = Field(description="To be sent as X-CSRF-Token with what changes something.")
    version: str


@router.get("/session")
async def show_session(request: Request, _caller: Anybody) -> Session:
    """Say who asks: by key, by the cookie of a browser, or a program on this machine."""
    state: ServerState = request.app.state.server
    found = await state.gate.caller(
        method="GET", headers=request.headers, cookies=request.cookies, address=_address(request)
    )
    cookie = request.cookies.get(COOKIE)
    key = state.gate.sessions.find(cookie) if cookie is not None and found is not None and found.is_session else None
    token = None if key is None or cookie is None else state.gate.sessions.csrf_token(cookie, key)
    return _session(request, found, token)


@router.post("/session")
async def log_in(request: Request, response: Response, login: Login, _caller: Anybody) -> Session:
    """Log a browser in: the answer sets a cookie that no script can read, for twelve hours."""
    state: ServerState = request.app.state.server
    await asyncio.to_thread(state.gate.refresh)
    key = state.gate.key_of(login.key, _address(request))
    cookie = state.gate.sessions.cookie(key)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=LASTS_S,
        path="/",
        httponly=True,
        samesite="strict",
        secure=_is_over_tls(request),
    )
    return _session(request, key.caller(is_session=True), state.gate.sessions.csrf_token(cookie, key))


@router.delete("/session", status_code=204)
async def log_out(response: Response, _caller: Anybody) -> None:
    """Make the browser forget its cookie."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def _session(request: Request, caller: Caller | None, token: str | None) -> Session:
    return Session(
        name="" if caller is None else caller.name,
        rights=[] if caller is None else sorted(caller.rights),
        projects=None if caller is None or caller.projects is None else sorted(caller.projects),
        needs_login=caller is None,
        csrf_token=token,
        version=str(request.app.version),
    )


def _is_over_tls(request: Request) -> bool:
    """Whether the browser speaks TLS, be it to a proxy: it says so itself, in the origin of its page."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
