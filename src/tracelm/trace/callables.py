"""What stands in for a function under `@op`: an object that cannot be told apart from it, and records its calls.

There is one class for each kind of function, chosen once, so that no call asks again.
"""

import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import get_current_span, set_span_in_context

from tracelm.trace import runtime
from tracelm.trace.context import AS_IT_IS, detach
from tracelm.trace.recorder import Options, Recorder
from tracelm.trace.results import driven, is_drivable, outlast, over
from tracelm.trace.runtime import Runtime
from tracelm.trace.spans import end_safely, record_end_of
from tracelm.trace.streams import Stream

if TYPE_CHECKING:

    class _Inside:
        _function: Any
        _recorder: Recorder
        _call: "FunctionOp"

else:  # annotations in the body of `Op` would hide those of the function
    _Inside = object


class Op(_Inside):
    """A function under `@op`. Its class is told only by `type()`: for everybody else it is the function.

    Whatever is read from it, set on it or deleted from it is so on the function. Only `__wrapped__` is added, as
    each good decorator does: it is the function.
    """

    __slots__ = ("__weakref__", "_function", "_recorder")

    def __init__(self, function: Callable[..., Any], recorder: Recorder) -> None:
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_recorder", recorder)

    # The point of this class: whoever asks sees the function. What is set goes through `__setattr__`.
    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return cast("type[Any]", type(self._function))

    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._function.__dict__

    def __getattr__(self, name: str) -> Any:
        if name in {"_function", "_recorder"}:  # while unpickling, before there is one
            raise AttributeError(name)
        return self._function if name == "__wrapped__" else getattr(self._function, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._function, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._function, name)

    def __dir__(self) -> list[str]:
        return dir(self._function)

    def __reduce__(self) -> Any:
        function = self._function
        if isinstance(function, types.MethodType) or not hasattr(function, "__qualname__"):
            return op_around, (function, self._recorder.options)
        return str(function.__qualname__)

    def __repr__(self) -> str:
        return repr(self._function)


class FunctionOp(Op):
    """A function, or what binds to an instance as a function does."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        function: Any = self._function
        if type(function) is types.FunctionType:
            return self if instance is None else types.MethodType(self, instance)
        bound = function.__get__(instance, owner)
        if bound is function:
            return self
        if isinstance(bound, types.MethodType) and bound.__func__ is function:
            return types.MethodType(self, bound.__self__)
        return op_around(bound, self._recorder.options, origin=self._recorder.origin)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        # What Python does for plain functions of these names, and only for them.
        if owner.__dict__.get(name) is not self:
            return
        if name == "__new__":
            setattr(owner, name, staticmethod(self))
        elif name in {"__init_subclass__", "__class_getitem__"}:
            setattr(owner, name, classmethod(self))

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the function in a span of its own."""
        current = runtime.active
        if current is None:
            return self._function(*args, **kwargs)
        recorder = self._recorder
        left_out = current.tracer.leaves_out(recorder.options.sample_rate)
        if left_out is not None:
            if left_out is AS_IT_IS:
                return self._function(*args, **kwargs)
            token = otel_context.attach(left_out)
            try:
                result = self._function(*args, **kwargs)
            finally:
                detach(token)
            lasting = None if type(result) in over else outlast(recorder, current, get_current_span(left_out), result)
            return result if lasting is None else lasting
        attributes = recorder.prepare(current, args, kwargs)
        span = None if attributes is None else recorder.start(current, attributes)
        if span is None:
            return self._function(*args, **kwargs)
        token = otel_context.attach(set_span_in_context(span))
        try:
            result = self._function(*args, **kwargs)
        except BaseException as error:
            detach(token)
            record_end_of(span, error)
            end_safely(span)
            raise
        detach(token)
        if type(result) not in over:
            lasting = outlast(recorder, current, span, result)
            if lasting is not None:
                return lasting
        recorder.finish(current, span, result)
        return result


class _AsyncOp(FunctionOp):
    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        current = runtime.active
        if current is None:
            return self._function(*args, **kwargs)
        left_out = current.tracer.leaves_out(self._recorder.options.sample_rate)
        if left_out is AS_IT_IS:
            return self._function(*args, **kwargs)
        running: Any
        if left_out is not None:
            running = self._run_left_out(current, left_out, args, kwargs)
        else:
            attributes = self._recorder.prepare(current, args, kwargs)
            if attributes is None:
                return self._function(*args, **kwargs)
            running = self._run(current, attributes, args, kwargs)
        running.__name__, running.__qualname__ = self._recorder.called  # warnings and debuggers show it
        return running

    async def _run(
        self, current: Runtime, attributes: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        recorder = self._recorder
        span = recorder.start(current, attributes)
        if span is None:
            return await self._function(*args, **kwargs)
        token = otel_context.attach(set_span_in_context(span))
        try:
            result = await self._function(*args, **kwargs)
        except BaseException as error:
            detach(token)
            record_end_of(span, error)
            end_safely(span)
            raise
        detach(token)
        if type(result) not in over:
            lasting = outlast(recorder, current, span, result)
            if lasting is not None:
                return lasting
        recorder.finish(current, span, result)
        return result

    async def _run_left_out(
        self, current: Runtime, around: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        token = otel_context.attach(around)
        try:
            result = await self._function(*args, **kwargs)
        finally:
            detach(token)
        if type(result) in over:
            return result
        lasting = outlast(self._recorder, current, get_current_span(around), result)
        return result if lasting is None else lasting


class _StreamOp(FunctionOp):
    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        inner = self._function(*args, **kwargs)  # runs nothing yet, but refuses wrong arguments
        current = runtime.active
        if current is None or not is_drivable(inner):
            return inner
        left_out = current.tracer.leaves_out(self._recorder.options.sample_rate)
        if left_out is not None:
            if left_out is AS_IT_IS:
                return inner
            return driven(Stream(self._recorder, current, span=get_current_span(left_out), collect=False), inner)
        attributes = self._recorder.prepare(current, args, kwargs)
        return inner if attributes is None else driven(Stream(self._recorder, current, attributes=attributes), inner)


class ObjectOp(Op):
    """A callable object: a partial, a builtin, an instance with `__call__`. It does not bind to instances."""

    __slots__ = ("_call",)

    def __init__(self, function: Callable[..., Any], recorder: Recorder) -> None:
        super().__init__(function, recorder)
        method = getattr(function, "__call__", None)  # noqa: B004 - frameworks look at it, to tell what it is
        called = method if isinstance(method, types.MethodType) else function
        object.__setattr__(self, "_call", _kind_of(called)(called, recorder))

    @property
    def __call__(self) -> Any:
        """What a call calls: an op of the kind of the object's `__call__`."""
        return self._call


def _show(name: str) -> property:
    return property(lambda op_: getattr(op_._function, name))


# Each class has these two of its own; an op shows those of its function.
for _class in (FunctionOp, _AsyncOp, _StreamOp, ObjectOp):
    for _name in ("__doc__", "__module__"):
        setattr(_class, _name, _show(_name))


def op_around(function: Any, options: Options, origin: Callable[..., Any] | None = None) -> Op:
    """Return an op of the kind of the function.

    Args:
        function: What is called.
        options: What `@op(...)` was given.
        origin: The function as the program wrote it, where `function` stands around it.
    """
    recorder = Recorder(function, options, origin=function if origin is None else origin)
    if hasattr(cast("type[Any]", type(function)), "__get__"):
        return _kind_of(function)(function, recorder)
    return ObjectOp(function, recorder)


def _kind_of(function: Any) -> type[FunctionOp]:
    # `inspect` looks through partial objects and bound methods by itself.
    if inspect.iscoroutinefunction(function):
        return _AsyncOp
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        return _StreamOp
    return FunctionOp
