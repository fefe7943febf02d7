"""`frozen`: changed by nobody as far as type checkers can tell, and a plain dataclass when it runs."""

import dataclasses
from collections.abc import Mapping

import pytest

from tracelm.frozen import frozen


@frozen
class Point:
    """Somewhere."""

    x: int
    y: int = 0


@frozen
class Named:
    """Something with names."""

    names: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])


def test_fields_are_given_by_name() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_what_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(TypeError, match="Point: it needs x"):
        Point(y=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="Point: it has no z; its fields are x, y"):
        Point(x=1, z=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_default_that_is_made_is_one_for_all() -> None:
    assert Named() == Named(names={}) != Named(names={"a": 1})
    assert repr(Named()) == "Named(names={})"


def test_type_checkers_refuse_to_set_a_field() -> None:
    # Each of the two reports a remark that it does not need: this line must be a mistake to both.
    point = Point(x=1)
    point.x = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert point.x == 2


def test_a_changed_copy_leaves_the_first_as_it_was() -> None:
    point = Point(x=1)
    assert (dataclasses.replace(point, y=5), point) == (Point(x=1, y=5), Point(x=1))
