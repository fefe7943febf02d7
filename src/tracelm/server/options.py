"""What `tracelm serve` is told, in one frozen object."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tracelm.errors import ConfigError
from tracelm.store.retention import Retention

SESSION_SECRET: Final = "TRACELM_SESSION_SECRET"  # noqa: S105 - the name of the variable
_SHORTEST_SECRET: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """How one server listens, and how much it holds at once."""

    host: str = "127.0.0.1"
    """The address to listen on. Any but a loopback address needs an API key."""
    port: int = 4318
    """OTLP/HTTP, the API and the UI; 0 lets the system choose."""
    grpc_port: int = 4317
    """OTLP/gRPC; 0 lets the system choose."""
    store_url: str | None = None
    """The store, as for `tracelm.open_store`."""
    home: Path | None = None
    """The folder whose journal is followed, as for `tracelm.open_store`."""
    allow_hosts: tuple[str, ...] = ()
    """Names, besides those of this machine, under which the server may be asked."""
    retain: str | None = None
    """What to keep, such as `errors 90d, rest 14d, runs 1y, size 10GB`; the rest is deleted, each hour."""
    session_secret: str | None = field(default=None, repr=False)
    """Signs the logins of browsers, 32 characters or more: servers of one store that have the same one know each
    other's. By default each start makes a new one."""
    max_body_bytes: int = 32_000_000
    """A request may hold so much, inflated."""
    max_waiting_bytes: int = 64_000_000
    """Requests that are read or wait to be written may hold so much together, as they came."""
    max_waiting_requests: int = 512
    """So many requests may wait to be written."""
    stop_timeout_s: float = 30.0
    """How long a stopping server may take to answer what it has accepted, in seconds."""

    def __post_init__(self) -> None:
        for name in ("port", "grpc_port"):
            if not 0 <= getattr(self, name) < 65_536:
                raise ConfigError(f"{name}={getattr(self, name)} is no port: give a number from 0 to 65535")
        if self.session_secret is not None and len(self.session_secret) < _SHORTEST_SECRET:
            raise ConfigError(
                f"{SESSION_SECRET} is too short to sign with: give {_SHORTEST_SECRET} characters or more, for example "
                "those of `openssl rand -hex 32`"
            )
        if self.retain is not None:
            Retention.parse(self.retain)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
