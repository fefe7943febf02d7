"""Lets callers in: by key, by the session of a browser, or because they are on this machine and no key exists."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import anyio.to_thread

from tracelm.server.access.caller import LOCAL, Caller, Right
from tracelm.server.access.failures import Failures
from tracelm.server.access.keys import ApiKey
from tracelm.server.access.ring import KeyRing
from tracelm.server.access.sessions import COOKIE, CSRF_HEADER, Sessions
from tracelm.server.counters import Counters
from tracelm.server.problems import Problem

_SAFE: Final = frozenset({"GET", "HEAD"})
_BEARER: Final = "bearer "
_BASIC: Final = "basic "


class Gate:
    """Says who asks.

    Args:
        ring: The keys.
        counters: What is counted.
        is_loopback: Whether only this machine can reach the server.
        session_secret: What signs the logins of browsers; left out, something that nobody else knows.
    """

    def __init__(
        self, ring: KeyRing, counters: Counters, *, is_loopback: bool, session_secret: str | None = None
    ) -> None:
        self._ring = ring
        self._counters = counters
        self._is_loopback = is_loopback
        self._failures = Failures()
        self.sessions = Sessions(ring, secret=session_secret)

    @property
    def is_open(self) -> bool:
        """Whether programs on this machine need no key."""
        return self._is_loopback and not self._ring.has_keys

    async def caller(
        self,
        *,
        method: str,
        headers: Mapping[str, str],
        cookies: Mapping[str, str],
        address: str,
        takes_basic: bool = False,
    ) -> Caller | None:
        """Return who asks; `None` for somebody who shows nothing.

        Args:
            method: Of the request.
            headers: By lower-case name.
            cookies: By name.
            address: Of whoever asks.
            takes_basic: Whether a key may come as the password of HTTP's basic authentication too. Where none is
                needed, what such a sender shows is not looked at: it cannot leave it out.

        Raises:
            Problem: What he shows is wrong.
            StoreError: The keys cannot be read.
        """
        if not self._ring.is_fresh:
            await anyio.to_thread.run_sync(self.refresh)
        if takes_basic and (password := _password_in(headers.get("authorization", ""))) is not None:
            return LOCAL if self.is_open else self.key_of(password, address).caller()
        return self.known_caller(method=method, headers=headers, cookies=cookies, address=address)

    def refresh(self) -> None:
        """Read the keys again if that was not done within the last second.

        Raises:
            StoreError: They cannot be read.
        """
        if not self._ring.is_fresh:
            self._ring.refresh()

    def is_good(self, key_id: str) -> bool:
        """Whether the key of this id was not revoked, by the keys that were read last."""
        return self._ring.by_id(key_id) is not None

    def peek(self, headers: Mapping[str, str]) -> Caller | None:
        """Return who asks with a key, without counting a wrong one; for a look before a request is read."""
        shown = headers.get("authorization", "")
        if not shown:
            return LOCAL if self.is_open else None
        key = self._ring.find(_key_in(shown))
        return None if key is None else key.caller()

    def known_caller(
        self, *, method: str, headers: Mapping[str, str], cookies: Mapping[str, str], address: str
    ) -> Caller | None:
        """Return who asks, by the keys that were read last."""
        shown = headers.get("authorization", "")
        if shown:
            return self.key_of(_key_in(shown), address).caller()
        cookie = cookies.get(COOKIE)
        key = None if cookie is None else self.sessions.find(cookie)
        if cookie is not None and key is not None:
            if method not in _SAFE and not self.sessions.is_token(headers.get(CSRF_HEADER, ""), cookie, key):
                raise Problem(403, f"the header {CSRF_HEADER} is missing or wrong: GET /api/v1/session tells it")
            return key.caller(is_session=True)
        return LOCAL if self.is_open else None

    def key_of(self, shown: str, address: str) -> ApiKey:
        """Return the key that somebody shows.

        A right key is let in whatever was tried before: 256 random bits are not guessed, and nobody shall be able to
        lock out others by failing on purpose.

        Raises:
            Problem: There is no such key; 429 for an address that tries on and on.
        """
        key = self._ring.find(shown)
        if key is not None:
            return key
        self._counters.add("refused_keys")
        wait_s = self._failures.add(address)
        if wait_s:
            raise Problem(429, "too many wrong keys from this address: wait", headers={"retry-after": str(wait_s)})
        raise unauthenticated("this API key is not known here, or was revoked")


def _key_in(authorization: str) -> str:
    is_bearer = authorization[: len(_BEARER)].lower() == _BEARER
    return authorization[len(_BEARER) :].strip() if is_bearer else ""


def _password_in(authorization: str) -> str | None:
    """Return the password of HTTP's basic authentication; `None` where none is shown."""
    if authorization[: len(_BASIC)].lower() != _BASIC:
        return None
    try:
        shown = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return shown.partition(":")[2]


def unauthenticated(detail: str) -> Problem:
    """Return the answer to somebody who is not known."""
    return Problem(401, detail, headers={"www-authenticate": "Bearer"})


def check(caller: Caller | None, right: Right) -> Caller:
    """Return a caller who may do what `right` says.

    Raises:
        Problem: He may not, or is not known.
    """
    if caller is None:
        raise unauthenticated(
            "an API key is needed here: send it as 'Authorization: Bearer KEY'; `tracelm keys create` makes one"
        )
    if right not in caller.rights:
        raise Problem(403, f"the key {caller.name!r} has no right to {right}" if caller.key_id else _LOCAL_MAY_NOT)
    return caller


_LOCAL_MAY_NOT: Final = (
    "this needs an API key with the right admin, also on this machine: tracelm keys create --name me --admin"
)
