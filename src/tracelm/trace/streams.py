"""Generators under `@op`: one span from the first step to the last, and no context left behind at a `yield`.

The span is current only while the inner generator runs. Between two steps the consumer's context is untouched, so a
generator may be closed in another task, thread or context than the one that started it.
"""

import sys
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry.trace import Span, set_span_in_context

from tracelm.trace.runtime import Runtime
from tracelm.trace.spans import record_end_of

if TYPE_CHECKING:
    from tracelm.trace.op import Op

_MAX_ITEMS: Final = 1_000


class _Items:
    """What a generator yielded, up to a bound."""

    __slots__ = ("_count", "_items")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._count = 0

    def add(self, item: Any) -> None:
        self._count += 1
        if self._count <= _MAX_ITEMS:
            self._items.append(item)

    def listed(self) -> list[Any]:
        more = self._count - len(self._items)
        return [*self._items, f"[cut: {more:,} more items]"] if more else self._items


def drive_generator(
    op: "Op", current: Runtime, inner: Generator[Any, Any, Any], attributes: dict[str, Any]
) -> Generator[Any, Any, Any]:
    """Run a generator step by step; `send`, `throw`, `close` and the return value reach whom they should."""
    span = op.start(current, attributes)
    if span is None:
        return (yield from inner)
    items = _Items()
    sent: Any = None
    thrown: BaseException | None = None
    try:
        while True:
            token = otel_context.attach(set_span_in_context(span))
            try:
                item = inner.send(sent) if thrown is None else inner.throw(thrown)
            except StopIteration as stop:
                return stop.value
            finally:
                otel_context.detach(token)
            items.add(item)
            sent = thrown = None
            try:
                sent = yield item
            except GeneratorExit:
                _close(span, inner)
                raise
            except BaseException as error:
                thrown = error
    except BaseException as error:
        record_end_of(span, error)
        raise
    finally:
        op.finish(current, span, items.listed())


async def drive_async_generator(
    op: "Op", current: Runtime, inner: AsyncGenerator[Any, Any], attributes: dict[str, Any]
) -> AsyncGenerator[Any, Any]:
    """Run an async generator step by step, as `drive_generator` does."""
    span = op.start(current, attributes)
    items = _Items()
    sent: Any = None
    thrown: BaseException | None = None
    first = True
    try:
        while True:
            token = None if span is None else otel_context.attach(set_span_in_context(span))
            try:
                if thrown is not None:
                    item = await inner.athrow(thrown)
                elif first:
                    first = False
                    item = await _first_step(inner)
                else:
                    item = await inner.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                if token is not None:
                    otel_context.detach(token)
            items.add(item)
            sent = thrown = None
            try:
                sent = yield item
            except GeneratorExit:
                await _aclose(span, inner)
                raise
            except BaseException as error:
                thrown = error
    except BaseException as error:
        if span is not None:
            record_end_of(span, error)
        raise
    finally:
        if span is not None:
            op.finish(current, span, items.listed())


def _first_step(inner: AsyncGenerator[Any, Any]) -> Any:
    # The event loop closes async generators that are left open. It knows ours; were it told of the inner one as
    # well, it would close both at once, and complain that one of them is running.
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _close(span: Span, inner: Generator[Any, Any, Any]) -> None:
    token = otel_context.attach(set_span_in_context(span))
    try:
        inner.close()
    finally:
        otel_context.detach(token)


async def _aclose(span: Span | None, inner: AsyncGenerator[Any, Any]) -> None:
    token = None if span is None else otel_context.attach(set_span_in_context(span))
    try:
        await inner.aclose()
    finally:
        if token is not None:
            otel_context.detach(token)
