"""`@tracelm.op`: a function whose every call is one span.

The op stands in for the function without being told apart: it says it has the function's class, code, signature and
attributes, it pickles by name, and it hands every value and exception through untouched. A wrapper function could not
do this: the kind of a function (coroutine, generator) and the `TypeError` for wrong arguments would change places.
"""

import copy
import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from tracelm.errors import ConfigError
from tracelm.trace.callables import FunctionOp, Op, op_around
from tracelm.trace.recorder import OPERATIONS, Kind, Options, Recorder

if TYPE_CHECKING:
    _SingleDispatchMethod = functools.singledispatchmethod[Any]
    _Wrapper = functools.cached_property[Any] | functools.partialmethod[Any] | functools.singledispatchmethod[Any]
else:  # generic for type checkers only
    _SingleDispatchMethod = functools.singledispatchmethod

F = TypeVar(
    "F",
    bound="Callable[..., Any] | property | classmethod[Any, ..., Any] | staticmethod[..., Any] | _Wrapper",
)


@overload
def op(function: F, /) -> F: ...


@overload
def op(
    *,
    name: str | None = None,
    kind: Kind | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    summarize: Callable[[list[Any]], object] | None = None,
    sample_rate: float | None = None,
) -> Callable[[F], F]: ...


def op(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    kind: Kind | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    summarize: Callable[[list[Any]], object] | None = None,
    sample_rate: float | None = None,
) -> Any:
    """Record each call of a function as a span: inputs, output, duration, error.

    Works on functions, coroutine functions, generators, async generators, methods (above or below `@classmethod`,
    `@staticmethod`, `@property` and `@cached_property`) and callable objects. Before `tracelm.init()` the function just
    runs.

    The function behaves as without `@op`: same results, same errors, same signature. The span of a generator lasts from
    its first step to its end; that of a function which returns a generator, a coroutine, an iterator or a streaming
    response lasts until that has ended.

    An op that returns a verdict (a `tracelm.Score`, or a dict with a bool under `passed`) records it as a score on
    its own span.

    Args:
        function: The function, when used as `@tracelm.op`.
        name: Span name; by default the function's qualified name.
        kind: Marks a step of an agentic program by OpenTelemetry's GenAI conventions: `"tool"` (span
            `execute_tool <name>`), `"agent"` (`invoke_agent <name>`), `"workflow"` (`invoke_workflow <name>`) or
            `"retrieval"`.
        capture_input: Record the arguments.
        capture_output: Record what is returned or yielded.
        summarize: For streams: makes one value of the list of items that were yielded (at most 10,000 items or about
            8 MB), recorded instead of them. Without it: the first 1,000 items, up to `max_attribute_bytes`.
        sample_rate: The share of the traces to record that begin with a call of this function, from 0 to 1; by default
            that of `tracelm.init`. A call within a trace follows its decision.

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
    if kind is not None and kind not in OPERATIONS:
        raise ConfigError(f"kind={kind!r} is not known: use one of {', '.join(OPERATIONS)}")
    if sample_rate is not None and not 0 <= sample_rate <= 1:
        raise ConfigError(f"sample_rate={sample_rate!r} cannot work: give a share between 0 and 1")
    options = Options(
        name=name,
        kind=kind,
        capture_input=capture_input,
        capture_output=capture_output,
        summarize=summarize,
        sample_rate=sample_rate,
    )
    return functools.partial(_decorate, options=options) if function is None else _decorate(function, options=options)


def is_op(function: object) -> bool:
    """Say whether calls of `function` are recorded already (bound methods included)."""
    return isinstance(function, Op) or isinstance(getattr(function, "__func__", None), Op)


def guarded(function: F, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> F:
    """Return a copy of an op with another function inside, so that what `wrap` adds happens within its span."""
    inner = cast("Op", function)
    inside, recorder = inner._function, inner._recorder  # pyright: ignore[reportPrivateUsage]
    return cast(F, op_around(wrap(inside), recorder.options, origin=recorder.origin))


class _DispatchOp(_SingleDispatchMethod):
    """A `singledispatchmethod` whose calls are recorded, whichever implementation they reach."""

    def __init__(self, below: "functools.singledispatchmethod[Any]", options: Options) -> None:
        super().__init__(below.func)
        self.dispatcher = below.dispatcher  # the one at which implementations are registered already
        self._options = options
        self._recorder: Recorder | None = None

    def __get__(self, obj: Any, cls: Any = None) -> Any:
        dispatched: Any = super().__get__(obj, cls)
        if self._recorder is None:
            bound: Any = cast(Any, self.func).__get__(obj, cls)  # it has the parameters of the call
            self._recorder = Recorder(bound, self._options, origin=bound)
        return FunctionOp(dispatched, self._recorder)


def _decorate(function: Any, *, options: Options) -> Any:
    if isinstance(function, classmethod | staticmethod):
        below = cast("classmethod[Any, ..., Any] | staticmethod[..., Any]", function)
        return type(below)(_decorate(below.__func__, options=options))
    if isinstance(function, property):
        return function if function.fget is None else function.getter(_decorate(function.fget, options=options))
    if isinstance(function, functools.cached_property | functools.partialmethod):
        inside: Any = copy.copy(cast("functools.cached_property[Any] | functools.partialmethod[Any]", function))
        inside.func = _decorate(inside.func, options=options)
        return inside
    if isinstance(function, functools.singledispatchmethod):
        return _DispatchOp(cast("functools.singledispatchmethod[Any]", function), options)
    if inspect.isclass(function):
        raise ConfigError(f"@tracelm.op is for functions: decorate the methods of {function.__name__}, not the class")
    if not callable(function):
        raise ConfigError(f"@tracelm.op is for functions: a {type(function).__name__} cannot be called")
    return function if is_op(function) and options == Options() else op_around(function, options)
