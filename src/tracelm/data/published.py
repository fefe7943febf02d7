"""Datasets in the store: written by whoever publishes them, read by name and version."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracelm.data.content import digest_of, digest_of_digests, packed, unpacked
from tracelm.errors import DatasetError
from tracelm.store import objects
from tracelm.store.objects import ObjectVersion
from tracelm.store.open import open_store
from tracelm.store.remote.store import RemoteStore

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tracelm.data.dataset import Dataset
    from tracelm.store.store import Store

_KIND: Final = "dataset"


def publish(
    dataset: "Dataset", *, aliases: Sequence[str] = (), note: str | None = None, url: str | None = None
) -> ObjectVersion:
    """Write a dataset into the store.

    Raises:
        DatasetError: A row cannot be read back as it is.
        StoreError: The store cannot be written, or an alias reads like a version.
    """
    with open_store(url) as store:
        return publish_into(store, dataset, aliases=aliases, note=note)


def publish_into(
    store: "Store", dataset: "Dataset", *, aliases: Sequence[str] = (), note: str | None = None
) -> ObjectVersion:
    """Write a dataset into a store that is open; raises as `publish` does."""
    rows = [dataset.row(index) for index in range(len(dataset))]
    contents = [packed(row) for row in rows]
    for index, (content, digest) in enumerate(zip(contents, dataset.row_digests, strict=True)):
        if digest_of(unpacked(content)) != digest:
            raise DatasetError(
                f"dataset {dataset.name!r}, row {index} (counted from 0) holds a time that is finer than a "
                "microsecond: give it as text"
            )
    kept = list(zip(dataset.row_digests, contents, strict=True))
    if isinstance(store, RemoteStore):
        return store.publish_dataset(dataset.name, columns=dataset.columns, rows=kept, aliases=aliases, note=note)
    with store.writing() as connection:
        objects.put_rows(connection, kept)
        return add_version(
            connection,
            dataset.name,
            columns=dataset.columns,
            digests=dataset.row_digests,
            aliases=aliases,
            note=note,
        )


def add_version(
    connection: "Connection",
    name: str,
    *,
    columns: Sequence[str],
    digests: Sequence[str],
    aliases: Sequence[str] = (),
    note: str | None = None,
) -> ObjectVersion:
    """Add a version of a dataset whose rows are in the store.

    Args:
        connection: One that may write.
        name: What the dataset is called.
        columns: The columns of its rows.
        digests: The digests of its rows, in their order.
        aliases: Names that point at this version from now on.
        note: What there is to say about it.

    Raises:
        StoreError: An alias reads like a version.
    """
    content = orjson.dumps({"columns": columns, "rows": digests})
    made = objects.publish(connection, _KIND, name, digest=digest_of_digests(digests), content=content, note=note)
    for alias in aliases:
        objects.set_alias(connection, _KIND, name, alias, version=made.version)
    return made


def load(name: str, *, version: str | None, url: str | None) -> tuple[ObjectVersion, list[dict[str, Any]]]:
    """Read a dataset from the store.

    Raises:
        StoreError: There is none of this name or version; the message says what there is.
    """
    with open_store(url) as store:
        return load_from(store, name, version=version)


def load_from(store: "Store", name: str, *, version: str | None = None) -> tuple[ObjectVersion, list[dict[str, Any]]]:
    """Read a dataset from a store that is open; raises as `load` does."""
    if isinstance(store, RemoteStore):
        remote, columns, told = store.dataset(name, version=version)
        rows = [unpacked(json.dumps(row).encode()) for row in told]
        return remote, [{column: row[column] for column in columns} for row in rows]
    with store.reading() as connection:
        found, content = objects.load(connection, _KIND, name, version=version)
        listed: dict[str, list[str]] = orjson.loads(content)
        contents = objects.get_rows(connection, listed["rows"])
    rows = [unpacked(contents[digest]) for digest in listed["rows"]]
    return found, [{column: row[column] for column in listed["columns"]} for row in rows]


def versions(name: str, *, url: str | None) -> Sequence[ObjectVersion]:
    """Return all versions of a dataset, the newest first.

    Raises:
        StoreError: There is none of this name.
    """
    with open_store(url) as store:
        if isinstance(store, RemoteStore):
            return store.dataset_versions(name)
        with store.reading() as connection:
            return objects.versions(connection, _KIND, name)


def set_alias(name: str, alias: str, *, version: str, url: str | None) -> None:
    """Let an alias point at a version.

    Raises:
        StoreError: There is no such dataset or version, or the alias reads like a version.
    """
    with open_store(url) as store:
        if isinstance(store, RemoteStore):
            store.set_dataset_alias(name, alias, version=version)
            return
        with store.writing() as connection:
            objects.set_alias(connection, _KIND, name, alias, version=version)
