"""The first look at encoded bytes: whether a short text can hold a secret at all.

google-re2 gives the interpreter lock up while it searches. Beside a busy thread the caller then waits milliseconds to
get it back, for a search of microseconds. So short texts are first looked at with what `bytes` can do by itself: most
hold none of the words that every secret comes with, and the engine is not asked. Wrong on the safe side only.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

UP_TO_BYTES: Final = 8_192
"""Longer texts go to the engine at once: it is several times faster, and its own time outweighs the waiting."""

_SHORT_BYTES: Final = 128
"""Up to here one pattern of Python's own engine, which keeps the lock, is faster than a chain of questions."""

_NAMES: Final = (b"key", b"auth", b"pass", b"pwd", b"cookie", b"credential", b"secret", b"token")
"""Each name of `forms` contains one of these."""
_FORMS: Final = (
    *(b"sk-", b"xai-", b"xox", b"glpat-", b"-----", b"k_", b"hf_", b"gh", b"github_pat_", b"://", b'"data:'),
    *(b"akia", b"asia", b"aiza", b"eyj", b"bearer ", b"basic ", b'"type":"blob"'),
)
"""Each form contains one of these, whatever the case of its letters."""
_REACH_BYTES: Final = 64
"""How far behind the beginning of such a word the mark can stand that ends a name."""
_MARK: Final = re.compile(rb"""["':=\\]""")
_MARKS: Final = (b'"', b"'", b":", b"=", b"\\")
_FEW: Final = 24
"""Up to so many marks it is faster to look at what stands before each than at the whole text."""
_MOST: Final = 16
"""A word that comes more often is left to the engine."""
_FOLDED: Final = ("ſ".encode(), "\N{KELVIN SIGN}".encode())
"""The two letters beyond ASCII that the engine takes for `s` and `k` when case does not count."""


def first_look(names: Sequence[str], closer: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return a function that says, by being true, that encoded JSON may hold a secret, an image or a sound.

    Args:
        names: What is secret as a name besides the defaults.
        closer: The engine: it is asked where the first look does not rule a secret out.
    """
    own: tuple[bytes, ...] = ()
    reach = _REACH_BYTES
    for name in names:
        if not name.isascii():
            return closer
        own += (max(re.findall(r"[a-z]+|[0-9]+", name.lower()), key=len).encode(),)
        reach = max(reach, _REACH_BYTES + 2 * len(name))
    words = (*_NAMES, *own)
    telling = re.compile(b"|".join(map(re.escape, (*words, *_FORMS, *_FOLDED)))).search

    def may_hold(data: bytes) -> object:
        if len(data) > UP_TO_BYTES:
            return closer(data)
        low = data.lower()
        if len(data) <= _SHORT_BYTES and telling(low) is None:
            return False
        # One chain, as this is on the way of every call. Where a form needs a rare character, that one is asked first.
        if (
            _has_name(low, words, reach)
            or (b"-" in low and (b"sk-" in low or b"xai-" in low or b"xox" in low))
            or (b"-" in low and (b"glpat-" in low or b"-----" in low))
            or (b"_" in low and (b"k_" in low or b"hf_" in low or b"gh" in low or b"github_pat_" in low))
            or (b"/" in low and (b"://" in low or b'"data:' in low))
            or (b"A" in data and (b"AKIA" in data or b"ASIA" in data or b"AIza" in data))
            or (b"J" in data and b"eyJ" in data)
            or b"bearer " in low
            or b"basic " in low
            or b'"type":"blob"' in low
            or (not low.isascii() and any(letter in low for letter in _FOLDED))
        ):  # fmt: skip
            return closer(data)
        return False

    return may_hold


def _has_name(low: bytes, words: tuple[bytes, ...], reach: int) -> bool:
    """Say whether a telling word stands close before what ends a name: a quote, a colon, `=`, or an escape."""
    before = _before_marks(low, reach)
    if before is not None:
        return any(word in before for word in words)
    for word in words:
        at = low.find(word)
        seen = 0
        while at >= 0:
            seen += 1
            if seen > _MOST or _MARK.search(low, at, at + reach):
                return True
            at = low.find(word, at + 1)
    return False


def _before_marks(low: bytes, reach: int) -> bytes | None:
    """Return what stands close before the marks that end a name, where they are few, as in prose."""
    pieces: list[bytes] = []
    for mark in _MARKS:
        at = low.find(mark)
        while at >= 0:
            if len(pieces) >= _FEW:
                return None
            pieces.append(low[max(at - reach, 0) : at])
            at = low.find(mark, at + 1)
    return b"\n".join(pieces)
