"""What OpenAI's Agents SDK tells of its traces and spans, as spans of OpenTelemetry."""

import sys
from collections import Counter
from collections.abc import Hashable
from typing import Any, Final

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._fields import count, field, items, text
from tracelm.integrations._parts import parsed
from tracelm.integrations._runs import Run, Runs, open_span, set_value
from tracelm.trace import runtime
from tracelm.trace.spans import set_content

_ANSWERS: Final = frozenset({"generation", "response"})
"""Calls of a model. The client that makes them records them."""
_SHOWN: Final = frozenset({"agent", "custom", "function", "guardrail", "handoff", "mcp_tools"})
"""Kinds that are spans here; the others stand for what they are a part of."""
_TOKENS: Final = {"input_tokens": semconv.INPUT_TOKENS, "output_tokens": semconv.OUTPUT_TOKENS}
_APART: Final = frozenset({"speech", "speech_group", "transcription"})
"""Kinds that begin in one place and end in another: they are never the current one."""


class _Step(Run):
    """A run of the SDK.

    Args:
        kind: The type of the SDK's span, or `trace`.
        parent_id: The run that it is a part of.
        around: The context in which it began.
        span: Its span, if it has one.
    """

    __slots__ = ("answer", "handled", "has_input", "kind", "tokens")

    def __init__(self, kind: str, parent_id: Hashable | None, around: Context, *, span: Span | None = None) -> None:
        super().__init__(parent_id, around, span=span)
        self.kind = kind
        self.has_input = False
        self.answer: object = None
        self.tokens: Counter[str] = Counter()
        # An error that the program handles while it runs an agent is not why the agent ends.
        self.handled = sys.exc_info()[1]


class Listener:
    """Records what the SDK does. Its methods are those of a processor of traces, and may raise.

    Args:
        runs: Where runs are kept while they are open.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def on_trace_start(self, trace: Any) -> None:
        """Begin a workflow, which is what the SDK calls a trace."""
        around = otel_context.get_current()
        group = text(field(trace, "group_id"))
        if group:
            around = baggage.set_baggage(semconv.CONVERSATION_ID, group, around)
        name = text(trace.name) or ""
        found: dict[str, AttributeValue] = {semconv.OPERATION_NAME: "invoke_workflow"}
        if name:
            found[semconv.WORKFLOW_NAME] = name
        self._begin(trace.trace_id, "trace", None, around, f"invoke_workflow {name}".rstrip(), found)

    def on_trace_end(self, trace: Any) -> None:
        """End a workflow."""
        self._end(trace.trace_id, None)

    def on_span_start(self, span: Any) -> None:
        """Begin a step."""
        data, parent_id = span.span_data, span.parent_id or span.trace_id
        kind = str(data.type)
        around = self._runs.context_for(parent_id)
        if kind in _SHOWN:
            name, attributes = _described(kind, data)
            self._begin(span.span_id, kind, parent_id, around, name, attributes)
            return
        step = _Step(kind, parent_id, around)
        self._runs.add(span.span_id, step)
        if kind not in _APART:
            step.attach()

    def on_span_end(self, span: Any) -> None:
        """End a step."""
        if span.span_data.type in _ANSWERS:
            self._answered(span.span_id, span.span_data)
        self._end(span.span_id, span)

    def _begin(
        self,
        run_id: str,
        kind: str,
        parent_id: str | None,
        around: Context,
        name: str,
        attributes: dict[str, AttributeValue],
    ) -> None:
        opened = open_span(name, around, attributes)
        if opened is not None:
            step = _Step(kind, parent_id, around, span=opened)
            self._runs.add(run_id, step)
            step.attach()

    def _end(self, run_id: str, span: Any) -> None:
        step = self._runs.take(run_id)
        if not isinstance(step, _Step):
            return
        error = sys.exc_info()[1]
        error = None if error is step.handled else error
        if step.span is not None:
            try:
                _record(step.span, step.kind, None if span is None else span.span_data)
                if step.answer is not None:
                    set_content(step.span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, step.answer)
                if step.kind == "agent":
                    step.span.set_attributes(step.tokens)
                if error is None and span is not None and span.error:
                    _fail(step.span, step.kind, span.error)
            finally:
                self._runs.close(step, error)
        else:
            self._runs.close(step, error)

    def _answered(self, run_id: str, data: Any) -> None:
        """Let the agents around a call of a model know what they were asked, and what they answer so far."""
        asked, answer = data.input, _answer(data)
        used = Counter({key: count(field(data.usage, name)) or 0 for name, key in _TOKENS.items()})
        step = self._runs.find(run_id)
        while isinstance(step, _Step) and step.kind != "function":  # what an agent is to a tool, its result tells
            if step.span is not None:
                if asked and not step.has_input:
                    set_content(step.span, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, asked)
                step.has_input, step.answer = True, answer
                step.tokens += used
            step = self._runs.find(step.parent_id)


def _described(kind: str, data: Any) -> tuple[str, dict[str, AttributeValue]]:
    """Return the name and the attributes with which a span begins."""
    name = text(field(data, "name")) or ""
    match kind:
        case "agent":
            return f"invoke_agent {name}", {semconv.OPERATION_NAME: "invoke_agent", semconv.AGENT_NAME: name}
        case "function":
            return f"execute_tool {name}", {
                semconv.OPERATION_NAME: "execute_tool",
                semconv.TOOL_NAME: name,
                semconv.TOOL_TYPE: "function",
            }
        case "guardrail":
            return f"guardrail {name}", {semconv.GUARDRAIL_NAME: name}
        case "handoff":
            source = text(data.from_agent)
            return "handoff", {semconv.HANDOFF_FROM: source} if source else {}
        case "mcp_tools":
            return f"list_tools {text(data.server) or ''}".rstrip(), {}
        case _:
            return name or kind, {}


def _record(span: Span, kind: str, data: Any) -> None:
    """Set what is known at the end."""
    match kind:
        case "function":
            if data.input is not None:
                set_value(span, semconv.TOOL_ARGUMENTS, parsed(data.input))
            if data.output is not None:
                set_value(span, semconv.TOOL_RESULT, data.output)
        case "guardrail":
            span.set_attribute(semconv.GUARDRAIL_TRIGGERED, bool(data.triggered))
        case "handoff" if data.to_agent:
            span.set_attribute(semconv.HANDOFF_TO, data.to_agent)
        case "mcp_tools" if data.result is not None:
            set_content(span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, data.result)
        case "custom" if data.data:
            set_content(span, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, data.data)
        case _:
            pass


def _answer(data: Any) -> object:
    """Return the words of an answer; what it asks for instead, where it has none."""
    if data.type == "response":
        return text(getattr(data.response, "output_text", None)) or field(data.response, "output")
    said = items(data.output)
    return (text(field(said[-1], "content")) if said else None) or data.output


def _fail(span: Span, kind: str, error: object) -> None:
    """Record an error of which the SDK tells without raising it."""
    error_type = "tool_error" if kind == "function" else "_OTHER"
    description = error_type
    active = runtime.active
    if active is not None and active.settings.capture_content:
        why = text(field(field(error, "data"), "error"))
        said = ": ".join(each for each in (text(field(error, "message")), why) if each)
        description = active.redactor.string(said[:1_000])
    span.set_attribute(semconv.ERROR_TYPE, error_type)
    span.set_status(Status(StatusCode.ERROR, description))
