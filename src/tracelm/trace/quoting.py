"""Secrets that an error may quote, and that only whoever raised it knows: a key of no known form, say."""

from typing import Final
from weakref import WeakKeyDictionary

from tracelm.trace.forms import REDACTED

_LEAST: Final = 8
"""A shorter key is a word such as `test` or `EMPTY`: hidden, it would tear holes into texts, and nothing is kept."""
_MOST_CAUSES: Final = 20

_secrets: Final[WeakKeyDictionary[BaseException, str]] = WeakKeyDictionary()


def may_quote(error: BaseException, secret: str) -> None:
    """Note that what an error says may hold a secret: it is hidden wherever the error is recorded.

    Raises:
        TypeError: No weak reference to such an error can be made.
    """
    if len(secret) >= _LEAST:
        _secrets[error] = secret


def hide_quoted(text: str, error: BaseException) -> str:
    """Hide in a text what an error, or one that it came from, may quote."""
    at: BaseException | None = error if _secrets else None
    for _ in range(_MOST_CAUSES):
        if at is None:
            break
        secret = _secrets.get(at)
        if secret is not None:
            text = text.replace(secret, REDACTED)
        at = at.__cause__ or at.__context__
    return text
