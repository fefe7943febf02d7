"""Values that nobody can look into without using them up, or that are not there yet."""

from collections.abc import AsyncIterable, Iterator, Mapping
from typing import Any, Final, cast

_MOST_ITEMS: Final = 1_000
_MOST_DEPTH: Final = 4


def opaque(value: object) -> str | None:
    """Say what in `value` a scorer cannot see: a stream, a context manager; `None` where there is nothing of it.

    A stream inside of a tuple or dict would be printed as its address, and pass.
    """
    return _opaque(value, 0)


def is_stream(value: object) -> bool:
    """Say whether a value is an iterator of something, sync or async."""
    return isinstance(value, Iterator | AsyncIterable)


def _opaque(value: object, depth: int) -> str | None:
    kind: type[Any] = type(value)
    if kind is str or value is None or kind in {int, float, bool, bytes}:
        return None
    if is_stream(value):
        return f"a stream ({kind.__name__})"
    if hasattr(kind, "__enter__") or hasattr(kind, "__aenter__"):
        return f"a context manager ({kind.__name__})"
    if hasattr(kind, "__await__"):
        return f"an awaitable ({kind.__name__})"
    if hasattr(value, "body_iterator"):
        return f"a streaming response ({kind.__name__})"
    if depth >= _MOST_DEPTH:
        return None
    if isinstance(value, Mapping):
        inside: Any = cast("Mapping[object, object]", value).values()
    elif isinstance(value, list | tuple | set | frozenset):
        inside = cast("Any", value)
    else:
        return None
    if len(inside) > _MOST_ITEMS:
        return None
    return next((found for each in inside if (found := _opaque(each, depth + 1)) is not None), None)
