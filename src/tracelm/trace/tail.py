"""The decision at the end: traces that were not sampled are held in memory until it is known whether they failed."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, StatusCode

from tracelm.trace.fork import in_child
from tracelm.trace.safely import report

_MAX_TRACES: Final = 1_000
_MAX_SPANS: Final = 1_000
_MAX_BYTES: Final = 64_000_000
_SPAN_BYTES: Final = 1_000
"""About what a span takes besides its texts."""


class _Held:
    """The spans of one trace so far.

    Attributes:
        roots: Ids of spans that began here (they have no parent in this process) and that are open.
        spans: What has ended, oldest first.
        size: About its bytes.
        failed: Whether one of them failed.
    """

    __slots__ = ("failed", "roots", "size", "spans")

    def __init__(self) -> None:
        self.roots: set[int] = set()
        self.spans: list[ReadableSpan] = []
        self.size = 0
        self.failed = False


class Tail:
    """Holds the spans of unsampled traces until the first span that they had in this process ends.

    What it holds is bounded: past the bounds the oldest trace, or the oldest span of one trace, is let go.

    Args:
        max_traces: This many at once.
        max_spans: This many of one trace.
        max_bytes: This much of all of them, as far as their texts tell.

    Attributes:
        dropped: Spans that were let go before it was known whether their trace fails.
    """

    def __init__(
        self, *, max_traces: int = _MAX_TRACES, max_spans: int = _MAX_SPANS, max_bytes: int = _MAX_BYTES
    ) -> None:
        self._max_traces = max_traces
        self._max_spans = max_spans
        self._max_bytes = max_bytes
        self._size = 0
        self._traces: OrderedDict[int, _Held] = OrderedDict()
        self._kept: OrderedDict[int, None] = OrderedDict()
        # A garbage collection inside the section may end a generator's span: the same thread comes again.
        self._lock = threading.RLock()
        self.dropped = 0
        in_child(self._after_fork)

    def started(self, own: SpanContext, parent: SpanContext | None) -> None:
        """Note that a span has begun that was not sampled."""
        with self._lock:
            held = self._traces.get(own.trace_id)
            if held is None:
                held = self._traces[own.trace_id] = _Held()
                held.roots.add(own.span_id)
                while len(self._traces) > self._max_traces:
                    self._let_go_of_oldest()
            elif parent is None or parent.is_remote or not parent.is_valid:
                held.roots.add(own.span_id)

    def ended(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Take a span that was not sampled.

        Returns:
            What is to be written now, in the order in which it ended; nothing as long as nothing failed.
        """
        context = cast("SpanContext", span.context)
        failed = span.status.status_code is StatusCode.ERROR
        with self._lock:
            held = self._traces.get(context.trace_id)
            if held is None:  # it outlived the span that it began under, or was let go
                return [span] if failed or context.trace_id in self._kept else []
            held.failed |= failed
            self._hold(held, span)
            held.roots.discard(context.span_id)
            if held.roots:
                while self._size > self._max_bytes and self._traces:
                    self._let_go_of_oldest()
                return []
            del self._traces[context.trace_id]
            self._size -= held.size
            if not held.failed:
                return []
            self._kept[context.trace_id] = None
            if len(self._kept) > self._max_traces:
                self._kept.popitem(last=False)
            return held.spans

    def _hold(self, held: _Held, span: ReadableSpan) -> None:
        held.spans.append(span)
        size = _size_of(span)
        held.size += size
        self._size += size
        if len(held.spans) > self._max_spans:
            self._count(1)
            size = _size_of(held.spans.pop(0))
            held.size -= size
            self._size -= size

    def _let_go_of_oldest(self) -> None:
        _, held = self._traces.popitem(last=False)
        self._size -= held.size
        self._count(len(held.spans))

    def _count(self, spans: int) -> None:
        self.dropped += spans
        report("hold all traces that were not sampled until they end", MemoryError("too much of them is open at once"))

    def _after_fork(self) -> None:
        """Leave what is held to the parent, where it goes on."""
        self._lock = threading.RLock()
        self._traces.clear()
        self._kept.clear()
        self._size = 0


def _size_of(span: ReadableSpan) -> int:
    size = _SPAN_BYTES
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        values = cast("Mapping[str, Any]", attributes or {}).values()
        size += sum(len(value) if isinstance(value, str) else 64 for value in values)
    return size
