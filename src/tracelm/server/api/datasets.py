"""Published datasets: names, versions, rows, and what is added to them.

They belong to no project, so a key for some projects can neither read nor write them.
"""

import json
from typing import Annotated, Any, Final, TypeAlias

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from tracelm.data.collecting import add_calls
from tracelm.errors import DatasetError
from tracelm.json_model import Model, Moment
from tracelm.server.access.gate import check
from tracelm.server.access.rule import Reader, Sender, check_sees_all
from tracelm.server.api.listing import Page, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit
from tracelm.server.problems import Problem
from tracelm.store import objects
from tracelm.store.objects import ObjectVersion
from tracelm.store.paging import cursor, read_cursor
from tracelm.store.store import Store

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


class CallToAdd(Model):
    """A recorded call that shall become a row."""

    trace_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    span_id: Annotated[str | None, Field(pattern="^[0-9a-f]{16}$", description="Null: the trace's root.")] = None
    project: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class RowsToAdd(Model):
    """Recorded calls that shall become rows of a dataset."""

    calls: Annotated[list[CallToAdd], Field(min_length=1, max_length=1_000)]
    with_output: Annotated[bool, Field(description="Whether what a call returned is what is expected.")] = True
    note: Annotated[str | None, Field(max_length=2_000)] = None


class AddedRows(Model):
    """What became of them."""

    version: VersionLine = Field(description="The version that has them.")
    added: int
    known: int = Field(description="So many were in the dataset before.")
    without_inputs: int = Field(description="So many have not ended, or no arguments that were recorded.")


@router.get("/datasets")
def list_datasets(request: Request, caller: Reader) -> Datasets:
    """List the datasets, in alphabetical order."""
    check_sees_all(caller)
    with store_of(request).reading() as connection:
        return Datasets(items=objects.names(connection, _KIND))


# A name may have slashes, as data sets of a hub have: the longer paths are looked at first.
@router.get("/datasets/{name:path}/versions/{version}", response_model=DatasetVersion)
def show_version(
    request: Request,
    caller: Reader,
    name: DatasetName,
    version: Annotated[str, Path(min_length=1, max_length=200, description="`v0`, `v1`, ..., or an alias.")],
    after: After = None,
    limit: Limit = 100,
) -> Response:
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
    shown = DatasetVersion(
        **_version(found),
        columns=held["columns"],
        row_count=count,
        rows=Page(items=rows, next=cursor(None, start + limit, asked) if start + limit < count else None),
    )
    # Not as the model would write itself: a row may hold half a surrogate pair, which only an escape can tell.
    return Response(json.dumps(shown.model_dump()), media_type="application/json")


@router.get("/datasets/{name:path}")
def list_versions(request: Request, caller: Reader, name: DatasetName) -> Versions:
    """List the versions of a dataset, the newest first."""
    check_sees_all(caller)
    with store_of(request).reading() as connection:
        return Versions(items=[version_line(each) for each in objects.versions(connection, _KIND, name)])


@router.post("/datasets/{name:path}/rows", status_code=201)
def add_rows(request: Request, caller: Sender, name: DatasetName, new: RowsToAdd) -> AddedRows:
    """Add recorded calls to the newest version of a dataset, or begin one: that makes its next version.

    The contents of the calls become readable to whoever may read datasets, so the key must have the right to read, too.
    """
    check(caller, "read")
    check_sees_all(caller)
    store = store_of(request)
    spans = [
        store.span(each.trace_id, each.span_id or _root_of(store, each), project=each.project) for each in new.calls
    ]
    try:
        found = add_calls(store, name, spans, with_output=new.with_output, note=new.note)
    except DatasetError as error:
        raise Problem(422, str(error)) from None
    return AddedRows(
        version=version_line(found.version),
        added=found.added,
        known=found.known,
        without_inputs=found.without_inputs,
    )


def _root_of(store: Store, call: CallToAdd) -> str:
    return store.trace_page(call.trace_id, project=call.project, limit=1).summary.root_span_id


def version_line(version: ObjectVersion) -> VersionLine:
    """Return a version as the API tells it."""
    return VersionLine(**_version(version))


def _version(version: ObjectVersion) -> dict[str, Any]:
    found = {name: getattr(version, name) for name in VersionLine.model_fields}
    return found | {"aliases": list(version.aliases)}
