"""Passes on what a reply is read from, piece by piece as it is, and tells a record how that goes.

No generators: the one that is read from is left, closed or forgotten as it would be without us.
"""

import weakref
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, Generic, TypeVar

from tracelm.integrations._watching import watch_held
from tracelm.trace.safely import report

_Piece = TypeVar("_Piece")
_RECORD: Final = "record a piece of a streamed reply"


class Record(ABC):
    """What is told."""

    is_waiting = False
    """Whether a piece is being waited for."""
    hides: Callable[[object], bool] | None = None
    """Says of a piece that the program did not ask for it: it is recorded, and not passed on."""
    _reader: "weakref.ref[Any] | None" = None

    def read(self, stream: Iterator[_Piece]) -> Iterator[_Piece]:
        """Return what passes every piece of `stream` on as it is."""
        reader = Reading(self, stream)
        self._reader = weakref.ref(reader)
        return reader

    def aread(self, stream: AsyncIterator[_Piece]) -> AsyncIterator[_Piece]:
        """Return what passes every piece of `stream` on as it is."""
        reader = AsyncReading(self, stream)
        self._reader = weakref.ref(reader)
        return reader

    def closed(self) -> None:
        """Note that the response was closed, or forgotten."""
        if not self.is_waiting:
            self.left()
            return
        # It is the reply that ends, and the reading says how. But a last piece may come even now, and the program may
        # take it and no more: then the reader is what is forgotten.
        reader = None if self._reader is None else self._reader()
        if reader is not None:
            watch_held(reader, self.left)

    @abstractmethod
    def left(self) -> None:
        """Note that the program reads no more."""

    @abstractmethod
    def got(self, piece: Any, /) -> None:
        """Take a piece that has arrived. May raise: who passes the pieces on reports it."""

    @abstractmethod
    def exhausted(self) -> None:
        """Note that the reply came to its end."""

    @abstractmethod
    def failed(self, error: BaseException, /) -> None:
        """Note that waiting for a piece failed, or was given up."""


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
                record.is_waiting = False
                record.exhausted()
                raise
            except BaseException as error:
                if not _runs_elsewhere(self._stream, error):
                    record.is_waiting = False
                    record.failed(error)
                raise
            record.is_waiting = False
            try:  # on the way of every piece: `safely` costs more than what it would hold
                record.got(piece)
            except Exception as error:
                report(_RECORD, error)
            if record.hides is None or not record.hides(piece):
                return piece


def _runs_elsewhere(stream: object, error: BaseException) -> bool:
    """Say whether reading failed only because another thread or task reads the same generator, and goes on waiting."""
    if type(error) is ValueError:
        return getattr(stream, "gi_running", False) is True
    return type(error) is RuntimeError and getattr(stream, "ag_running", False) is True


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
                record.is_waiting = False
                record.exhausted()
                raise
            except BaseException as error:
                if not _runs_elsewhere(self._stream, error):
                    record.is_waiting = False
                    record.failed(error)
                raise
            record.is_waiting = False
            try:  # on the way of every piece: `safely` costs more than what it would hold
                record.got(piece)
            except Exception as error:
                report(_RECORD, error)
            if record.hides is None or not record.hides(piece):
                return piece
