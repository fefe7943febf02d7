"""Datasets that are published over a server's API: their rows arrive in parts, then the list of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from tracelm.data.content import digest_of, packed, unpacked
from tracelm.errors import DatasetError
from tracelm.store import objects

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SOME: Final = 500  # rows that are looked at together


def rows_in(lines: bytes) -> list[tuple[str, bytes]]:
    """Return rows that were sent, each with its digest, as they are kept.

    Args:
        lines: One row a line, as `packed` writes it.

    Raises:
        DatasetError: A line is no row; the message says which.
    """
    found: list[tuple[str, bytes]] = []
    for number, line in enumerate(lines.splitlines(), start=1):
        try:
            row = unpacked(line)
            found.append((digest_of(row), packed(row)))
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
            raise DatasetError(f"line {number} is no row of a dataset as tracelm writes it") from None
        if not isinstance(row, dict) or not row:
            raise DatasetError(f"line {number} is no row of a dataset: an object in JSON, with a key for each column")
    if not found:
        raise DatasetError("there is no row in it: send one row a line")
    return found


def check_columns(connection: "Connection", columns: Sequence[str], digests: Sequence[str]) -> None:
    """Read rows, and look whether each has just these columns.

    Raises:
        DatasetError: One has others, or a column is named twice.
        StoreError: A row is not there.
    """
    wanted = set(columns)
    if len(wanted) < len(columns):
        raise DatasetError("a column is named twice")
    for start in range(0, len(digests), _SOME):
        for digest, content in objects.get_rows(connection, digests[start : start + _SOME]).items():
            has = set(cast("dict[str, object]", unpacked(content)))
            if has != wanted:
                number = digests.index(digest)
                raise DatasetError(
                    f"row {number} (counted from 0) has the columns {sorted(has)}, the dataset {sorted(wanted)}"
                )
