"""Versioned objects: what is published under a name gets v0, v1, ..., and aliases that may move.

The rows of datasets are kept by their digest, once, however many versions hold them.
"""

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from tracelm.errors import StoreError
from tracelm.store.statements import add, insert
from tracelm.store.tables import DATASET_ROWS, OBJECT_ALIASES, OBJECT_VERSIONS, OBJECTS

_SOME: Final = 500  # as many names as one statement takes


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectVersion:
    """One version of an object.

    Attributes:
        kind: What it is: `dataset`.
        name: What it is called.
        version: `v0`, `v1`, ...
        digest: The SHA-256 of its content, 64 hex digits.
        created_ns: When it was published, nanoseconds since 1970, UTC.
        note: What was said about it.
        aliases: The names that point here.
    """

    kind: str
    name: str
    version: str
    digest: str
    created_ns: int
    note: str | None
    aliases: tuple[str, ...]


def publish(
    connection: Connection, kind: str, name: str, *, digest: str, content: bytes, note: str | None = None
) -> ObjectVersion:
    """Add a version; content that equals the newest version's is that version.

    Args:
        connection: One that may write.
        kind: What it is.
        name: What it is called.
        digest: The SHA-256 of the content.
        content: The content.
        note: What there is to say about this version.
    """
    add(connection, OBJECTS, [{"kind": kind, "name": name}])
    object_id = _object_id(connection, kind, name)
    newest = connection.execute(
        select(OBJECT_VERSIONS.c.version, OBJECT_VERSIONS.c.digest)
        .where(OBJECT_VERSIONS.c.object_id == object_id)
        .order_by(OBJECT_VERSIONS.c.version.desc())
        .limit(1)
    ).first()
    if newest is None or newest.digest != digest:
        number = 0 if newest is None else int(newest.version) + 1
        connection.execute(
            insert(connection.dialect.name, OBJECT_VERSIONS).values(
                object_id=object_id,
                version=number,
                digest=digest,
                created_ns=time.time_ns(),
                note=note,
                content=zlib.compress(content),
            )
        )
    return versions(connection, kind, name)[0]


def set_alias(connection: Connection, kind: str, name: str, alias: str, *, version: str) -> None:
    """Let an alias point at a version, wherever it pointed before.

    Raises:
        StoreError: There is no such version, or the alias looks like one.
    """
    if _number(alias) is not None or not alias.strip():
        raise StoreError(f"alias {alias!r} reads like a version: call it 'production', 'reviewed', ...")
    number, _content = load(connection, kind, name, version=version)
    new = insert(connection.dialect.name, OBJECT_ALIASES).values(
        object_id=_object_id(connection, kind, name), alias=alias, version=_number(number.version)
    )
    connection.execute(
        new.on_conflict_do_update(index_elements=("object_id", "alias"), set_={"version": new.excluded.version})
    )


def load(connection: Connection, kind: str, name: str, *, version: str | None = None) -> tuple[ObjectVersion, bytes]:
    """Return a version and its content.

    Args:
        connection: One that may read.
        kind: What it is.
        name: What it is called.
        version: `v0`, `v1`, ..., or an alias; left out, the newest.

    Raises:
        StoreError: There is no such object or version; the message says what there is.
    """
    found = versions(connection, kind, name)
    wanted = found[0] if version is None else _chosen(found, version)
    if wanted is None:
        known = ", ".join([each.version for each in reversed(found)] + [a for each in found for a in each.aliases])
        raise StoreError(f"{kind} {name!r} has no version {version!r}; it has {known}")
    content = connection.execute(
        select(OBJECT_VERSIONS.c.content).where(
            OBJECT_VERSIONS.c.object_id == _object_id(connection, kind, name),
            OBJECT_VERSIONS.c.version == _number(wanted.version),
        )
    ).scalar_one()
    return wanted, zlib.decompress(content)


def versions(connection: Connection, kind: str, name: str) -> Sequence[ObjectVersion]:
    """Return all versions of an object, the newest first.

    Raises:
        StoreError: There is no such object; the message says which there are.
    """
    object_id = _object_id(connection, kind, name)
    aliases: dict[int, list[str]] = {}
    of_object = select(OBJECT_ALIASES.c.version, OBJECT_ALIASES.c.alias).where(OBJECT_ALIASES.c.object_id == object_id)
    for number, alias in connection.execute(of_object.order_by(OBJECT_ALIASES.c.alias)):
        aliases.setdefault(number, []).append(alias)
    wanted: Select[Any] = (
        select(OBJECT_VERSIONS)
        .where(OBJECT_VERSIONS.c.object_id == object_id)
        .order_by(OBJECT_VERSIONS.c.version.desc())
    )
    return [
        ObjectVersion(
            kind=kind,
            name=name,
            version=f"v{row.version}",
            digest=row.digest,
            created_ns=row.created_ns,
            note=row.note,
            aliases=tuple(aliases.get(row.version, ())),
        )
        for row in connection.execute(wanted)
    ]


def names(connection: Connection, kind: str) -> list[str]:
    """Return what is published of a kind, in alphabetical order."""
    return list(
        connection.execute(select(OBJECTS.c.name).where(OBJECTS.c.kind == kind).order_by(OBJECTS.c.name)).scalars()
    )


def put_rows(connection: Connection, rows: Iterable[tuple[str, bytes]]) -> int:
    """Keep rows by their digests; returns how many were new."""
    before = connection.execute(select(func.count()).select_from(DATASET_ROWS)).scalar_one()
    given = [{"digest": digest, "content": zlib.compress(content, 1)} for digest, content in rows]
    add(connection, DATASET_ROWS, given)
    return int(connection.execute(select(func.count()).select_from(DATASET_ROWS)).scalar_one()) - int(before)


def missing_rows(connection: Connection, digests: Sequence[str]) -> list[int]:
    """Return which rows, by their places in `digests`, are not there."""
    known: set[str] = set()
    for start in range(0, len(digests), _SOME):
        some = digests[start : start + _SOME]
        known.update(connection.execute(select(DATASET_ROWS.c.digest).where(DATASET_ROWS.c.digest.in_(some))).scalars())
    return [place for place, digest in enumerate(digests) if digest not in known]


def get_rows(connection: Connection, digests: Iterable[str]) -> Mapping[str, bytes]:
    """Return rows by their digests.

    Raises:
        StoreError: One is not there.
    """
    wanted = list(dict.fromkeys(digests))
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), _SOME):
        some = wanted[start : start + _SOME]
        for digest, content in connection.execute(select(DATASET_ROWS).where(DATASET_ROWS.c.digest.in_(some))):
            found[digest] = zlib.decompress(content)
    if len(found) < len(wanted):
        raise StoreError(f"{len(wanted) - len(found)} rows of a dataset are missing: take the store from a copy")
    return found


def _object_id(connection: Connection, kind: str, name: str) -> int:
    found = connection.execute(select(OBJECTS.c.id).where(OBJECTS.c.kind == kind, OBJECTS.c.name == name)).scalar()
    if found is None:
        known = names(connection, kind)
        shown = f"there is {', '.join(map(repr, known[:10]))}" if known else "none was published here"
        raise StoreError(f"no {kind} {name!r} in this store; {shown}")
    return int(found)


def _chosen(found: Sequence[ObjectVersion], wanted: str) -> ObjectVersion | None:
    return next((each for each in found if wanted == each.version or wanted in each.aliases), None)


def _number(version: str) -> int | None:
    digits = version.removeprefix("v")
    return int(digits) if version.startswith("v") and digits.isascii() and digits.isdecimal() else None
