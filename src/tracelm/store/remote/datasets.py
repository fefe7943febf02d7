"""Published datasets, read and written over the API of the server that has them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from tracelm.errors import StoreError
from tracelm.store.objects import ObjectVersion
from tracelm.store.remote.connection import ApiConnection

_KIND: Final = "dataset"
_PAGE: Final = 1_000  # the most that the API sends at once
_PART_BYTES: Final = 1_000_000


def versions(api: ApiConnection, name: str) -> Sequence[ObjectVersion]:
    """Return all versions of a dataset, the newest first.

    Raises:
        StoreError: There is none of this name, or the server does not let us see it.
    """
    told = api.get("datasets", name)
    with api.understood():
        return [_version(each) for each in told["items"]]


def load(
    api: ApiConnection, name: str, *, version: str | None
) -> tuple[ObjectVersion, Sequence[str], Sequence[Mapping[str, Any]]]:
    """Return a version, its columns, and its rows as `packed` wrote them.

    Args:
        api: Where to ask.
        name: What the dataset is called.
        version: `v0`, `v1`, ..., or an alias; left out, the newest.

    Raises:
        StoreError: There is none of this name or version, or the server does not let us see it.
    """
    wanted = versions(api, name)[0].version if version is None else version
    rows: list[Mapping[str, Any]] = []
    after: str | None = None
    while True:
        body = api.get_bytes("datasets", name, "versions", wanted, after=after, limit=_PAGE)
        with api.understood():
            told: Mapping[str, Any] = json.loads(body)  # a row may hold integers of any size, which orjson may not
            found, columns = _version(told), list[str](told["columns"])
            rows += [each["columns"] for each in told["rows"]["items"]]
            after, wanted = told["rows"]["next"], found.version  # an alias may move meanwhile
        if after is None:
            return found, columns, rows


def publish(
    api: ApiConnection,
    name: str,
    *,
    columns: Sequence[str],
    rows: Sequence[tuple[str, bytes]],
    aliases: Sequence[str],
    note: str | None,
) -> ObjectVersion:
    """Publish a dataset: the list of its rows is sent, then those that the server does not have, then the list again.

    Args:
        api: Where to.
        name: What the dataset is called.
        columns: Its columns.
        rows: Its rows, each with its digest, as `packed` wrote them.
        aliases: Names that point at this version from now on.
        note: What there is to say about it.

    Raises:
        StoreError: The server does not take it: the key may not write, a row or the list is too large, an alias reads
            like a version.
    """
    digests = [digest for digest, _ in rows]
    listed = orjson.dumps({"columns": columns, "rows": digests, "aliases": aliases, "note": note})
    told = api.post("datasets", name, "versions", body=listed)
    with api.understood():
        missing: list[int] = list(told["missing"])
    if missing:
        new = {digests[place]: rows[place][1] for place in missing}
        for part in _parts(new.values()):
            api.post("dataset-rows", body=b"\n".join(part), kind="application/x-ndjson")
        told = api.post("datasets", name, "versions", body=listed)
    if told["version"] is None:
        raise StoreError(
            f"the server {api.place} has not kept the rows of {name!r}: it runs another version of tracelm"
        )
    with api.understood():
        return _version(told["version"])


def set_alias(api: ApiConnection, name: str, alias: str, *, version: str) -> None:
    """Let an alias point at a version.

    Raises:
        StoreError: There is no such dataset or version, the alias reads like a version, or the key may not write.
    """
    api.post("datasets", name, "aliases", body=orjson.dumps({"alias": alias, "version": version}))


def _parts(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Put rows together to requests of a moderate size; a row that is larger goes alone."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        if part and size + len(row) > _PART_BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row) + 1
    if part:
        yield part


def _version(line: Mapping[str, Any]) -> ObjectVersion:
    return ObjectVersion(
        kind=_KIND,
        name=line["name"],
        version=line["version"],
        digest=line["digest"],
        created_ns=int(line["created_ns"]),
        note=line["note"],
        aliases=tuple(line["aliases"]),
    )
