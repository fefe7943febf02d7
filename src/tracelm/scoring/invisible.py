"""Characters that are shown as nothing: what hides in them, or between them, is not seen by the eye."""

import unicodedata
from typing import Final

_WITHOUT_WIDTH: Final = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0})
"""Joiners and fillers that are shown as nothing although Unicode files them under letters and marks."""


def is_invisible(char: str) -> bool:
    """Say whether a character is shown as nothing: format characters, tags, fillers, variation selectors."""
    point = ord(char)
    return (
        unicodedata.category(char) == "Cf"
        or point in _WITHOUT_WIDTH
        or 0xFE00 <= point <= 0xFE0F
        or 0x180B <= point <= 0x180F
        or 0xE0000 <= point <= 0xE0FFF
    )
