"""The SQLite file behind a store: opened, brought up to date, read and written in transactions.

Several processes use one file at once: WAL lets readers go on while one writes, writers wait for each other.
`synchronous=FULL`, because a journal segment is deleted once it is committed here.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from tracelm.errors import ConfigError, StoreError
from tracelm.store.migrations import HEAD, VERSION_TABLE

_SCHEME: Final = "sqlite:///"
_BUSY_TIMEOUT_S: Final = 30.0

_REMEDIES: Final = {
    sqlite3.SQLITE_NOTADB: "is no database: move it away, or name another file with TRACELM_STORE_URL",
    sqlite3.SQLITE_CORRUPT: "is damaged: move it away, or put a copy in its place",
    sqlite3.SQLITE_BUSY: f"was locked for {_BUSY_TIMEOUT_S:.0f} s: end the process that holds it, try again",
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its folder writable for this user, "
    "or set TRACELM_HOME to a folder that is",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make its folder readable and writable for this user, "
    "or set TRACELM_HOME to a folder that is",
    sqlite3.SQLITE_PERM: "cannot be opened: make it readable and writable for this user",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: free some space and try again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check the disk (a network folder is no place for it)",
}


def default_url(home: Path) -> str:
    """Return the URL of the store that a home has when nothing else is set."""
    return f"{_SCHEME}{home / 'tracelm.db'}"


def path_of(url: str) -> Path:
    """Return the file that a store's URL names.

    Raises:
        ConfigError: It names something else than an SQLite file.
    """
    name = url.removeprefix(_SCHEME)
    if not url.startswith(_SCHEME) or not name or name.startswith(":memory:") or "?" in name:
        scheme = url.split(":", 1)[0] if ":" in url else url
        raise ConfigError(
            f"store {scheme!r}…: this version reads sqlite:/// only; write sqlite:///traces.db, "
            "or sqlite:////var/data/traces.db with the full path"
        )
    return Path(name).expanduser().absolute()


class Database:
    """A store's SQLite file, at the newest schema. No connection outlives a block, so a fork inherits none.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at `path`; make it, and its folder, when it is not there.

        Raises:
            StoreError: It cannot be opened, belongs to another program or to a newer tracelm.
        """
        self.path = path
        self._engine = _engine(path)
        _make_private(path)
        if self._version() != HEAD:
            self._upgrade()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Give a connection that sees one unchanging state of the store.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """
        with self._explained(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Give a connection that alone may write; commits at the end of the block, unless that raises.

        Raises:
            StoreError: The database failed; the message names the remedy.
        """
        with self._explained(), self._engine.execution_options(immediate=True).begin() as connection:
            yield connection

    @contextmanager
    def kept_open(self) -> Generator[None]:
        """Make several transactions in a row faster: SQLite tidies its log whenever the last connection closes."""
        with self._explained(), self._engine.connect() as connection:
            with connection.begin():
                connection.execute(_VERSION)  # a connection that has read nothing does not count
            yield

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            remedy = _REMEDIES.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, f"failed: {cause}")
            raise StoreError(f"the store {self.path} {remedy}") from error

    def _version(self) -> str | None:
        """Return the schema's revision; `None` when the file is new."""
        with self.read() as connection:
            try:
                found = connection.execute(_VERSION).scalar()
            except OperationalError as error:
                if "no such table" not in str(error.orig):
                    raise
                found = None
            if found is None and connection.execute(_ANY_TABLE).first():
                raise StoreError(
                    f"{self.path} holds tables of another program: name another file with TRACELM_STORE_URL"
                )
        if found is not None and str(found) > HEAD:
            raise StoreError(
                f"the store {self.path} was written by a newer tracelm (schema {found}, here {HEAD}): "
                "pip install --upgrade tracelm"
            )
        return None if found is None else str(found)

    def _upgrade(self) -> None:
        from filelock import FileLock, Timeout

        from tracelm.store.migrations import upgrade

        lock = FileLock(f"{self.path}.lock", timeout=_BUSY_TIMEOUT_S, mode=0o600)
        try:
            with lock:
                if self._version() == HEAD:  # another process was first
                    return
                with self._explained(), self._engine.connect() as connection:
                    connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
                with self.write() as connection:
                    upgrade(connection)
        except Timeout:
            raise StoreError(
                f"another process is upgrading the store {self.path}: wait for it; if there is none, "
                f"delete {lock.lock_file}"
            ) from None


_VERSION: Final = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our own constant
_ANY_TABLE: Final = text("SELECT 1 FROM sqlite_master LIMIT 1")


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": _BUSY_TIMEOUT_S},
    )

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the transactions below are the only ones
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    def begin(connection: Connection) -> None:
        # A transaction that begins as a reader cannot become a writer once another one wrote.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _make_private(path: Path) -> None:
    """Make the file for this user only, before SQLite would make it for all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"the store {path} cannot be opened ({reason}): make its folder writable for this user, "
            "or set TRACELM_HOME to a folder that is"
        ) from error
