"""Starting, filling and ending spans by hand: `tracelm.span()` and `tracelm.current_span()`."""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from tracelm import semconv
from tracelm.trace import runtime
from tracelm.trace.context import detach, is_suppressed
from tracelm.trace.quoting import hide_quoted
from tracelm.trace.safely import report, safely
from tracelm.trace.stacks import stack_of
from tracelm.trace.values import type_name

_MAX_MESSAGE_CHARACTERS: Final = 20_000
_MAX_DESCRIPTION_CHARACTERS: Final = 1_000
INERT: Final[Span] = trace.INVALID_SPAN


class SpanHandle:
    """A span that is being recorded, or nothing at all: every method is safe to call either way.

    Attributes:
        otel: The OpenTelemetry span behind it.
    """

    __slots__ = ("otel",)

    def __init__(self, otel: Span) -> None:
        self.otel = otel

    @property
    def context(self) -> SpanContext:
        """The OpenTelemetry context: what a score or a link points at."""
        return self.otel.get_span_context()

    @property
    def trace_id(self) -> str:
        """32 hex digits; all zero when nothing is recorded."""
        return f"{self.context.trace_id:032x}"

    @property
    def span_id(self) -> str:
        """16 hex digits; all zero when nothing is recorded."""
        return f"{self.context.span_id:016x}"

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute: a string, number, bool, or a sequence or mapping of them."""
        with safely("set an attribute"):
            self.otel.set_attribute(key, value)

    def set_attributes(self, values: Mapping[str, Any]) -> None:
        """Set several attributes; one that cannot be recorded does not cost the others."""
        with safely("set attributes"):
            for key, value in values.items():
                self.set_attribute(key, value)

    def set_output(self, value: object) -> None:
        """Record what the step produced, as JSON; left out when content is not captured."""
        set_content(self.otel, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, value)

    def __repr__(self) -> str:
        return f"<SpanHandle trace_id={self.trace_id} span_id={self.span_id}>"


@contextmanager
def span(
    name: str,
    *,
    inputs: Mapping[str, object] | None = None,
    attributes: Mapping[str, Any] | None = None,
    root: bool = False,
    links: Sequence[SpanContext] = (),
) -> Generator[SpanHandle]:
    """Record a block as one span.

    Args:
        name: The span's name: a kind of step, not an id ("load documents").
        inputs: What the step starts from, recorded as `input.value`.
        attributes: Attributes to start with.
        root: Start a new trace instead of a child of the current span.
        links: Spans that this one belongs to without being their child.

    Yields:
        The span. Before `tracelm.init()` it is inert.

    Example:
        >>> with span("load documents", inputs={"query": "refunds"}) as step:
        ...     step.set_output(["a", "b"])
    """
    # A new trace has no parent; conversation, user and attributes of the block still hold.
    around = trace.set_span_in_context(INERT) if root else otel_context.get_current()
    opened = open_span(name, around, inputs=inputs, attributes=attributes, links=links)
    token = otel_context.attach(trace.set_span_in_context(opened, around))
    try:
        yield SpanHandle(opened)
    except BaseException as error:
        record_end_of(opened, error)
        raise
    finally:
        detach(token)
        end_safely(opened)


def current_span() -> SpanHandle:
    """Return the span that is current here; an inert one where there is none."""
    return SpanHandle(trace.get_current_span())


def set_content(target: Span, key: str, mime_key: str, value: object) -> None:
    """Set an input or output on a span, if content is captured."""
    current = runtime.active
    if current is None or not current.settings.capture_content or not target.is_recording():
        return
    with safely("encode a value"):
        target.set_attributes({key: current.encode(value), mime_key: semconv.MIME_JSON})


def end_safely(target: Span) -> None:
    """End a span, whatever the processors that listen to it do."""
    try:
        target.end()
    except Exception as error:
        report("end a span", error)


def record_end_of(target: Span, error: BaseException) -> None:
    """Note on a span that `error` ended it. Closing a generator is no error, cancellation is none either.

    Never raises.
    """
    if isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and not error.code):
        return
    try:
        if _is_cancellation(error):
            target.set_attribute(semconv.OUTCOME, "cancelled")
        else:
            record_failure(target, error)
    except Exception as failure:
        report("record the end of a span", failure)


def record_failure(target: Span, error: BaseException) -> None:
    """Note an error on a span: status ERROR, `error.type`, and one `exception` event without secrets.

    Where content is not captured, neither is what the error says: it may quote an input.
    """
    if not target.is_recording():
        return
    event = exception_event(error, in_full=runtime.active is not None and runtime.active.settings.capture_content)
    description = type(error).__qualname__
    if "exception.message" in event:
        description = f"{description}: {event['exception.message']}"[:_MAX_DESCRIPTION_CHARACTERS]
    target.add_event("exception", event)
    target.set_attribute(semconv.ERROR_TYPE, event["exception.type"])
    target.set_status(Status(StatusCode.ERROR, description))


def exception_event(error: BaseException, *, in_full: bool) -> dict[str, str]:
    """Return what an event says of an error, without secrets. Never raises.

    Args:
        error: What happened.
        in_full: Whether it may say what the error says, which may quote an input, and where it came from.
    """
    event = {"exception.type": type_name(error)}
    active = runtime.active
    if in_full and active is not None:
        try:
            message = active.redactor.string(hide_quoted(str(error), error)[:_MAX_MESSAGE_CHARACTERS])
            stack = active.redactor.text(hide_quoted(stack_of(error), error))
            event |= {"exception.message": message, "exception.stacktrace": stack}
        except Exception as failure:  # an exception whose __str__ raises, say
            report("record an exception", failure)
    return event


def _is_cancellation(error: BaseException) -> bool:
    if isinstance(error, asyncio.CancelledError):
        return True
    if isinstance(error, BaseExceptionGroup):  # a task group or nursery whose tasks were all cancelled
        return all(_is_cancellation(each) for each in cast("BaseExceptionGroup[BaseException]", error).exceptions)
    # trio's Cancelled is told by its name: trio need not be installed, nor imported.
    name = type_name(error)
    return name.startswith("trio.") and "Cancelled" in name


def open_span(
    name: str,
    around: Context,
    *,
    inputs: Mapping[str, object] | None,
    attributes: Mapping[str, Any] | None,
    links: Sequence[SpanContext],
) -> Span:
    """Start a span without making it current; an inert one where nothing is recorded.

    Args:
        name: The span's name.
        around: The context whose span is the parent.
        inputs: What the step starts from.
        attributes: To start with.
        links: Spans that this one belongs to without being their child.
    """
    current = runtime.active
    if current is None or is_suppressed():
        return INERT
    try:
        linked = [Link(each) for each in links]
        try:
            opened = current.tracer.start_span(
                name, context=around, kind=SpanKind.INTERNAL, attributes=attributes, links=linked
            )
        except Exception as error:  # an attribute that cannot be recorded costs itself, not the span
            report("set attributes", error)
            opened = current.tracer.start_span(name, context=around, kind=SpanKind.INTERNAL, links=linked)
            SpanHandle(opened).set_attributes(attributes or {})
    except Exception as error:
        report("start a span", error)
        return INERT
    if inputs is not None:
        set_content(opened, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, inputs)
    return opened
