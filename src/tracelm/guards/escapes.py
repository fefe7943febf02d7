"""What the escapes of a JSON text hide: a model may write an at sign as a code point."""

import json
from collections.abc import Generator, Sequence
from typing import Any, Final

from tracelm.guards.channel import Channel
from tracelm.guards.pieces import Request
from tracelm.guards.tally import Tally

REDACTED: Final = '"[REDACTED]"'
"""Stands for a JSON text that hides something: where in it that stands cannot be told, so all of it goes."""


def unescaped(text: str) -> str | None:
    """Return a JSON text without its escapes; `None` where it has none, or is no JSON."""
    if "\\" not in text:
        return None
    try:
        plain = json.dumps(json.loads(text), ensure_ascii=False).replace('\\"', '"')
    except ValueError:
        return None
    return None if plain == text else plain


def judged_whole(tallies: Sequence[Tally], text: str) -> Generator[Request, Any, str]:
    """Judge a text that is there to its end, also without its escapes; return what may go on of it."""
    released = yield from Channel(tallies).feed(text, is_last=True)
    plain = unescaped(text) if released == text else None
    if plain is not None and (yield from Channel(tallies).feed(plain, is_last=True)) != plain:
        return REDACTED
    return released
