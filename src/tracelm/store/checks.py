"""What a question about the store has to meet before it is asked: a known project, a page of some size, an id."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Table, func, select

from tracelm.errors import StoreError
from tracelm.store.projects import check_project

_LARGEST_PAGE: Final = 10_000  # as many values as one statement takes, and more than anybody reads
_SHORTEST: Final = 4  # characters of an id that may stand for it
_LAST: Final = "\U0010ffff"


def check(connection: Connection, project: str | None, limit: int | None) -> None:
    """Raise `ValueError` for a list that would have nothing, `StoreError` for a project that is not known."""
    check_limit(limit)
    check_project(connection, project)


def check_limit(limit: int | None) -> None:
    """Raise `ValueError` for a list that would have nothing."""
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit} finds nothing: give a number from 1 up, or None for all")


def check_page_limit(limit: int) -> None:
    """Raise `ValueError` for a page of a trace that would have nothing, or too much."""
    if not 1 <= limit <= _LARGEST_PAGE:
        raise ValueError(f"limit={limit}: a page of a trace has from 1 to {_LARGEST_PAGE:,} spans")


def check_prefix(given: str) -> str:
    """Return the beginning of an id, without blanks around it.

    Raises:
        StoreError: It is too short to stand for one.
    """
    prefix = given.strip()
    if len(prefix) < _SHORTEST:
        raise StoreError(f"{given!r} is too short for an id: give at least {_SHORTEST} of its first characters")
    return prefix


def no_such_id(given: str, what: str) -> StoreError:
    """Return the error that no trace or run has an id that begins so."""
    return StoreError(f"no {what} has an id that begins with {given!r} in this store")


def full_id(
    connection: Connection, table: Table, column: str, given: str, what: str, *, project: str | None = None
) -> str:
    """Return the id that `given` is, or is the beginning of: of the project, else of another one.

    What other projects hold is looked at where this one has nothing only: it must not make an id ambiguous for somebody
    who may not know of it.
    """
    prefix = check_prefix(given)
    name = table.c[column]
    query = select(name).distinct().where(name >= prefix, name < prefix + _LAST).order_by(name).limit(4)
    ids: Sequence[str] = []
    if project is not None:
        named = func.coalesce(table.c.project, "")  # not by the index of projects: SQLite would read all of one
        ids = connection.execute(query.where(named == project)).scalars().all()
    ids = ids or connection.execute(query).scalars().all()
    if not ids:
        raise no_such_id(given, what)
    if len(ids) > 1 and ids[0] != prefix:
        raise StoreError(f"several begin with {given!r}: {', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}")
    return ids[0]
