"""A streamed reply, recorded while it passes: the program gets the very chunks, the span ends with it.

A stream ends in one of many ways: it is read to its end, fails, is closed, or is simply forgotten. The
response underneath sees them all, so it is watched; and while the next chunk is being waited for, the
iteration decides, because clients close the response before they say how it went.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import ContextVar, Token
from typing import Any, Final, Protocol, TypeVar

from tracelm.integrations._call import CLOSED_EARLY, Call
from tracelm.integrations._exchange import Reply
from tracelm.integrations._reading import Record
from tracelm.integrations._watching import Response, watch
from tracelm.trace.safely import safely

_Chunk = TypeVar("_Chunk")

_MOST_CHOICES: Final = 1_000
"""So many that did not come are told; what a program asks for is no measure of what may be kept in memory."""


class Chunks(Protocol):
    """Puts the chunks of one kind of stream together."""

    @property
    def is_complete(self) -> bool:
        """Whether the model has said all, even if the stream goes on."""
        ...

    def add(self, chunk: object) -> None:
        """Take one chunk."""
        ...

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        ...


def finish_reasons(said: Mapping[int, str | None], *, expected: int) -> list[str]:
    """Return why each choice of a stream ended, in their order: `error` where nothing says so, or nothing came.

    Args:
        said: What said so, by the choice's number.
        expected: How many choices were asked for.
    """
    choices = sorted({*range(min(expected, _MOST_CHOICES)), *said})
    return [said.get(choice) or "error" for choice in choices]


class NoChunks:
    """Of what does not stream, or of which nothing is known."""

    is_complete = True

    def add(self, chunk: object) -> None:
        """Leave the chunk alone."""

    def reply(self) -> Reply:
        """Return that nothing is known."""
        return Reply()


class StreamRecord(Record):
    """Ends the span of a streamed call, once, in whichever way the stream ends.

    Args:
        call: What is recorded.
        chunks: Puts the chunks together; may be replaced until the first one arrives.
        hides: Says of a chunk that the program did not ask for it: it is recorded, and not passed on.
    """

    def __init__(self, call: Call, chunks: Chunks, *, hides: Callable[[object], bool] | None = None) -> None:
        self._call = call
        self.chunks = chunks
        self.hides = hides
        self._is_read = False
        self._is_over = False

    def offer(self) -> Token["StreamRecord | None"]:
        """Let a stream that the client makes find this record, until the token is given back."""
        return _offered.set(self)

    def follow(self, response: Response) -> None:
        """End the span with this response; a stream that is made of it later finds this record."""
        response.extensions[_EXTENSION] = self
        watch(response, self.closed)

    def read(self, stream: Iterator[_Chunk]) -> Iterator[_Chunk]:
        """Return what passes every chunk of `stream` on as it is."""
        self._is_read = True
        return super().read(stream)

    def aread(self, stream: AsyncIterator[_Chunk]) -> AsyncIterator[_Chunk]:
        """Return what passes every chunk of `stream` on as it is."""
        self._is_read = True
        return super().aread(stream)

    def left(self) -> None:
        """Note that the program reads no more."""
        if not self._is_read:  # the program read the bytes itself: nothing is known of what they said
            self._call.end()
            return
        early = not self.chunks.is_complete
        self._end(outcome=CLOSED_EARLY if early else None)

    def got(self, chunk: object) -> None:
        """Take a chunk that has arrived."""
        self._call.got_chunk()
        if not self._call.times_chunks:  # the others go where they belong, without a step in between
            self.got = self.chunks.add  # type: ignore[method-assign]
        self.chunks.add(chunk)

    def exhausted(self) -> None:
        """Note that the stream came to its end."""
        self._end()

    def failed(self, error: BaseException) -> None:
        """Note that waiting for a chunk failed, or was given up."""
        # Cancellation is no Exception: then it is the program that has left.
        self._end(error=error, outcome=None if isinstance(error, Exception) else CLOSED_EARLY)

    def _end(self, *, error: BaseException | None = None, outcome: str | None = None) -> None:
        if self._is_over:
            return
        self._is_over = True
        reply = None
        with safely("put the chunks of a streamed reply together"):
            reply = self.chunks.reply()
        self._call.end(reply, error=error, outcome=outcome)


_offered: Final[ContextVar[StreamRecord | None]] = ContextVar("tracelm_stream_record", default=None)
_EXTENSION: Final = "tracelm.stream_record"


def find_record(response: Response) -> StreamRecord | None:
    """Return the record that a new stream over `response` belongs to, if it is recorded."""
    extensions: dict[str, Any] = getattr(response, "extensions", {})
    found = extensions.get(_EXTENSION)
    return found if isinstance(found, StreamRecord) else _offered.get()
