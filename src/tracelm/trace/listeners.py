"""Who hears of each span that is recorded in this process: monitors that run in it."""

from typing import TYPE_CHECKING, Protocol

from tracelm.trace.safely import safely

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

listening: "tuple[Listener, ...]" = ()
"""Those who do. Looked at for each span, so that nobody pays where nobody listens."""


class Listener(Protocol):
    """Hears of spans."""

    def hear(self, context: "SpanContext", line: bytes) -> None:
        """Take note of a span, in the thread that ended it: it must be quick, and must not wait.

        Args:
            context: Its ids.
            line: The span without secrets, OTLP/JSON, as it is in the journal.
        """
        ...

    def end(self, timeout_s: float) -> None:
        """Come to an end, within so many seconds: recording ends."""
        ...


def listen(listener: Listener) -> None:
    """Tell somebody of each span from now on."""
    global listening  # noqa: PLW0603 - replaced as a whole: who reads it needs no lock
    if listener not in listening:
        listening = (*listening, listener)


def leave(listener: Listener) -> None:
    """Tell somebody no more."""
    global listening  # noqa: PLW0603 - as above
    listening = tuple(each for each in listening if each is not listener)


def tell(context: "SpanContext", line: bytes) -> None:
    """Tell all of them of a span."""
    for each in listening:
        with safely("hand a span to a monitor"):
            each.hear(context, line)


def end(timeout_s: float) -> None:
    """Let all of them come to an end, each within so many seconds."""
    for each in listening:
        with safely("end a monitor"):
            each.end(timeout_s)
        leave(each)
