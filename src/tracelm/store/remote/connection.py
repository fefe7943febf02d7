"""The way to a server's API: requests over one connection that stays open, and its errors as ours."""

import contextlib
import http.client
import os
import threading
import weakref
from collections.abc import Generator, Mapping
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote, urlencode, urlsplit

import orjson

from tracelm.errors import ConfigError, DecodeError, FilterError, StoreError, TracelmError

API_KEY: Final = "TRACELM_API_KEY"
"""The environment variable with the key. It is no setting: settings are printed."""

_PREFIX: Final = "/api/v1"
_TIMEOUT_S: Final = 60.0  # without a byte; a search over everything takes its time
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_NO_ROUTE: Final = "there is nothing at this path"


class ApiConnection:
    """Asks the API of one server.

    Threads take turns. Redirects are not followed, so the key goes to nobody but the server that was named, and
    proxies of the environment are not used.
    """

    def __init__(self, address: str, *, key: str | None = None) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            address: `http://` or `https://`, a host, and where it needs them a port and a path.
            key: The API key.

        Raises:
            ConfigError: The address or the key cannot be one.
        """
        self.place: Final = address.rstrip("/")
        self._host, self._port, self._base, self._is_tls = _parts(address)
        self._headers = {"Accept": _JSON, "User-Agent": "tracelm"}
        self._has_key = bool(key and key.strip())
        if key is not None and self._has_key:
            if not (key.strip().isascii() and key.strip().isprintable()):
                raise ConfigError(f"{API_KEY} holds something that is no key: `tracelm keys create` prints one")
            self._headers["Authorization"] = f"Bearer {key.strip()}"
        self._lock = threading.Lock()
        self._connect()

    def close(self) -> None:
        """Close the connection. The next request opens it again, and what still asks then closes it in the end."""
        with self._lock:
            self._http.close()

    def get(self, *path: str, **query: object) -> Any:
        """Ask for a document.

        Args:
            path: The path below `/api/v1`, in its segments.
            query: Parameters; those that are `None` are left out.

        Raises:
            FilterError: A filter cannot be read.
            StoreError: The server cannot be reached, does not let us in, or has no such thing.
        """
        return self._json(self.get_bytes(*path, **query))

    def get_bytes(self, *path: str, **query: object) -> bytes:
        """Ask for a document, and return it as it came.

        Raises:
            FilterError: A filter cannot be read.
            StoreError: The server cannot be reached, does not let us in, or has no such thing.
        """
        given = {name: value for name, value in query.items() if value is not None}
        target = f"?{urlencode(given, doseq=True, errors='surrogatepass')}" if given else ""
        return self._ask("GET", path, target, None, {}, where=str(query.get("where", "")))

    def post(self, *path: str, body: bytes, kind: str = _JSON) -> Any:
        """Send a document that changes nothing more when it comes twice: it may be sent again.

        Args:
            path: The path below `/api/v1`, in its segments.
            body: The document.
            kind: Its media type.

        Raises:
            StoreError: The server cannot be reached, does not let us in, or refuses it.
        """
        return self._json(self._ask("POST", path, "", body, {"Content-Type": kind}))

    def _json(self, body: bytes) -> Any:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise self._other("sends what is no JSON") from None

    def _ask(
        self,
        method: str,
        path: tuple[str, ...],
        query: str,
        sent: bytes | None,
        headers: Mapping[str, str],
        *,
        where: str = "",
    ) -> bytes:
        target = self._base + "".join(f"/{quote(segment, safe='')}" for segment in path) + query
        with self._lock:
            if os.getpid() != self._process:  # a forked child must not talk on its parent's connection
                self._connect()
            try:
                status, kind, body = self._exchange(method, target, sent, headers)
            except (OSError, http.client.HTTPException) as error:
                raise StoreError(
                    f"the server {self.place} cannot be reached ({_why(error)}): start it with `tracelm serve`, or "
                    "correct the address (TRACELM_URL)"
                ) from error
        if status == 200 and kind == _JSON:
            return body
        if kind == _PROBLEM:
            self._raise_problem(status, body, where)
        raise self._other(f"answers {status} with {kind or 'nothing'}")

    @contextlib.contextmanager
    def understood(self) -> Generator[None]:
        """Say clearly when what the server told does not have the form that the block expects.

        Raises:
            StoreError: It has not.
        """
        try:
            yield
        except KeyError as error:
            raise self._old(f"does not tell {error}") from None
        except DecodeError:
            raise self._other("sends what is no OTLP") from None
        except TracelmError:
            raise
        except (TypeError, ValueError, AttributeError, LookupError):
            raise self._other("answers in an unknown form") from None

    def _connect(self) -> None:
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        self._http = kind(self._host, self._port, timeout=_TIMEOUT_S)
        self._process = os.getpid()
        weakref.finalize(self, self._http.close)

    def _exchange(
        self, method: str, target: str, sent: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        """Send a request and read the answer: status, type, body. The body of what is no API's answer is not read."""
        while True:
            is_used = self._http.sock is not None
            try:
                self._http.request(method, target, sent, {**self._headers, **headers})
                answer = self._http.getresponse()
                kind = answer.getheader("content-type", "").partition(";")[0].strip().lower()
                if kind in {_JSON, _PROBLEM}:
                    return answer.status, kind, answer.read()
                self._http.close()
                return answer.status, kind, b""
            except BaseException as error:
                self._http.close()
                # A connection that was idle for some seconds has been closed by the server; then a new one helps.
                if not is_used or not isinstance(error, http.client.RemoteDisconnected | ConnectionError):
                    raise

    def _raise_problem(self, status: int, body: bytes, where: str) -> NoReturn:
        with self.understood():
            told: Mapping[str, Any] = orjson.loads(body)
            detail = str(told["detail"])
            if status == 400 and "position" in told:
                raise FilterError(
                    str(told["problem"]),
                    str(told["remedy"]),
                    text=where,
                    position=int(told["position"]),
                    length=int(told["length"]),
                )
            for each in cast("list[dict[str, str]]", told.get("errors", [])):
                detail += f"; {each['where']}: {each['what']}"
        if status == 401:
            if self._has_key:
                raise StoreError(
                    f"the server {self.place} does not take the key in {API_KEY}: {detail}. "
                    "`tracelm keys create --name ME --read` makes one, where the server runs"
                )
            raise self.no_key()
        if status == 404 and detail == _NO_ROUTE:
            raise self._old("cannot answer this")
        if status in {400, 404, 422}:
            raise StoreError(detail)
        raise StoreError(f"the server {self.place} refuses ({status}): {detail}")

    def no_key(self) -> StoreError:
        """Return the error that the server lets in nobody without a key."""
        return StoreError(
            f"the server {self.place} needs an API key: set {API_KEY}; `tracelm keys create` makes one, where the "
            "server runs"
        )

    def _old(self, why: str) -> StoreError:
        return StoreError(
            f"the server {self.place} {why}: it runs an older tracelm than this one, or none. Upgrade it: "
            "pip install --upgrade 'tracelm[server]'"
        )

    def _other(self, why: str) -> StoreError:
        return StoreError(
            f"{self.place} {why}, as no tracelm server does: give the address that `tracelm serve` prints. Redirects "
            "are not followed"
        )


def _parts(address: str) -> tuple[str, int | None, str, bool]:
    """Return host, port, the path of the API, and whether it is TLS."""
    try:
        found = urlsplit(address)
        host, port = found.hostname, found.port
    except ValueError:
        host = port = None
        found = urlsplit("")
    if not host or found.scheme not in {"http", "https"} or found.query or found.fragment or found.username is not None:
        raise ConfigError(
            f"this is no address of a tracelm server: {_without_user(address)!r}. Write http://HOST:PORT, for example "
            f"http://127.0.0.1:4318, and the key into {API_KEY}"
        )
    return host, port, quote(found.path.rstrip("/"), safe="/%") + _PREFIX, found.scheme == "https"


def _without_user(address: str) -> str:
    """Return an address that may be shown: what stands before an @ may be a secret."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}{found}{rest.rpartition('@')[2]}" if found else address.rpartition("@")[2]


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
