"""`Call`: one call of a model that is being recorded, whatever becomes of what is learned of it."""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Token
from dataclasses import replace
from typing import Final

from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import field, text
from tracelm.integrations._metrics import CallMeter, Measured
from tracelm.trace.context import detach
from tracelm.trace.quoting import may_quote
from tracelm.trace.safely import safely
from tracelm.trace.values import type_name

_LEAST_FAILURE: Final = 400
"""The statuses of HTTP that say that a request failed begin here."""
_MOST_GAPS: Final = 10_000
"""Between so many chunks of a stream the time is measured."""
CLOSED_EARLY: Final = "closed_early"
"""`tracelm.stream.outcome` of a stream that the program left before its end."""


class Call:
    """One call, from before the request to the end of the reply. What is learned of it goes somewhere else."""

    captures_content = False
    """Whether prompts and replies are recorded."""
    is_put_off = False
    """Whether what is asked has not been read yet."""
    secret = ""
    """What an error may quote and nobody may read: the key of a client."""
    asks_itself = False
    """Whether a client records it: nobody is asked on its behalf, so what is asked meanwhile is another call."""
    # As they are at first: most calls never change them.
    _is_over = False
    _being_read: Sequence[object] = ()
    _sent = 0
    _first_chunk_s: float | None = None
    _gaps_s: list[float] = []  # noqa: RUF012 - replaced with the first chunk

    def __init__(self, meter: CallMeter | None = None) -> None:
        self._meter = meter
        self._started_s = self._chunk_at_s = time.perf_counter()

    def describe(self) -> None:
        """Read what is asked, where that was put off."""

    def enter(self) -> Token[Context] | None:
        """Begin the time in which the client works; `leave` ends it."""
        return None

    @staticmethod
    def leave(token: Token[Context] | None) -> None:
        """End what `enter` began, also when the garbage collector does it, in another context."""
        detach(token)

    @contextmanager
    def current(self) -> Generator[None]:
        """Make this the current call of the block, so that the spans of an HTTP client stand below it."""
        token = self.enter()
        try:
            yield
        finally:
            self.leave(token)

    def redescribe(self, request: Request) -> None:
        """Take another description of the request: a framework may know later only whom it asks for what."""

    @property
    def was_answered_once(self) -> bool:
        """Whether one call further in, and not several, has told what it was answered."""
        return False

    @property
    def is_asking(self) -> bool:
        """Whether what is asked of a model now is asked for this call.

        Not of a call that a client records, or that has ended; and not while an answer is read piece by piece: then it
        is the program that asks, in between.
        """
        return not (self.asks_itself or self._is_over or self._being_read)

    def reads(self, inner: object) -> None:
        """Note that the answer to a call further in is read piece by piece from now on."""
        self._being_read = (*self._being_read, inner)

    def has_read(self, inner: object) -> None:
        """Note that a call further in is over, however its answer was read."""
        self._being_read = tuple(each for each in self._being_read if each is not inner)

    def streams(self) -> None:
        """Note that the answer has begun, and is read piece by piece from now on."""

    def sent(self) -> None:
        """Note that the request goes out; more than once where the client tries again by itself."""
        self._sent += 1

    @property
    def times_chunks(self) -> bool:
        """Whether it matters when the pieces of the reply arrive that come after the first."""
        return self._meter is not None

    def got_chunk(self) -> None:
        """Note that a piece of the reply has arrived."""
        if self._first_chunk_s is None:
            self._chunk_at_s = time.perf_counter()
            self._first_chunk_s = self._chunk_at_s - self._started_s
            self._gaps_s = []
        elif self._meter is not None and len(self._gaps_s) < _MOST_GAPS:
            before, self._chunk_at_s = self._chunk_at_s, time.perf_counter()
            self._gaps_s.append(self._chunk_at_s - before)

    def end(
        self, reply: Reply | None = None, *, error: BaseException | None = None, outcome: str | None = None
    ) -> None:
        """End the call; only the first end counts.

        Args:
            reply: What came back, if anything did; after an error the part that came before it.
            error: Why the call failed. A cancellation or an interrupt is the program's own wish: it gives the
                error's type, but not the status of a failure.
            outcome: `tracelm.stream.outcome`, for a stream that did not run to its end.
        """
        if not self._is_over:
            self._is_over = True
            if error is not None and self.secret:
                may_quote(error, self.secret)
            self._finish(reply, error, outcome)

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        """Nobody wants to know: the call is left out."""

    def _measure(
        self,
        known: Mapping[str, AttributeValue],
        reply: Reply | None,
        error: BaseException | None,
        context: Context | None = None,
    ) -> None:
        if self._meter is None:
            return
        with safely("measure a model call"):
            attributes = {**known, **({} if reply is None else reply.known())}
            kind = error_type(error, reply)
            if kind is not None:
                attributes[semconv.ERROR_TYPE] = kind
            self._meter.record(
                Measured(
                    attributes=attributes,
                    usage=None if reply is None else reply.usage,
                    duration_s=time.perf_counter() - self._started_s,
                    first_chunk_s=self._first_chunk_s if semconv.REQUEST_STREAM in known else None,
                    chunk_gaps_s=self._gaps_s if semconv.REQUEST_STREAM in known else (),
                    context=context,
                )
            )

    def _passed(self, request: Request) -> dict[str, float]:
        found: dict[str, float] = {}
        # A program may read any answer in pieces; only a stream was asked for as one.
        if self._first_chunk_s is not None and semconv.REQUEST_STREAM in request.attributes:
            found[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = self._first_chunk_s
        if self._sent > 1:
            found[semconv.HTTP_RESEND_COUNT] = self._sent - 1
        return found


def error_type(error: BaseException | None, reply: Reply | None) -> str | None:
    """Return `error.type`: the status that the provider answered with, else the kind of the error."""
    if error is None:
        return None if reply is None or reply.failure is None else reply.failure.kind
    if isinstance(error, GeneratorExit):
        return None
    if not isinstance(error, Exception):  # an exit has a code, too, and it is another one
        return type_name(error)
    answer = getattr(error, "response", None)  # Amazon's errors hold it as it was read
    status = getattr(error, "status_code", None) or getattr(error, "code", None)  # the second is Google's name for it
    if not isinstance(status, int):
        status = field(field(answer, "ResponseMetadata"), "HTTPStatusCode") or getattr(error, "status", None)  # DSPy's
    if isinstance(status, int) and status >= _LEAST_FAILURE:
        return str(status)
    # Where the answer had begun well, it says later what went wrong; of OpenAI's the client has unpacked that.
    body = getattr(error, "body", None)
    said = field(field(body, "error"), "type") or field(body, "type") or field(field(answer, "Error"), "Code")
    return text(said) or type_name(error)


def together(before: Reply | None, reply: Reply | None) -> Reply | None:
    """Return what is learned of a call that asks a client several times: each request is billed."""
    if before is None or reply is None:
        return before if reply is None else reply
    return replace(reply, usage=before.usage if is_same(before, reply) else before.usage + reply.usage)


def known_better(reply: Reply, learned: Reply) -> Reply:
    """Return what a framework says of an answer, with what it took as the client further in was told it.

    A framework brings the counts into a form of its own: it leaves kinds of tokens out, and what the provider says that
    they cost.
    """
    is_cached = semconv.RESPONSE_CACHED in learned.attributes  # it took nothing, whatever the framework repeats of it
    return replace(
        reply,
        model=reply.model or learned.model,
        usage=learned.usage if is_cached else learned.usage.filled_up(reply.usage),
        service_tier=reply.service_tier or learned.service_tier,
    )


def is_same(before: Reply | None, reply: Reply) -> bool:
    """Say whether an answer was told before: a client inside of a client tells the same again."""
    return before is not None and reply.id is not None and reply.id == before.id
