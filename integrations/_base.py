"""One call of a model as one span: what every integration needs, whatever client library it is for.

An integration describes the request, lets the client do its work with the span in the context, and hands over
the reply. It never touches what the caller gets: nothing here raises, and nothing is put in between.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Usage
from tracelm.trace import runtime
from tracelm.trace.context import is_suppressed
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import safely
from tracelm.trace.spans import record_failure
from tracelm.trace.values import type_name

Message: TypeAlias = dict[str, object]

CLOSED_EARLY: Final = "closed_early"
"""`tracelm.stream.outcome` of a stream that the program left before its end."""

_CALL: Final = context.create_key("tracelm.model_call")
# OpenTelemetry's own GenAI instrumentations mark their calls with this, so that one inside another is silent.
_FOREIGN_CALL: Final = "opentelemetry.genai.client.inference.context"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is known before the model is called.

    Attributes:
        operation: `gen_ai.operation.name`.
        provider: `gen_ai.provider.name`.
        model: The model asked for, if the request names one.
        attributes: All other attributes that hold no content.
        messages: Makes `gen_ai.input.messages`. Only called where content is recorded, as is the next.
        tools: Makes `gen_ai.tool.definitions`.
    """

    operation: str
    provider: str
    model: str | None
    attributes: Mapping[str, AttributeValue]
    messages: Callable[[], Sequence[Message]]
    tools: Callable[[], Sequence[Message]] = tuple


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the model answered, as far as it did.

    Attributes:
        id: The provider's id of the reply.
        model: The model that answered.
        finish_reasons: Why each choice ended, as the provider says it; `error` for one that did not end.
        usage: Its tokens.
        service_tier: In which tier the provider served it; some cost more than others.
        attributes: Attributes of this provider alone.
        messages: Makes `gen_ai.output.messages`. Only called where content is recorded.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: Sequence[str] = ()
    usage: Usage = field(default_factory=Usage)
    service_tier: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    messages: Callable[[], Sequence[Message]] = tuple


class ModelCall:
    """The span of one call, from before the request to the end of the reply."""

    __slots__ = ("_ended", "_first_chunk_s", "_request", "_runtime", "_span", "_started_s")

    def __init__(self, active: Runtime, request: Request) -> None:
        self._runtime = active
        self._request = request
        self._ended = False
        self._first_chunk_s: float | None = None
        model = request.model
        name = f"{request.operation} {model}" if model else request.operation
        self._span = active.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=self._start_attributes())
        self._started_s = time.perf_counter()

    @property
    def captures_content(self) -> bool:
        """Whether prompts and replies are recorded."""
        return self._runtime.settings.capture_content and self._span.is_recording()

    @contextmanager
    def current(self) -> Generator[None]:
        """Make this the current span of the block, so that the spans of an HTTP client stand below it."""
        token = context.attach(context.set_value(_CALL, self, trace.set_span_in_context(self._span)))
        try:
            yield
        finally:
            context.detach(token)

    def got_chunk(self) -> None:
        """Note that a piece of the reply has arrived."""
        if self._first_chunk_s is None:
            self._first_chunk_s = time.perf_counter() - self._started_s

    def end(
        self, reply: Reply | None = None, *, error: BaseException | None = None, outcome: str | None = None
    ) -> None:
        """End the span; only the first call does.

        Args:
            reply: What came back, if anything did; after an error the part that came before it.
            error: Why the call failed. A cancellation or an interrupt is the program's own wish: it gives the
                error's type, but not the status of a failure.
            outcome: `tracelm.stream.outcome`, for a stream that did not run to its end.
        """
        if self._ended:
            return
        self._ended = True
        with safely("record the reply of a model"):
            self._span.set_attributes(self._end_attributes(reply, outcome))
        if error is not None:
            with safely("record the failure of a model call"):
                self._fail(error)
        with safely("end the span of a model call"):
            self._span.end()

    def _start_attributes(self) -> dict[str, AttributeValue]:
        request = self._request
        found: dict[str, AttributeValue] = {
            semconv.OPERATION_NAME: request.operation,
            semconv.PROVIDER_NAME: request.provider,
        }
        if request.model:
            found[semconv.REQUEST_MODEL] = request.model
        found.update(request.attributes)
        if self._runtime.settings.capture_content:
            self._add_content(found, semconv.INPUT_MESSAGES, request.messages)
            self._add_content(found, semconv.TOOL_DEFINITIONS, request.tools)
        return found

    def _end_attributes(self, reply: Reply | None, outcome: str | None) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        if self._first_chunk_s is not None:
            found[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = self._first_chunk_s
        if outcome is not None:
            found[semconv.STREAM_OUTCOME] = outcome
        if reply is None:
            return found
        found.update(reply.attributes)
        found.update(reply.usage.attributes())
        if reply.id:
            found[semconv.RESPONSE_ID] = reply.id
        if reply.model:
            found[semconv.RESPONSE_MODEL] = reply.model
        if reply.finish_reasons:
            found[semconv.RESPONSE_FINISH_REASONS] = list(reply.finish_reasons)
        if self.captures_content:
            self._add_content(found, semconv.OUTPUT_MESSAGES, reply.messages)
        with safely("price a model call"):
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
            if cost is not None:
                found.update(cost.attributes())
        return found

    def _add_content(self, found: dict[str, AttributeValue], key: str, make: Callable[[], Sequence[Message]]) -> None:
        with safely("record the content of a model call"):
            content = make()
            if content:
                found[key] = self._runtime.encode(content)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, GeneratorExit):
            return
        if not isinstance(error, Exception):
            self._span.set_attribute(semconv.ERROR_TYPE, type_name(error))
            return
        record_failure(self._span, error)
        status_code = getattr(error, "status_code", None)
        if isinstance(status_code, int):
            self._span.set_attribute(semconv.ERROR_TYPE, str(status_code))


def begin(describe: Callable[[], Request]) -> ModelCall | None:
    """Start recording a call.

    Returns:
        The call, or `None` when it must pass untouched: nothing is initialised, instrumentation is suppressed
        here, an integration further out records it already, or describing it failed.
    """
    active = runtime.active
    if active is None or is_suppressed() or _is_recorded_further_out():
        return None
    with safely("record the request to a model"):
        return ModelCall(active, describe())
    return None


def _is_recorded_further_out() -> bool:
    return context.get_value(_CALL) is not None or context.get_value(_FOREIGN_CALL) is not None
