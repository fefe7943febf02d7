"""`Dataset`: immutable rows of inputs and of what is expected."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, cast, overload

from tracelm.data.content import digest_of, digest_of_digests, owned
from tracelm.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

_RESERVED: Final = "output"
_FLAT: Final[frozenset[type[Any]]] = frozenset({str, int, float, bool, type(None)})


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


class Dataset:
    """Named, immutable rows; the same content has the same digest on any machine.

    A row maps columns to plain data: text, numbers, bytes, dates, and lists and dicts of those. All rows have
    the same columns. A task or scorer sees the columns that its parameters name; by convention `expected` is
    what a scorer compares with. A column `id`, where there is one, names the row and must be unique.

    Args:
        name: What the dataset is called.
        rows: The rows; they are copied.

    Raises:
        DatasetError: There is no row; a row is no mapping, or has other columns than the first; a column is
            not named by text, or is called `output`; a value is no plain data; two rows have the same `id`.

    Example:
        >>> questions = Dataset(name="sums", rows=[{"question": "1 + 1", "expected": "2"}])
        >>> len(questions), questions.columns
        (1, ('question', 'expected'))
    """

    _version: str | None = None

    def __init__(self, *, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        if not isinstance(name, str) or not name.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DatasetError("a dataset needs a name: Dataset(name='questions', rows=[...])")
        self._name = name
        self._rows = _checked_rows(rows, name)
        self._row_digests = tuple(digest_of(row) for row in self._rows)
        self._digest = digest_of_digests(self._row_digests)

    @classmethod
    def from_jsonl(cls, path: str | Path, *, name: str | None = None) -> Self:
        """Read a file with one JSON object a line; empty lines do not count.

        Args:
            path: The file, UTF-8.
            name: What the dataset is called; left out, the file's name without its ending.

        Raises:
            DatasetError: A line is no JSON, or the rows do not form a dataset.
            OSError: The file cannot be read.
        """
        from tracelm.data.readers import read_jsonl

        return cls(name=name or Path(path).stem, rows=read_jsonl(Path(path)))

    @classmethod
    def from_csv(cls, path: str | Path, *, name: str | None = None) -> Self:
        """Read a CSV file whose first line names the columns; every value is text.

        Args:
            path: The file, UTF-8.
            name: What the dataset is called; left out, the file's name without its ending.

        Raises:
            DatasetError: The file is no CSV, or the rows do not form a dataset.
            OSError: The file cannot be read.
        """
        from tracelm.data.readers import read_csv

        return cls(name=name or Path(path).stem, rows=read_csv(Path(path)))

    @classmethod
    def from_pandas(cls, frame: "pd.DataFrame", *, name: str) -> Self:
        """Take the rows of a DataFrame, without its index; missing cells become `None`.

        Raises:
            DatasetError: The rows do not form a dataset.
        """
        from tracelm.data.readers import rows_of_frame

        return cls(name=name, rows=rows_of_frame(frame))

    @property
    def name(self) -> str:
        """What the dataset is called."""
        return self._name

    @property
    def version(self) -> str | None:
        """`v0`, `v1`, ... where it was published or loaded; `None` elsewhere."""
        return self._version

    @property
    def rows(self) -> Rows:
        """The rows, as a sequence of dicts. Each access copies: changing one changes nothing here."""
        return Rows(self._rows)

    def row(self, index: int) -> dict[str, Any]:
        """Return a copy of one row; cheap where it holds nothing that can change."""
        found = self._rows[index]
        return dict(found) if _FLAT.issuperset(map(type, found.values())) else owned(found)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the first row."""
        return tuple(self._rows[0])

    @property
    def digest(self) -> str:
        """SHA-256 of the content, 64 hex digits. The order of the rows counts, the name does not."""
        return self._digest

    @property
    def row_digests(self) -> tuple[str, ...]:
        """The SHA-256 of each row, 64 hex digits. The order of the columns does not count."""
        return self._row_digests

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and (self._name, self._digest) == (other._name, other._digest)

    def __hash__(self) -> int:
        return hash((self._name, self._digest))

    def __repr__(self) -> str:
        shown = f"{len(self)} rows, columns {list(self.columns)}, digest {self._digest[:12]}"
        return f"<Dataset {self._name!r}: {shown}>"


def _checked_rows(rows: Iterable[object], name: str) -> tuple[dict[str, Any], ...]:
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
