"""A store in an SQLite file.

Several processes use one file at once: WAL lets readers go on while one writes, writers wait for each other.
`synchronous=FULL`, because a journal segment is deleted once it is committed here.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from tracelm.errors import StoreError
from tracelm.store.database import Database

_BUSY_TIMEOUT_S: Final = 30.0
_CACHE_KIB: Final = 32_000
"""Of what writes all the time: the pages of the indexes that the next batch meets again."""

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


class SQLite(Database):
    """A store's SQLite file. No connection outlives a block, so a fork inherits none.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at `path`; make it, and its folder, when it is not there.

        Raises:
            StoreError: It cannot be opened, belongs to another program or to a newer tracelm.
        """
        self.path = path
        self.place = str(path)
        self.engine = _engine(path, NullPool)
        self._kept: _Kept | None = None
        _make_private(path)
        self.bring_up_to_date()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Give a connection that sees one unchanging state of the store."""
        with self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Give a connection that alone may write; commits at the end of the block, unless that raises."""
        with self._explained(), self._writing.execution_options(immediate=True).begin() as connection:
            yield connection

    @contextmanager
    def kept_open(self) -> Generator[None]:
        """Make several transactions in a row faster: what writes stays open, and remembers what it has read.

        SQLite also tidies its log whenever the last connection closes.
        """
        if self._writing is not self.engine:
            yield
            return
        engine = _engine(self.path, QueuePool)
        try:
            with self._explained(), engine.begin() as connection:
                connection.execute(_ANY_TABLE)  # a connection that has read nothing does not count
            self._kept = _Kept(engine, *self._here())
            yield
        finally:
            self._kept = None
            engine.dispose()

    @property
    def _writing(self) -> Engine:
        """What writes: what is kept open, unless this is a forked child, or another file was put in the place."""
        kept = self._kept
        return self.engine if kept is None or kept[1:] != self._here() else kept.engine

    def _here(self) -> tuple[int, int]:
        try:
            return os.getpid(), self.path.stat().st_ino
        except FileNotFoundError:
            return os.getpid(), 0

    def compact(self) -> None:
        """Copy the file without what was deleted; needs as much free space as it has."""
        with self._explained(), self.engine.connect() as connection:
            cursor = connection.connection.cursor()  # outside of a transaction, as SQLite wants it
            cursor.execute("VACUUM")
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def damages(self) -> list[str]:
        """Return what `PRAGMA integrity_check` and `foreign_key_check` find."""
        with self.read() as connection:
            found = [str(line) for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
            broken = [tuple(row) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
        dangling = [f"{row[0]}: row {row[1]} refers to nothing" for row in broken]
        return [line for line in found if line != "ok"] + dangling

    def size_bytes(self) -> int:
        """Return the size of the file, with its log."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @contextmanager
    def _alone(self) -> Generator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(f"{self.path}.lock", timeout=_BUSY_TIMEOUT_S, mode=0o600)
        try:
            with lock:
                with self._explained(), self.engine.connect() as connection:
                    connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
                yield
        except Timeout:
            raise StoreError(
                f"another process is upgrading the store {self.path}: wait for it; if there is none, "
                f"delete {lock.lock_file}"
            ) from None

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            remedy = _REMEDIES.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, f"failed: {cause}")
            raise StoreError(f"the store {self.path} {remedy}") from error


_ANY_TABLE: Final = text("SELECT 1 FROM sqlite_master LIMIT 1")


class _Kept(NamedTuple):
    """What writes as long as it is kept open, for the process that has opened it and the file that was there."""

    engine: Engine
    process: int
    file: int


def _engine(path: Path, pool: type[NullPool | QueuePool]) -> Engine:
    keeps: dict[str, Any] = {"pool_size": 1, "max_overflow": -1} if pool is QueuePool else {}
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=pool,
        connect_args={"timeout": _BUSY_TIMEOUT_S},
        **keeps,
    )

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the transactions below are the only ones
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if pool is QueuePool:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")

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
