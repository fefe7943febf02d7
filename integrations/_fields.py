"""Reading what a client sends and gets: JSON values and a client's objects alike, and nothing need be there."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

_MISSING: Final[Any] = object()
_LISTS: Final = (list, tuple)
_NOTHING: Final[Mapping[str, object]] = {}


def field(value: object, name: str) -> object:
    """Read a key of a mapping or an attribute of an object; `None` where it is missing."""
    if value is None:
        return None
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


def fields(value: object) -> Mapping[str, object]:
    """Return all fields of a mapping or of a client's object, to look at several of them; none of anything else.

    It is the way to read what comes often: one look instead of one for each field.
    """
    if value is None:
        return _NOTHING
    found: Any = value  # no `cast`, which is a call: this is on the way of each chunk of a stream, three times
    if isinstance(value, dict):
        return found  # type: ignore[no-any-return]
    extra: Any = getattr(found, "__pydantic_extra__", _MISSING)
    if extra is _MISSING:
        is_mapping = isinstance(value, Mapping)
        return found if is_mapping else {}
    declared: Any = found.__dict__
    return {**declared, **extra} if extra else declared


def items(value: object) -> Sequence[object]:
    """Return a list as it is, and nothing for anything else: iterators belong to the program."""
    found: Any = value
    return found if isinstance(value, _LISTS) else ()


def text(value: object) -> str | None:
    """Return a string that says something, else `None`."""
    if type(value) is str:
        return value or None
    # An enum that is a string as well is written as its value; its own `str()` is its name.
    return str.__str__(value) if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Return a whole number, else `None`; true and false are none."""
    if value is None or type(value) is int:
        return value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """Return a number, else `None`; also for a whole number that is too large for one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def plain(value: object) -> dict[str, object]:
    """Return the fields of a mapping or of a client's object that are set; of anything else nothing."""
    return {name: each for name, each in fields(value).items() if each is not None}
