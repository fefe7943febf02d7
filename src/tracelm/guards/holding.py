"""Where a text that is still being written may be cut, so that what was let go need never be taken back."""

import re
from typing import Final

from tracelm.guards.check import Check
from tracelm.guards.guardrail import Release
from tracelm.scoring.invisible import is_invisible
from tracelm.scoring.scorer import Scorer

MAX_RUN: Final = 4_096
"""A longer run without a blank is cut all the same."""
LONGEST_SENTENCE: Final = 1_000
"""A text in which no sentence ends for so long is cut at a blank."""
_SHARE: Final = 8
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
        found = before_last(text, guardrail.reach or 0)
    return cut_before(text, min(max(found, 0), len(text)))


def asked_at(release: Release | None, text: str, done: int, upto: int) -> int:
    """Return up to where a scorer that must see all that was said is asked next; `done` as long as it is not.

    Each time it is shown the text from its beginning. So that this does not cost the square of a long one, an eighth of
    what was said must be new.

    Args:
        release: When it is to be asked; not at the end.
        text: What was said, from the beginning.
        done: How much of it has gone on.
        upto: How much of it may go on as far as others are concerned; a place between words.
    """
    least = max(done // _SHARE, release if isinstance(release, int) else 1)
    if upto - done < least:
        return done
    if isinstance(release, int):
        return upto
    ends = (match.end() for match in _sentence_end.finditer(text, done, upto) if not _is_abbreviation(text, match))
    end = max(ends, default=done)
    if end - done >= least:
        return end
    return upto if upto - done > LONGEST_SENTENCE else done


_sentence_end: Final = re.compile(r"[.!?\u2026]+[\"')\]\u2019\u201d]*\s+|\n+|[\u3002\uff01\uff1f]")
_short_name: Final = re.compile(r"(?:^|\W)[A-Z][a-z]{0,3}\Z")


def _is_abbreviation(text: str, end: "re.Match[str]") -> bool:
    """Say whether a full stop belongs to its word, as in "Dr. Who" or "e.g. this", or whether that cannot be told yet.

    To take an end for none makes it later; to take one where there is none lets half of a name go on.
    """
    if not end[0].startswith(".") or "\n" in end[0]:
        return False
    behind = text[end.end() : end.end() + 1]
    before = text[max(end.start() - 6, 0) : end.start()]
    return not behind or behind.islower() or behind.isdigit() or _short_name.search(before) is not None


def cut_before(text: str, at: int) -> int:
    """Return the last place up to `at` that lies inside of no word, number or address.

    What is found there may be longer than a scorer's window: a token, an address. A run of more than `MAX_RUN`
    characters is cut at `at`.
    """
    for place in range(at, max(at - MAX_RUN, 0), -1):
        if _parts(text[place - 1]) or (place < len(text) and _parts(text[place])):
            return place
    return 0 if at <= MAX_RUN else at


def before_last(text: str, width: int) -> int:
    """Return where the last `width` characters that can be seen begin; 0 or less where the text has no more of them."""
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
