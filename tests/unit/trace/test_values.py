"""Any value becomes bounded JSON without secrets."""

import dataclasses
import datetime
import decimal
import enum
import pathlib
import uuid
import zoneinfo
from collections import UserDict, UserList, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import attrs
import numpy as np
import orjson
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.testing import Spans
from tracelm.trace.values import encode


class Movie(TypedDict):
    title: str


@attrs.define
class Car:
    wheels: int


class Slotted:
    __slots__ = ("_hidden", "shown")

    def __init__(self) -> None:
        self.shown = 1
        self._hidden = 2


class Settings(pydantic.BaseModel):
    url: str
    key: pydantic.SecretStr
    internal: int = pydantic.Field(default=1, exclude=True)


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
        (Point(1, 2), {"x": 1, "y": 2}),
        (Movie(title="Alien"), {"title": "Alien"}),
        (Car(4), {"wheels": 4}),
        (Slotted(), {"shown": 1}),
        (Settings(url="u", key=pydantic.SecretStr("hunter22")), {"url": "u", "key": "**********"}),
        (pydantic.RootModel[list[int]]([1]), [1]),
        (range(10**9), "range(0, 1000000000)"),
        (deque([1, 2]), [1, 2]),
        (UserDict({"a": 1}), {"a": 1}),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (datetime.timedelta(hours=1), "1:00:00"),
        (
            datetime.datetime(2026, 7, 1, 9, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
            "2026-07-01T09:00:00+02:00",
        ),
        (float("nan"), "NaN"),
        ([1.0, float("inf")], [1.0, "Infinity"]),
        ([float("-inf")] * 20, ["-Infinity"] * 20),
        ({"a": {"b": float("nan")}, "c": object}, {"a": {"b": "NaN"}, "c": "builtins.object"}),
        (np.array([1.0, np.nan]), [1.0, "NaN"]),
        ([2**64, -(2**63) - 1], [str(2**64), str(-(2**63) - 1)]),
        ({1: "a", "1": "b", (1, 2): "c"}, {"1": "a", "1 (2)": "b", "(1, 2)": "c"}),
        (tracelm, "<module tracelm>"),
        (complex(1, 2), "(1+2j)"),
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


def test_an_exception_is_recorded_with_its_causes() -> None:
    error = ValueError("gone")
    error.__cause__ = KeyError("k")
    assert read(error)["cause"] == {"type": "KeyError", "message": "'k'"}
    assert read(ExceptionGroup("both", [ValueError("a")]))["exceptions"] == [{"type": "ValueError", "message": "a"}]


class NoIteration(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("closed")

    def __len__(self) -> int:
        return 1


class NoText:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@dataclasses.dataclass
class Lazy:
    number: int

    def __getattribute__(self, name: str) -> Any:
        if name == "number":
            raise RuntimeError("detached")
        return object.__getattribute__(self, name)


def test_a_value_that_cannot_be_read_becomes_a_remark_and_its_neighbours_stay() -> None:
    value = {"mapping": NoIteration(), "fields": Lazy(1), "text": NoText(), "key": {NoText(): 1}, "good": 1}
    assert read(value) == {
        "mapping": f"[a {__name__}.NoIteration that cannot be shown: RuntimeError]",
        "fields": {"number": "[cannot be read: RuntimeError]"},
        "text": f"[a {__name__}.NoText that cannot be shown: RuntimeError]",
        "key": {f"[a {__name__}.NoText that cannot be shown]": 1},
        "good": 1,
    }


def test_bytes_that_hold_a_secret_are_not_shown() -> None:
    assert read(b"key sk-abcdefghijklmnop1234") == {"type": "bytes", "length": 27, "base64": "[redacted]"}


def test_inputs_are_recorded_as_they_were_at_the_call(spans: Spans) -> None:
    @tracelm.op
    def change(items: list[int]) -> int:
        items.clear()
        return 0

    change([1, 2])
    assert spans.one().attributes["input.value"] == '{"items":[1,2]}'


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


class CountedList(UserList[Any]):
    """Says how many of its items were read."""

    read = 0

    def __getitem__(self, index: Any) -> Any:
        type(self).read += 1
        return self.data[index]


class CountedDict(Mapping[str, int]):
    read = 0

    def __getitem__(self, key: str) -> int:
        type(self).read += 1
        return 1

    def __iter__(self) -> Iterator[str]:
        return (str(number) for number in range(len(self)))

    def __len__(self) -> int:
        return 1_000_000


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_no_more_items_are_read_than_are_shown(size: int) -> None:
    CountedList.read = CountedDict.read = 0
    assert "more items]" in encode(CountedList(range(size)), max_bytes=1_000)
    assert "more keys]" in encode(CountedDict(), max_bytes=1_000)
    assert CountedList.read < 200
    assert CountedDict.read < 200


def test_no_more_characters_are_searched_than_can_be_shown() -> None:
    from tracelm.trace.redact import Redactor

    seen: list[int] = []

    def note(text: str) -> str:
        seen.append(len(text))
        return text

    redactor = Redactor([note])
    value = {"a": {"b": {"c": ["x" * 5_000_000, "y" * 5_000_000]}}, "many": ["z" * 100] * 100_000}
    encode(value, max_bytes=10_000, redactor=redactor)
    assert sum(seen) < 1_500_000
    assert max(seen) < 20_000


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(10_000_000),
        np.zeros((1_000, 1_000)),
        pd.DataFrame({"a": np.zeros(1_000_000)}),
        pd.Series(np.zeros(1_000_000)),
        range(10**9),
        b"x" * 10_000_000,
        dict.fromkeys(range(100_000)).values(),
        "x" * 50_000_000,
        {"deep": [{"deeper": "x" * 50_000_000}]},
        10**100_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_huge_value_is_described_and_not_copied(value: object) -> None:
    import tracemalloc

    encode(value, max_bytes=10_000)  # imports are not its cost
    tracemalloc.start()
    try:
        text = encode(value, max_bytes=10_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(text) < 11_000
    assert peak < 2_000_000


def test_a_big_array_is_recorded_by_shape_type_and_head() -> None:
    assert read(np.arange(1_000_000).reshape(1_000, 1_000)) == {
        "type": "ndarray",
        "shape": [1_000, 1_000],
        "dtype": "int64",
        "head": list(range(10)),
    }


def _conversation(turns: int, length: int) -> list[Any]:
    return [{"role": "user", "parts": [{"type": "text", "content": "x" * length}]} for _ in range(turns)]


def test_a_long_conversation_keeps_its_messages_and_shortens_the_longest() -> None:
    value = [*_conversation(20, 10), *_conversation(2, 50_000)]
    found = read(value, max_bytes=10_000)
    assert [len(each["parts"][0]["content"]) for each in found[:20]] == [10] * 20
    assert len(found) == 22
    assert all("more characters]" in each["parts"][0]["content"] for each in found[20:])


@pytest.mark.parametrize("kind", ["input", "output"])
@pytest.mark.parametrize(("turns", "length"), [(3, 50_000), (5_000, 10), (300, 5_000)])
@pytest.mark.parametrize("max_bytes", [500, 1_234, 10_000])
def test_messages_that_were_cut_are_still_messages(
    kind: str, turns: int, length: int, max_bytes: int, shared: Path
) -> None:
    import jsonschema  # type: ignore[import-untyped]

    schema = orjson.loads((shared / "semconv" / f"gen-ai-{kind}-messages.json").read_bytes())
    value = _conversation(turns, length)
    if kind == "output":
        value = [each | {"role": "assistant", "finish_reason": "stop"} for each in value]
    found = read(value, max_bytes=max_bytes)
    jsonschema.validate(found, schema)
    assert "[cut: " in str(found)


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
    assert len(text.encode()) <= max_bytes * 8 + 4_000


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


@pytest.mark.parametrize("limit", range(300, 1_300, 50))
def test_a_conversation_is_still_one_of_messages_wherever_it_is_cut(limit: int) -> None:
    conversation = [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}, {"type": "tool_call", "name": "look", "id": "1"}]}
    ] * 30
    found = read(conversation, max_bytes=limit)
    assert len(found) < 30
    assert all({"role", "parts"} <= message.keys() for message in found)
    assert all("type" in part for message in found for part in message["parts"])
