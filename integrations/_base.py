"""One call of a model as one span: what every integration needs, whatever client library it is for.

An integration describes the request, lets the client do its work with the span in the context, and hands over
the reply. It never touches what the caller gets: nothing here raises, and nothing is put in between.
"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import Token
from dataclasses import replace
from typing import Final

import orjson
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations import _nesting
from tracelm.integrations._details import emit_details
from tracelm.integrations._estimates import estimated, prepare
from tracelm.integrations._exchange import Failure, Reply, Request
from tracelm.integrations._fields import field, text
from tracelm.integrations._metrics import INFERENCE, CallMeter, Measured, find_meter
from tracelm.integrations._nesting import Outer
from tracelm.integrations._running import running
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Cost
from tracelm.trace import runtime
from tracelm.trace.context import AS_IT_IS, detach, is_suppressed
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report, safely
from tracelm.trace.spans import end_safely, record_failure
from tracelm.trace.values import type_name

_LEAST_FAILURE: Final = 400
"""The statuses of HTTP that say that a request failed begin here."""
_MOST_GAPS: Final = 10_000
"""Between so many chunks of a stream the time is measured."""
CLOSED_EARLY: Final = "closed_early"
"""`tracelm.stream.outcome` of a stream that the program left before its end."""

_MIME_TYPES: Final = {
    semconv.INPUT_VALUE: semconv.INPUT_MIME_TYPE,
    semconv.OUTPUT_VALUE: semconv.OUTPUT_MIME_TYPE,
}


class Call:
    """One call, from before the request to the end of the reply. What is learned of it goes somewhere else."""

    __slots__ = ("_chunk_at_s", "_first_chunk_s", "_gaps_s", "_is_over", "_meter", "_sent", "_started_s")

    captures_content = False
    """Whether prompts and replies are recorded."""

    def __init__(self, meter: CallMeter | None = None) -> None:
        self._meter = meter
        self._is_over = False
        self._first_chunk_s: float | None = None
        self._gaps_s: list[float] = []
        self._sent = 0
        self._started_s = self._chunk_at_s = time.perf_counter()

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

    def sent(self) -> None:
        """Note that the request goes out; more than once where the client tries again by itself."""
        self._sent += 1

    def got_chunk(self) -> None:
        """Note that a piece of the reply has arrived."""
        if self._first_chunk_s is None:
            self._chunk_at_s = time.perf_counter()
            self._first_chunk_s = self._chunk_at_s - self._started_s
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
            kind = _error_type(error, reply)
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

    def _passed(self, request: Request, outcome: str | None) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        # A program may read any answer in pieces; only a stream was asked for as one.
        if self._first_chunk_s is not None and semconv.REQUEST_STREAM in request.attributes:
            found[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = self._first_chunk_s
        if self._sent > 1:
            found[semconv.HTTP_RESEND_COUNT] = self._sent - 1
        if outcome is not None:
            found[semconv.STREAM_OUTCOME] = outcome
        return found


class LeftOut(Call):
    """A call that sampling leaves out: what happens below it is left out, too."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def enter(self) -> Token[Context]:
        """Make the context current in which nothing is recorded."""
        return otel_context.attach(self._context)


class MeasuredCall(Call):
    """A call that sampling leaves out, while the program measures its calls."""

    __slots__ = ("_context", "_request")

    def __init__(self, context: Context | None, request: Request, meter: CallMeter) -> None:
        super().__init__(meter)
        self._context = context
        self._request = request

    def enter(self) -> Token[Context] | None:
        """Make the context current in which nothing is recorded, if it is not."""
        return None if self._context is None else otel_context.attach(self._context)

    def redescribe(self, request: Request) -> None:
        """Take another description of the request."""
        self._request = request

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        self._measure(self._request.known(), reply, error)


class InnerCall(Call):
    """A call that one further out records: what is learned goes there."""

    __slots__ = ("_learned", "_outer", "_request", "around", "captures_content")

    around: Call | None
    """The call further out where that is not the current one: its generator asks."""

    def __init__(self, outer: Outer, request: Request) -> None:
        super().__init__()
        self._outer = outer
        self._request = request
        self._learned: Reply | None = None
        self.around = None
        self.captures_content = outer.wants_part
        # At once: of a stream that is left, the one further out may hear before the one further in.
        with safely("tell the call further out where this one goes"):
            outer.learn(request.known(), None)

    def enter(self) -> Token[Context]:
        """Make it the call to which those further in belong: what each of them took is counted once."""
        token = None if self.around is None else self.around.enter()
        own = otel_context.attach(_nesting.inside(otel_context.get_current(), self._request.kind, self))
        return own if token is None else token  # giving the first one back undoes both

    def learn(self, attributes: Mapping[str, AttributeValue], reply: Reply | None) -> None:
        """Take what a call further in knows."""
        self._outer.learn(attributes, None)
        self._learned = _together(self._learned, reply)

    @property
    def wants_part(self) -> bool:
        """Whether a call further in shall keep content, too."""
        return self.captures_content

    def redescribe(self, request: Request) -> None:
        """Take another description of the request."""
        self._request = request
        with safely("tell the call further out where this one goes"):
            self._outer.learn(request.known(), None)

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        with safely("tell the call further out what is known"):
            known = self._request.known() | self._passed(self._request, outcome)
            learned = self._learned
            if reply is None or (learned is not None and not reply.usage.attributes()):
                self._outer.learn(known if reply is None else known | reply.known(), learned)
            else:
                self._outer.learn(known | reply.known(), reply)


class ModelCall(Call):
    """The span of one call."""

    __slots__ = (
        "_answers",
        "_content",
        "_counts_itself",
        "_known",
        "_learned",
        "_request",
        "_runtime",
        "_span",
        "_written",
        "captures_content",
    )

    def __init__(self, active: Runtime, request: Request, meter: CallMeter | None = None) -> None:
        self._runtime = active
        self._content: dict[str, str] = {}
        self._request = request
        self._known = request.known()
        self._learned: Reply | None = None
        self._answers = 0
        self._written: object = None
        # Samplers see what says what is asked of whom; content is only made for a span that is kept.
        self._span = active.tracer.start_span(request.name, kind=SpanKind.CLIENT, attributes=self._known, drawn=True)
        wanted = active.settings.capture_content or active.settings.details_event == "content"
        self.captures_content: bool = wanted and self._span.is_recording()
        if self.captures_content:
            self._span.set_attributes(self._on_span(self._encoded(request.said())))
        # Whether the provider will not say how many tokens the reply took, and they shall be counted here.
        estimates = active.settings.stream_usage == "estimate" and self.captures_content
        self._counts_itself = estimates and not request.reports_usage
        if self._counts_itself:
            with safely("make the tokenizer ready"):
                prepare(request)
        super().__init__(meter)

    def enter(self) -> Token[Context]:
        """Make the span current."""
        inside, self._written = _nesting.enter(otel_context.get_current(), self._request.kind, self, self._span)
        return otel_context.attach(inside)

    def learn(self, attributes: Mapping[str, AttributeValue], reply: Reply | None) -> None:
        """Take what a call further in knows; what is known already stays."""
        if self._is_over:
            return
        provider = attributes.get(semconv.PROVIDER_NAME)
        if self._request.by_framework and isinstance(provider, str):
            self._request = replace(self._request, provider=provider, by_framework=False)
            self._known[semconv.PROVIDER_NAME] = provider
            self._span.set_attribute(semconv.PROVIDER_NAME, provider)
        if reply is not None:
            is_another = not _is_same(self._learned, reply)
            self._learned = whole = _together(self._learned, reply)
            if is_another:
                self._answers += 1
                if self._answers > 1 and whole is not None:
                    attributes = {**attributes, **whole.usage.attributes()}
        new = {key: value for key, value in attributes.items() if key not in self._known}
        self._span.set_attributes(new)

    def redescribe(self, request: Request) -> None:
        """Take another description of the request; who answers is known already where a call further in has told."""
        if not self._request.by_framework:
            request = replace(request, provider=self._request.provider, by_framework=False)
        self._request = request
        self._known.update(request.known())
        self._span.update_name(request.name)
        self._span.set_attributes(self._known)

    @property
    def was_answered_once(self) -> bool:
        """Whether one call further in, and not several, has told what it was answered."""
        return self._answers == 1

    @property
    def wants_part(self) -> bool:
        """Whether a call further in shall keep content, too."""
        return self.captures_content and self._request.part_is_lost

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        found: dict[str, AttributeValue] = {}
        try:
            found = self._found(self._counted(reply, error, outcome), outcome)
            self._span.set_attributes(found)
        except Exception as failure:
            report("record the reply of a model", failure)
        try:
            if error is not None:
                self._fail(error)
            elif reply is not None and reply.failure is not None:
                self._fail_with(reply.failure)
        except Exception as failure:
            report("record the failure of a model call", failure)
        if self._meter is not None:
            context = trace.set_span_in_context(self._span)
            self._measure({**self._known, **found}, reply or self._learned, error, context)
        if self._runtime.settings.details_event != "off":
            self._emit_details(found, reply, error)
        end_safely(self._span)

    def _counted(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> Reply | None:
        """Return the reply with estimated tokens, where it is a whole stream that says nothing of its own."""
        if reply is None or error is not None or outcome is not None or not self._counts_itself:
            return reply
        return reply if reply.usage.attributes() else estimated(self._request, reply)

    def _found(self, reply: Reply | None, outcome: str | None) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        if self._written is not None:
            found, written = _nesting.read_written(self._written)
            found = {key: value for key, value in found.items() if key not in self._known}
            self._learned = self._learned or written
        found.update(self._passed(self._request, outcome))
        if reply is not None:
            found.update(reply.known())
        said = self._learned if reply is None and self.wants_part else reply
        if said is not None and self.captures_content:
            found.update(self._on_span(self._encoded(said.said())))
        try:
            found.update(self._cost(reply))
        except Exception as error:
            report("price a model call", error)
        return found

    def _cost(self, reply: Reply | None) -> Mapping[str, AttributeValue]:
        learned = self._learned
        theirs = None if reply is None else reply.framework_usd
        if reply is None or (learned is not None and not reply.usage.attributes()):
            reply = learned
        if reply is None:
            return {}
        cost = self._runtime.prices.cost(
            PricedCall(
                provider=self._request.provider,
                request_model=self._request.model,
                response_model=reply.model,
                usage=reply.usage,
                service_tier=reply.service_tier,
                start_ns=getattr(self._span, "start_time", None) or time.time_ns(),
            )
        )
        if cost is None and theirs is not None:
            cost = Cost(amount_usd=theirs)
        found = {} if cost is None else cost.attributes()
        return found if theirs is None else {**found, semconv.COST_FRAMEWORK: float(theirs)}

    def _emit_details(
        self, found: Mapping[str, AttributeValue], reply: Reply | None, error: BaseException | None
    ) -> None:
        if self._request.operation not in INFERENCE or not self._span.is_recording():
            return
        with safely("write the details of a model call"):
            kind = _error_type(error, reply)
            facts = {key: value for key, value in {**self._known, **found}.items() if key not in self._content}
            if kind is not None:
                facts[semconv.ERROR_TYPE] = kind
            emit_details(facts, self._content, on=self._span.get_span_context())

    def _on_span(self, content: dict[str, AttributeValue]) -> dict[str, AttributeValue]:
        """Keep content for the event that was asked for; returns what of it the span shall hold."""
        settings = self._runtime.settings
        if settings.details_event != "off":
            self._content |= {key: str(text) for key, text in content.items()}
        return content if settings.capture_content else {}

    def _encoded(self, said: Mapping[str, Callable[[], object]]) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        for key, make in said.items():
            if make is tuple:
                continue
            try:
                content = make()
                if content:
                    found[key] = encoded = self._runtime.encode(content)
                    if key in _MIME_TYPES:
                        found[_MIME_TYPES[key]] = semconv.MIME_JSON
                    elif key.startswith(semconv.PROMPT_VARIABLE) and isinstance(content, str):
                        # It is a text by itself; encoding it has redacted and bounded it.
                        found[key] = str(orjson.loads(encoded.encode()))
            except Exception as error:  # one that cannot be read does not cost the others
                report("record the content of a model call", error)
        return found

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, GeneratorExit):
            return
        if not isinstance(error, Exception):
            self._span.set_attribute(semconv.ERROR_TYPE, type_name(error))
            return
        record_failure(self._span, error)
        self._span.set_attribute(semconv.ERROR_TYPE, _error_type(error, None) or type_name(error))

    def _fail_with(self, failure: Failure) -> None:
        content = self._runtime.settings.capture_content
        said = self._runtime.redactor.string(failure.message[:1_000]) if content else ""
        self._span.set_attribute(semconv.ERROR_TYPE, failure.kind)
        self._span.set_status(Status(StatusCode.ERROR, f"{failure.kind}: {said}" if said else failure.kind))


def begin(describe: Callable[[], Request], *, kind: str = "chat") -> Call | None:
    """Start recording a call.

    Args:
        describe: Makes the description. Only called where it is needed: not for a call that sampling leaves out.
        kind: The operation, or what stands for it.

    Returns:
        The call, or `None` when it must pass untouched: nothing is initialised, instrumentation is suppressed
        here, the trace is left out already, or describing it failed.
    """
    around = running()
    if around is None:
        return _begin(describe, kind)
    with around.current():
        call = _begin(describe, kind)
    if isinstance(call, InnerCall):
        call.around = around
    return call


def _together(before: Reply | None, reply: Reply | None) -> Reply | None:
    """Return what is learned of a call that asks a client several times: each request is billed."""
    if before is None or reply is None:
        return before if reply is None else reply
    return replace(reply, usage=before.usage if _is_same(before, reply) else before.usage + reply.usage)


def _is_same(before: Reply | None, reply: Reply) -> bool:
    """Say whether an answer was told before: a client inside of a client tells the same again."""
    return before is not None and reply.id is not None and reply.id == before.id


def _begin(describe: Callable[[], Request], kind: str) -> Call | None:
    active = runtime.active
    if active is None:
        return None
    meter = find_meter(active.settings.metric_names)
    left_out = active.tracer.leaves_out(None)
    if left_out is AS_IT_IS and (meter is None or is_suppressed()):
        return None
    around = otel_context.get_current()
    if around.get(_nesting.SUPPRESSED_BY_TRACELOOP):
        return None
    outer = _nesting.enclosing(around, kind) if around else None
    if left_out is not None and outer is None and meter is None:
        return LeftOut(left_out)
    try:
        if outer is not None:
            return InnerCall(outer, describe())
        if left_out is not None and meter is not None:
            return MeasuredCall(None if left_out is AS_IT_IS else left_out, describe(), meter)
        return ModelCall(active, describe(), meter)
    except Exception as error:
        report("record the request to a model", error)
        return None


def _error_type(error: BaseException | None, reply: Reply | None) -> str | None:
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
    # Where the answer had begun well, it says later what went wrong.
    said = field(field(getattr(error, "body", None), "error"), "type") or field(field(answer, "Error"), "Code")
    return text(said) or type_name(error)
