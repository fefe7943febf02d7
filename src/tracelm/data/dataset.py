"""`Dataset`: immutable rows of inputs and of what is expected."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tracelm.data.content import digest_of, digest_of_digests, owned
from tracelm.data.rows import Rows, checked_rows
from tracelm.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.data.changes import DatasetDiff
    from tracelm.data.schema import ColumnType
    from tracelm.store.objects import ObjectVersion
    from tracelm.store.stored import StoredSpan

_FLAT: Final[frozenset[type[Any]]] = frozenset({str, int, float, bool, type(None)})


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
        self._rows = checked_rows(rows, name)
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

    @classmethod
    def from_parquet(cls, path: str | Path, *, name: str | None = None) -> Self:
        """Read a Parquet file. Needs pyarrow, which `tracelm[parquet]` brings.

        Args:
            path: The file.
            name: What the dataset is called; left out, the file's name without its ending.

        Raises:
            DatasetError: The file is no Parquet, or the rows do not form a dataset.
            MissingExtraError: pyarrow is not installed.
            OSError: The file cannot be read.
        """
        from tracelm.data.readers import read_parquet

        return cls(name=name or Path(path).stem, rows=read_parquet(Path(path)))

    @classmethod
    def from_huggingface(
        cls,
        path: str,
        *,
        split: str,
        name: str | None = None,
        subset: str | None = None,
        revision: str | None = None,
    ) -> Self:
        """Read a data set of the Hugging Face hub. Needs `datasets`, which `tracelm[huggingface]` brings.

        Args:
            path: Its name on the hub, such as `openai/gsm8k`, or a local folder.
            split: Which part, such as `test`, or `test[:100]`.
            name: What the dataset is called; left out, `path`.
            subset: Which of its configurations.
            revision: Which of its commits; without it the newest, which may be another tomorrow.

        Raises:
            DatasetError: The rows do not form a dataset.
            MissingExtraError: `datasets` is not installed.
        """
        from tracelm.data.readers import read_huggingface

        return cls(name=name or path, rows=read_huggingface(path, split=split, subset=subset, revision=revision))

    @classmethod
    def from_traces(
        cls,
        *,
        name: str,
        op: str | None = None,
        span: str | None = None,
        project: str | None = None,
        where: "Callable[[StoredSpan], bool] | None" = None,
        with_output: bool = True,
        limit: int | None = 1000,
        url: str | None = None,
    ) -> Self:
        """Take recorded calls as rows: arguments as columns, the output as `expected`, and where it comes from.

        Values are as they were recorded: secrets are hidden, long ones cut.

        Args:
            name: What the dataset is called.
            op: Only calls of this op.
            span: Only spans of this name.
            project: Only this project.
            where: Gets each span; what it says no to is left out.
            with_output: Take the output as `expected`.
            limit: The newest so many are looked at; `None`: all.
            url: The store, as for `tracelm.open_store`.

        Raises:
            DatasetError: No call was found.
            StoreError: The project is not known.
        """
        from tracelm.data.traces import rows_of_spans

        rows = rows_of_spans(
            op=op, name=span, project=project, where=where, with_output=with_output, limit=limit, url=url
        )
        return cls(name=name, rows=rows)

    @classmethod
    def load(cls, name: str, *, version: str | None = None, url: str | None = None) -> Self:
        """Read what was published.

        Args:
            name: What the dataset is called.
            version: `v0`, `v1`, ..., or an alias; left out, the newest.
            url: The store, as for `tracelm.open_store`.

        Raises:
            StoreError: There is none of this name or version; the message says what there is.
        """
        from tracelm.data import published

        found, rows = published.load(name, version=version, url=url)
        loaded = cls(name=name, rows=rows)
        loaded._version = found.version
        return loaded

    @staticmethod
    def versions(name: str, *, url: str | None = None) -> "Sequence[ObjectVersion]":
        """Return all published versions of a dataset, the newest first.

        Args:
            name: What the dataset is called.
            url: The store, as for `tracelm.open_store`.

        Raises:
            StoreError: There is none of this name; the message says what there is.
        """
        from tracelm.data import published

        return published.versions(name, url=url)

    @staticmethod
    def set_alias(name: str, alias: str, *, version: str, url: str | None = None) -> None:
        """Let an alias point at a version, wherever it pointed before.

        Args:
            name: What the dataset is called.
            alias: Such as `production`.
            version: `v0`, `v1`, ..., or another alias.
            url: The store, as for `tracelm.open_store`.

        Raises:
            StoreError: There is no such dataset or version, or the alias reads like a version.
        """
        from tracelm.data import published

        published.set_alias(name, alias, version=version, url=url)

    def publish(self, *, aliases: Sequence[str] = (), note: str | None = None, url: str | None = None) -> Self:
        """Write it into the store as the next version of its name; what equals the newest version is that version.

        Each row is kept once, however many versions hold it. Rows are kept as they are: nothing is redacted.

        Args:
            aliases: Names that point at this version from now on.
            note: What there is to say about it.
            url: The store, as for `tracelm.open_store`.

        Returns:
            The same rows, with `version`.

        Raises:
            DatasetError: A row cannot be read back as it is.
            StoreError: The store cannot be written, or an alias reads like a version; a server does not let us write,
                or does not take a row of this size.
        """
        from tracelm.data import published

        made = published.publish(self, aliases=aliases, note=note, url=url)
        found = self._part(range(len(self)), self._name)
        found._version = made.version
        return found

    def select(
        self,
        where: "Callable[[dict[str, Any]], bool] | None" = None,
        *,
        columns: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Self:
        """Return the rows that `where` says yes to, with the columns that are named.

        Args:
            where: Gets a copy of each row; left out, all rows are taken.
            columns: The columns to keep; left out, all.
            name: What the result is called; left out, as this.

        Raises:
            DatasetError: No row is left, or a column is not there.
        """
        taken = [index for index in range(len(self)) if where is None or where(self.row(index))]
        if columns is None:
            return self._part(taken, name or self._name)
        missing = [column for column in columns if column not in self.columns]
        if missing:
            raise DatasetError(f"dataset {self._name!r} has no column {missing[0]!r}, but {', '.join(self.columns)}")
        rows = [{column: self._rows[index][column] for column in columns} for index in taken]
        return type(self)(name=name or self._name, rows=rows)

    def sample(self, n: int, *, seed: int = 0, name: str | None = None) -> Self:
        """Return `n` rows, in their order; the same ones each time, and among those of a larger sample.

        Args:
            n: How many.
            seed: Another one gives other rows.
            name: What the result is called; left out, as this.

        Raises:
            DatasetError: There are fewer rows.
        """
        from tracelm.data import parts

        return self._part(parts.sample(self._row_digests, n, seed=seed), name or self._name)

    def split(self, *, seed: int = 0, **shares: float) -> dict[str, Self]:
        """Return the rows in parts; a row is in one of them, the same one each time.

        Rows with the same `cluster` stay together, so shares are met as nearly as that allows.

        Args:
            seed: Another one gives other parts.
            **shares: The share of each part by its name; they add up to 1.

        Raises:
            DatasetError: They do not, or a part would be empty.

        Example:
            >>> parts = Dataset(name="n", rows=[{"n": n} for n in range(10)]).split(train=0.8, test=0.2)
            >>> {name: len(part) for name, part in parts.items()}
            {'train': 8, 'test': 2}
        """
        from tracelm.data import parts

        found = parts.split(self._rows, self._row_digests, shares, seed=seed)
        return {part: self._part(places, f"{self._name}-{part}") for part, places in found.items()}

    def check(self, schema: "Mapping[str, ColumnType]") -> Self:
        """Hold the rows against the types of their columns.

        Args:
            schema: For each column its type, or several: `{"question": str, "expected": (str, type(None))}`. A bool
                is no int here; an int may stand for a float.

        Returns:
            This dataset.

        Raises:
            DatasetError: A column is missing or too many, or a cell has another type; the message says where.
        """
        from tracelm.data.schema import check

        check(self._rows, schema, name=self._name)
        return self

    def diff(self, before: "Dataset") -> "DatasetDiff":
        """Return what this version has added, removed and changed, compared with an earlier one.

        Rows are matched by `id` where both have that column; else by their content, and none is "changed" then.

        Args:
            before: The earlier version.
        """
        from tracelm.data.changes import differences

        return differences(list(before.rows), list(self.rows))

    def _part(self, places: Iterable[int], name: str) -> Self:
        """Return some rows; they are checked already, and are not copied."""
        found = type(self).__new__(type(self))
        taken = list(places)
        if not taken:
            raise DatasetError(f"dataset {name!r} would have no rows: nothing was chosen of {self!r}")
        found._name = name
        found._rows = tuple(self._rows[index] for index in taken)
        found._row_digests = tuple(self._row_digests[index] for index in taken)
        found._digest = digest_of_digests(found._row_digests)
        return found

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
