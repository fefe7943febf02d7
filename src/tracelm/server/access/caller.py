"""Who asks, and what he may do."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Right: TypeAlias = Literal["ingest", "read", "admin"]
RIGHTS: Final[tuple[Right, ...]] = ("ingest", "read", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes:
        name: Of the key; `local` for somebody on this machine while no key is configured.
        rights: What he may do. `admin` manages keys, and includes nothing else.
        projects: Where; `None` for everywhere.
        key_id: The key; `None` without one.
        is_session: Whether the key came by the cookie of a browser.
    """

    name: str
    rights: frozenset[Right]
    projects: frozenset[str] | None = None
    key_id: str | None = None
    is_session: bool = False


LOCAL: Final = Caller(name="local", rights=frozenset({"ingest", "read"}))
"""A program on this machine, as long as no key is configured: it could read the store's file as well."""
