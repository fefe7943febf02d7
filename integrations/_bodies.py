"""The body of a reply that the program reads itself, recorded while it passes.

Whatever the program calls to read it, the bytes pass `iter_bytes` or `aiter_bytes` of the HTTP response.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, cast

import orjson

from tracelm.integrations._call import CLOSED_EARLY, Call
from tracelm.integrations._exchange import Reply
from tracelm.integrations._reading import Record
from tracelm.integrations._watching import Response, watch
from tracelm.trace.safely import safely

_MARK: Final = b"\xef\xbb\xbf"
_BEFORE_JSON: Final = frozenset({b"\n", b"\r", b" ", b"\t", _MARK[:1]})


def answer_in(content: bytes) -> object:
    """Return a body as what it is: a JSON value, or the bytes of something else."""
    if content[:1] in _BEFORE_JSON:  # some providers send blank lines while the model works
        content = content.removeprefix(_MARK).lstrip()
    if content[:1] in {b"{", b"["}:
        try:
            return cast("object", orjson.loads(content))
        except orjson.JSONDecodeError:
            return content
    return content


class BodyRecord(Record):
    """Ends the span of a call once the program has read the body, or given that up.

    Args:
        call: What is recorded.
        read: Reads the answer that the body holds.
        max_bytes: Of a larger body nothing is kept.
    """

    def __init__(self, call: Call, read: Callable[[object], Reply], *, max_bytes: float) -> None:
        self._call = call
        self._read = read
        self._room = max_bytes
        self._pieces: list[bytes] = []
        self._has_ended = False

    def follow(self, response: Response) -> None:
        """Watch what is read of this response, and how that ends."""
        read: Any = response
        iter_bytes, aiter_bytes = read.iter_bytes, read.aiter_bytes

        def recorded(chunk_size: int | None = None) -> Iterator[bytes]:
            return self.read(iter_bytes(chunk_size))

        def arecorded(chunk_size: int | None = None) -> AsyncIterator[bytes]:
            return self.aread(aiter_bytes(chunk_size))

        watch(response, self.closed, iter_bytes=recorded, aiter_bytes=arecorded)

    def got(self, piece: bytes) -> None:
        """Take bytes that have arrived."""
        self._call.got_chunk()
        self._room -= len(piece)
        if self._room < 0:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def exhausted(self) -> None:
        """Note that the body came to its end."""
        self._end()

    def failed(self, error: BaseException) -> None:
        """Note that waiting for bytes failed, or was given up."""
        self._end(error=error, outcome=None if isinstance(error, Exception) else CLOSED_EARLY)

    def closed(self) -> None:
        """Note that the response was closed, or forgotten."""
        self._has_ended = self.is_waiting
        super().closed()

    def left(self) -> None:
        """Note that the program reads no more."""
        self._end(outcome=CLOSED_EARLY if self._pieces and not self._has_ended else None)

    def _end(self, *, error: BaseException | None = None, outcome: str | None = None) -> None:
        reply = None
        if self._pieces and error is None and outcome is None:
            with safely("record the reply of a model"):
                reply = self._read(answer_in(b"".join(self._pieces)))
        self._pieces = []
        self._call.end(reply, error=error, outcome=outcome)
