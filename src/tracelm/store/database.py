"""The database behind a store: opened, brought up to date, read and written in transactions.

What SQLite and PostgreSQL have in common stands here. A new database gets the tables as they are now; an older one
goes through the steps in `migrations`.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from tracelm.errors import ConfigError, StoreError
from tracelm.store.migrations import HEAD, VERSION_TABLE
from tracelm.store.tables import METADATA

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgresql://", "postgres://")


def default_url(home: Path) -> str:
    """Return the URL of the store that a home has when nothing else is set."""
    return f"{_SQLITE}{home / 'tracelm.db'}"


def path_of(url: str) -> Path | None:
    """Return the file that a store's URL names; `None` where it names a server.

    Raises:
        ConfigError: It is the URL of no store.
    """
    if url.startswith(_POSTGRES):
        return None
    name = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or not name or name.startswith(":memory:") or "?" in name:
        scheme = url.split(":", 1)[0] if ":" in url else url
        raise ConfigError(
            f"a store is an SQLite file or a PostgreSQL database, not {scheme!r}: give 'sqlite:///' and a path, "
            "for example 'sqlite:///traces.db', or 'postgresql://user@host/database'. TRACELM_URL is for the "
            "address of a tracelm server"
        )
    return Path(name).expanduser().absolute()


def open_database(url: str) -> "Database":
    """Open the database that a store's URL names, at the newest schema.

    Raises:
        ConfigError: It is the URL of no store.
        MissingExtraError: It names a PostgreSQL server, and the driver is not installed.
        StoreError: It cannot be opened, belongs to another program or to a newer tracelm.
    """
    path = path_of(url)
    if path is None:
        from tracelm.store.postgres import Postgres

        return Postgres(url)
    from tracelm.store.sqlite import SQLite

    return SQLite(path)


class Database(ABC):
    """A store's database, at the newest schema.

    Attributes:
        place: What errors and people call it; without a password.
    """

    place: str
    engine: Engine

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one unchanging state of the store.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]:
        """Give a connection that alone may write; commits at the end of the block, unless that raises.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """

    @abstractmethod
    def kept_open(self) -> AbstractContextManager[None]:
        """Make several transactions in a row faster."""

    @abstractmethod
    def compact(self) -> None:
        """Give the space of what was deleted back to the disk, and bring the planner's figures up to date.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """

    @abstractmethod
    def damages(self) -> list[str]:
        """Return what the database itself finds damaged, in its words."""

    @abstractmethod
    def size_bytes(self) -> int:
        """Return how much space the store takes."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[None]:
        """Keep other processes from changing the schema."""

    def close(self) -> None:
        """Give up the connections that nobody uses now; those in use end with what they do."""
        self.engine.dispose()

    def bring_up_to_date(self) -> None:
        """Make the tables, or bring them to the newest schema: wholly or not at all.

        Raises:
            StoreError: The database holds something else, or belongs to a newer tracelm.
        """
        if self._version() == HEAD:
            return
        with self._alone():
            version = self._version()
            if version == HEAD:  # another process was first
                return
            with self.write() as connection:
                if version is None:
                    _create(connection)
                else:
                    from tracelm.store.migrations import upgrade

                    upgrade(connection)

    def _version(self) -> str | None:
        """Return the schema's revision; `None` when there is none yet."""
        with self.read() as connection:
            tables = inspect(connection).get_table_names()
            found = connection.execute(_VERSION).scalar() if VERSION_TABLE in tables else None
            if found is None and tables:
                raise StoreError(f"{self.place} holds tables of another program: name another with TRACELM_STORE_URL")
        if found is not None and str(found) > HEAD:
            raise StoreError(
                f"the store {self.place} was written by a newer tracelm (schema {found}, here {HEAD}): "
                "pip install --upgrade tracelm"
            )
        return None if found is None else str(found)


_VERSION: Final = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our own constant


def _create(connection: Connection) -> None:
    METADATA.create_all(connection)
    connection.execute(
        text(
            f"CREATE TABLE {VERSION_TABLE} "
            f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(
        text(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (:head)"),  # noqa: S608 - our own constant
        {"head": HEAD},
    )
