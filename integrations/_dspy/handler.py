"""What DSPy tells its callbacks, as spans."""

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from time import time_ns
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._base import begin
from tracelm.integrations._call import Call
from tracelm.integrations._dspy.answers import answered, asked
from tracelm.integrations._exchange import Reply
from tracelm.integrations._fields import field, items, plain, text
from tracelm.integrations._runs import Run, Runs, open_span, set_value
from tracelm.trace.safely import safely
from tracelm.trace.spans import set_content

_AGENTS: Final = frozenset({"ReAct", "ReActV2", "CodeAct", "RLM"})
"""Modules of DSPy's that let a model choose what to do next."""


class _Step(Run):
    """A run of DSPy.

    Args:
        parent_id: The run that it is a part of.
        around: The context in which it began.
        span: Its span.
        call: The recorded call of a model.
        kind: What it is.
        inputs: What it began with, where that is only told if it fails.
    """

    __slots__ = ("answer", "began_ns", "handled", "inputs", "kind", "model_type")

    def __init__(
        self,
        parent_id: Any,
        around: Context,
        *,
        span: Span | None = None,
        call: Call | None = None,
        kind: str = "step",
        inputs: object = None,
    ) -> None:
        super().__init__(parent_id, around, span=span, call=call)
        self.kind = kind
        self.inputs = inputs
        self.began_ns = time_ns()
        self.answer: object = None
        self.model_type = ""
        # An error that the program handles while it calls DSPy is not why the call ends.
        self.handled = sys.exc_info()[1]

    def error(self, told: BaseException | None) -> BaseException | None:
        """Return why it ended: what DSPy tells, else what is on its way, of which older versions say nothing."""
        found = sys.exc_info()[1] if told is None else told
        return None if found is self.handled else found


class Handler:
    """Records what DSPy does. DSPy calls it in the thread, and the task, of what it tells of.

    Args:
        runs: Where runs are kept while they are open.
        active: Holds the id of what DSPy does at the moment.
        settings: DSPy's.
    """

    def __init__(self, runs: Runs, *, active: ContextVar[str | None], settings: Any) -> None:
        self.runs = runs
        self._active = active
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        """Take an event that a later version may have added."""
        if name.startswith("on_"):
            return _ignore
        raise AttributeError(name)

    # --- modules ------------------------------------------------------------------------------------------------

    def on_module_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Begin a module: an agent, a retriever, the program, or a step of it."""
        with safely("record a module of DSPy"):
            found: dict[str, AttributeValue] = {}
            kind = _kind(instance)
            name = type(instance).__name__
            given = _given(inputs)
            if kind == "retrieval":
                found[semconv.OPERATION_NAME] = "retrieval"
                span = self._begin(call_id, "retrieval", found, kind=kind)
                if span is not None:
                    query = given.get("query", next(iter(items(given.get("args"))), None))
                    set_value(span, semconv.RETRIEVAL_QUERY, query, is_text=isinstance(query, str))
                return
            is_outermost = self.runs.find(self._parent_id()) is None
            if kind == "agent":
                title = f"invoke_agent {name}"
                found.update({semconv.OPERATION_NAME: "invoke_agent", semconv.AGENT_NAME: name})
            elif is_outermost and not _is_dspys(instance):
                title = f"invoke_workflow {name}"
                found.update({semconv.OPERATION_NAME: "invoke_workflow", semconv.WORKFLOW_NAME: name})
            else:
                title = name
            self._begin(call_id, title, found, inputs=given)

    def on_module_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """End a module."""
        step = self._step(call_id)
        is_retrieval = step is not None and step.kind == "retrieval"
        self._end(call_id, (field(outputs, "passages") or outputs) if is_retrieval else outputs, exception)

    # --- language models ----------------------------------------------------------------------------------------

    def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Begin the call of a language model."""
        with safely("record a call of DSPy"):
            parent_id = self._parent_id()
            around = self.runs.context_for(parent_id)
            token = otel_context.attach(around)
            try:
                is_streamed = self._settings.get("send_stream") is not None
                call = begin(lambda: asked(instance, inputs, is_streamed=is_streamed), kind="chat")
            finally:
                otel_context.detach(token)
            if call is not None:
                step = _Step(parent_id, around, call=call, kind="lm")
                step.model_type = str(getattr(instance, "model_type", ""))
                self.runs.add(call_id, step)
                step.attach()

    def answer(self, answer: object) -> None:
        """Take the answer that the current call of a language model got."""
        step = self._step(self._active.get())
        if step is not None:
            step.answer = answer

    def got_piece(self) -> None:
        """Take note that a piece of its answer has come."""
        step = self._step(self._active.get())
        if step is not None and step.call is not None:
            step.call.got_chunk()

    def on_lm_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """End the call of a language model."""
        step = self._step(call_id)
        if step is None or step.call is None:
            return
        error = step.error(exception)
        reply: Reply | None = None
        if error is None and step.answer is not None:
            with safely("record an answer of DSPy"):
                is_known = step.call.was_answered_once
                reply = answered(step.answer, outputs, model_type=step.model_type, is_known=is_known)
        with safely("end a call of DSPy"):
            self.runs.take(call_id)
            step.detach()
            step.call.end(reply, error=error)

    # --- tools, adapters, evaluations ---------------------------------------------------------------------------

    def on_tool_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Begin a tool."""
        with safely("record a tool of DSPy"):
            name = text(getattr(instance, "name", None)) or "tool"
            found: dict[str, AttributeValue] = {
                semconv.OPERATION_NAME: "execute_tool",
                semconv.TOOL_NAME: name,
                semconv.TOOL_TYPE: "function",
            }
            about = text(getattr(instance, "desc", None))
            if about:
                found[semconv.TOOL_DESCRIPTION] = about
            span = self._begin(call_id, f"execute_tool {name}", found, kind="tool")
            if span is not None:
                set_value(span, semconv.TOOL_ARGUMENTS, inputs.get("kwargs", inputs))

    def on_tool_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """End a tool."""
        self._end(call_id, outputs, exception)

    def on_adapter_parse_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Keep what an adapter reads: it is told where it cannot be read."""
        parent_id = self._parent_id()
        said = inputs.get("completion")
        step = _Step(parent_id, self.runs.context_for(parent_id), kind=f"{type(instance).__name__}.parse", inputs=said)
        self.runs.add(call_id, step)

    def on_adapter_parse_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """Record an answer that an adapter could not read."""
        with safely("record an answer that DSPy cannot read"):
            step = self._step(call_id)
            if step is None:
                return
            self.runs.take(call_id)
            error = step.error(exception)
            if error is not None:
                step.span = open_span(step.kind, step.around, {}, start_time=step.began_ns)
                if step.span is not None:
                    set_content(step.span, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, step.inputs)
            self.runs.close(step, error)

    def on_evaluate_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Begin an evaluation."""
        with safely("record an evaluation of DSPy"):
            devset = inputs.get("devset") or getattr(instance, "devset", None)
            metric = inputs.get("metric") or getattr(instance, "metric", None)
            about = {
                "program": type(inputs.get("program")).__name__,
                "metric": getattr(metric, "__name__", type(metric).__name__),
                "rows": len(items(devset)),
            }
            self._begin(call_id, "Evaluate", {}, inputs=about)

    def on_evaluate_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """End an evaluation with its score; older versions return the score alone, or with more."""
        score = field(outputs, "score")
        self._end(call_id, outputs if score is None else {"score": score}, exception)

    def on_compile_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Begin the work of an optimizer."""
        with safely("record an optimizer of DSPy"):
            self._begin(call_id, f"{type(instance).__name__}.compile", {})

    def on_compile_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """End it. What came out is a program: too much to be recorded."""
        self._end(call_id, None, exception)

    def on_interpreter_execute_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """Begin the execution of code that a model wrote."""
        with safely("record code that DSPy executes"):
            self._begin(call_id, f"{type(instance).__name__}.execute", {}, inputs=_given(inputs))

    def on_interpreter_execute_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """End it."""
        self._end(call_id, outputs, exception)

    # --- what they share ----------------------------------------------------------------------------------------

    def _parent_id(self) -> Any:
        # Before 3.4 threads do not know what they were begun by; the context that tracelm carries into them does.
        return self._active.get() or self.runs.here()

    def _step(self, call_id: Any) -> _Step | None:
        found = self.runs.find(call_id)
        return found if isinstance(found, _Step) else None

    def _begin(
        self,
        call_id: str,
        title: str,
        attributes: dict[str, AttributeValue],
        *,
        kind: str = "step",
        inputs: object = None,
    ) -> Span | None:
        parent_id = self._parent_id()
        around = self.runs.context_for(parent_id)
        of_span = SpanKind.CLIENT if kind == "retrieval" else SpanKind.INTERNAL
        span = open_span(title, around, attributes, kind=of_span)
        if span is not None:
            if inputs is not None:
                set_content(span, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, inputs)
            step = _Step(parent_id, around, span=span, kind=kind)
            self.runs.add(call_id, step)
            step.attach()
        return span

    def _end(self, call_id: str, outputs: object, exception: BaseException | None) -> None:
        with safely("end a step of DSPy"):
            step = self._step(call_id)
            if step is None:
                return
            self.runs.take(call_id)
            error = step.error(exception)
            if step.span is not None and outputs is not None and error is None:
                with safely("record what a step of DSPy gave"):
                    if step.kind == "tool":
                        set_value(step.span, semconv.TOOL_RESULT, outputs)
                    else:
                        set_content(step.span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, _values(outputs))
            self.runs.close(step, error)


def _ignore(*_args: object, **_kwargs: object) -> None:
    """Nothing is recorded of it."""


def _kind(instance: Any) -> str:
    names = {each.__name__ for each in type(instance).__mro__ if each.__module__.startswith("dspy.")}
    if "Retrieve" in names:
        return "retrieval"
    return "agent" if names & _AGENTS else "step"


def _is_dspys(instance: Any) -> bool:
    return type(instance).__module__.partition(".")[0] == "dspy"


def _given(inputs: Mapping[str, Any]) -> dict[str, object]:
    """Return what a module is called with, as the program wrote it."""
    more = plain(inputs.get("kwargs"))
    found = {name: value for name, value in inputs.items() if name not in {"kwargs", "args"}}
    args = items(inputs.get("args"))
    return {**found, **more, **({"args": args} if args else {})}


def _values(outputs: object) -> object:
    """Return the fields of a prediction, or of an example; anything else as it is."""
    to_dict = getattr(outputs, "toDict", None)
    return to_dict() if callable(to_dict) else outputs
