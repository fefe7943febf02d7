"""The one rule that each route has: what its caller must be allowed to do.

A route takes its caller as an argument, `caller: Reader`, and that is its rule. `rules_of` finds it; the app refuses to
be made with a route that has none, or two.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from tracelm.server.access.caller import Caller, Right
from tracelm.server.access.gate import check
from tracelm.server.problems import Problem

if TYPE_CHECKING:
    from tracelm.server.state import ServerState

_NOBODY: Final = Caller(name="nobody", rights=frozenset())


class Needs:
    """The rule of a route.

    Args:
        right: What its caller must have; `None` for everybody.
        takes_basic: Whether a key may come as the password of HTTP's basic authentication too.
    """

    def __init__(self, right: Right | None, *, takes_basic: bool = False) -> None:
        self.right: Final[Right | None] = right
        self._takes_basic = takes_basic

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """Return who asks, if he may.

        Raises:
            Problem: He may not.
        """
        if self.right is None:
            return _NOBODY
        state = cast("ServerState", connection.app.state.server)
        client = connection.client
        found = await state.gate.caller(
            method=connection.scope["method"],
            headers=connection.headers,
            cookies=connection.cookies,
            address="" if client is None else client.host,
            takes_basic=self._takes_basic,
        )
        caller = check(found, self.right)
        connection.state.caller = caller
        return caller


Anybody: TypeAlias = Annotated[Caller, Depends(Needs(None))]
Sender: TypeAlias = Annotated[Caller, Depends(Needs("ingest"))]
BasicSender: TypeAlias = Annotated[Caller, Depends(Needs("ingest", takes_basic=True))]
Reader: TypeAlias = Annotated[Caller, Depends(Needs("read"))]
Admin: TypeAlias = Annotated[Caller, Depends(Needs("admin"))]


def rules_of(route: BaseRoute) -> list[Right | None]:
    """Return the rules of a route: one, if all is right."""
    if not isinstance(route, APIRoute):
        return []
    return [each.call.right for each in route.dependant.dependencies if isinstance(each.call, Needs)]


def check_rules(routes: Iterable[BaseRoute]) -> None:
    """Raise `RuntimeError` for a route without a rule."""
    lawless = [getattr(each, "path", repr(each)) for each in routes if len(rules_of(each)) != 1]
    if lawless:
        raise RuntimeError(f"these routes have no access rule, or two: {', '.join(lawless)}")


def project_for(caller: Caller, project: str | None) -> str | None:
    """Return the project to look into: the one that is named, else the one of the key; `None` for all.

    Raises:
        Problem: The key is not for this project, or is for several and none is named.
    """
    if caller.projects is None:
        return project
    if project is None:
        if len(caller.projects) == 1:
            return next(iter(caller.projects))
        raise Problem(400, f"name a project: this key is for {', '.join(sorted(caller.projects))}")
    if project not in caller.projects:
        raise Problem(403, "this key is not for this project")
    return project


def check_sees_all(caller: Caller) -> None:
    """Raise `Problem` for a key that is for some projects only: what is asked for belongs to none."""
    if caller.projects is not None:
        raise Problem(403, "this belongs to no project: it needs a key for all projects")
