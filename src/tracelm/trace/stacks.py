"""What is recorded of an exception: what it says, and where it came from, without any line of source code."""

import traceback
from collections.abc import Iterator
from typing import Final

_MAX_CHARACTERS: Final = 20_000
_MAX_CHAIN: Final = 50


def stack_of(error: BaseException) -> str:
    """Return the traceback of an exception with its causes: files, lines and functions, and what each of them says.

    Source code is left out, as are variables. Of a very long one the end is kept, which is where it happened.
    """
    found = traceback.TracebackException.from_exception(error, limit=-100, lookup_lines=False, capture_locals=False)
    for each in _chain(found):
        each.stack = traceback.StackSummary.from_list(
            [
                traceback.FrameSummary(frame.filename, frame.lineno, frame.name, lookup_line=False, line="")
                for frame in each.stack
            ]
        )
        if isinstance(getattr(each, "text", None), str):  # a SyntaxError quotes the line
            each.text = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    return "".join(found.format())[-_MAX_CHARACTERS:]


def _chain(first: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    todo, seen = [first], 0
    while todo and seen < _MAX_CHAIN:
        seen += 1
        each = todo.pop()
        yield each
        todo.extend(other for other in (each.__cause__, each.__context__) if other is not None)
        todo.extend(getattr(each, "exceptions", None) or ())
