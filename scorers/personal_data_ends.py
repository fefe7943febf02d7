"""Where at the end of a text that goes on personal data may have begun: what comes before it can be let go."""

import re
from collections.abc import Iterable
from typing import Final

from tracelm.scorers.folding import fold

WINDOW: Final = 160
"""In characters; those without a width come on top. The longest finding with blanks is a phone number."""

_IBAN: Final = 48
_NEAR: Final = 128
"""Mostly it is told by the last words."""
_number: Final = re.compile(r"[\d+(\uff0b\uff08]")
_token: Final = re.compile(r"\S+")
_letters: Final = re.compile(r"[^\W\d_]+")
_month: Final = re.compile(r"\W*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\W*", re.IGNORECASE)
_iban: Final = re.compile(r"[A-Za-z]\W?[A-Za-z]\W?\d\W?\d")
_goes_on: Final = re.compile(
    r"\W*(?:of|st|nd|rd|th|x|ext|mobile|cell|phone|fax|office|landline)\W*|\W*[^\W\d_]{0,2}\W*", re.IGNORECASE
)
"""Words that may stand inside of a date or number, or behind it and make it one."""


def begins_at(text: str) -> int:
    """Return where the last number or date begins that may go on; the length of `text` where there is none.

    What has no blank in it (an address, a run of digits) is not told here: it ends at a blank.
    """
    start = max(len(text) - 4 * WINDOW, 0)
    if _number.search(text, start) is None and _month.match(_last_word(text[start:])) is None:
        return len(text)
    near = max(len(text) - _NEAR, start)
    begun = _begun(text, near, is_cut=near > start)
    if begun is None:
        begun = _begun(text, start, is_cut=False)
    if begun is None or begun == len(text):
        return len(text)
    return max(begun, len(text) - (WINDOW if text.isascii() else 4 * WINDOW))


def _begun(text: str, start: int, *, is_cut: bool) -> int | None:
    """Go back from the end to the word that ends all numbers before it; return where the first one behind it begins.

    Args:
        text: The text.
        start: How far to go back.
        is_cut: Whether there is more before `start`.

    Returns:
        A place, the length of `text` where no number is open; `None` where more of the text must be seen.
    """
    tokens = list(_token.finditer(text, start))
    begun = len(text)
    for index in range(len(tokens) - 1, -1, -1):
        if is_cut and index == 0:  # it may be half a word
            return None
        token = tokens[index]
        word = _plain(token.group())
        if _number.search(word) is not None or _month.fullmatch(word) is not None:
            begun = token.start()
        elif token.end() == len(text) or _goes_on.fullmatch(word) is not None or _letters.search(word) is None:
            continue
        else:
            if is_cut and tokens[0].end() >= token.end() - _IBAN:
                return None
            if not _is_within_iban(token, reversed(tokens[:index])):
                return begun
    return begun


def _is_within_iban(token: "re.Match[str]", before: Iterable["re.Match[str]"]) -> bool:
    """Say whether an IBAN begins so shortly before a word that it may be a part of it.

    Args:
        token: The word.
        before: Those before it, the nearest first.
    """
    for each in before:
        if each.end() < token.end() - _IBAN:
            return False
        if _iban.search(_plain(each.group())) is not None:
            return True
    return False


def _plain(word: str) -> str:
    """Return a word as `find` reads it: what has no width inside of it does not make it another word."""
    return word if word.isascii() else fold(word).text


def _last_word(text: str) -> str:
    """Return the last word that can be seen, as `find` reads it."""
    word = ""
    while text and not word:
        *before, last = text.rsplit(None, 1) or [""]
        text, word = "".join(before), _plain(last)
    return word
