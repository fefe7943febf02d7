"""Reading what a client sends and gets: JSON values and a client's objects alike, and nothing need be there."""

from collections.abc import Mapping, Sequence
from typing import cast


def field(value: object, name: str) -> object:
    """Read a key of a mapping or an attribute of an object; `None` where it is missing."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value).get(name)
    # A client's objects are pydantic models, slow to say that they lack something; and each chunk is asked often.
    extra = cast("dict[str, object] | None", getattr(value, "__pydantic_extra__", None))
    if extra is not None:
        found = cast("dict[str, object]", value.__dict__).get(name)
        return extra.get(name) if found is None else found
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(name)
    return getattr(value, name, None)


def items(value: object) -> Sequence[object]:
    """Return a list as it is, and nothing for anything else: iterators belong to the program."""
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def text(value: object) -> str | None:
    """Return a string that says something, else `None`."""
    # An enum that is a string as well is written as its value; its own `str()` is its name.
    return str.__str__(value) if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Return a whole number, else `None`; true and false are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """Return a number, else `None`."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def plain(value: object) -> dict[str, object]:
    """Return the fields of a mapping or of a client's object that are set; of anything else nothing."""
    if isinstance(value, Mapping):
        found = cast("Mapping[str, object]", value)
        return {name: each for name, each in found.items() if each is not None}
    if not hasattr(value, "__pydantic_extra__"):
        return {}
    known = cast("dict[str, object]", value.__dict__)
    extra = cast("dict[str, object]", getattr(value, "__pydantic_extra__", None) or {})
    return {name: each for name, each in (known | extra).items() if each is not None}
