"""What the lists have in common: their query, and the cursor of the next page."""

import time
from collections.abc import Callable
from typing import Annotated, Final, Generic, Literal, TypeAlias, TypeVar

from fastapi import Query, Request
from pydantic import Field

from tracelm.errors import StoreError
from tracelm.json_model import Model
from tracelm.server.access.caller import Caller
from tracelm.server.problems import Problem, of_store
from tracelm.server.state import ServerState
from tracelm.store.store import Store

_DAY_NS: Final = 86_400 * 10**9
_M = TypeVar("_M")
_R = TypeVar("_R")

OrderBy: TypeAlias = Literal["-start", "start", "-latency", "latency", "-cost", "cost", "-tokens", "tokens"]
Where: TypeAlias = Annotated[
    str, Query(max_length=4_000, description="A filter, such as `op:explain status:error latency>2s`.")
]
SinceNs: TypeAlias = Annotated[
    int | None, Query(ge=0, lt=2**63, description="Only what began since then; nanoseconds since 1970, UTC.")
]
UntilNs: TypeAlias = Annotated[
    int | None, Query(ge=0, lt=2**63, description="Only what began before then; nanoseconds since 1970, UTC.")
]


class Page(Model, Generic[_M]):
    """A page of a list."""

    items: list[_M]
    next: str | None = Field(description="The cursor of the next page, for `after`; null when this is the last one.")


def store_of(request: Request) -> Store:
    """Return the store that a request is about."""
    state: ServerState = request.app.state.server
    return state.store


def listed(query: Callable[[], _R], caller: Caller) -> _R:
    """Ask the store for a list; what it refuses is the caller's mistake.

    Raises:
        Problem: 400 for a filter, cursor or project that the store does not know.
    """
    try:
        return query()
    except StoreError as error:
        problem = of_store(error, sees_all=caller.projects is None)
        if problem.status != 404:
            raise
        raise Problem(400, problem.detail) from None


def window(since_ns: int | None, until_ns: int | None, *, days: int) -> tuple[int, int]:
    """Return the time that is asked for: until now, and since so many days, unless it is said.

    Raises:
        Problem: It ends before it begins.
    """
    until = time.time_ns() if until_ns is None else until_ns
    since = max(0, until - days * _DAY_NS) if since_ns is None else since_ns
    if until <= since:
        raise Problem(400, "the end lies before the beginning, or at it: give a later `until_ns`")
    return since, until
