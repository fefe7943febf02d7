"""A first look over encoded bytes that keeps the interpreter lock, and needs a fraction of a microsecond.

google-re2 gives the lock up while it searches. Beside a busy thread the caller then waits milliseconds to get it back,
for a search of microseconds. Pydantic, which comes with the clients that are recorded, checks the pattern of a text
with Rust's engine: it takes the same patterns, is linear as well, and keeps the lock.
"""

from collections.abc import Callable
from typing import Final

UP_TO_BYTES: Final = 32_768
"""Longer texts take more than 50 microseconds, and go to google-re2, which lets other threads work meanwhile."""


def first_look(pattern: str, closer: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return a function that says, by being true, that encoded JSON may hold what a pattern finds.

    Args:
        pattern: In the syntax that google-re2 and Rust share.
        closer: Says so by google-re2.
    """
    from pydantic_core import SchemaError, SchemaValidator

    try:
        finds = SchemaValidator({"type": "str", "pattern": pattern}).isinstance_python
    except SchemaError:  # so many names of the program that the pattern is too large
        return closer

    def may_hold(data: bytes) -> object:
        if len(data) > UP_TO_BYTES:
            return closer(data)
        return finds(data) or not (data.isascii() or _is_text(data))

    return may_hold


def _is_text(data: bytes) -> bool:
    """Say whether bytes are UTF-8: nothing is found in what is not."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
