"""Datasets that are published over the API: rows in parts, then the list of them, which is a version.

Both may be larger than what else the API takes, so they are read here, after the caller was let in, up to the limit of
a request with records. Each may be sent again: rows are known by their content, and a version that equals the newest
one is that one.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from tracelm.data.arriving import check_columns, rows_in
from tracelm.data.published import add_version
from tracelm.errors import DatasetError
from tracelm.json_model import Model
from tracelm.server.access.caller import Caller
from tracelm.server.access.gate import check
from tracelm.server.access.rule import Sender, check_sees_all
from tracelm.server.api.datasets import DatasetName, VersionLine, version_line
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS
from tracelm.server.ingest_http import body_of
from tracelm.server.problems import Problem
from tracelm.store import objects
from tracelm.store.store import Store

router: Final = APIRouter(prefix=PREFIX, tags=["datasets"], responses=PROBLEMS)
_ROWS: Final = "/dataset-rows"
_VERSIONS: Final = "/versions"
_KIND: Final = "dataset"
_REMEDY: Final = (
    "rows can be sent in several requests; what has a larger row, or a longer list of rows, is published where the "
    "server runs, without TRACELM_URL"
)
_T = TypeVar("_T")

Digest: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Alias: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


class KeptRows(Model):
    """Rows that were sent and are kept."""

    received: int
    new: int = Field(description="So many were not there before.")


class NewVersion(Model):
    """A version of a dataset that shall be published."""

    columns: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    rows: Annotated[list[Digest], Field(min_length=1, description="The digests of its rows, in their order.")]
    aliases: Annotated[list[Alias], Field(default_factory=list, max_length=100)]
    note: Annotated[str | None, Field(max_length=2_000)] = None


class Published(Model):
    """What became of a version that was to be published."""

    version: VersionLine | None = Field(description="Null: rows are missing.")
    missing: list[int] = Field(
        description="Which rows, counted from 0, are not there: send them to `/dataset-rows`, then ask again."
    )


class NewAlias(Model):
    """A name that shall point at a version."""

    alias: Alias
    version: Annotated[str, Field(min_length=1, max_length=200, description="`v0`, `v1`, ..., or another alias.")]


def is_large(path: str) -> bool:
    """Whether a body at a path may be larger than others; its route reads it, and bounds it."""
    return path == PREFIX + _ROWS or (path.startswith(f"{PREFIX}/datasets/") and path.endswith(_VERSIONS))


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


@router.post(
    _ROWS,
    openapi_extra=_body("application/x-ndjson", {"description": "One row a line, as `GET .../versions/...` has them."}),
)
async def keep_rows(request: Request, caller: Sender) -> KeptRows:
    """Keep rows of datasets, by their content; a version that has them is published then.

    The key must have the right to read too.
    """
    body = await body_of(request, request.app.state.server, remedy=_REMEDY)
    rows = await _understood(lambda: rows_in(body))
    _check_may_publish(caller)
    return KeptRows(received=len(rows), new=await asyncio.to_thread(_keep, store_of(request), rows))


@router.post(
    "/datasets/{name:path}" + _VERSIONS,
    openapi_extra=_body("application/json", {"$ref": "#/components/schemas/NewVersion"}),
)
async def publish_version(request: Request, caller: Sender, name: DatasetName) -> Published:
    """Publish a version of a dataset, of rows that are there; content that equals the newest version's is that one.

    The key must have the right to read too.
    """
    body = await body_of(request, request.app.state.server, remedy=_REMEDY)
    try:
        new = await asyncio.to_thread(NewVersion.model_validate_json, body)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from None
    _check_may_publish(caller)
    return await _understood(lambda: _publish(store_of(request), name, new))


@router.post("/datasets/{name:path}/aliases")
def set_alias(request: Request, caller: Sender, name: DatasetName, new: NewAlias) -> VersionLine:
    """Let an alias point at a version, wherever it pointed before.

    The key must have the right to read too.
    """
    _check_may_publish(caller)
    with store_of(request).writing() as connection:
        objects.set_alias(connection, _KIND, name, new.alias, version=new.version)
        return version_line(objects.load(connection, _KIND, name, version=new.alias)[0])


def _check_may_publish(caller: Caller) -> None:
    """Raise `Problem` for a key that may not: what is missing, or known already, tells what there is."""
    check(caller, "read")
    check_sees_all(caller)


async def _understood(work: Callable[[], _T]) -> _T:
    try:
        return await asyncio.to_thread(work)
    except DatasetError as error:
        raise Problem(422, str(error)) from None


def _keep(store: Store, rows: list[tuple[str, bytes]]) -> int:
    with store.writing() as connection:
        return objects.put_rows(connection, rows)


def _publish(store: Store, name: str, new: NewVersion) -> Published:
    with store.reading() as connection:
        missing = objects.missing_rows(connection, new.rows)
        if missing:
            return Published(version=None, missing=missing)
        check_columns(connection, new.columns, new.rows)
    with store.writing() as connection:
        made = add_version(connection, name, columns=new.columns, digests=new.rows, aliases=new.aliases, note=new.note)
    return Published(version=version_line(made), missing=[])
