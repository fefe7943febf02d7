"""API keys, kept in the store as hashes.

A key is 256 random bits behind an id: `tlm_<id>_<secret>`. So much chance needs no slow hash, which exists for
passwords that people think up; SHA-256 of the whole key is what the store has.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, insert, select, update

from tracelm.errors import ConfigError, StoreError
from tracelm.server.access.caller import RIGHTS, Caller, Right
from tracelm.store.tables import API_KEYS

_FORM: Final = re.compile(r"tlm_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key. The key itself is not.

    Attributes:
        id: The part of the key that is no secret.
        name: What it is called.
        digest: The SHA-256 of the key, 64 hex digits.
        rights: What it may do.
        projects: Where; `None` for everywhere.
        created_ns: Nanoseconds since 1970, UTC.
        revoked_ns: Since when it is worth nothing; `None` while it is good.
    """

    id: str
    name: str
    digest: str
    rights: tuple[Right, ...]
    projects: tuple[str, ...] | None
    created_ns: int
    revoked_ns: int | None

    def caller(self, *, is_session: bool = False) -> Caller:
        """Return who asks with this key."""
        projects = None if self.projects is None else frozenset(self.projects)
        return Caller(
            name=self.name, rights=frozenset(self.rights), projects=projects, key_id=self.id, is_session=is_session
        )


def create_key(
    connection: Connection, *, name: str, rights: Collection[Right], projects: Collection[str] | None
) -> tuple[ApiKey, str]:
    """Make a key.

    Args:
        connection: One that may write.
        name: What it is called.
        rights: What it may do.
        projects: Where; `None` for everywhere.

    Returns:
        What the store knows of it, and the key: this is the only time that anybody sees it.

    Raises:
        ConfigError: It has no name, no right, a right that is none, or is for no project.
    """
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise ConfigError("a key needs a name of at most 200 printable characters: who or what uses it")
    unknown = sorted(set(rights) - set(RIGHTS))
    if unknown or not rights:
        raise ConfigError(f"a key has one or more of the rights {', '.join(RIGHTS)}: {', '.join(unknown) or 'none'}?")
    if projects is not None and (not projects or any(not each.strip() for each in projects)):
        raise ConfigError("a key is for one or more projects, or for all: name them")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = f"tlm_{key_id}_{secret}"
    made = ApiKey(
        id=key_id,
        name=name,
        digest=_digest(key),
        rights=tuple(each for each in RIGHTS if each in rights),
        projects=None if projects is None else tuple(sorted(set(projects))),
        created_ns=time.time_ns(),
        revoked_ns=None,
    )
    connection.execute(
        insert(API_KEYS).values(
            id=made.id,
            name=made.name,
            digest=made.digest,
            rights=",".join(made.rights),
            projects=None if made.projects is None else json.dumps(made.projects),
            created_ns=made.created_ns,
        )
    )
    return made, key


def list_keys(connection: Connection) -> Sequence[ApiKey]:
    """Return all keys, the newest first; those that were revoked too."""
    found = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_ns.desc(), API_KEYS.c.id))
    return [_key(row) for row in found]


def revoke_key(connection: Connection, key_id: str) -> ApiKey:
    """Make a key worthless, from the next second on.

    Args:
        connection: One that may write.
        key_id: Its id, or the key itself.

    Raises:
        StoreError: There is no such key.
    """
    whole = _FORM.fullmatch(key_id.strip())
    wanted = key_id.strip() if whole is None else whole[1]
    found = connection.execute(select(API_KEYS).where(API_KEYS.c.id == wanted)).first()
    if found is None:
        raise StoreError(f"no API key {wanted!r}: `tracelm keys list` shows their ids")
    if found.revoked_ns is None:
        connection.execute(update(API_KEYS).where(API_KEYS.c.id == wanted).values(revoked_ns=time.time_ns()))
    return _key(connection.execute(select(API_KEYS).where(API_KEYS.c.id == wanted)).one())


def matching(keys: dict[str, ApiKey], given: str) -> ApiKey | None:
    """Return the key that is `given`, compared in a time that says nothing about how much of it is right.

    Args:
        keys: The good ones, by id.
        given: What a caller showed.
    """
    form = _FORM.fullmatch(given)
    found = None if form is None else keys.get(form[1])
    expected = "" if found is None else found.digest
    return found if hmac.compare_digest(_digest(given), expected) else None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: "Row[Any]") -> ApiKey:
    rights = cast("tuple[Right, ...]", tuple(each for each in str(row.rights).split(",") if each in RIGHTS))
    return ApiKey(
        id=row.id,
        name=row.name,
        digest=row.digest,
        rights=rights,
        projects=None if row.projects is None else tuple(json.loads(row.projects)),
        created_ns=row.created_ns,
        revoked_ns=row.revoked_ns,
    )
