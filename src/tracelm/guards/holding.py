"""Where a text that is still being written may be cut, so that what was let go need never be taken back."""

from typing import Final

from tracelm.guards.check import Check
from tracelm.scoring.invisible import is_invisible
from tracelm.scoring.scorer import Scorer

MAX_RUN: Final = 4_096
"""A longer run without a blank is cut all the same."""
_UNBROKEN: Final = 0x2E80
"""From here on scripts part no words by blanks."""
_WIDE: Final = range(0xFF00, 0xFFF0)


def settled(check: Check, text: str) -> int:
    """Return how much of `text` can no longer become part of what the scorer finds, whatever follows.

    Args:
        check: Has a reach.
        text: The end of what has come so far.
    """
    guardrail = check.guardrail
    found = None
    if guardrail.window is None and isinstance(guardrail.scorer, Scorer):
        found = guardrail.scorer.settled(text)
    if found is None:
        found = _before_last(text, guardrail.reach or 0)
    return cut_before(text, min(max(found, 0), len(text)))


def cut_before(text: str, at: int) -> int:
    """Return the last place up to `at` that lies inside of no word, number or address.

    What is found there may be longer than a scorer's window: a token, an address. A run of more than `MAX_RUN`
    characters is cut at `at`.
    """
    for place in range(at, max(at - MAX_RUN, 0), -1):
        if _parts(text[place - 1]) or (place < len(text) and _parts(text[place])):
            return place
    return 0 if at <= MAX_RUN else at


def _before_last(text: str, width: int) -> int:
    """Return where the last `width` characters that can be seen begin."""
    if text.isascii():
        return len(text) - width
    place = len(text)
    while place > 0 and width > 0:
        place -= 1
        width -= not is_invisible(text[place])
    return place if width == 0 else 0


def _parts(char: str) -> bool:
    if char.isspace():
        return True
    point = ord(char)
    return point >= _UNBROKEN and point not in _WIDE and not is_invisible(char) and not _is_styled(point)


def _is_styled(point: int) -> bool:
    """Say whether a character is a letter or digit in mathematical dress, which reads as a plain one."""
    return 0x1D400 <= point <= 0x1D7FF or 0x1F100 <= point <= 0x1F1FF
