"""Datasets, for any rows."""

import copy
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

import tracelm

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.decimals(allow_nan=False)
    | st.uuids()
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
ROWS = st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=5)


@given(ROWS)
def test_rows_survive_and_equal_rows_have_equal_digests(rows: list[dict[str, Any]]) -> None:
    given_ = tracelm.Dataset(name="any", rows=rows)
    assert given_.rows == rows
    again = tracelm.Dataset(name="any", rows=copy.deepcopy(given_.rows))
    assert again.digest == given_.digest
    assert again.row_digests == given_.row_digests


@given(VALUES, VALUES)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    def digest(value: Any) -> str:
        return tracelm.Dataset(name="any", rows=[{"x": value}]).digest

    assert (digest(one) == digest(other)) == (_told(one) == _told(other))


def _told(value: Any) -> str:
    # `repr` tells 1 from 1.0 and True; sorted pairs make equal dicts look equal.
    match value:
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return f"dict{sorted((key, _told(each)) for key, each in pairs)}"
        case list():
            return f"list{[_told(each) for each in cast('list[Any]', value)]}"
        case _:
            return f"{type(value).__name__} {value!r}"
