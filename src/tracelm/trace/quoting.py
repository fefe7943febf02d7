"""Secrets that an error may quote, and that only whoever raised it knows: a key of no known form, say."""

import weakref
from collections.abc import Iterator
from typing import Final, cast

from tracelm.trace.forms import REDACTED

_LEAST: Final = 8
"""A shorter key is a word such as `test` or `EMPTY`: hidden, it would tear holes into texts, and nothing is kept."""
_MOST_ERRORS: Final = 50
"""So many of those that an error came from, or holds, are asked."""

# By identity: an error need not be hashable, and its own `__dict__` is the program's, which may pickle or print it.
_secrets: Final[dict[int, tuple["weakref.ref[BaseException]", str]]] = {}


def may_quote(error: BaseException, secret: str) -> None:
    """Note that what an error says may hold a secret: it is hidden wherever the error is recorded.

    An error to which there are no weak references, as Python's own, is left alone: no provider made it.
    """
    if len(secret) < _LEAST:
        return
    key = id(error)

    def gone(reference: "weakref.ref[BaseException]") -> None:
        if _secrets.get(key, (None,))[0] is reference:
            del _secrets[key]

    try:
        _secrets[key] = weakref.ref(error, gone), secret
    except TypeError:
        return


def hide(text: str, secret: str) -> str:
    """Hide a secret in a text."""
    return text.replace(secret, REDACTED) if len(secret) >= _LEAST else text


def hide_quoted(text: str, error: BaseException) -> str:
    """Hide in a text what an error may quote, or one that it came from or holds."""
    if _secrets:
        for each in _all_of(error):
            reference, secret = _secrets.get(id(each), (None, ""))
            if reference is not None and reference() is each:
                text = hide(text, secret)
    return text


def _all_of(error: BaseException) -> Iterator[BaseException]:
    todo, seen = [error], set[int]()
    while todo and len(seen) < _MOST_ERRORS:
        each = todo.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            todo.extend(cast("BaseExceptionGroup[BaseException]", each).exceptions)
        todo.extend(other for other in (each.__cause__, each.__context__) if other is not None)
