"""What the columns of a dataset must hold."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tracelm.errors import DatasetError

ColumnType: TypeAlias = type[Any] | tuple[type[Any], ...]

_SHOWN = 5


def check(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, ColumnType], *, name: str) -> None:
    """Hold rows against the types of their columns. A bool is no int here; an int may stand for a float.

    Args:
        rows: The rows.
        schema: For each column its type, or several: `{"question": str, "expected": (str, type(None))}`.
        name: The dataset's name, for the message.

    Raises:
        DatasetError: A column is missing or too many, or a cell has another type; the message names the first five.
    """
    columns = list(rows[0])
    missing = [column for column in schema if column not in columns]
    extra = [column for column in columns if column not in schema]
    if missing or extra:
        parts = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"has {', '.join(map(repr, extra))} besides"] if extra else []
        raise DatasetError(f"dataset {name!r} {' and '.join(parts)}: the schema names {', '.join(schema)}")
    wrong = [
        f"row {index}, column {column!r}: {type(row[column]).__name__} instead of {_named(kinds)}"
        for index, row in enumerate(rows)
        for column, kinds in schema.items()
        if not _fits(row[column], kinds)
    ]
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise DatasetError(
            f"dataset {name!r} does not fit its schema (rows counted from 0): {'; '.join(wrong[:_SHOWN])}{more}"
        )


def _fits(value: object, kinds: ColumnType) -> bool:
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    if isinstance(value, bool):
        return bool in wanted or object in wanted
    return isinstance(value, wanted) or (isinstance(value, int) and float in wanted)


def _named(kinds: ColumnType) -> str:
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join(each.__name__ for each in wanted)
