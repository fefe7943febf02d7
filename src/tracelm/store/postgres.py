"""A store in a PostgreSQL database, for a team.

Writers take one lock each for the length of a transaction: roll-ups are computed from what is committed, so two that
write spans of one trace at the same time would each miss the other's.
"""

import contextlib
import os
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from tracelm.errors import ConfigError, MissingExtraError, StoreError
from tracelm.store.database import Database

_CONNECT_TIMEOUT_S: Final = 10
_LOCK_TIMEOUT_S: Final = 30
_WRITING: Final = text("SELECT pg_advisory_xact_lock(7209874610)")  # any number that no other program takes
_UPGRADING: Final = text("SELECT pg_advisory_lock(7209874611)")
_UPGRADED: Final = text("SELECT pg_advisory_unlock(7209874611)")

_REMEDIES: Final = {
    "08": "does not answer: start the server, check host and port, try again",
    "28": "refuses this user: check user and password in TRACELM_STORE_URL, and pg_hba.conf",
    "3D": "does not exist on that server: create it with 'createdb'",
    "42501": "may not be used: grant this user CREATE on its schema",
    "53": "is out of disk, memory or connections: see the server's log",
    "55P03": f"was locked for {_LOCK_TIMEOUT_S} s: end the process that holds it, try again",
    "57P": "is shutting down or restarting: try again",
}
"""By SQLSTATE, or the beginning of one (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


_WORDS: Final = {
    "does not exist": "3D",
    "authentication failed": "28",
    "pg_hba.conf": "28",
    "shutting down": "57P",
    "starting up": "57P",
    "too many": "53",
}


class Postgres(Database):
    """A store's PostgreSQL database."""

    def __init__(self, url: str) -> None:
        """Connect, and make or upgrade the tables.

        Args:
            url: `postgresql://user:password@host:port/database`.

        Raises:
            ConfigError: It is no such URL.
            MissingExtraError: The driver is not installed.
            StoreError: There is no such database, or it belongs to another program or to a newer tracelm.
        """
        try:
            parsed = make_url(url).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):  # a port that is no number
            raise ConfigError(
                "the URL of a PostgreSQL database reads 'postgresql://user:password@host:port/database'; characters "
                "such as '@' in the password are written %40"
            ) from None
        self.place = parsed.render_as_string(hide_password=True).replace("+psycopg", "")
        try:
            self.engine = create_engine(
                parsed,
                pool_pre_ping=True,  # a server that was restarted meanwhile is no error
                connect_args={"connect_timeout": _CONNECT_TIMEOUT_S, "options": f"-c lock_timeout={_LOCK_TIMEOUT_S}s"},
            )
        except ImportError:
            raise MissingExtraError("a store in PostgreSQL", "postgres") from None
        _leave_to_parent(self.engine)
        self.bring_up_to_date()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Give a connection that sees one unchanging state of the store."""
        engine = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with self._explained(), engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Give a connection that alone may write; commits at the end of the block, unless that raises."""
        with self._explained(), self.engine.begin() as connection:
            connection.execute(_WRITING)
            yield connection

    @contextmanager
    def kept_open(self) -> Generator[None]:
        """Do nothing: connections are kept anyway."""
        yield

    def compact(self) -> None:
        """Make the space of what was deleted free for what comes (`VACUUM ANALYZE`)."""
        with self._explained(), self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))

    def damages(self) -> list[str]:
        """Return nothing: checking pages is the server's affair (pg_amcheck)."""
        return []

    def size_bytes(self) -> int:
        """Return the size of the database."""
        with self.read() as connection:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    @contextmanager
    def _alone(self) -> Generator[None]:
        with self._explained(), self.engine.connect() as connection:
            connection.execute(_UPGRADING)
            try:
                yield
            finally:
                connection.execute(_UPGRADED)

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None) or _state_in(str(error.orig))
            remedy = next((said for code, said in _REMEDIES.items() if state.startswith(code)), f"failed: {error.orig}")
            raise StoreError(f"the store {self.place} {remedy}") from error


def _state_in(message: str) -> str:
    """Return the state of an error that came before there was a connection: only its words are known then."""
    return next((state for words, state in _WORDS.items() if words in message), "08")


def _leave_to_parent(engine: Engine) -> None:
    """Let a forked child make connections of its own."""
    known = weakref.ref(engine)

    def forget() -> None:
        if (found := known()) is not None:
            with contextlib.suppress(Exception):
                found.dispose(close=False)

    os.register_at_fork(after_in_child=forget)
