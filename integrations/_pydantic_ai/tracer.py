"""The tracer that Pydantic AI is given: it makes stand-ins, which become our spans."""

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Tracer, TracerProvider
from opentelemetry.util._decorator import _agnosticcontextmanager  # pyright: ignore[reportPrivateUsage]
from opentelemetry.util.types import Attributes

from tracelm.integrations._pydantic_ai.spans import stand_in
from tracelm.trace.context import detach
from tracelm.trace.safely import report


class StandInTracer(Tracer):
    """Makes spans in the conventions' newest words of what Pydantic AI tells its tracer."""

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """Start a span without making it current; an inert one where that fails. The arguments are OpenTelemetry's."""
        try:
            around = otel_context.get_current() if context is None else context
            return stand_in(name, attributes, around, start_time)
        except Exception as error:
            report("start a span of Pydantic AI", error)
            return trace.INVALID_SPAN

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        """Start a span and make it current for the block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        enter: Any = getattr(span, "enter", list)
        tokens = enter()
        try:
            yield span
        except BaseException as error:
            ended_by: Any = getattr(span, "ended_by", None)
            if ended_by is not None:
                ended_by(error, is_failure=set_status_on_exception)
            raise
        finally:
            for token in reversed(tokens):
                detach(token)
            if end_on_exit:
                span.end()


class StandInProvider(TracerProvider):
    """Gives out the tracer."""

    def get_tracer(self, *_args: Any, **_kwargs: Any) -> Tracer:
        """Return the tracer, whatever the scope: the spans are ours."""
        return StandInTracer()
