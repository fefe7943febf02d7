"""A text in the plain form in which it is searched, and the way back to where things stand in the original."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tracelm.scoring.invisible import is_invisible

Span: TypeAlias = tuple[int, int]

_GONE: Final = "\ue000"
"""Stands for what has no width until it is dropped: a character of private use, which no text is searched for."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A text to search.

    Attributes:
        text: Digits, blanks, dashes and letters of other widths as the plain ones; nothing without a width.
        places: Where each of its characters stands in the original; `None` where all stand as they did.
    """

    text: str
    places: Sequence[int] | None = None

    def span(self, start: int, end: int) -> Span:
        """Return where `text[start:end]` stands in the original."""
        if self.places is None or end <= start:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """Read a text as the eye does: other widths as the plain ones, and what has no width as not there."""
    return Folded(text) if text.isascii() else _without_gaps(text.translate(_PLAIN))


def fold_letters(text: str) -> Folded:
    """Do as `fold`, and read letters that only look Latin (Cyrillic, Greek, mathematical) as Latin ones, in lower case.

    For words that are known beforehand: it makes nonsense of a text that is really Greek.
    """
    return Folded(text.lower()) if text.isascii() else _without_gaps(text.translate(_LATIN))


def _without_gaps(text: str) -> Folded:
    if _GONE not in text:
        return Folded(text)
    places = [place for place, char in enumerate(text) if char != _GONE]
    return Folded(text.replace(_GONE, ""), places)


class _Plain(dict[int, str]):
    """Reads characters as their plain form, one for one, so that offsets stay."""

    def __missing__(self, point: int) -> str:
        plain = self[point] = self.read(chr(point))
        return plain

    def read(self, char: str) -> str:
        category = unicodedata.category(char)
        if category == "Nd":
            return str(unicodedata.decimal(char))
        if category == "Zs":
            return " "
        if category == "Pd" or char == "\N{MINUS SIGN}":
            return "-"
        if char == _GONE or category == "Cs":  # half of a pair: no encoding takes it
            return "?"
        if is_invisible(char):
            return _GONE
        return chr(ord(char) - 0xFEE0) if 0xFF01 <= ord(char) <= 0xFF5E else char


class _Latin(_Plain):
    """Reads letters as the Latin ones that they look like, too."""

    def read(self, char: str) -> str:
        plain = super().read(char)
        if plain == _GONE or plain.isascii():
            return plain.lower()
        if unicodedata.category(plain) == "Mn":  # an accent on the letter before
            return _GONE
        # Compatibility forms (mathematical, circled) first, then the letter below its accents.
        base = unicodedata.normalize("NFKD", plain)[:1].lower()
        return LOOKALIKES.get(base, base[:1] or plain)


def _pairs(latin: str, others: str) -> Mapping[str, str]:
    return dict(zip(others, latin, strict=True))


LOOKALIKES: Final[Mapping[str, str]] = {
    **_pairs("abeikmhopctxysjvgdqwln", "авеікмнорстхуѕјѵԍԁԛԝӏп"),  # Cyrillic
    **_pairs("abeiknovptxyuwcz", "αβεικηονρτχγυωςζ"),  # Greek
    **_pairs("aeouilgstd", "ɑɛᴏᴜıⅼɡꜱᴛᴅ"),  # small capitals, dotless and script letters
    **_pairs("hnuo", "һոսօ"),  # more Cyrillic; Armenian
}
"""Letters that pass for Latin ones to the eye. Put together by looking; far from all that Unicode has."""

_PLAIN: Final = _Plain()
_LATIN: Final = _Latin()
