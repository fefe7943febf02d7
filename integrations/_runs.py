"""What a framework does at the moment: its runs by their ids, each with its span and the context of what it does."""

import threading
from collections import OrderedDict
from collections.abc import Generator, Hashable, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import Final

import orjson
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from tracelm.integrations._base import Call
from tracelm.trace import runtime
from tracelm.trace.context import detach, is_suppressed
from tracelm.trace.spans import end_safely, record_end_of

_MOST: Final = 10_000
"""So many runs are open at once, at most: one that is never ended goes when as many have come after it."""


class Run:
    """One run: a chain, a node of a graph, an agent, a tool, a retriever, or the call of a model.

    Args:
        parent_id: The run that it is a part of.
        around: The context in which it began.
        span: Its span; `None` for the call of a model, and for a run that stands for its parent.
        call: The recorded call of a model.
    """

    __slots__ = ("_mark", "_token", "around", "call", "children", "parent_id", "span")

    def __init__(
        self, parent_id: Hashable | None, around: Context, *, span: Span | None = None, call: Call | None = None
    ) -> None:
        self.parent_id = parent_id
        self.around = around
        self.span = span
        self.call = call
        self.children: set[Hashable] = set()
        self._mark: tuple[str, Hashable] | None = None
        self._token: Token[Context] | None = None

    def mark(self, key: str, run_id: Hashable) -> None:
        """Take the key under which the context of what it does tells its id."""
        self._mark = key, run_id

    def attach(self) -> None:
        """Make it the current run here, until `detach`."""
        self._token = self.enter()

    def enter(self) -> Token[Context] | None:
        """Make it the current run here, until the token is given back."""
        return self.call.enter() if self.call is not None else otel_context.attach(self.inside())

    def detach(self) -> None:
        """End what `attach` began; nothing if it did not."""
        token, self._token = self._token, None
        if token is not None:
            detach(token)

    def inside(self) -> Context:
        """Return the context of what the run does."""
        around = self.around if self.span is None else trace.set_span_in_context(self.span, self.around)
        return around if self._mark is None else otel_context.set_value(*self._mark, around)

    def end(self, error: BaseException | None = None) -> None:
        """End it; what it gave is recorded already."""
        self.detach()
        if self.call is not None:
            self.call.end(error=error)
        if self.span is not None:
            if error is not None:
                record_end_of(self.span, error)
            end_safely(self.span)


class Runs:
    """The runs that are open, by the ids that their framework gives them. For any number of threads.

    Args:
        framework: Its name.
    """

    def __init__(self, framework: str) -> None:
        self._key = f"tracelm.{framework}.run"
        self._lock = threading.Lock()
        self._open: OrderedDict[Hashable, Run] = OrderedDict()

    def find(self, run_id: Hashable | None) -> Run | None:
        """Return an open run."""
        return None if run_id is None else self._open.get(run_id)

    def here(self) -> Hashable | None:
        """Return the id of the run in which this is called, as the context tells it."""
        found = otel_context.get_current().get(self._key)
        return found if isinstance(found, Hashable) and found in self._open else None

    def context_for(self, parent_id: Hashable | None) -> Context:
        """Return the context in which a child of a run begins.

        It is the current one where that is inside of the parent, as there may be spans of the program in between;
        else that of the parent, whose children may begin in any thread.
        """
        current = otel_context.get_current()
        parent = self.find(parent_id)
        if parent is None or parent_id is None or current.get(self._key) == parent_id:
            return current
        return parent.inside()

    def add(self, run_id: Hashable, run: Run) -> None:
        """Take a run that begins."""
        run.mark(self._key, run_id)
        with self._lock:
            self._open[run_id] = run
            parent = self.find(run.parent_id)
            if parent is not None:
                parent.children.add(run_id)
            oldest = self._open.popitem(last=False)[1] if len(self._open) > _MOST else None
        if oldest is not None:
            oldest.end()

    def take(self, run_id: Hashable) -> Run | None:
        """Return a run that ends, which is not open any more."""
        with self._lock:
            run = self._open.pop(run_id, None)
            parent = None if run is None else self.find(run.parent_id)
            if parent is not None:
                parent.children.discard(run_id)
        return run

    def close(self, run: Run, error: BaseException | None = None) -> None:
        """End a run, and before it what it began and its framework forgot, as it may with a tool that is cancelled."""
        for child_id in list(run.children):
            child = self.take(child_id)
            if child is not None:
                self.close(child, error)
        run.end(error)

    def close_all(self) -> None:
        """End all that are open."""
        for run_id in list(self._open):
            run = self.take(run_id)
            if run is not None:
                self.close(run)

    @contextmanager
    def current(self, run_id: Hashable | None) -> Generator[Run | None]:
        """Make a run the current one of the block."""
        run = self.find(run_id)
        if run is None:
            yield None
            return
        token = run.enter()
        try:
            yield run
        finally:
            if token is not None:
                detach(token)


def open_span(
    name: str,
    around: Context,
    attributes: Mapping[str, AttributeValue],
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    start_time: int | None = None,
) -> Span | None:
    """Start the span of a run, now or at a time in nanoseconds; `None` where nothing is recorded."""
    active = runtime.active
    if active is None or is_suppressed():
        return None
    return active.tracer.start_span(name, context=around, kind=kind, attributes=attributes, start_time=start_time)


def set_value(span: Span, key: str, value: object, *, is_text: bool = False) -> None:
    """Set an attribute that holds content, if content is captured: JSON, or a text by itself."""
    active = runtime.active
    if active is not None and active.settings.capture_content and span.is_recording():
        encoded = active.encode(value)
        # Encoding a text has redacted and bounded it.
        span.set_attribute(key, str(orjson.loads(encoded.encode())) if is_text else encoded)
