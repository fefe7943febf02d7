"""Where candidates stand in a text, and what stands beside them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracelm.scorers.folding import Span

if TYPE_CHECKING:
    import re2


def spans(pattern: "re2.Pattern[str]", text: str, group: int = 0) -> Iterator[Span]:
    """Yield where a pattern matches."""
    return (match.span(group) for match in pattern.finditer(text))


def is_alphanumeric(text: str, index: int) -> bool:
    """Say whether an ASCII letter or digit stands at a place.

    ASCII only: in a text without blanks (Chinese, Japanese) a letter before a number says nothing.
    """
    return 0 <= index < len(text) and text[index].isascii() and text[index].isalnum()


def stands_alone(text: str, start: int, end: int) -> bool:
    """Say whether neither a letter nor a digit touches a candidate."""
    return not is_alphanumeric(text, start - 1) and not is_alphanumeric(text, end)


def digits(text: str) -> str:
    """Return the digits of a text."""
    return "".join(filter(str.isdigit, text))
