"""The spans that Pydantic AI makes, each a stand-in that becomes one in the conventions' newest words when it ends.

Pydantic AI sets names and attributes of its own on what its tracer gives it. They are kept, and translated at the end:
so nothing reaches a span, or another exporter, before it is redacted and bounded.
"""

from collections.abc import Mapping
from contextvars import Token
from typing import Final

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from tracelm import semconv
from tracelm.integrations._base import LeftOut, begin
from tracelm.integrations._call import Call
from tracelm.integrations._fields import count, items, text
from tracelm.integrations._parts import parsed
from tracelm.integrations._pydantic_ai.messages import answered, messages, requested
from tracelm.integrations._runs import open_span, set_value
from tracelm.trace import runtime
from tracelm.trace.context import detach
from tracelm.trace.safely import safely
from tracelm.trace.spans import record_end_of, set_content

_AGENT: Final = "tracelm.pydantic_ai.agent"
"""The context's key of the agent that runs."""
_THEIRS: Final = frozenset(
    {
        *("agent_name", "all_messages_events", "embedding_settings", "embeddings", "events", "final_result"),
        *("gen_ai.agent.call.id", "gen_ai.system", "input_type", "inputs", "inputs_count", "metadata"),
        *("model_name", "model_request_parameters", "operation.cost", "tool_arguments", "tool_response"),
        *("pydantic_ai.all_messages", "pydantic_ai.tool.deferral.metadata", semconv.CONVERSATION_ID),
    }
)
"""Attributes that are told in other words, or are what only Pydantic's own views need."""
_THEIR_FAMILIES: Final = ("logfire.", "gen_ai.")


class StandIn(Span):
    """A span as Pydantic AI sees it; by itself a step without an operation.

    Args:
        name: As Pydantic AI names it.
        attributes: With which it begins.
        around: The context in which it begins.
        start_time: When it began, in nanoseconds, if not now.

    Attributes:
        attributes: What Pydantic AI, and the program, have set on it. Pydantic AI reads it again.
    """

    def __init__(self, name: str, attributes: Attributes, around: Context, start_time: int | None = None) -> None:
        self.attributes: dict[str, AttributeValue] = dict(attributes or {})
        self.around = around
        self.name = name
        self._start_time = start_time
        self._end_time: int | None = None
        self._has_failed = False
        self._is_over = False
        self._noted: list[BaseException] = []
        self._span = self._opened()

    # --- what Pydantic AI calls ---------------------------------------------------------------------------------

    def get_span_context(self) -> SpanContext:
        """Return the ids of the span."""
        return self._span.get_span_context()

    def is_recording(self) -> bool:
        """Say whether anything is made of what is set here."""
        return self._span.is_recording() and not self._is_over

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Keep one attribute."""
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Keep several attributes."""
        self.attributes.update(attributes)

    def update_name(self, name: str) -> None:
        """Change the name."""
        self.name = name

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Note that something happened. An exception passes here as well: it is recorded from there."""
        if name != "exception":
            self._span.add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Point at another span."""
        self._span.add_link(context, attributes)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Note that it failed; why, the exception says."""
        code = status.status_code if isinstance(status, Status) else status
        self._has_failed = self._has_failed or code is StatusCode.ERROR

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Note an exception."""
        self._noted.append(exception)

    def end(self, end_time: int | None = None) -> None:
        """End the span; only the first end counts."""
        if not self._is_over:
            self._is_over, self._end_time = True, end_time
            with safely("end a span of Pydantic AI"):
                self._finish(self._noted[-1] if self._has_failed and self._noted else None)

    # --- what the tracer calls ----------------------------------------------------------------------------------

    def enter(self) -> list[Token[Context] | None]:
        """Make it the current span, until the tokens are given back, the last first."""
        return [] if self._span is INVALID_SPAN else [otel_context.attach(self.inside())]

    def inside(self) -> Context:
        """Return the context of what happens in it."""
        return trace.set_span_in_context(self, self.around)

    def ended_by(self, error: BaseException, *, is_failure: bool) -> None:
        """Note what left the block that the span is around: a failure, a cancellation, or a signal that is none."""
        if is_failure or self._has_failed or not isinstance(error, Exception):
            self._has_failed = True
            self._noted.append(error)

    # --- what it becomes ----------------------------------------------------------------------------------------

    def _opened(self) -> Span:
        return open_span(self.name, self.around, {}, start_time=self._start_time) or INVALID_SPAN

    def _finish(self, error: BaseException | None) -> None:
        self._span.update_name(self.name)
        self._close(error)

    def _close(self, error: BaseException | None) -> None:
        span, active = self._span, runtime.active
        try:
            span.set_attributes(self._own())
            if error is not None:
                record_end_of(span, error)
            elif self._has_failed:
                span.set_attribute(semconv.ERROR_TYPE, "_OTHER")
                span.set_status(Status(StatusCode.ERROR, "_OTHER"))
            elif active is not None and active.settings.capture_content:
                for each in self._noted:  # by the program, and it did not end the span
                    span.record_exception(each)
        finally:
            span.end(self._end_time)

    def _own(self) -> dict[str, AttributeValue]:
        """Return the attributes that need no other words: the program's, those about retries and caches."""
        return {
            key: value
            for key, value in self.attributes.items()
            if key not in _THEIRS and not key.startswith(_THEIR_FAMILIES)
        }


class ToolStandIn(StandIn):
    """The call of a tool, or of a function that makes the output."""

    def _opened(self) -> Span:
        name = text(self.attributes.get(semconv.TOOL_NAME)) or "tool"
        found: dict[str, AttributeValue] = {
            semconv.OPERATION_NAME: "execute_tool",
            semconv.TOOL_NAME: name,
            semconv.TOOL_TYPE: "function",
        }
        for key in (semconv.TOOL_CALL_ID, semconv.AGENT_NAME):
            value = text(self.attributes.get(key))
            if value:
                found[key] = value
        return open_span(f"execute_tool {name}", self.around, found) or INVALID_SPAN

    def _finish(self, error: BaseException | None) -> None:
        told = self.attributes
        arguments = told.get(semconv.TOOL_ARGUMENTS, told.get("tool_arguments"))
        result = told.get(semconv.TOOL_RESULT, told.get("tool_response"))
        if arguments is not None:
            set_value(self._span, semconv.TOOL_ARGUMENTS, parsed(arguments))
        if result is not None:
            set_value(self._span, semconv.TOOL_RESULT, _structured(result))
        self._close(error)


class AgentStandIn(StandIn):
    """A run of an agent.

    Attributes:
        asked: The messages of its first request, in JSON.
        answer: Those of its last answer.
        reasons: Why that ended.
    """

    def __init__(self, name: str, attributes: Attributes, around: Context, start_time: int | None = None) -> None:
        self.asked: object = None
        self.answer: object = None
        self.reasons: list[str] = []
        super().__init__(name, attributes, around, start_time)

    def inside(self) -> Context:
        """Return the context of what the agent does."""
        return otel_context.set_value(_AGENT, self, super().inside())

    def conversation(self) -> object:
        """Return the conversation of all that the agent does: the one around it, else Pydantic AI's own."""
        around = baggage.get_baggage(semconv.CONVERSATION_ID, self.around)
        return around or self.attributes.get(semconv.CONVERSATION_ID)

    def _opened(self) -> Span:
        name = text(self.attributes.get(semconv.AGENT_NAME)) or text(self.attributes.get("agent_name")) or "agent"
        found: dict[str, AttributeValue] = {semconv.OPERATION_NAME: "invoke_agent", semconv.AGENT_NAME: name}
        about = text(self.attributes.get(semconv.AGENT_DESCRIPTION))
        if about:
            found[semconv.AGENT_DESCRIPTION] = about
        conversation = self.conversation()
        if isinstance(conversation, str) and conversation:
            found[semconv.CONVERSATION_ID] = found[semconv.SESSION_ID] = conversation
        return open_span(f"invoke_agent {name}", self.around, found) or INVALID_SPAN

    def _finish(self, error: BaseException | None) -> None:
        told, span = self.attributes, self._span
        for name, key in (("input_tokens", semconv.INPUT_TOKENS), ("output_tokens", semconv.OUTPUT_TOKENS)):
            tokens = count(told.get(f"gen_ai.aggregated_usage.{name}", told.get(key)))
            if tokens is not None:
                span.set_attribute(key, tokens)
        if self.reasons:
            span.set_attribute(semconv.RESPONSE_FINISH_REASONS, self.reasons)
        for key, encoded in ((semconv.INPUT_MESSAGES, self.asked), (semconv.OUTPUT_MESSAGES, self.answer)):
            if encoded is not None:
                set_value(span, key, messages(encoded))
        result = told.get("final_result")
        if result is not None:
            set_content(span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, _structured(result))
        self._close(error)


class ModelStandIn(StandIn):
    """The call of a model: one span, which the client below tells what only it knows."""

    def __init__(self, name: str, attributes: Attributes, around: Context, start_time: int | None = None) -> None:
        self._operation = str((attributes or {}).get(semconv.OPERATION_NAME))
        self._call: Call | None = None
        self._is_own = False
        super().__init__(name, attributes, around, start_time)

    def enter(self) -> list[Token[Context] | None]:
        """Make it the current span, and its call the current one."""
        if self._call is None:
            return []
        tokens = [otel_context.attach(self.around), self._call.enter()]
        if self._is_own:
            tokens.append(otel_context.attach(trace.set_span_in_context(self)))
        return tokens

    def is_recording(self) -> bool:
        """Say whether anything is made of what is set here; also where only a call further out is told."""
        return self._call is not None and not isinstance(self._call, LeftOut) and not self._is_over

    def _opened(self) -> Span:
        token = otel_context.attach(self.around)
        try:
            call = begin(lambda: requested(self._operation, self.name, self.attributes), kind=self._operation)
            if call is None:
                return INVALID_SPAN
            self._call = call
            around = trace.get_current_span()
            with call.current():
                span = trace.get_current_span()
            self._is_own = span is not around and not isinstance(call, LeftOut)
            return span
        finally:
            detach(token)

    def _finish(self, error: BaseException | None) -> None:
        call, told = self._call, self.attributes
        if call is None:
            return
        reply = None
        with safely("record an answer of Pydantic AI"):
            call.redescribe(requested(self._operation, self.name, told))
            if semconv.OUTPUT_MESSAGES in told or semconv.RESPONSE_MODEL in told:
                reply = answered(told, is_known=call.was_answered_once)
            if self._is_own:
                self._span.set_attributes(self._own())
            agent = self.around.get(_AGENT)
            if isinstance(agent, AgentStandIn) and semconv.INPUT_MESSAGES in told:
                agent.asked = told[semconv.INPUT_MESSAGES] if agent.asked is None else agent.asked
                agent.answer = told.get(semconv.OUTPUT_MESSAGES)
                agent.reasons = [str(each) for each in items(told.get(semconv.RESPONSE_FINISH_REASONS))]
        call.end(reply, error=error)


def stand_in(name: str, attributes: Attributes, around: Context, start_time: int | None = None) -> StandIn:
    """Return what stands in the place of a span."""
    told = attributes or {}
    operation = told.get(semconv.OPERATION_NAME)
    agent = around.get(_AGENT)
    if isinstance(agent, AgentStandIn):
        around = _in_conversation_of(agent, around)
    if operation == "invoke_agent":
        return AgentStandIn(name, attributes, around, start_time)
    if operation == "execute_tool":
        return ToolStandIn(name, attributes, around, start_time)
    if operation in semconv.MODEL_OPERATIONS:
        return ModelStandIn(name, attributes, around, start_time)
    return StandIn(name, attributes, around, start_time)


def _in_conversation_of(agent: AgentStandIn, around: Context) -> Context:
    """Keep all that an agent does in one conversation; Pydantic AI gives each run one, in the baggage."""
    conversation = agent.conversation()
    if not conversation or baggage.get_baggage(semconv.CONVERSATION_ID, around) == conversation:
        return around
    return baggage.set_baggage(semconv.CONVERSATION_ID, conversation, around)


def _structured(result: object) -> object:
    """Return a result as a value; one that is words stays words, though they may be a number."""
    return parsed(result) if isinstance(result, str) and result[:1] in {"{", "["} else result
