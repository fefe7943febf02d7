"""What LangChain does at the moment: its runs by their ids, each with its span and the context of what it does."""

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Final
from uuid import UUID

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from tracelm.integrations._base import Call
from tracelm.trace.context import detach
from tracelm.trace.spans import end_safely, record_end_of

generating: Final[ContextVar[bool]] = ContextVar("tracelm_langchain_generating", default=False)
"""Whether a model is asked for a whole answer here: its call is made current around the request itself."""
_MOST: Final = 10_000
"""So many runs are open at once, at most: one that is never ended by LangChain goes when as many have come after it."""
_CURRENT: Final = "tracelm.langchain.run"


class Run:
    """One run: a chain, a node of a graph, a tool, a retriever, or the call of a model.

    Args:
        parent_id: The run that it is a part of.
        around: The context in which it began.
        span: Its span; `None` for the call of a model, and for a run that stands for its parent.
        call: The recorded call of a model.
    """

    __slots__ = ("_token", "around", "call", "children", "parent_id", "span")

    def __init__(
        self, parent_id: UUID | None, around: Context, *, span: Span | None = None, call: Call | None = None
    ) -> None:
        self.parent_id = parent_id
        self.around = around
        self.span = span
        self.call = call
        self.children: set[UUID] = set()
        self._token: Token[Context] | None = None

    def attach(self, run_id: UUID) -> None:
        """Make it the current run here, until `detach`."""
        self._token = self.call.enter() if self.call is not None else otel_context.attach(self.inside(run_id))

    def detach(self) -> None:
        """End what `attach` began; nothing if it did not."""
        token, self._token = self._token, None
        if token is not None:
            detach(token)

    def inside(self, run_id: UUID) -> Context:
        """Return the context of what the run does."""
        around = self.around if self.span is None else trace.set_span_in_context(self.span, self.around)
        return otel_context.set_value(_CURRENT, run_id, around)

    def end(self, error: BaseException | None = None) -> None:
        """End it; what LangChain was told of its result is recorded already."""
        self.detach()
        if self.call is not None:
            self.call.end(error=error)
        if self.span is not None:
            if error is not None:
                record_end_of(self.span, error)
            end_safely(self.span)


class Runs:
    """The runs that are open, by the ids that LangChain gives them. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[UUID, Run] = OrderedDict()

    def find(self, run_id: UUID | None) -> Run | None:
        """Return an open run."""
        return None if run_id is None else self._open.get(run_id)

    def context_for(self, parent_id: UUID | None) -> Context:
        """Return the context in which a child of a run begins.

        It is the current one where that is inside of the parent, as there may be spans of the program in between;
        else that of the parent, whose children may begin in any thread.
        """
        current = otel_context.get_current()
        parent = self.find(parent_id)
        if parent is None or parent_id is None or current.get(_CURRENT) == parent_id:
            return current
        return parent.inside(parent_id)

    def add(self, run_id: UUID, run: Run) -> None:
        """Take a run that begins."""
        with self._lock:
            self._open[run_id] = run
            parent = self.find(run.parent_id)
            if parent is not None:
                parent.children.add(run_id)
            oldest = self._open.popitem(last=False)[1] if len(self._open) > _MOST else None
        if oldest is not None:
            oldest.end()

    def take(self, run_id: UUID) -> Run | None:
        """Return a run that ends, which is not open any more."""
        with self._lock:
            run = self._open.pop(run_id, None)
            parent = None if run is None else self.find(run.parent_id)
            if parent is not None:
                parent.children.discard(run_id)
        return run

    def close(self, run: Run, error: BaseException | None = None) -> None:
        """End a run, and before it what it began and LangChain forgot, as it does with a tool that is cancelled."""
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
    def current(self, run_id: UUID | None) -> Generator[Run | None]:
        """Make a run the current one of the block."""
        run = self.find(run_id)
        if run is None or run_id is None:
            yield None
            return
        token = run.call.enter() if run.call is not None else otel_context.attach(run.inside(run_id))
        try:
            yield run
        finally:
            if token is not None:
                detach(token)
