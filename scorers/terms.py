"""The scorer that finds words that a program does not want to say: topics, competitors, insults."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

from tracelm.errors import ConfigError
from tracelm.scorers.detector import Detector, Found, apart
from tracelm.scorers.folding import fold_letters
from tracelm.scorers.searched_text import searched_text
from tracelm.scoring.score import Score

if TYPE_CHECKING:
    import re2

_label: Final = re.compile(r"[A-Z0-9_]{1,40}")
_BETWEEN_WORDS: Final = r"[\s._-]{0,3}"
_BETWEEN_LETTERS: Final = r"[\s.*_-]{1,2}"
_DIGITS: Final = {"o": "o0", "i": "i1!|", "l": "l1|", "e": "e3", "a": "a4@", "s": "s5$", "t": "t7+", "b": "b8"}
"""What stands for a letter. Only beside letters: a term of digits is taken as it is."""


@dataclass(frozen=True, kw_only=True)
class BannedTerms(Detector):
    """True when the output holds none of the given terms.

    Terms are whole words or phrases. Capitals, accents, letters that only look Latin, characters without a width,
    digits in place of letters (`4cme`) and letters that are spelled out (`A c m e`, `a.c.m.e`) do not hide them. Other
    forms of a word are other terms: give them too. No list comes with tracelm: what must not be said is yours to say.

    Args:
        terms: At least one, each with a letter or digit.
        label: What the spans are called and masks show, in capitals, such as `COMPETITOR` or `INSULT`.

    Raises:
        ConfigError: No term, an empty one, or a label that is not of capitals, digits and `_`.

    Example:
        >>> rival = BannedTerms(terms=("Acme Corp",), label="COMPETITOR")
        >>> rival.score(output="Try ACME-Corp instead.").details["spans"]
        [{'start': 4, 'end': 13, 'type': 'COMPETITOR'}]
    """

    terms: tuple[str, ...]
    label: str = "BANNED_TERM"
    MAX_CHARS: ClassVar[int] = 5_000_000
    revision: ClassVar[int] = 1
    """Raised when the same text is judged differently: part of the scorer's version."""

    def __post_init__(self) -> None:
        if isinstance(self.terms, str):
            raise ConfigError(f"terms={self.terms!r} is one str: write terms=({self.terms!r},)")
        object.__setattr__(self, "terms", tuple(self.terms))
        if not self.terms or not all(any(map(str.isalnum, term)) for term in self.terms):
            raise ConfigError(f"terms={self.terms!r} says nothing: give at least one, each with a letter or digit")
        if not _label.fullmatch(self.label):
            raise ConfigError(f"label={self.label!r} cannot work: use capitals, digits and _, such as 'COMPETITOR'")
        if _pattern(self.terms).search(fold_letters(self.label).text):
            raise ConfigError(f"label={self.label!r} holds one of the terms, so that a mask would be refused again")

    @property
    def window(self) -> int:
        """The longest term, spelled out."""
        return 3 * max(map(len, self.terms)) + 8

    def score(self, *, output: object) -> Score:
        """Look through `output`; a value that is not a str is searched in its JSON text."""
        text = searched_text(output)
        folded = fold_letters(text[: self.MAX_CHARS])
        found: list[Found] = []
        for match in _pattern(self.terms).finditer(folded.text):
            start, end = match.span()
            if not (_touches(folded.text, start - 1, start) or _touches(folded.text, end, end - 1)):
                found.append(Found(*folded.span(start, end), self.label))
        return self.verdict(text, apart(found))


def _touches(text: str, outside: int, inside: int) -> bool:
    """Say whether a word runs on beyond the end of a match. Only letters of scripts that part words by blanks do."""
    if not 0 <= outside < len(text):
        return False
    beside, edge = text[outside], text[inside]
    return edge.isalnum() and beside.isalnum() and ord(beside) < 0x2E80 and ord(edge) < 0x2E80


@lru_cache(maxsize=256)
def _pattern(terms: tuple[str, ...]) -> "re2.Pattern[str]":
    import re2

    # The longest first: where two begin together, the whole phrase is taken out.
    return re2.compile("|".join(_spelled(term) for term in sorted(terms, key=len, reverse=True)))


def _spelled(term: str) -> str:
    words = ["".join(filter(str.isalnum, word)) for word in re.split(r"[\s._-]+", fold_letters(term).text)]
    words = [word for word in words if word]
    letters = [[_letter(char, word) for char in word] for word in words]
    close = _BETWEEN_WORDS.join("".join(each) for each in letters)
    if sum(map(len, words)) < 3:
        return close
    apart_ = _BETWEEN_LETTERS.join(each for word in letters for each in word)
    return f"{close}|{apart_}"


def _letter(char: str, word: str) -> str:
    alike = _DIGITS.get(char, char) if len(word) > 2 else char
    return re.escape(char) if len(alike) == 1 else f"[{''.join(re.escape(each) for each in alike)}]"
