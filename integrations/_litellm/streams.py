"""The streams of LiteLLM, recorded while the program reads them."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any

from tracelm.integrations._call import Call
from tracelm.integrations._stream import StreamRecord
from tracelm.integrations._watching import watch_held


def follow(stream: Any, call: Call, record: StreamRecord) -> None:
    """Record a stream: it stays the object that it is, of a class below its own."""
    state = _State(call, record, watch_held(stream, record.closed))
    stream.__class__ = _recording_class(type(stream))  # type: ignore[arg-type]  # to mypy, not every class can be hashed
    vars(stream)["_tracelm"] = state


class _State:
    """What belongs to one stream. It does not hold the stream, which would then never be garbage."""

    __slots__ = ("call", "forgotten", "record")

    def __init__(self, call: Call, record: StreamRecord, forgotten: Callable[[], None]) -> None:
        self.call = call
        self.record = record
        self.forgotten = forgotten


class _Pulling(Iterator[Any], AsyncIterator[Any]):
    """Takes the next chunk of a stream as its own class does."""

    __slots__ = ("_base", "_stream")

    def __init__(self, base: Any, stream: Any) -> None:
        self._base = base
        self._stream = stream

    def __next__(self) -> Any:
        return self._base.__next__(self._stream)

    async def __anext__(self) -> Any:
        return await self._base.__anext__(self._stream)


@lru_cache(maxsize=64)
def _recording_class(base: Any) -> Any:
    def following(self: Any) -> Any:
        state: _State = self._tracelm
        with state.call.current():  # a request may go out with the first chunk only
            return next(state.record.read(_Pulling(base, self)))

    async def afollowing(self: Any) -> Any:
        state: _State = self._tracelm
        with state.call.current():
            return await anext(state.record.aread(_Pulling(base, self)))

    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return base.close(self, *args, **kwargs)
        finally:
            self._tracelm.forgotten()

    async def aclose(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await base.aclose(self, *args, **kwargs)
        finally:
            self._tracelm.forgotten()

    ours = {"__next__": following, "__anext__": afollowing, "close": close, "aclose": aclose}
    named = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    return type(base.__name__, (base,), {**{key: each for key, each in ours.items() if hasattr(base, key)}, **named})
