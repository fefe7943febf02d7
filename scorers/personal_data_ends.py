"""Where at the end of a text that goes on personal data may have begun: what comes before it can be let go."""

import re
from typing import Final

WINDOW: Final = 160
"""In characters; those without a width come on top. The longest finding with blanks is a phone number."""

_IBAN: Final = 48
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
    if _number.search(text, start) is None and _month.match(text, _last_word(text, start)) is None:
        return len(text)
    begun: int | None = None
    iban_until = 0
    for token in _token.finditer(text, start):
        word = token.group()
        if _number.search(word) is not None or _month.fullmatch(word) is not None:
            begun = token.start() if begun is None else begun
            if _iban.search(word) is not None:
                iban_until = token.end() + _IBAN
        elif begun is None or token.end() == len(text) or _goes_on.fullmatch(word) is not None:
            continue
        elif token.end() > iban_until and _letters.search(word) is not None:
            begun = None
    if begun is None:
        return len(text)
    return max(begun, len(text) - (WINDOW if text.isascii() else 4 * WINDOW))


def _last_word(text: str, start: int) -> int:
    end = len(text.rstrip())
    while end > start and not text[end - 1].isspace():
        end -= 1
    return end
