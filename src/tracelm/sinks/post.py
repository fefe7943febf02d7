"""Posting a document to an address on the web: checked, bounded in time, tried again, never redirected."""

import http.client
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from tracelm.errors import ConfigError
from tracelm.sinks.address import connect

_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_ACCEPTED: Final = range(200, 300)
_LONGEST_WAIT_S: Final = 60.0
_NO_URL: Final = "a url cannot be posted to: write https://host/path, without a user name or spaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """How documents are posted: what the sinks on the web have in common.

    Attributes:
        url: Where to, `http` or `https`. Redirects are not followed.
        timeout_s: How long one try may wait for the network, in seconds.
        tries: How often it is tried where the network fails, or with status 408, 425, 429, 500 and 502 to 504.
        backoff_s: The wait before the second try, in seconds; it doubles, give or take a half.
        allow_private: Whether the URL may lead to this machine or its network. It is checked on the address that is
            connected to.

    Raises:
        ConfigError: The URL or a number cannot work.
    """

    url: str = field(repr=False)  # who knows one may be able to write there
    timeout_s: float = 10.0
    tries: int = 3
    backoff_s: float = 1.0
    allow_private: bool = False

    def __post_init__(self) -> None:
        address_of(self.url)
        if self.tries < 1 or self.timeout_s <= 0 or self.backoff_s < 0:
            raise ConfigError("give tries of at least 1, timeout_s above 0, and backoff_s of at least 0")

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post a document; try again where that may help.

        Args:
            body: The document.
            headers: What is said about it.

        Raises:
            OSError: It was not taken. The message names the host and not the path, which may be a secret.
        """
        place, problem = address_of(self.url), ""
        for attempt in range(self.tries):
            if attempt:
                wait_s = self.backoff_s * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
                time.sleep(min(wait_s, _LONGEST_WAIT_S))
            try:
                status = self._once(place, body, headers)
            except PermissionError:
                raise
            except (OSError, http.client.HTTPException) as error:
                problem = f"{place.hostname} cannot be reached: {type(error).__name__}"
                continue
            if status in _ACCEPTED:
                return
            problem = f"{place.hostname} answered with status {status}"
            if status not in _TRY_AGAIN:
                break
        raise OSError(problem)

    def _once(self, place: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
        host = place.hostname or ""
        secure = place.scheme == "https"
        port = place.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(host, port, timeout=self.timeout_s)
        sock = connect(host, port, timeout_s=self.timeout_s, allow_private=self.allow_private)
        try:
            if secure:
                import ssl

                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
            connection.sock = sock  # it would look the name up again, and other addresses might come back
            path = (place.path or "/") + (f"?{place.query}" if place.query else "")
            shown = place.netloc.rpartition("@")[2]
            connection.request("POST", path, body, {"Host": shown, "Connection": "close", **headers})
            return connection.getresponse().status
        finally:
            connection.close()
            sock.close()


def address_of(url: str) -> SplitResult:
    """Return the parts of a URL.

    Raises:
        ConfigError: It is none that can be posted to. The message does not repeat it: it may hold a secret.
    """
    try:
        found = urlsplit(url)
        names_host = found.scheme in {"http", "https"} and bool(found.hostname) and found.port != 0
    except ValueError:
        raise ConfigError(_NO_URL) from None
    if not names_host or found.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(_NO_URL)
    return found
