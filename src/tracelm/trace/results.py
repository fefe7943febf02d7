"""Results that go on after the call: generators, coroutines, iterators, streaming responses.

A span that ended at the `return` of a function that merely hands a stream on would say nothing about the work. So it
stays open until the result has ended.

| result | how its end is seen |
|---|---|
| generator, async generator, coroutine | an object of the same type drives it |
| Starlette's `StreamingResponse` and its like | its `body_iterator` is driven; the response stays itself |
| an iterator with a generator under `_iterator` (`openai.Stream`) | that is driven; the iterator stays itself |
| another iterator | when it is garbage, or at `shutdown` |
| an iterator without weak references (`map`, `zip`, `iter([])`), a file | not at all: the span ends at the return |
"""

import inspect
import io
import types
import weakref
from collections.abc import AsyncIterable
from typing import Any, Final, cast

from opentelemetry.trace import Span

from tracelm.trace.recorder import Recorder
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report
from tracelm.trace.streams import (
    Stream,
    drive_async_generator,
    drive_awaitable_generator,
    drive_coroutine,
    drive_generator,
    iterate,
)

_RESPONSES: Final = frozenset({"StreamingResponse", "_StreamingResponse", "EventSourceResponse"})
_MAX_TYPES: Final = 1_000

over: Final[set[type]] = {type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset}
"""Types of results that are over when they are returned. Filled as types are met."""


def outlast(recorder: Recorder, current: Runtime, span: Span, result: Any) -> Any:
    """Return what stands for `result` and ends `span` when it ends; `None` when the result is over already."""
    try:
        return _outlast(recorder, current, span, result)
    except Exception as error:
        report("follow a stream to its end", error)
        return None


def driven(stream: Stream, inner: Any) -> Any:
    """Return an object of the type of `inner` (generator, async generator or coroutine) that records its run."""
    if isinstance(inner, types.CoroutineType):
        stream.unrun = cast("types.CoroutineType[Any, Any, Any]", inner)
        drive: Any = drive_coroutine(stream, stream.unrun)
    elif isinstance(inner, types.AsyncGeneratorType):
        drive = drive_async_generator(stream, cast("types.AsyncGeneratorType[Any, Any]", inner))
    elif inner.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE:
        drive = drive_awaitable_generator(stream, inner)
    else:
        drive = drive_generator(stream, inner)
    # Warnings and debuggers show the name.
    drive.__name__, drive.__qualname__ = inner.__name__, inner.__qualname__
    return drive


def is_drivable(value: object) -> bool:
    """Say whether `driven` takes it."""
    return isinstance(value, types.GeneratorType | types.AsyncGeneratorType | types.CoroutineType)


def _outlast(recorder: Recorder, current: Runtime, span: Span, result: Any) -> Any:
    kind = cast("type[Any]", type(result))
    if is_drivable(result):
        return driven(Stream(recorder, current, span=span), result)
    if any(base.__name__ in _RESPONSES for base in kind.__mro__):
        return _with_body(recorder, current, span, result)
    if not _is_iterator(kind) or not kind.__weakrefoffset__:
        if len(over) >= _MAX_TYPES:  # a program that makes types as it goes
            over.clear()
        over.add(kind)
        return None
    held = _generator_inside(result)
    if held is not None:
        owner, name, inner = held
        setattr(owner, name, driven(Stream(recorder, current, span=span), inner))
        return result
    recorder.record_result(current, span, result)
    stream = Stream(recorder, current, span=span, collect=False)
    weakref.finalize(result, stream.end).atexit = False  # `shutdown` sees to it, while there is still a journal
    return result


def _with_body(recorder: Recorder, current: Runtime, span: Span, response: Any) -> Any:
    body = getattr(response, "body_iterator", None)
    if not is_drivable(body):
        if not isinstance(body, AsyncIterable):
            return None
        body = iterate(cast("AsyncIterable[Any]", body))
    response.body_iterator = driven(Stream(recorder, current, span=span), body)
    return response


def _generator_inside(iterator: Any) -> tuple[Any, str, Any] | None:
    """Find the generator that an iterator reads from, directly or through the reader of one of our integrations."""
    owner = iterator
    for name in ("_iterator", "_stream"):
        inner = getattr(owner, "__dict__", {}).get(name)
        if is_drivable(inner):
            return owner, name, inner
        if inner is None or not type(inner).__module__.startswith("tracelm."):
            return None
        owner = inner
    return None


def _is_iterator(kind: type[Any]) -> bool:
    if issubclass(kind, io.IOBase):
        return False
    # Looked up without `getattr`: a MagicMock has everything that it is asked for.
    return any(callable(inspect.getattr_static(kind, name, None)) for name in ("__next__", "__anext__"))
