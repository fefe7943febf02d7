"""Cuts a filter into words, quoted texts, operators and values. What a piece may hold depends on where it stands."""

import re
from typing import Final, NoReturn

from tracelm.errors import FilterError

MAX_LENGTH: Final = 4_000
"""Characters of a filter."""

OPERATOR: Final = re.compile(r":?(>=|<=|!=|==|>|<|=)|:")
WORD: Final = re.compile(r"(?:[^\s()\":=<>!]|!(?!=))+")
VALUE: Final = re.compile(r"[^\s()\",]+")
_ESCAPE: Final = re.compile(r'\\(["\\])')
_SPACE: Final = re.compile(r"\s*")


class Scanner:
    """The text of a filter, and how far it is read.

    Attributes:
        text: All of it.
        at: Where the next piece begins.
    """

    def __init__(self, text: str) -> None:
        """Begin at the start of `text`.

        Raises:
            FilterError: It is too long, or holds a character that no database takes.
        """
        self.text = text
        self.at = 0
        if len(text) > MAX_LENGTH:
            self.fail(
                f"the filter has {len(text):,} characters", f"shorten it to {MAX_LENGTH:,}", MAX_LENGTH, len(text)
            )
        for index, char in enumerate(text):
            if char == "\0" or "\ud800" <= char <= "\udfff":
                self.fail(f"the character {char!r} cannot be searched for", "leave it out", index)

    def skip_space(self) -> None:
        """Go on to the next character that is no space."""
        self.take(_SPACE)

    def peek(self) -> str:
        """Return the next character, "" at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, piece: re.Pattern[str]) -> re.Match[str] | None:
        """Read what `piece` matches here; `None`, and nothing is read, when it does not."""
        found = piece.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def take_text(self, text: str) -> bool:
        """Read `text` if it stands here."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def quoted(self) -> str:
        """Read a text in quotes; a backslash takes its meaning from a quote or a backslash behind it.

        Raises:
            FilterError: The closing quote is missing.
        """
        start = self.at
        self.at += 1
        begin = self.at
        while (char := self.peek()) != '"':
            if not char:
                self.fail("the quote is not closed", 'put a " behind the text', start)
            self.at += 2 if char == "\\" and self.text[self.at + 1 : self.at + 2] in {'"', "\\"} else 1
        self.at += 1
        return _ESCAPE.sub(r"\1", self.text[begin : self.at - 1])

    def fail(self, problem: str, remedy: str, start: int | None = None, end: int | None = None) -> NoReturn:
        """Raise the error for the piece from `start` (by default here) to `end` (by default one character)."""
        position = self.at if start is None else start
        length = 1 if end is None else end - position
        raise FilterError(problem, remedy, text=self.text, position=position, length=length)
