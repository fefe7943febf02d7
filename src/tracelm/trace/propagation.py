"""Traces that cross processes and services: W3C Trace Context and Baggage, written and read by OpenTelemetry."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracelm.trace.context import detach
from tracelm.trace.safely import report, safely

_PROPAGATORS: Final = (TraceContextTextMapPropagator(), W3CBaggagePropagator())


def inject() -> dict[str, str]:
    """Return what another process needs to continue the trace here: the current span, conversation and user.

    Send it along: as headers of a request, in the message of a queue, as an argument of a job in a process pool. It is
    small, and holds ids and baggage only. `tracelm.extract` reads it there.

    Returns:
        `traceparent`, and `tracestate` and `baggage` where there are such; empty where nothing is current.

    Example:
        >>> inject()
        {}
    """
    carrier: dict[str, str] = {}
    with safely("hand a trace on"):
        for each in _PROPAGATORS:
            each.inject(carrier)
    return carrier


@contextmanager
def extract(carrier: Mapping[str, str]) -> Generator[None]:
    """Continue the trace of another process: spans started in the block are children of the span there.

    Args:
        carrier: What `tracelm.inject` gave, or the headers of a request; the case of names does not matter. What
            cannot be read is left out: without a `traceparent` the block changes nothing.

    Example:
        >>> with extract({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}):
        ...     inject()["traceparent"][3:35]
        '0af7651916cd43dd8448eb211c80319c'
    """
    token = context.attach(_read(carrier))
    try:
        yield
    finally:
        detach(token)


def _read(carrier: Mapping[str, str]) -> context.Context:
    found = context.get_current()
    try:
        lowered = {str(name).lower(): value for name, value in carrier.items()}
        for each in _PROPAGATORS:
            found = each.extract(lowered, found)
    except Exception as error:
        report("continue a trace", error)
    return found
