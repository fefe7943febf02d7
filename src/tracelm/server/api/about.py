"""What this server is told, and what it knows of prices."""

import time
from typing import Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from tracelm.json_model import Model, Moment
from tracelm.server.access.rule import Reader, check_sees_all
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS
from tracelm.server.state import ServerState

router: Final = APIRouter(prefix=PREFIX, tags=["session"], responses=PROBLEMS)
_DAYS: Final = 30
_DAY_NS: Final = 86_400 * 10**9


class About(Model):
    """How this server was started."""

    version: str
    store: Literal["sqlite", "postgresql"]
    retain: str | None = Field(description="What is kept, as `--retain` says it; null for everything.")
    is_loopback: bool = Field(description="Whether only this machine can reach it.")
    max_body_bytes: int = Field(description="How large a request may be, inflated.")


class UnpricedLine(Model):
    """A model with calls that have no cost."""

    provider: str | None
    model: str | None
    calls: int
    last_start_ns: Moment


class Prices(Model):
    """What is known of prices."""

    list_version: str = Field(description="Of the public price list that this server has.")
    unpriced: list[UnpricedLine] = Field(description="Models with calls without a cost in the last 30 days.")


@router.get("/about")
def show_about(request: Request, _caller: Reader) -> About:
    """Say how this server was started."""
    state: ServerState = request.app.state.server
    options = state.options
    return About(
        version=str(request.app.version),
        store="postgresql" if state.store.place.startswith("postgresql") else "sqlite",
        retain=options.retain,
        is_loopback=options.is_loopback,
        max_body_bytes=options.max_body_bytes,
    )


@router.get("/prices")
def show_prices(request: Request, caller: Reader) -> Prices:
    """Say which price list is in use, and which models have calls without a cost."""
    from tracelm.pricing.listed import public_prices

    check_sees_all(caller)
    found = store_of(request).unpriced_models(since_ns=time.time_ns() - _DAYS * _DAY_NS)
    return Prices(list_version=public_prices().version, unpriced=[UnpricedLine.model_validate(each) for each in found])
