"""Where a store lies that is to be opened: on a server, or in a database with a journal beside it."""

from dataclasses import dataclass
from pathlib import Path

from tracelm.settings import Settings
from tracelm.store.database import default_url, path_of
from tracelm.trace import runtime


@dataclass(frozen=True, slots=True)
class Place:
    """A database, and the journal that is read into it.

    Attributes:
        url: The database.
        home: The folder with the journal.
        owned: Whether this is the store that the home belongs to.
    """

    url: str
    home: Path
    owned: bool


def find_place(url: str | None, home: Path | None) -> Place:
    """Work out which file and which journal belong together.

    A journal is deleted once it is indexed, so only the store that its home is configured for may do that:
    opening a copy of a store must not take the records away from the real one.
    """
    settings = _settings(home)
    configured = settings.store_url or default_url(settings.home)
    if url is None:
        return Place(configured, settings.home, owned=True)
    file = path_of(url)
    is_configured = url == configured if file is None else file == path_of(configured)
    if file is not None and home is None and not is_configured and (file.parent / "journal").is_dir():
        own = file == path_of(default_url(file.parent))
        return Place(url, file.parent, owned=own)
    return Place(url, settings.home, owned=is_configured)


def find_server(url: str | None, home: Path | None) -> str | None:
    """Return the address of the server that is to be asked; `None` where it is a database.

    Whoever names a store or a home means that one: `TRACELM_URL` is for those who name nothing.
    """
    if url is not None:
        return url if is_address(url) else None
    return _settings(None).url if home is None else None


def is_address(url: str) -> bool:
    """Say whether a URL is that of a server."""
    return url[:8].lower().startswith(("http://", "https://"))


def _settings(home: Path | None) -> Settings:
    active = runtime.active if home is None else None
    return Settings.from_env(project="-", home=home) if active is None else active.settings
