"""`@tracelm.op`: a function whose every call is one span.

The op stands in for the function without being told apart: it says it has the function's class, code, signature and
attributes, it pickles by name, and it hands every value and exception through untouched. A wrapper function could not
do this: the kind of a function (coroutine, generator) and the `TypeError` for wrong arguments would change places.
"""

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast, overload

from opentelemetry import context as otel_context
from opentelemetry.trace import Span, set_span_in_context

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.scoring.call import is_scoring
from tracelm.scoring.score import Score, as_verdict
from tracelm.scoring.version import code_version
from tracelm.trace import runtime
from tracelm.trace.arguments import Binder
from tracelm.trace.context import is_suppressed
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report
from tracelm.trace.scores import record_score
from tracelm.trace.spans import record_end_of
from tracelm.trace.streams import drive_async_generator, drive_generator

Kind: TypeAlias = Literal["tool", "agent", "workflow", "retrieval"]
F = TypeVar("F", bound="Callable[..., Any] | property | classmethod[Any, ..., Any] | staticmethod[..., Any]")

_OPERATIONS: Final[Mapping[str, str]] = {
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


@overload
def op(function: F, /) -> F: ...


@overload
def op(
    *,
    name: str | None = None,
    kind: Kind | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
) -> Callable[[F], F]: ...


def op(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    kind: Kind | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
) -> Any:
    """Record each call of a function as a span: inputs, output, duration, error.

    Works on functions, coroutine functions, generators, async generators, methods (above or below `@classmethod`,
    `@staticmethod` and `@property`) and callable objects. Before `tracelm.init()` the function just runs.

    An op that returns a verdict (a `tracelm.Score`, or a dict with a bool under `passed`) records it as a score on
    its own span.

    Args:
        function: The function, when used as `@tracelm.op`.
        name: Span name; by default the function's qualified name.
        kind: Marks a step of an agentic program by OpenTelemetry's GenAI conventions.
        capture_input: Record the arguments.
        capture_output: Record what is returned or yielded.

    Returns:
        The op, with the type of the function.

    Raises:
        ConfigError: On a class, or with an unknown `kind`.

    Example:
        >>> @op
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> double(4)
        8
    """
    if kind is not None and kind not in _OPERATIONS:
        raise ConfigError(f"kind={kind!r} is not known: use one of {', '.join(_OPERATIONS)}")
    options = Options(name=name, kind=kind, capture_input=capture_input, capture_output=capture_output)
    return functools.partial(_decorate, options=options) if function is None else _decorate(function, options=options)


def is_op(function: object) -> bool:
    """Say whether calls of `function` are recorded already (bound methods included)."""
    return isinstance(getattr(function, "__func__", function), Op)


def guarded(function: F, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> F:
    """Return a copy of an op with another function inside, so that what `wrap` adds happens within its span."""
    inner = cast("Op", function)
    return cast(F, _of_kind(wrap(inner.function), inner.options, origin=inner.origin))


class Op:
    """A function under `@op`. Its class is told only by `type()`: for everybody else it is the function."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Any], options: Options, *, origin: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options
        self.origin = origin
        if not hasattr(function, "__qualname__"):  # a partial or a callable object
            named = getattr(function, "func", type(function))
            self.__name__, self.__qualname__ = named.__name__, named.__qualname__
        self.op_name = options.name or str(self.__qualname__).rpartition("<locals>.")[2]
        self.span_name = self.op_name
        self._binder: Binder | None = None
        self._attributes: dict[str, Any] | None = None

    @property
    def __class__(self) -> Any:  # the point of this class: whoever asks sees the function
        return type(self.function)

    @__class__.setter
    def __class__(self, _: Any) -> None:
        raise TypeError("the class of an op is that of its function")

    def __getattr__(self, name: str) -> Any:
        if name == "function":  # while unpickling, before there is one
            raise AttributeError(name)
        return getattr(self.function, name)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> str:
        return str(self.__qualname__)

    def __repr__(self) -> str:
        return repr(self.function)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the function in a span of its own."""
        current = runtime.active
        if current is None or is_suppressed():
            return self.function(*args, **kwargs)
        attributes = self.prepare(current, args, kwargs)
        span = None if attributes is None else self.start(current, attributes)
        if span is None:
            return self.function(*args, **kwargs)
        token = otel_context.attach(set_span_in_context(span))
        try:
            result = self.function(*args, **kwargs)
        except BaseException as error:
            otel_context.detach(token)
            record_end_of(span, error)
            span.end()
            raise
        otel_context.detach(token)
        self.finish(current, span, result)
        return result

    def prepare(self, current: Runtime, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Encode a call as it is now, before the function can change its arguments.

        Returns:
            The attributes of its span; `None` when the call does not fit the function (Python will say so itself).
        """
        try:
            if self._binder is None:
                self._binder = Binder(self.function)
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
            report("record the arguments of a call", error)
            return None
        return attributes

    def start(self, current: Runtime, attributes: dict[str, Any]) -> Span | None:
        """Start the span of a call."""
        try:
            return current.tracer.start_span(self.span_name, attributes=attributes)
        except Exception as error:
            report("start a span", error)
            return None

    def finish(self, current: Runtime, span: Span, result: object) -> None:
        """Record the result of a call and end its span."""
        try:
            if self.options.capture_output and current.settings.capture_content and span.is_recording():
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
        span.end()

    def _record_verdict(self, span: Span, result: object) -> None:
        verdict = as_verdict(result)
        if verdict is not None:
            version = str((self._attributes or {})[semconv.OP_VERSION])
            record_score(self.op_name, verdict, on=span.get_span_context(), source="sdk", scorer_version=version)

    def _describe(self) -> dict[str, Any]:
        """Collect, at the first call, what is the same for all calls."""
        code = getattr(inspect.unwrap(self.origin), "__code__", None)
        found: dict[str, Any] = {semconv.OP_NAME: self.op_name, semconv.OP_VERSION: code_version(self.origin)}
        module = getattr(self.origin, "__module__", None)
        found[semconv.CODE_FUNCTION_NAME] = f"{module}.{self.__qualname__}" if module else self.op_name
        if code is not None:
            found[semconv.CODE_FILE_PATH] = code.co_filename
            found[semconv.CODE_LINE_NUMBER] = code.co_firstlineno
        kind = self.options.kind
        if kind is not None:
            found[semconv.OPERATION_NAME] = _OPERATIONS[kind]
            if kind in _NAMED_BY:
                found[_NAMED_BY[kind]] = self.op_name
                self.span_name = f"{_OPERATIONS[kind]} {self.op_name}"
        self._attributes = found
        return found


class _AsyncOp(Op):
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        current = runtime.active
        if current is None or is_suppressed():
            return self.function(*args, **kwargs)
        attributes = self.prepare(current, args, kwargs)
        if attributes is None:
            return self.function(*args, **kwargs)
        return _named_as(self, self._run(current, attributes, args, kwargs))

    async def _run(
        self, current: Runtime, attributes: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        span = self.start(current, attributes)
        if span is None:
            return await self.function(*args, **kwargs)
        token = otel_context.attach(set_span_in_context(span))
        try:
            result = await self.function(*args, **kwargs)
        except BaseException as error:
            otel_context.detach(token)
            record_end_of(span, error)
            span.end()
            raise
        otel_context.detach(token)
        self.finish(current, span, result)
        return result


class _StreamOp(Op):
    drive: Callable[..., Any]

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        inner = self.function(*args, **kwargs)  # runs nothing yet, but refuses wrong arguments
        current = runtime.active
        if current is None or is_suppressed():
            return inner
        attributes = self.prepare(current, args, kwargs)
        return inner if attributes is None else _named_as(self, type(self).drive(self, current, inner, attributes))


class _GeneratorOp(_StreamOp):
    drive = staticmethod(drive_generator)


class _AsyncGeneratorOp(_StreamOp):
    drive = staticmethod(drive_async_generator)


def _named_as(op: Op, running: Any) -> Any:
    """Give a coroutine or generator the name of its function: warnings and debuggers show it."""
    running.__name__, running.__qualname__ = op.__name__, op.__qualname__
    return running


def _decorate(function: Any, *, options: Options) -> Any:
    if isinstance(function, classmethod | staticmethod):
        below = cast("classmethod[Any, ..., Any] | staticmethod[..., Any]", function)
        return type(below)(_decorate(below.__func__, options=options))
    if isinstance(function, property):
        getter = _decorate(function.fget, options=options) if function.fget is not None else None
        return property(getter, function.fset, function.fdel, function.__doc__)
    if inspect.isclass(function):
        raise ConfigError(f"@tracelm.op is for functions: decorate the methods of {function.__name__}, not the class")
    if not callable(function):
        raise ConfigError(f"@tracelm.op is for functions: a {type(function).__name__} cannot be called")
    return function if is_op(function) and options == Options() else _of_kind(function, options, origin=function)


def _of_kind(function: Any, options: Options, *, origin: Callable[..., Any]) -> Op:
    # A callable object is told by its method; `inspect` looks through partial objects by itself.
    told_by = type(function).__call__ if _is_callable_object(function) else function
    kind: type[Op] = Op
    if inspect.iscoroutinefunction(told_by):
        kind = _AsyncOp
    elif inspect.isasyncgenfunction(told_by):
        kind = _AsyncGeneratorOp
    elif inspect.isgeneratorfunction(told_by):
        kind = _GeneratorOp
    return kind(function, options, origin=origin)


def _is_callable_object(function: object) -> bool:
    return not inspect.isroutine(function) and type(function) is not functools.partial
