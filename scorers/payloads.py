"""Texts inside of a text: written in base64, hex, URL escapes, rot13, digits for letters, or invisible characters.

Bounded: no more than `MOST` pieces of a kind are decoded, none of more than `MOST_CHARS` characters, two deep.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

MOST: Final = 64
MOST_CHARS: Final = 20_000
_DEPTH: Final = 2
_base64: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}", re.ASCII)
_hex: Final = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:]?){10,}", re.ASCII)
_escaped: Final = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9+._~-]){4,}", re.ASCII)
_tags: Final = re.compile("[\U000e0020-\U000e007e]{4,}")
_LEET: Final = str.maketrans("0134578@$!|+", "oieastbasiit")
_ROT13_COMMON: Final = re.compile(
    r"\b(?:gur|naq|lbhe?|nyy|vtaber|cerivbhf|vafgehpgvbaf?|flfgrz|cebzcg)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Payload:
    """A text that was inside of another.

    Attributes:
        start: Where its coded form begins, in characters.
        end: Where it ends, exclusive.
        text: What it says.
        kind: How it was hidden.
    """

    start: int
    end: int
    text: str
    kind: str


def payloads(text: str) -> Iterator[Payload]:
    """Yield what can be decoded in a text."""
    yield from _nested(text, 0)
    if _ROT13_COMMON.search(text):
        yield Payload(0, len(text), codecs.encode(text[:MOST_CHARS], "rot13"), "ROT13")
    plain = text[:MOST_CHARS].translate(_LEET)
    if plain != text[:MOST_CHARS]:
        yield Payload(0, len(text), plain, "LEETSPEAK")
    spelled = _spelled(text[:MOST_CHARS])
    if spelled:
        yield Payload(0, len(text), spelled, "SPACED_LETTERS")


def _nested(text: str, depth: int) -> Iterator[Payload]:
    for found in _decoded(text):
        yield found
        if depth + 1 < _DEPTH:
            for inner in _nested(found.text, depth + 1):
                yield Payload(found.start, found.end, inner.text, inner.kind)


def _decoded(text: str) -> Iterator[Payload]:
    for match in _first(_tags, text):
        hidden = "".join(chr(ord(char) - 0xE0000) for char in match.group())
        yield Payload(*match.span(), hidden, "TAG_CHARACTERS")
    for match in _first(_base64, text):
        yield from _printable(match, _from_base64(match.group()), "BASE64")
    for match in _first(_hex, text):
        digits = re.sub(r"0x|\\x|[ ,:]", "", match.group())
        yield from _printable(match, bytes.fromhex(digits[: len(digits) // 2 * 2]), "HEX")
    if text.count("%") > 2:
        for match in _first(_escaped, text):
            if match.group().count("%") > 2:
                yield Payload(*match.span(), unquote(match.group().replace("+", " ")), "URL_ESCAPES")


def _first(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for count, match in enumerate(pattern.finditer(text)):
        if count == MOST:
            return
        if match.end() - match.start() <= MOST_CHARS:
            yield match


def _from_base64(found: str) -> bytes:
    plain = found.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _printable(match: re.Match[str], data: bytes, kind: str) -> Iterator[Payload]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if len(text) >= 8 and sum(char.isalnum() or char.isspace() for char in text) >= 0.75 * len(text):
        yield Payload(*match.span(), text, kind)


_letters: Final = re.compile(r"(?:\b[A-Za-z]\b[ .*_-]{1,3}){6,}[A-Za-z]\b", re.ASCII)


def _spelled(text: str) -> str:
    """Return letters that stand apart as the words that they spell; two blanks are a blank."""
    parts = [re.sub(r"(?<=\w)[ .*_-](?=\w)", "", match.group()) for match in _first(_letters, text)]
    return " ".join(re.sub(r"\s+", " ", part) for part in parts)
