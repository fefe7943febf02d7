"""Rows out of files and tables."""

import csv
import importlib
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tracelm.errors import DatasetError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd


def read_jsonl(path: Path) -> list[Any]:
    """Return one value for each line of JSON; empty lines do not count.

    Raises:
        DatasetError: A line is no JSON; the message names file and line.
        OSError: The file cannot be read.
    """
    rows: list[Any] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{path}, line {number} is no JSON ({error}): write one object a line") from None
    return rows


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return one dict of texts for each record behind the header; empty lines do not count.

    Raises:
        DatasetError: A record has more or fewer cells than the header, or a column appears twice.
        OSError: The file cannot be read.
    """
    records = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    rows: list[dict[str, str]] = []
    header: list[str] = []
    try:
        for cells in filter(None, records):
            if not header:
                header = cells
                if len(set(header)) < len(header):
                    raise DatasetError(f"{path} has two columns of one name: {', '.join(header)}: rename one")
            elif len(cells) == len(header):
                rows.append(dict(zip(header, cells, strict=True)))
            else:
                raise DatasetError(
                    f"{path}, line {records.line_num} has {len(cells)} cells for {len(header)} columns: "
                    "put quotes around text that holds commas or line breaks"
                )
    except csv.Error as error:
        raise DatasetError(f"{path}, line {records.line_num} is no CSV ({error}): check its quotes") from None
    return rows


def rows_of_frame(frame: "pd.DataFrame") -> list[dict[Any, Any]]:
    """Return the rows of a DataFrame, without its index; missing cells become `None`."""
    import pandas as pd

    def cell(value: object) -> object:
        is_missing = value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
        return None if is_missing else value

    records = cast("list[dict[Any, object]]", frame.to_dict(orient="records"))
    return [{key: cell(value) for key, value in row.items()} for row in records]


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file, as plain data.

    Raises:
        DatasetError: The file is no Parquet.
        MissingExtraError: pyarrow is not installed.
        OSError: The file cannot be read.
    """
    parquet = _optional("pyarrow.parquet", "reading Parquet", extra="parquet")
    path.open("rb").close()  # the system's own error where it cannot be read
    try:
        table: Any = parquet.read_table(path)
    except Exception as error:  # pyarrow's own tree of errors
        raise DatasetError(f"{path} is no Parquet ({error}): write it with pandas' to_parquet, say") from None
    return cast("list[dict[str, Any]]", table.to_pylist())


def read_huggingface(path: str, *, split: str, subset: str | None, revision: str | None) -> list[dict[str, Any]]:
    """Return the rows of a data set of the Hugging Face hub, or of a local folder, as plain data.

    Raises:
        MissingExtraError: `datasets` is not installed.
    """
    datasets = _optional("datasets", "reading from the Hugging Face hub", extra="huggingface")
    loaded: Any = datasets.load_dataset(path, subset, split=split, revision=revision)
    return cast("list[dict[str, Any]]", loaded.to_list())


def _optional(module: str, feature: str, *, extra: str) -> Any:
    """Import a library that is not always there, and that says nothing about its types."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(feature, extra) from None


def _text(path: Path) -> str:
    try:
        # Bytes, not text mode: line breaks inside quotes stay as they are. A byte order mark goes.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
