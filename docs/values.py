"""The page that shows how values are recorded: examples, encoded for real."""

import datetime
import decimal
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from docs.sources import BAR


class Colour(enum.Enum):
    """An enum to show."""

    RED = "red"


@dataclass
class Customer:
    """A dataclass to show."""

    name: str
    password: str


class Ticket:
    """A plain object to show."""

    def __init__(self) -> None:
        self.number = 7
        self._cache: list[str] = []


def _examples() -> Iterator[tuple[str, object]]:
    import numpy as np
    import pandas as pd

    ring: list[Any] = []
    ring.append(ring)
    yield from (
        ("`None`, bool, int, float, str", [None, True, 1, 1.5, "text"]),
        ("an int beyond 64 bit", 2**70),
        ("NaN, infinity", float("nan")),
        ("a lone surrogate in a str", "a\ud800"),
        ("list, tuple", [1, (2, 3)]),
        ("set, frozenset (sorted)", {2, 1}),
        ("dict; keys become text", {1: "a"}),
        ("date, time, datetime", datetime.datetime(2026, 11, 21, 9, 30, tzinfo=datetime.UTC)),
        ("`Decimal`", decimal.Decimal("1.10")),
        ("path", PurePosixPath("data/rows.csv")),
        ("enum: its value", Colour.RED),
        ("dataclass, pydantic model: its fields", Customer(name="Ada", password="open sesame")),  # noqa: S106
        ("any other object: its public attributes", Ticket()),
        ("exception", ValueError("no such row")),
        ("function, class: its full name", len),
        ("bytes: length and the first 1,000", b"ab"),
        ("numpy array or number", np.array([1, 2])),
        ("pandas DataFrame: shape, dtypes, 5 rows", pd.DataFrame({"a": [1, 2]})),
        ("pandas Series: length, dtype, 5 values", pd.Series([1, 2])),
        ("what holds itself", ring),
        ("a value under a secret name", {"api_key": "anything"}),
        ("a secret by its form", "use sk-abcdefghijklmnop1234 please"),
        ("a password in a connection string", "postgresql://app:hunter2@db/main"),
        ("longer than `max_attribute_bytes`", "x" * 300),
    )


def values_page() -> str:
    """Return the page, with values encoded as `tracelm` does it now."""
    from tracelm.trace.values import encode

    lines = [
        "# How values are recorded",
        "",
        "What an op takes and returns stands on its span as JSON text, in `input.value` and `output.value`. It is "
        "encoded as it was at the call, before the function could change it. The function itself gets and returns "
        "the very same objects.",
        "",
        "| value | recorded as |",
        "|---|---|",
    ]
    for what, value in _examples():
        text = str(encode(value, max_bytes=100)).replace("|", BAR)
        shown = re.sub(r"x{20,}", "xxx", text)
        lines.append(f"| {what} | `{shown}` |")
    return "\n".join(lines) + "\n\n" + _VALUES_TAIL


_VALUES_TAIL: Final = """Everything else is recorded as its `repr`, cut at 1,000 characters: also generators, files,
locks and other objects that reading would change.

- **Limits.** A value longer than `max_attribute_bytes` (64,000 unless [set](settings.md)) is cut and says by how much;
  it stays JSON. What lies deeper than 60 levels is replaced by a remark.
- **Secrets** are taken out first, then the text is cut, so that no cut leaves half a secret behind. See
  [redaction](../explanation/redaction.md).
- **Failures.** A value that cannot be shown (its `__repr__` raises, say) is recorded as a remark that names the error.
  The program does not notice.
"""
