"""What the items of a stream say, and the same items with other words: here, texts and bytes of UTF-8."""

import codecs
from collections.abc import Generator, Sequence
from typing import Any, Protocol, TypeAlias

from tracelm.guards.channel import Channel
from tracelm.guards.decision import Decision
from tracelm.guards.tally import Stopped, Tally

Request: TypeAlias = "tuple[Tally, str] | Decision"
"""Who is to judge which text; or a decision whose fallback is to be called for a text."""
Work: TypeAlias = Generator[Request, Any, list[Any]]
"""Yields requests, is sent their answers, and returns the items that may go on."""


class Pieces(Protocol):
    """Takes the items of one kind of stream apart and puts them together again."""

    is_over: bool
    """Whether it has said its last word, even if the stream goes on."""

    def feed(self, item: Any) -> Work:
        """Take an item, and return what may go on."""
        ...

    def finish(self) -> Work:
        """Return what was held back: the stream has ended."""
        ...


class UnseenError(TypeError):
    """An item of a stream into which no scorer can look."""


class Texts:
    """A stream of texts, or of bytes that are UTF-8."""

    def __init__(self, tallies: Sequence[Tally], *, is_bytes: bool = False) -> None:
        self._channel = Channel(tallies)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape") if is_bytes else None
        self.is_over = False

    def feed(self, item: Any) -> Work:
        """Take a text."""
        if self._decoder is None and isinstance(item, str):
            return (yield from self._said(item, is_last=False))
        if self._decoder is not None and isinstance(item, bytes):
            return (yield from self._said(self._decoder.decode(item), is_last=False))
        raise UnseenError(f"the stream yields a {type(item).__name__} among its texts")

    def finish(self) -> Work:
        """Return the rest."""
        return (yield from self._said("" if self._decoder is None else self._decoder.decode(b"", True), is_last=True))

    def _said(self, text: str, *, is_last: bool) -> Work:
        if self.is_over:
            return []
        try:
            released = yield from self._channel.feed(text, is_last=is_last)
        except Stopped as stopped:
            self.is_over = True
            released = yield from closing(stopped.decision)
        if not released:
            return []
        return [released if self._decoder is None else released.encode("utf-8", "surrogateescape")]


def closing(decision: Decision) -> Generator[Request, Any, str]:
    """Return the words that stand for what was refused.

    Raises:
        GuardrailError: There are none: the stream is blocked.
    """
    if decision.error is not None:
        raise decision.error
    if decision.taken == "fallback":
        text: str = yield decision
        return text
    return decision.guardrail.replacement or ""
