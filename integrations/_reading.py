"""Passes on what a reply is read from, piece by piece as it is, and tells a record how that goes.

No generators: the one that is read from is left, closed or forgotten as it would be without us.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

from tracelm.trace.safely import report

_Piece = TypeVar("_Piece")
_RECORD: Final = "record a piece of a streamed reply"


class Record(Protocol):
    """What is told.

    Attributes:
        is_waiting: Whether a piece is being waited for.
        hides: Says of a piece that the program did not ask for it: it is recorded, and not passed on.
    """

    is_waiting: bool
    hides: Callable[[object], bool] | None

    def got(self, piece: Any, /) -> None:
        """Take a piece that has arrived. May raise: who passes the pieces on reports it."""
        ...

    def exhausted(self) -> None:
        """Note that the reply came to its end."""
        ...

    def failed(self, error: BaseException, /) -> None:
        """Note that waiting for a piece failed, or was given up."""
        ...


class Reading(Iterator[_Piece], Generic[_Piece]):
    """Reads `stream` for the program."""

    def __init__(self, record: Record, stream: Iterator[_Piece]) -> None:
        self._record = record
        self._stream = stream  # under this name an op that returns the stream finds the generator inside

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __next__(self) -> _Piece:
        record = self._record
        while True:
            record.is_waiting = True
            try:
                piece = next(self._stream)
            except StopIteration:
                record.exhausted()
                raise
            except BaseException as error:
                record.failed(error)
                raise
            finally:
                record.is_waiting = False
            try:  # on the way of every piece: `safely` costs more than what it would hold
                record.got(piece)
            except Exception as error:
                report(_RECORD, error)
            if record.hides is None or not record.hides(piece):
                return piece


class AsyncReading(AsyncIterator[_Piece], Generic[_Piece]):
    """Reads `stream` for the program, as `Reading` does."""

    def __init__(self, record: Record, stream: AsyncIterator[_Piece]) -> None:
        self._record = record
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __anext__(self) -> _Piece:
        record = self._record
        while True:
            record.is_waiting = True
            try:
                piece = await anext(self._stream)
            except StopAsyncIteration:
                record.exhausted()
                raise
            except BaseException as error:
                record.failed(error)
                raise
            finally:
                record.is_waiting = False
            try:  # on the way of every piece: `safely` costs more than what it would hold
                record.got(piece)
            except Exception as error:
                report(_RECORD, error)
            if record.hides is None or not record.hides(piece):
                return piece
