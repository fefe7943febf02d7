"""Published datasets, read over the API of the server that has them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tracelm.store.objects import ObjectVersion
from tracelm.store.remote.connection import ApiConnection

_KIND: Final = "dataset"
_PAGE: Final = 1_000  # the most that the API sends at once


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
