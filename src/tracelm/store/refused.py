"""Records that the store cannot take: found one by one, so that none of their neighbours is kept away."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError

from tracelm.errors import StoreError

_T = TypeVar("_T")
_OF_RECORDS: Final = (IntegrityError, DataError, ProgrammingError, InterfaceError)
"""Errors of the database that say something about a record, not about the database."""


def is_of_a_record(error: Exception) -> bool:
    """Say whether an error is about what was written, rather than about the store or this machine.

    The latter may be over the next time; a record fails again whenever it is tried.
    """
    if isinstance(error, StoreError):
        return isinstance(error.__cause__, _OF_RECORDS)
    if isinstance(error, DBAPIError):
        return isinstance(error, _OF_RECORDS)
    return not isinstance(error, OSError | MemoryError)


def write_each(
    connection: Connection, records: Sequence[_T], write: Callable[[Connection, Sequence[_T]], None]
) -> dict[int, Exception]:
    """Write records one by one, and return why which of them was left out, by its index.

    Args:
        connection: One that may write.
        records: What `write` takes.
        write: What has failed for all of them together.

    Raises:
        Exception: What `write` raised, where it is not about a record.
    """
    refused: dict[int, Exception] = {}
    for index, record in enumerate(records):
        try:
            with connection.begin_nested():
                write(connection, [record])
        except Exception as error:
            if not is_of_a_record(error):
                raise
            refused[index] = error
    return refused
