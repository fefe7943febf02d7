"""Answers that a framework hands out as generators: which of them runs here.

A framework may ask the client only when the program takes the first piece, long after the framework said that the
call begins, and in whatever context the program is then. That the client is asked inside of the generator tells whose
call it is: the generator's frame is on the stack.
"""

import inspect
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracelm.integrations._call import Call

_held: Final[dict[int, tuple["weakref.ref[Any]", "Call"]]] = {}


def is_generator(value: Any) -> bool:
    """Say whether it is a generator, or an asynchronous one."""
    return isinstance(value, Generator | AsyncGenerator)


def hold(generator: Any, call: "Call") -> Callable[[], None]:
    """Let what happens inside of a generator belong to a call; the generator is not kept alive.

    Returns:
        What ends that.
    """
    reference = weakref.ref(generator)
    key = id(reference)
    _held[key] = reference, call

    def release() -> None:
        _held.pop(key, None)

    return release


def running() -> "Call | None":
    """Return the call whose generator runs here: the innermost one on the stack."""
    if not _held:
        return None
    frames: dict[FrameType, Call] = {}
    for reference, call in list(_held.values()):
        generator: Any = reference()
        way = "ag" if hasattr(generator, "ag_frame") else "gi"
        frame = getattr(generator, f"{way}_frame", None) if getattr(generator, f"{way}_running", False) else None
        if frame is not None:
            frames[frame] = call
    frame = inspect.currentframe() if frames else None
    while frame is not None:
        if frame in frames:
            return frames[frame]
        frame = frame.f_back
    return None
