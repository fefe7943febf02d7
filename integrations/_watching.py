"""What is told when something is over that a program may also just forget: a response, a generator, a reader.

An answer that is read in pieces ends when it is closed; or is garbage; or, where the program holds it to its own end,
with that.
"""

import atexit
import itertools
import os
import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol


class Response(Protocol):
    """The part of an HTTP response that is used here; httpx and its successors have it."""

    extensions: dict[str, Any]

    def close(self) -> None:
        """Release the connection."""
        ...

    async def aclose(self) -> None:
        """Release the connection."""
        ...


_numbers: Final = itertools.count()  # never used again, as an identity would be
_watched: Final[dict[int, tuple["weakref.ref[Any]", Callable[[], None]]]] = {}


def watch(response: Response, closed: Callable[[], None], **instead: Any) -> None:
    """Call `closed` when the response is closed, or is garbage.

    Args:
        response: What is watched.
        closed: Must not hold the response, or it would never be garbage.
        instead: What stands in front of further methods of the response until it is closed.
    """
    # Names in the instance's own dictionary, in front of the methods: its class stays as it is. They hold the response
    # as its methods do; a weak reference would be dead when a forgotten generator closes it at last. They go with the
    # first close: as long as they stand there, only the collector can free the response.
    instance = vars(response)
    original_close, original_aclose = response.close, getattr(response, "aclose", None)

    def close() -> None:
        try:
            original_close()
        finally:
            over()

    async def aclose() -> None:
        try:
            if original_aclose is not None:
                await original_aclose()
        finally:
            over()

    def over() -> None:
        while ours:
            name, method = ours.popitem()
            if instance.get(name) is method:
                del instance[name]
        forgotten()

    ours: dict[str, Any] = {**instead, "close": close}
    if original_aclose is not None:
        ours["aclose"] = aclose
    forgotten = watch_held(response, closed)
    instance.update(ours)


def watch_held(held: object, gone: Callable[[], None]) -> Callable[[], None]:
    """Call `gone`, once, when something is garbage.

    Args:
        held: What is watched.
        gone: Must not hold it, or it would never be garbage.

    Returns:
        What treats it as garbage at once.
    """

    def forgotten(_reference: object = None) -> None:
        if _watched.pop(key, None) is not None:
            gone()

    reference = weakref.ref(held, forgotten)
    key = next(_numbers)
    _watched[key] = reference, gone
    return forgotten


@atexit.register
def end_watched() -> None:
    """Treat every response that is still held somewhere as forgotten: recording is about to stop."""
    for key in list(_watched):
        found = _watched.pop(key, None)
        if found is not None:
            found[1]()


# What the parent holds ends there: a child that ends, or collects its garbage, would write it a second time.
os.register_at_fork(after_in_child=_watched.clear)
