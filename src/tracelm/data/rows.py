"""The rows of a dataset, and what rows must be to form one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast, overload

from tracelm.data.content import digest_of, owned
from tracelm.errors import DatasetError

_RESERVED: Final = "output"


class Rows(Sequence[dict[str, Any]]):
    """The rows of a dataset: each access gives a new copy, so that no reader can change them."""

    def __init__(self, rows: tuple[dict[str, Any], ...]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        found = self._rows[index]
        return owned(found) if isinstance(found, dict) else [owned(each) for each in found]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(owned, self._rows)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Rows):
            return self._rows == other._rows
        return isinstance(other, list) and list(self._rows) == cast("list[object]", other)

    __hash__ = None  # type: ignore[assignment]  # rows hold dicts and lists

    def __repr__(self) -> str:
        return repr(list(self._rows))


def checked_rows(rows: Iterable[object], name: str) -> tuple[dict[str, Any], ...]:
    """Return copies of rows that form a dataset.

    Raises:
        DatasetError: They do not; the message names the dataset and the row.
    """
    if isinstance(rows, str | bytes | Mapping):
        raise DatasetError(f"dataset {name!r}: rows must be a list of dicts, one a row")
    found: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        who = f"dataset {name!r}, row {index} (counted from 0)"
        if not isinstance(row, Mapping):
            raise DatasetError(
                f"{who} is of type {type(row).__name__}: give a dict of columns, or read the data with "
                "Dataset.from_jsonl, .from_csv or .from_pandas"
            )
        try:
            found.append(owned(cast("object", row)))
        except TypeError as error:
            raise DatasetError(f"{who}: {error}") from None
        except RecursionError:
            raise DatasetError(f"{who} contains itself or is nested too deeply: give plain data") from None
        _check_columns(found[index], found[0], who)
    if not found:
        raise DatasetError(f"dataset {name!r} has no rows: give at least one, rows=[{{'question': '...'}}]")
    _check_ids(found, name)
    return tuple(found)


def _check_columns(row: Mapping[str, Any], first: Mapping[str, Any], who: str) -> None:
    if _RESERVED in row:
        raise DatasetError(
            f"{who} has a column {_RESERVED!r}, the name of what the task returns: rename it, perhaps to 'expected'"
        )
    if not row:
        raise DatasetError(f"{who} has no columns: give at least one")
    for column in row if row is first else ():  # the others have the same
        try:
            column.encode()
        except UnicodeEncodeError:
            raise DatasetError(f"{who} has a column {column!r}, in which half a character stands: rename it") from None
    missing = [column for column in first if column not in row]
    extra = [column for column in row if column not in first]
    if missing or extra:
        lacks = f"lacks {', '.join(map(repr, missing))}" if missing else ""
        adds = f"adds {', '.join(map(repr, extra))}" if extra else ""
        raise DatasetError(
            f"{who} {' and '.join(filter(None, (lacks, adds)))}, compared with row 0: give every row the "
            "same columns, with None where there is no value"
        )


def _check_ids(rows: Sequence[Mapping[str, Any]], name: str) -> None:
    if "id" not in rows[0]:
        return
    seen: dict[str, int] = {}
    for index, row in enumerate(rows):
        earlier = seen.setdefault(digest_of(row["id"]), index)
        if earlier != index:
            raise DatasetError(
                f"dataset {name!r}: rows {earlier} and {index} (counted from 0) have the same id "
                f"{row['id']!r}: give each its own, or rename the column"
            )
