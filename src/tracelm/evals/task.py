"""The task: what an evaluation calls for each row."""

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.trace import SpanContext

from tracelm.data.dataset import Dataset
from tracelm.errors import EvaluationError
from tracelm.scoring.attempt import Attempt, attempt
from tracelm.scoring.call import bound_call, wanted_parameters
from tracelm.scoring.scorer import callable_name
from tracelm.trace.op import guarded, is_op, op
from tracelm.trace.spans import current_span

if TYPE_CHECKING:
    from anyio import CapacityLimiter

_METHODS: Final = ("predict", "invoke", "forward")

_own_span: Final[ContextVar[list[SpanContext] | None]] = ContextVar("tracelm_task_span", default=None)


@dataclass(frozen=True, slots=True)
class Task:
    """A function that is ready to be called with the columns of a row.

    Attributes:
        name: What the function is called.
        parameters: The columns that it takes.
    """

    name: str
    parameters: tuple[str, ...]
    _function: Callable[..., Any]

    async def call(
        self, inputs: Mapping[str, object], *, limiter: "CapacityLimiter"
    ) -> tuple[Attempt, SpanContext | None]:
        """Call the task; a sync one runs in a worker thread.

        Args:
            inputs: The arguments by name.
            limiter: Bounds the worker threads.

        Returns:
            What it gave, and its own span; `None` where it has none.
        """
        noted: list[SpanContext] = []
        token = _own_span.set(noted)
        try:
            call = bound_call(self._function, inputs, who=f"task {self.name!r}")
            done = await attempt(call, is_async=inspect.iscoroutinefunction(self._function), limiter=limiter)
        finally:
            _own_span.reset(token)
        return done, noted[0] if noted else None


def task_for(given: object, dataset: Dataset) -> Task:
    """Find out what to call, and check that the dataset can fill its parameters.

    Args:
        given: A function (also async, also an op), or an object with one method `predict`, `invoke` or
            `forward`.
        dataset: Where the arguments come from.

    Raises:
        EvaluationError: There is nothing to call, or the dataset lacks a parameter.
    """
    function = _function_of(given)
    name = str(getattr(function, "__qualname__", callable_name(function))).rpartition("<locals>.")[2]
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise EvaluationError(f"task {name!r} yields its output in parts: wrap it in a function that returns the whole")
    parameters = wanted_parameters(function, dataset.columns, who=f"task {name!r}")
    return Task(name, parameters, _noting(function if is_op(function) else op(function)))


def _function_of(given: object) -> Callable[..., Any]:
    if callable(given) and (is_op(given) or inspect.isroutine(given) or isinstance(given, functools.partial)):
        return cast("Callable[..., Any]", given)
    methods = [name for name in _METHODS if callable(getattr(given, name, None))]
    if len(methods) == 1:
        return cast("Callable[..., Any]", getattr(given, methods[0]))
    kind = type(given).__name__
    if methods:
        raise EvaluationError(f"the task, of type {kind}, has {' and '.join(methods)}: pass the method that is meant")
    if callable(given):
        return given
    raise EvaluationError(
        f"the task, of type {kind}, is no function and has no method {' or '.join(_METHODS)}: pass a function"
    )


def _noting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of an op that tells `Task.call` its span, on which the scores belong."""
    bound: Any = function
    if type(bound) is MethodType:  # by type(), for an op of a bound method says that it is one
        return MethodType(_noting(bound.__func__), bound.__self__)
    return guarded(function, _wrapped)


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            _note()
            return await function(*args, **kwargs)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        _note()
        return function(*args, **kwargs)

    return call


def _note() -> None:
    noted = _own_span.get()
    context = current_span().context
    if noted is not None and context.is_valid:
        noted.append(context)
