"""The page that shows how values are recorded: examples, encoded for real."""

import datetime
import decimal
import enum
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from docs.sources import BAR

if TYPE_CHECKING:
    from tracelm.trace.media import MediaFolder


_PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


class Colour(enum.Enum):
    """An enum to show."""

    RED = "red"


@dataclass
class Customer:
    """A dataclass to show."""

    name: str
    password: str


class Point(NamedTuple):
    """A named tuple to show."""

    x: int
    y: int


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
        ("NaN, infinity", [float("nan"), float("inf"), float("-inf")]),
        ("a lone surrogate in a str", "a\ud800"),
        ("list, tuple", [1, (2, 3)]),
        ("set, frozenset (sorted)", {2, 1}),
        ("dict, any mapping; keys become text", {1: "a", "1": "b"}),
        ("named tuple: its fields", Point(1, 2)),
        ("range", range(10**9)),
        ("date, time, datetime", datetime.datetime(2026, 11, 21, 9, 30, tzinfo=datetime.UTC)),
        ("datetime with a zone", datetime.datetime(2026, 7, 1, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("`Decimal`, `UUID`", [decimal.Decimal("1.10"), uuid.UUID(int=5)]),
        ("path", PurePosixPath("data/rows.csv")),
        ("enum: its value", Colour.RED),
        ("dataclass, attrs class, pydantic model: its fields", Customer(name="Ada", password="open sesame")),  # noqa: S106
        ("any other object: its public attributes and slots", Ticket()),
        ("exception; also its cause and the members of a group", ValueError("no such row")),
        ("function, class: its full name", len),
        ("bytes: length and the first 1,000", b"ab"),
        ("an image or a sound in bytes, a data URL, an image of PIL", f"data:image/png;base64,{_PIXEL}"),
        ("numpy number, numpy array of up to 1,000 numbers", np.array([1, 2])),
        ("a larger one: shape, type, 10 numbers", np.zeros((1_000, 1_000), dtype="int8")),
        ("pandas DataFrame: shape, dtypes, 5 rows", pd.DataFrame({"a": [1, 2]})),
        ("pandas Series: length, dtype, 5 values", pd.Series([1, 2])),
        ("what holds itself", ring),
        ("a value under a secret name", {"api_key": "anything"}),
        ("a secret by its form", "use sk-abcdefghijklmnop1234 please"),
        ("a password in a connection string", "postgresql://app:hunter2@db/main"),
        ("a list that is too long", list(range(1_000))),
        ("a text that is too long", "x" * 400),
    )


def values_page() -> str:
    """Return the page, with values encoded as `tracelm` does it now."""
    from tracelm.trace.media import MediaFolder

    with TemporaryDirectory() as folder:
        media = MediaFolder(Path(folder), 1_000_000)
        rows = [_row(what, value, media) for what, value in _examples()]
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
    lines.extend(rows)
    return "\n".join(lines) + "\n\n" + _VALUES_TAIL


def _row(what: str, value: object, media: "MediaFolder") -> str:
    from tracelm.trace.values import encode

    text = str(encode(value, max_bytes=200, media=media)).replace("|", BAR)
    shown = re.sub(r"x{20,}", "xxx", re.sub(r"(2,3),[0-9,]{20,}(?=,)", r"\1,…", text))
    return f"| {what} | `{shown}` |"


_VALUES_TAIL: Final = """Everything else is recorded as its `repr`, cut at 1,000 characters: also generators, files,
locks and other objects that reading would change. Fields are read where they are kept: no method of your classes runs,
no property, no serializer.

- **Limits.** A value longer than `max_attribute_bytes` (64,000 unless [set](settings.md)) is cut and says what is
  missing; it stays JSON. The longest texts are cut first, then items of lists and mappings are left out: a conversation
  keeps its messages as long as it can, and is still one by the schemas of OpenTelemetry. What it costs does not grow
  with what is cut away. What lies deeper than 60 levels may be replaced by a remark.
- **Secrets** are taken out first, then the text is cut, so that no cut leaves half a secret behind. See
  [redaction](../explanation/redaction.md).
- **Media.** An image or a sound goes to `<home>/media/<aa>/<sha256>.<extension>`, once however often it is used; the
  value holds the reference. In messages to a model it is a part of type `uri`: `tracelm-media:sha256/<sha256>`. What is
  larger than `media_max_bytes` (20 MB) is described only, by a reference without `media`. Where content is not
  captured, no media are kept. A collector gets the references, not the files.
- **Failures.** A value that cannot be shown (its `__repr__` raises, say) is recorded as a remark that names the error.
  The program does not notice.
"""
