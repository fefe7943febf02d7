"""What `@op` records of a call: its arguments, its result or error, and the span around both."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from opentelemetry.trace import Span, SpanKind

from tracelm import semconv
from tracelm.scoring.call import is_scoring
from tracelm.scoring.score import Score, as_verdict
from tracelm.scoring.version import code_version
from tracelm.trace.arguments import Binder
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report
from tracelm.trace.scores import record_score
from tracelm.trace.spans import end_safely

Kind: TypeAlias = Literal["tool", "agent", "workflow", "retrieval"]

OPERATIONS: Final[Mapping[str, str]] = {
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "workflow": "invoke_workflow",
    "retrieval": "retrieval",
}
_NAMED_BY: Final[Mapping[str, str]] = {
    "tool": semconv.TOOL_NAME,
    "agent": semconv.AGENT_NAME,
    "workflow": semconv.WORKFLOW_NAME,
}


@dataclass(frozen=True, slots=True)
class Options:
    """What `@op(...)` was given."""

    name: str | None = None
    kind: Kind | None = None
    capture_input: bool = True
    capture_output: bool = True
    summarize: Callable[[list[Any]], object] | None = None
    sample_rate: float | None = None


class Recorder:
    """Records the calls of one op. It is shared by the copies of an op that a descriptor makes.

    Attributes:
        options: What `@op(...)` was given.
        origin: The function as the program wrote it; its code and version are recorded.
        called: Name and qualified name of the function.
        op_name: What the op is called.
        span_name: What its spans are called.
    """

    __slots__ = (
        "_attributes",
        "_binder",
        "_kind",
        "_qualname",
        "_takes",
        "called",
        "op_name",
        "options",
        "origin",
        "span_name",
    )

    def __init__(self, function: Callable[..., Any], options: Options, *, origin: Callable[..., Any]) -> None:
        named: Any = function if hasattr(function, "__qualname__") else getattr(function, "func", type(function))
        self._qualname = str(getattr(named, "__qualname__", type(named).__qualname__))
        self._takes = function
        self.called = (str(getattr(named, "__name__", self._qualname)), self._qualname)
        self._binder: Binder | None = None
        self._attributes: dict[str, Any] | None = None
        self.options = options
        self.origin = origin
        self.op_name = options.name or self._qualname.rpartition("<locals>.")[2]
        self.span_name = self.op_name
        self._kind = SpanKind.INTERNAL
        if options.kind is not None and options.kind in _NAMED_BY:
            self.span_name = f"{OPERATIONS[options.kind]} {self.op_name}"
        elif options.kind is not None:  # retrieval: the conventions see a client, and name the span by it alone
            self.span_name, self._kind = OPERATIONS[options.kind], SpanKind.CLIENT

    def prepare(self, current: Runtime, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Encode a call as it is now, before the function can change its arguments.

        Returns:
            The attributes of its span; `None` when the call does not fit the function (Python will say so itself).
        """
        try:
            if self._binder is None:
                self._binder = Binder(self._takes)
            inputs = self._binder.bind(args, kwargs)
            if inputs is None:
                return None
            attributes = self._attributes or self._describe()
            if self.options.capture_input and current.settings.capture_content:
                return {
                    semconv.INPUT_VALUE: current.encode(inputs),
                    semconv.INPUT_MIME_TYPE: semconv.MIME_JSON,
                    **attributes,
                }
        except Exception as error:
            # One odd argument costs what is recorded of the arguments, not the span.
            report("record the arguments of a call", error)
            return {**(self._attributes or {semconv.OP_NAME: self.op_name}), **self._not_recorded(current, error)}
        return attributes

    def start(self, current: Runtime, attributes: dict[str, Any]) -> Span | None:
        """Start the span of a call."""
        try:
            return current.tracer.start_span(
                self.span_name,
                kind=self._kind,
                attributes=attributes,
                sample_rate=self.options.sample_rate,
                drawn=True,
            )
        except Exception as error:
            report("start a span", error)
            return None

    def finish(self, current: Runtime, span: Span, result: object) -> None:
        """Record the result of a call and end its span."""
        self.record_result(current, span, result)
        end_safely(span)

    def record_result(self, current: Runtime, span: Span, result: object) -> None:
        """Record the result of a call, and its verdict if it is one."""
        try:
            if self.captures_output(current) and span.is_recording():
                span.set_attributes(
                    {
                        semconv.OUTPUT_VALUE: current.encode(result),
                        semconv.OUTPUT_MIME_TYPE: semconv.MIME_JSON,
                    }
                )
            if type(result) in {dict, Score} and not is_scoring():
                self._record_verdict(span, result)
        except Exception as error:
            report("record a result", error)

    def captures_output(self, current: Runtime) -> bool:
        """Say whether what the op returns or yields is recorded."""
        return self.options.capture_output and current.settings.capture_content

    def _record_verdict(self, span: Span, result: object) -> None:
        verdict = as_verdict(result)
        # A verdict goes with the span that it is the result of; what is held may not be kept.
        if verdict is not None and span.get_span_context().trace_flags.sampled:
            version = str((self._attributes or {}).get(semconv.OP_VERSION, ""))
            record_score(self.op_name, verdict, on=span.get_span_context(), source="sdk", scorer_version=version)

    def _not_recorded(self, current: Runtime, error: Exception) -> dict[str, Any]:
        if not (self.options.capture_input and current.settings.capture_content):
            return {}
        marker = f'"[not recorded: {type(error).__name__}]"'
        return {semconv.INPUT_VALUE: marker, semconv.INPUT_MIME_TYPE: semconv.MIME_JSON}

    def _describe(self) -> dict[str, Any]:
        """Collect, at the first call, what is the same for all calls."""
        code = getattr(inspect.unwrap(self.origin), "__code__", None)
        found: dict[str, Any] = {semconv.OP_NAME: self.op_name, semconv.OP_VERSION: code_version(self.origin)}
        module = getattr(self.origin, "__module__", None)
        found[semconv.CODE_FUNCTION_NAME] = f"{module}.{self._qualname}" if module else self.op_name
        if code is not None:
            found[semconv.CODE_FILE_PATH] = code.co_filename
            found[semconv.CODE_LINE_NUMBER] = code.co_firstlineno
        kind = self.options.kind
        if kind is not None:
            found[semconv.OPERATION_NAME] = OPERATIONS[kind]
            if kind in _NAMED_BY:
                found[_NAMED_BY[kind]] = self.op_name
        self._attributes = found
        return found
