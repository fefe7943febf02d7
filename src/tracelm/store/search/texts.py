"""Which texts of a record are searched, and as what: the texts that a JSON value holds, not its spelling."""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import orjson

from tracelm.errors import DecodeError
from tracelm.otlp.decode import decode_spans
from tracelm.otlp.records import AnyValue, request_line
from tracelm.store.record import text_of

_SEARCHED: Final = (
    *("input", "output", "gen_ai.input", "gen_ai.output", "gen_ai.system_instructions", "gen_ai.prompt"),
    *("gen_ai.completion", "gen_ai.tool.call", "gen_ai.request.messages", "llm.input", "llm.output", "llm.prompt"),
    *("llm.completions", "ai.prompt", "ai.response", "ai.toolCall", "langfuse.observation.input"),
    *("langfuse.observation.output", "traceloop.entity", "all_messages_events", "request_data", "response_data"),
)
"""How the keys of what went in and came out begin, in the dialects that are read."""
_SEPARATOR: Final = "\x1e"
"""Stands between two texts: no line break, with which what is looked for may begin or end."""


def fold(text: str) -> str:
    """Return a text as it is compared: in lower case, and without NUL."""
    return text.lower().replace("\0", " ")


def spelled(text: str) -> bytes | None:
    """Return how a text that was folded stands in JSON, in lower case; `None` where that may be in several ways.

    So it is with what JSON escapes, with letters of two forms outside of ASCII, and with what may be a number, which
    is read and written anew.
    """
    plain = text.isprintable() and not any(char in '"\\/' for char in text)
    cased = any(not char.isascii() and (char.upper(), char.lower()) != (char, char) for char in text)
    is_word = any(char.isalpha() and char != "e" for char in text)
    return text.encode() if plain and is_word and not cased else None


def may_have(body: bytes, text: bytes | None) -> bool:
    """Say whether a record may have a text, soon: without reading the record's JSON.

    Args:
        body: The record, OTLP/JSON.
        text: As `spelled` gives it.
    """
    if text is None:
        return True
    return (text in body.lower() and text in _KEYS.sub(b"", body).lower()) or any(map(body.__contains__, _SPELL_OTHERS))


_KEYS: Final = re.compile(rb'"(?:key|traceId|spanId|parentSpanId)":"[^"\\]*"')
"""What is not searched and stands in every record; no text holds it like this: its quotation marks are escaped."""
_SPELL_OTHERS: Final = (b"\\u", "\N{KELVIN SIGN}".encode(), "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}".encode())
"""With these in it, text may stand in other bytes: an escape, and the capitals whose small letter is in ASCII."""


def text_of_record(body: bytes) -> str:
    """Return what is searched of a span's own record: its name, its errors, and short inputs and outputs.

    Args:
        body: The record, OTLP/JSON, with `null` where long texts were.
    """
    try:
        found = decode_spans(request_line("spans", b"{}", b"{}", body))
        span = found.records[0]
    except (DecodeError, IndexError):
        return ""
    texts = [span.name, span.status_message]
    for event in span.events:
        texts += _of_values(event.attributes, all_keys=True)
    texts += _of_values(span.attributes, all_keys=False)
    return fold(_SEPARATOR.join(texts))


def text_of_piece(piece: bytes) -> str:
    """Return what is searched of a piece of contents."""
    return fold(_readable(text_of(piece)))


def _of_values(attributes: dict[str, AnyValue], *, all_keys: bool) -> Iterator[str]:
    for key, value in attributes.items():
        if isinstance(value, str) and value and (all_keys or key.startswith(_SEARCHED)):
            yield _readable(value)
        elif isinstance(value, list) and (all_keys or key.startswith(_SEARCHED)):
            yield _SEPARATOR.join(_leaves(value))


def _readable(text: str) -> str:
    if text[:1] not in {"[", "{", '"'}:
        return text
    try:
        return _SEPARATOR.join(_leaves(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return text


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers in a value."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            stack.extend(reversed(list(cast("dict[str, Any]", one).values())))
        elif isinstance(one, list):
            stack.extend(reversed(cast("list[Any]", one)))
        elif one is not None and not isinstance(one, bool | bytes):
            yield str(one)
