"""What a monitor does is not recorded: it must not find its own calls."""

from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry import context as otel_context

from tracelm.trace.context import SUPPRESS_KEY, detach


@contextmanager
def unrecorded() -> Generator[None]:
    """Record nothing of what is called within the block."""
    token = otel_context.attach(otel_context.set_value(SUPPRESS_KEY, True))
    try:
        yield
    finally:
        detach(token)
