"""Generators, async generators and coroutines under a span: it lasts until they end, and no context is left behind.

The span is current only while the inner generator runs. Between two steps the consumer's context is untouched, so a
generator may be closed in another task, thread or context than the one that started it.
"""

import os
import sys
import types
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Generator
from contextvars import Token
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, set_span_in_context

from tracelm import semconv
from tracelm.trace.context import detach
from tracelm.trace.items import Items
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report
from tracelm.trace.spans import end_safely, record_end_of

if TYPE_CHECKING:
    from tracelm.trace.recorder import Recorder

CLOSED_EARLY: Final = "closed_early"

_open: Final[dict[int, "ref[Stream]"]] = {}
"""The streams that have begun and not ended, by `id`."""
# A child that is forked leaves these to its parent: two processes must not end one span.
os.register_at_fork(after_in_child=_open.clear)


class Stream:
    """The span of a stream, open until the stream ends, is closed, fails, or is forgotten.

    Args:
        recorder: Records the op behind it.
        current: The runtime at the call.
        attributes: What the span starts with, at the first step.
        span: The span, where the call has started it already.
        collect: Record the items.
    """

    __slots__ = (
        "__weakref__",
        "_around",
        "_attributes",
        "_collect",
        "_current",
        "_inside",
        "_items",
        "_recorder",
        "span",
        "unrun",
    )

    def __init__(
        self,
        recorder: "Recorder",
        current: Runtime,
        *,
        attributes: dict[str, Any] | None = None,
        span: Span | None = None,
        collect: bool = True,
    ) -> None:
        self._recorder = recorder
        self._current = current
        self._attributes = attributes
        self._collect = collect and recorder.captures_output(current)
        self._around: Context | None = None
        self._inside: Context | None = None
        self._items: Items | None = None
        self.span = span
        self.unrun: Coroutine[Any, Any, Any] | None = None
        if span is not None:
            self._register(span)

    def start(self) -> bool:
        """Begin the span, unless it has begun; say whether there is one."""
        if self.span is None and self._attributes is not None:
            self.span = self._recorder.start(self._current, self._attributes)
            self._attributes = None
            if self.span is not None:
                self._register(self.span)
        return self.span is not None

    def enter(self) -> Token[Context] | None:
        """Make the span current for one step."""
        if self.span is None:
            return None
        around = otel_context.get_current()
        if self._inside is None or around is not self._around:
            self._around, self._inside = around, set_span_in_context(self.span, around)
        return otel_context.attach(self._inside)

    def add(self, item: object) -> None:
        """Take note of an item."""
        if self._items is not None:
            self._items.add(item)

    def fail(self, error: BaseException) -> None:
        """Note what ended the stream before its end."""
        if self.span is None:
            return
        if isinstance(error, GeneratorExit):
            self._mark_closed_early(self.span)
        record_end_of(self.span, error)

    def end(self) -> None:
        """End the span with what was collected. Further calls do nothing."""
        if _open.pop(id(self), None) is None or self.span is None:
            return
        self._record_items(self.span)
        end_safely(self.span)

    def finish(self, result: object) -> None:
        """End the span with a result instead of items."""
        if _open.pop(id(self), None) is not None and self.span is not None:
            self._recorder.finish(self._current, self.span, result)

    def leave(self) -> None:
        """End the span of a stream that nobody will read to its end."""
        if self.span is not None and id(self) in _open:
            self._mark_closed_early(self.span)
        self.end()

    def __del__(self) -> None:
        if self.unrun is not None:  # Python warns of the outer coroutine that was never awaited: once is enough
            self.unrun.close()
        self.leave()

    def _register(self, span: Span) -> None:
        _open[id(self)] = ref(self)
        if self._collect and span.is_recording():
            self._items = Items(self._current, self._recorder.options.summarize)

    def _record_items(self, span: Span) -> None:
        if self._items is None:
            return
        items, self._items = self._items, None
        try:
            if span.is_recording():
                span.set_attributes(
                    {semconv.OUTPUT_VALUE: items.encoded(), semconv.OUTPUT_MIME_TYPE: semconv.MIME_JSON}
                )
                if items.missing:
                    span.set_attribute(semconv.STREAM_CUT, items.missing)
        except Exception as error:
            report("record what a stream yielded", error)

    @staticmethod
    def _mark_closed_early(span: Span) -> None:
        try:
            if span.is_recording():
                span.set_attribute(semconv.STREAM_OUTCOME, CLOSED_EARLY)
        except Exception as error:
            report("record the end of a stream", error)


def end_open_streams() -> None:
    """End the spans of the streams that are still open: the program ends, or recording does."""
    for each in list(_open.values()):
        stream = each()
        if stream is not None:
            stream.leave()


def drive_generator(stream: Stream, inner: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator step by step; what is sent or thrown reaches it, what it yields, returns or raises comes back.

    `close()` is nothing but a `GeneratorExit` thrown in: one that is ignored, or answered with a value, has the
    consequences that Python gives it.
    """
    if not stream.start():
        return (yield from inner)
    sent: Any = None
    thrown: BaseException | None = None
    try:
        while True:
            token = stream.enter()
            try:
                handed = [inner.send(sent) if thrown is None else inner.throw(thrown)]
            except StopIteration as stop:
                return stop.value
            finally:
                sent = thrown = None
                detach(token)
            stream.add(handed[0])
            try:
                sent = yield handed.pop()  # nothing here keeps the item alive
            except BaseException as error:
                thrown = error
    except BaseException as error:
        stream.fail(error)
        raise
    finally:
        thrown = None
        stream.end()


@types.coroutine
def drive_awaitable_generator(stream: Stream, inner: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator of `types.coroutine`, which can be awaited. What it yields is for the event loop only."""
    return (yield from drive_generator(stream, inner))


async def drive_async_generator(stream: Stream, inner: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    """Run an async generator step by step, as `drive_generator` does."""
    stream.start()
    sent: Any = None
    thrown: BaseException | None = None
    first = True
    try:
        while True:
            token = stream.enter()
            try:
                if thrown is not None:
                    handed = [await inner.athrow(thrown)]
                elif first:
                    first = False
                    handed = [await first_step(inner)]
                else:
                    handed = [await inner.asend(sent)]
            except StopAsyncIteration:
                return
            finally:
                sent = thrown = None
                detach(token)
            stream.add(handed[0])
            try:
                sent = yield handed.pop()
            except BaseException as error:
                thrown = error
    except BaseException as error:
        stream.fail(error)
        raise
    finally:
        thrown = None
        stream.end()


async def drive_coroutine(stream: Stream, inner: Coroutine[Any, Any, Any]) -> Any:
    """Await a coroutine that a function returned."""
    stream.unrun = None
    token = stream.enter()
    try:
        result = await inner
    except BaseException as error:
        detach(token)
        stream.fail(error)
        stream.end()
        raise
    detach(token)
    stream.finish(result)
    return result


async def iterate(iterable: AsyncIterable[Any]) -> AsyncGenerator[Any, Any]:
    """Turn any async iterable into an async generator, which can be driven."""
    async for item in iterable:
        yield item


def first_step(inner: AsyncGenerator[Any, Any]) -> Any:
    """Return the awaitable of the first step of an async generator that another one of ours drives."""
    # The event loop closes async generators that are left open. It knows ours; were it told of the inner one as
    # well, it would close both at once, and complain that one of them is running.
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
