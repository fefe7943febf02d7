"""Published datasets: names, versions, rows. They belong to no project, so a key for some projects cannot read them."""

import json
from typing import Annotated, Any, Final, TypeAlias

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import Field

from tracelm.server.access.rule import Reader, check_sees_all
from tracelm.server.api.listing import Page, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, Model, Moment
from tracelm.store import objects
from tracelm.store.objects import ObjectVersion
from tracelm.store.paging import cursor, read_cursor

router: Final = APIRouter(prefix=PREFIX, tags=["datasets"], responses=PROBLEMS)
_KIND: Final = "dataset"
DatasetName: TypeAlias = Annotated[str, Path(min_length=1, max_length=500)]


class Datasets(Model):
    """The names of the datasets that were published."""

    items: list[str]


class VersionLine(Model):
    """A version of a dataset."""

    name: str
    version: str
    digest: str
    created_ns: Moment
    note: str | None
    aliases: list[str]


class Versions(Model):
    """The versions of a dataset, the newest first."""

    items: list[VersionLine]


class DatasetRow(Model):
    """One row of a dataset."""

    row: int
    digest: str
    columns: dict[str, Any] = Field(description="What JSON has no word for is an object with one key behind a `$`.")


class DatasetVersion(VersionLine):
    """A version with a page of its rows."""

    columns: list[str]
    row_count: int
    rows: Page[DatasetRow]


@router.get("/datasets")
def list_datasets(request: Request, caller: Reader) -> Datasets:
    """List the datasets, in alphabetical order."""
    check_sees_all(caller)
    with store_of(request).reading() as connection:
        return Datasets(items=objects.names(connection, _KIND))


@router.get("/datasets/{name:path}/versions/{version}")  # before the next, which would take it for a name
def show_version(
    request: Request,
    caller: Reader,
    name: DatasetName,
    version: Annotated[str, Path(min_length=1, max_length=200, description="`v0`, `v1`, ..., or an alias.")],
    after: After = None,
    limit: Limit = 100,
) -> DatasetVersion:
    """Show a version of a dataset with its rows, in pages."""
    check_sees_all(caller)
    with store_of(request).reading() as connection:
        found, content = objects.load(connection, _KIND, name, version=version)
        asked = (_KIND, name, found.digest)  # an alias may point to another version by now
        start = 0 if after is None else max(0, listed(lambda: read_cursor(after, asked)[1], caller))
        held: dict[str, list[str]] = orjson.loads(content)
        digests = held["rows"][start : start + limit]
        contents = objects.get_rows(connection, digests)
    rows = [
        DatasetRow(row=start + number, digest=digest, columns=json.loads(contents[digest]))
        for number, digest in enumerate(digests)
    ]
    count = len(held["rows"])
    return DatasetVersion(
        **_version(found),
        columns=held["columns"],
        row_count=count,
        rows=Page(items=rows, next=cursor(None, start + limit, asked) if start + limit < count else None),
    )


@router.get("/datasets/{name:path}")
def list_versions(request: Request, caller: Reader, name: DatasetName) -> Versions:
    """List the versions of a dataset, the newest first."""
    check_sees_all(caller)
    with store_of(request).reading() as connection:
        return Versions(items=[VersionLine(**_version(each)) for each in objects.versions(connection, _KIND, name)])


def _version(version: ObjectVersion) -> dict[str, Any]:
    found = {name: getattr(version, name) for name in VersionLine.model_fields}
    return found | {"aliases": list(version.aliases)}
