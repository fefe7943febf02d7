"""Whether a request was meant for this server: the checks of Host and Origin.

A page of another site can make a browser send requests here, and by DNS rebinding even let its own name lead here. It
cannot choose the headers `Host` and `Origin`: a name that is not this server's is refused, and so is a foreign origin.
"""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_OWN: Final = ("localhost",)
_NAVIGATION: Final = "navigate"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not for this server, and the HTTP status that says so."""

    status: int
    why: str


class Hosts:
    """The names of this server.

    Args:
        allowed: Further names, as `--allow-host` gives them.
        is_loopback: Whether only this machine can reach it; then the machine's own name is none of them.
    """

    def __init__(self, allowed: Iterable[str] = (), *, is_loopback: bool = True) -> None:
        own = () if is_loopback else (socket.gethostname(), socket.getfqdn())
        self._names = frozenset(name.lower().rstrip(".") for name in (*_OWN, *own, *allowed))

    def refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        """Say why a request is refused; `None` when it is not.

        Args:
            headers: By lower-case name.
        """
        host = headers.get("host", "")
        name = _name(host)
        if name is None or not self._is_own(name):
            return Refusal(421, "this server has no such name as the Host header says: allow it with --allow-host NAME")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"{each}://{host.lower()}" for each in ("http", "https")}:
            return Refusal(403, "the request comes from a page of another site")
        site, mode = headers.get("sec-fetch-site", ""), headers.get("sec-fetch-mode", "")
        if site in {"cross-site", "same-site"} and mode != _NAVIGATION:
            return Refusal(403, "the request comes from a page of another site")
        return None

    def _is_own(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.rstrip(".") in self._names
        return True  # nobody can let an address lead elsewhere


def _name(host: str) -> str | None:
    """Return the name or address in a Host header without its port, in lower case; `None` when it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    is_plain = parts.netloc == host and "@" not in host and not parts.path
    return parts.hostname if is_plain else None
