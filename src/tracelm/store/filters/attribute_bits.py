"""A span's attributes in two numbers, so that a filter about an attribute reads the records of few spans.

A Bloom filter: each attribute sets bits for its key, and for its key with its value. A span that lacks a bit of what is
asked does not have it; the record is read of those that lack none. Left out are attributes with columns or long texts,
which have filters of their own, and what describes our own work: they would fill the bits of every span.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final
from zlib import crc32

from sqlalchemy import ColumnElement, and_, or_

from tracelm import semconv
from tracelm.otlp.records import AnyValue
from tracelm.store.filters.syntax import Literally, Matches, Pattern, Term, Value
from tracelm.store.tables import SPANS

_WORD: Final = 63  # bits of a number: databases have none without a sign
_SIZE: Final = 2 * _WORD
_MASK: Final = (1 << _WORD) - 1
_LONGEST: Final = 64  # characters of a value that is told from others
_LEFT_OUT: Final = ("tracelm.", "gen_ai.usage.", "code.")
_KEYS_LEFT_OUT: Final = frozenset(
    {
        *(semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE),
        *(semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.SYSTEM_INSTRUCTIONS, semconv.TOOL_DEFINITIONS),
        *(semconv.ERROR_TYPE, semconv.OPERATION_NAME, semconv.PROVIDER_NAME, semconv.REQUEST_MODEL),
        *(semconv.RESPONSE_MODEL, semconv.SESSION_ID, semconv.CONVERSATION_ID, semconv.USER_ID),
    }
)


def bits_of(attributes: Mapping[str, AnyValue]) -> tuple[int, int]:
    """Return the bits of a span's own attributes, in two numbers of 63."""
    found = 0
    for key, value in attributes.items():
        if is_left_out(key):
            continue
        if isinstance(value, list):
            found |= _of_attribute(key, None)
            for each in value:
                found |= _of_attribute(key, _told_apart(each))
        else:
            found |= _of_attribute(key, _told_apart(value))
    return _split(found)


def is_left_out(key: str) -> bool:
    """Say whether an attribute sets no bits, so that they say nothing of it."""
    return key in _KEYS_LEFT_OUT or key.startswith(_LEFT_OUT)


def may_hold(term: Term) -> ColumnElement[bool] | None:
    """Return what the bits say of a term about an attribute.

    Returns:
        A condition over `SPANS` that every span meets of which the term is true; `None` where the bits say nothing.
    """
    key = term.name.key or ""
    if is_left_out(key):
        return None
    seed, of_key = _of_key(key)
    masks = {of_key | of_value for of_value in _asked(seed, term)}
    return or_(SPANS.c.attribute_bits_low.is_(None), *map(_has, sorted(masks)))


def _has(bits: int) -> ColumnElement[bool]:
    low, high = _split(bits)
    return and_(
        SPANS.c.attribute_bits_low.bitwise_and(low) == low,
        SPANS.c.attribute_bits_high.bitwise_and(high) == high,
    )


def _split(bits: int) -> tuple[int, int]:
    return bits & _MASK, bits >> _WORD


def _told_apart(value: AnyValue) -> bool | int | float | str | None:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else None
    return value if isinstance(value, bool | int | float) else None


@lru_cache(maxsize=16_384, typed=True)  # most values come again, and 1 is not True
def _of_attribute(key: str, value: bool | int | float | str | None) -> int:
    seed, of_key = _of_key(key)
    if value is None:
        return of_key | _of_text(seed, "")
    return of_key | (_of_text(seed, str(value).lower()) if isinstance(value, bool | str) else _of_number(seed, value))


def _of_key(key: str) -> tuple[int, int]:
    """Return what the values of a key begin with, and its bits."""
    seed = crc32(_encoded(key))
    return seed, 1 << seed % _SIZE | 1 << (seed >> 16) % _SIZE


def _asked(seed: int, term: Term) -> Iterator[int]:
    """Yield bits of which a span has to have one set, besides those of the key."""
    if not isinstance(term, Matches) or any(isinstance(value, Pattern) for value in term.values):
        yield 0
        return
    yield _of_text(seed, "")  # what is long or no plain value
    for value in term.values:
        yield from _of_wanted(seed, value)


def _of_wanted(seed: int, value: Value) -> Iterator[int]:
    if isinstance(value, int | float):
        yield _of_number(seed, value)
    elif isinstance(value, Literally):
        yield _of_text(seed, value.text.lower())
        try:
            yield _of_number(seed, float(value.text))
        except ValueError:
            return  # no number is spelled in this way


def _of_number(seed: int, value: float) -> int:
    try:
        return _of_bytes(seed, repr(float(value) + 0.0).encode())  # -0.0 is 0.0
    except OverflowError:
        return _of_text(seed, "")


def _of_text(seed: int, text: str) -> int:
    return _of_bytes(seed, b"'" + _encoded(text) if len(text) <= _LONGEST else b"'")


def _of_bytes(seed: int, token: bytes) -> int:
    found = crc32(token, seed)
    return 1 << found % _SIZE | 1 << (found >> 8) % _SIZE | 1 << (found >> 16) % _SIZE


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
