"""Looking into the records of spans for a text that many have.

Spans that came one after another stand in the index one after another. Where some of those were read in vain without
others in between, as in a long trace, the index is asked about all of the thousands around them, and only those are
read that may have the text: one that the index knows by it, or that has pieces of contents, or that is not in the index
yet.
"""

from collections.abc import Callable, Set
from typing import Final, TypeAlias

from sqlalchemy import Connection

from tracelm.store.contents import pieces_of
from tracelm.store.record import with_nulls
from tracelm.store.search.texts import may_have, spelled, text_of_piece, text_of_record

Around: TypeAlias = Callable[[range], Set[int]]
"""Returns those spans of a range of numbers that may have a text."""

_BLOCK: Final = 16_384
_IN_VAIN: Final = 64
_REMEMBERED: Final = 50_000


class Look:
    """Whether spans have a text, looked up in their records and in the contents that these have."""

    def __init__(self, text: str, connection: Connection, around: Around | None) -> None:
        """Prepare to look.

        Args:
            text: What is looked for, folded.
            connection: To the store.
            around: What the index says of the spans in a range; `None` where asking it would take too long.
        """
        self._text = text
        self._spelled = spelled(text)
        self._connection = connection
        self._around = around
        self._last_block = -1
        self._in_vain = 0  # spans of that block, one after another
        self._blocks: dict[int, Set[int]] = {}
        self._known: dict[bytes, bool] = {}

    def may_have(self, span: int) -> bool:
        """Say whether a span has to be read, by its number."""
        block = span // _BLOCK
        found = self._blocks.get(block)
        if found is None:
            if block != self._last_block:
                self._last_block, self._in_vain = block, 0
            if self._around is None or self._in_vain < _IN_VAIN:
                return True
            found = self._blocks[block] = self._around(range(block * _BLOCK, (block + 1) * _BLOCK))
        return span in found

    def has(self, blob: bytes) -> bool:
        """Say whether a span has the text, by its record."""
        found = self._has(blob)
        self._in_vain = 0 if found else self._in_vain + 1
        return found

    def _has(self, blob: bytes) -> bool:
        body, wanted = with_nulls(blob)
        if may_have(body, self._spelled) and self._text in text_of_record(body):
            return True
        new = [digest for digest in wanted if digest not in self._known]
        if new:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            for digest, piece in pieces_of(self._connection, new).items():
                self._known[digest] = self._text in text_of_piece(piece)
        return any(self._known.get(digest, False) for digest in wanted)
