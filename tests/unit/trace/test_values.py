"""Any value becomes bounded JSON without secrets."""

import dataclasses
import datetime
import decimal
import enum
import pathlib
import uuid
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelm.trace.values import encode


class Point(NamedTuple):
    x: int
    y: int


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Order:
    number: int
    customer: str


class Reply(pydantic.BaseModel):
    text: str


class Plain:
    def __init__(self) -> None:
        self.shown = 1
        self._hidden = 2


class Raises:
    __slots__ = ()

    def __repr__(self) -> str:
        raise RuntimeError("no")


def read(value: object, max_bytes: int = 10_000) -> Any:
    return orjson.loads(str(encode(value, max_bytes=max_bytes)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("häß\n", "häß\n"),
        ({"a": [1, (2, 3)]}, {"a": [1, [2, 3]]}),
        ({1: "int key", None: "none key"}, {"1": "int key", "null": "none key"}),
        ({3, 1, 2}, [1, 2, 3]),
        (b"abc", {"type": "bytes", "length": 3, "base64": "YWJj"}),
        (Color.RED, "red"),
        (Order(1, "ada"), {"number": 1, "customer": "ada"}),
        (Reply(text="hi"), {"text": "hi"}),
        (Point(1, 2), [1, 2]),
        (Plain(), {"shown": 1}),
        (ValueError("gone"), {"type": "ValueError", "message": "gone"}),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (datetime.date(2026, 11, 21), "2026-11-21"),
        (datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC), "2026-11-21T00:00:00+00:00"),
        (int, "builtins.int"),
        (len, "builtins.len"),
        (np.arange(3), [0, 1, 2]),
        (np.float64(0.5), 0.5),
        (2**70, str(2**70)),
        ("\ud800", "?"),
        (Raises(), f"[a {__name__}.Raises that cannot be shown: RuntimeError]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_recorded_as(value: object, expected: object) -> None:
    assert read(value) == expected


def test_a_table_is_recorded_by_shape_types_and_head() -> None:
    found = read(pd.DataFrame({"a": range(100), "b": "x"}))
    assert (found["type"], found["shape"]) == ("DataFrame", [100, 2])
    assert found["dtypes"]["a"] == "int64"
    assert found["head"][0] == {"a": 0, "b": "x"}
    assert len(found["head"]) == 5


def test_a_value_that_holds_itself_is_cut_at_the_cycle() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert read(loop) == [1, "[cycle: a list that holds itself]"]


def test_ten_thousand_levels_of_nesting_are_cut_with_a_mark() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert "[cut: a list at depth 60]" in encode(deep, max_bytes=10_000)


def test_a_long_string_is_cut_and_says_how_much_is_missing() -> None:
    assert read("x" * 5_000, max_bytes=100) == "x" * 100 + "… [cut: 4,900 more characters]"


def test_long_lists_and_mappings_are_cut_and_stay_json() -> None:
    assert read(list(range(1_000)), max_bytes=100)[-1].endswith("more items]")
    assert read({str(i): i for i in range(1_000)}, max_bytes=100)["…"].endswith("more keys]")


def test_no_limit_cuts_nothing() -> None:
    assert read("x" * 500_000, max_bytes=0) == "x" * 500_000


def test_a_secret_across_the_cut_is_not_left_behind_in_half() -> None:
    key = "sk-" + "a1b2c3d4" * 5
    text = "x" * 90 + " " + key
    assert "a1b2" not in encode(text, max_bytes=100)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
)


@given(JSON, st.integers(10, 2_000))
def test_whatever_comes_is_json_and_about_as_long_as_allowed(value: object, max_bytes: int) -> None:
    text = str(encode(value, max_bytes=max_bytes))
    orjson.loads(text)
    # Each cut leaves a mark behind, and a container that was begun is closed.
    assert len(text.encode()) <= max_bytes * 8 + 500


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    )
)
def test_plain_json_comes_back_as_it_went_in(value: object) -> None:
    encoded = str(encode(value, max_bytes=0))
    if "[redacted]" not in encoded:
        assert orjson.loads(encoded) == value
