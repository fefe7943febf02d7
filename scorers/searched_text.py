"""The text in which an output is searched: its own, or its JSON text when it is something else."""

import re
from collections.abc import Mapping, Set
from typing import Any, Final, cast

import orjson

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
_escape: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")


def searched_text(output: object) -> str:
    """Return what a detector reads of an output.

    Raises:
        TypeError: Nothing can be seen of what a value holds, so that nothing can be said about it.
    """
    return output if isinstance(output, str) else _json_text(output)


def _json_text(value: object) -> str:
    try:
        text = orjson.dumps(value, _plain, _OPTIONS).decode()
    except TypeError as error:
        if isinstance(error.__cause__, _Opaque):
            raise TypeError(
                f"a detector cannot look into a {error.__cause__}: return text, or a value made of it"
            ) from None
        text = repr(value)  # a cycle, lone surrogates, an int beyond 64 bit
    # A line break reads `\n` here: its letter must not touch the number behind it.
    return _escape.sub(lambda match: " " * len(match.group()), text)


def _plain(value: Any) -> Any:
    """Give orjson what an object holds; everything it holds, because what is left out is not looked at."""
    for method in ("model_dump", "to_dict"):  # pydantic; pandas and many clients
        dump = getattr(value, method, None)
        if callable(dump) and not isinstance(value, type):
            return dump()
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Set):
        return list(cast("Set[object]", value))
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="replace")
    kind = cast("type[Any]", type(value))
    slots = [name for each in kind.__mro__ for name in _slots(each) if hasattr(value, name)]
    held = {name: getattr(value, name) for name in slots} | getattr(value, "__dict__", {})
    said = _said(value)
    if said is None and not held:
        raise _Opaque(kind.__qualname__)
    return {**held, "": said} if held else said


def _slots(kind: type) -> tuple[str, ...]:
    names: str | tuple[str, ...] = kind.__dict__.get("__slots__", ())
    return tuple(name for name in ((names,) if isinstance(names, str) else names) if not name.startswith("__"))


def _said(value: object) -> str | None:
    """Return what an object says of itself; `None` when that is only its class and address."""
    kind = type(value)
    return None if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__ else str(value)


class _Opaque(Exception):  # noqa: N818 - not seen outside
    """What a value holds cannot be seen, so that nothing can be said about it."""
