"""The task: what an evaluation calls for each row, or the outputs that were saved instead."""

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from opentelemetry.trace import SpanContext

from tracelm.data.dataset import Dataset
from tracelm.errors import EvaluationError
from tracelm.scoring.attempt import Attempt, attempt, attempt_now
from tracelm.scoring.call import wanted_by
from tracelm.scoring.scorer import callable_name
from tracelm.scoring.version import code_version, object_version
from tracelm.trace.op import guarded, is_op, op
from tracelm.trace.spans import current_span

if TYPE_CHECKING:
    from anyio import CapacityLimiter

_METHODS: Final = ("predict", "invoke", "forward")
_BESIDE: Final = frozenset({"id", "expected", "metadata", "cluster"})
"""Columns that are no inputs, by convention."""

_own_span: Final[ContextVar[list[SpanContext] | None]] = ContextVar("tracelm_task_span", default=None)


class Task(Protocol):
    """What gives an output for a row and trial.

    Attributes:
        name: What it is called.
        version: 12 hex digits that change when it does.
        parameters: The columns that it takes.
        repeats: Whether another call may give something else: only then a call is repeated after an error.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - told above
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def parameters(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def repeats(self) -> bool: ...  # noqa: D102

    async def call(
        self, inputs: Mapping[str, object], *, row: int, trial: int, limiter: "CapacityLimiter"
    ) -> tuple[Attempt, SpanContext | None]:
        """Return what it gave, and its own span; `None` where it has none.

        Args:
            inputs: The arguments by name.
            row: Which row, from 0.
            trial: Which repetition of it, from 0.
            limiter: Bounds the worker threads.
        """
        ...


@dataclass(frozen=True, slots=True)
class FunctionTask:
    """A function that is ready to be called with the columns of a row; a sync one runs in a worker thread."""

    name: str
    version: str
    parameters: tuple[str, ...]
    _function: Callable[..., Any]
    _by_position: tuple[str, ...]
    _is_async: bool
    repeats: bool = True

    async def call(
        self,
        inputs: Mapping[str, object],
        *,
        row: int,  # noqa: ARG002 - told by the columns
        trial: int,  # noqa: ARG002 - each is a call of its own
        limiter: "CapacityLimiter",
    ) -> tuple[Attempt, SpanContext | None]:
        """Call the function."""
        kwargs = dict(inputs)
        args = [kwargs.pop(name) for name in self._by_position]
        noted: list[SpanContext] = []
        token = _own_span.set(noted)
        try:
            call = functools.partial(self._function, *args, **kwargs)
            # A thread cannot be stopped: it is left alone when the trial's time is over.
            done = await attempt(call, is_async=self._is_async, limiter=limiter, abandon=True)
        finally:
            _own_span.reset(token)
        return done, noted[0] if noted else None


class SavedOutputError(LookupError):
    """A row has no saved output."""


@dataclass(frozen=True, slots=True)
class SavedOutputs:
    """Outputs that are there already: a column, or a mapping from a row's `id` or digest to its output."""

    name: str
    version: str
    _output: Callable[[int], Any]
    parameters: tuple[str, ...]
    repeats: bool = False

    async def call(
        self,
        inputs: Mapping[str, object],  # noqa: ARG002 - the output is there
        *,
        row: int,
        trial: int,  # noqa: ARG002 - one output for all of them
        limiter: "CapacityLimiter",  # noqa: ARG002
    ) -> tuple[Attempt, SpanContext | None]:
        """Return the output of the row."""
        return attempt_now(lambda: self._output(row)), None


def task_for(given: object, dataset: Dataset) -> Task:
    """Find out what to call, and check that the dataset can fill its parameters.

    Args:
        given: A function (also async, also an op), an object with one method `predict`, `invoke` or `forward`; or
            saved outputs: the name of a column, or a mapping from `id` or row digest to the output.
        dataset: Where the arguments come from.

    Raises:
        EvaluationError: There is nothing to call, or the dataset lacks a parameter.
    """
    if isinstance(given, str):
        return _column(given, dataset)
    if isinstance(given, Mapping):
        return _mapping(cast("Mapping[object, object]", given), dataset)
    function = _function_of(given)
    name = str(getattr(function, "__qualname__", callable_name(function))).rpartition("<locals>.")[2]
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise EvaluationError(f"task {name!r} yields its output in parts: wrap it in a function that returns the whole")
    by_position, by_name = wanted_by(function, dataset.columns, who=f"task {name!r}")
    return FunctionTask(
        name=name,
        version=_version(function),
        parameters=(*by_position, *by_name),
        _function=_noting(function if is_op(function) else op(function)),
        _by_position=tuple(by_position),
        _is_async=inspect.iscoroutinefunction(function),
    )


def _column(name: str, dataset: Dataset) -> SavedOutputs:
    from tracelm.data.content import digest_of_digests

    if name not in dataset.columns:
        raise EvaluationError(
            f"the outputs are to be in the column {name!r}, but the dataset has {', '.join(dataset.columns)}"
        )
    digest = digest_of_digests(["column", name])
    inputs = tuple(column for column in _inputs(dataset) if column != name)
    return SavedOutputs(f"column {name!r}", digest[:12], lambda row: dataset.row(row)[name], inputs)


def _mapping(outputs: Mapping[object, object], dataset: Dataset) -> SavedOutputs:
    from tracelm.data.content import digest_of, digest_of_digests, owned

    if not outputs:
        raise EvaluationError("there are no saved outputs: map each row's id, or its digest, to its output")
    by_id = "id" in dataset.columns
    digests = dataset.row_digests
    keys = [dataset.row(row)["id"] for row in range(len(dataset))] if by_id else list(digests)
    names = {key for key in keys if isinstance(key, str | int)}.union(digests)
    unknown = [key for key in outputs if key not in names]
    if unknown:
        raise EvaluationError(
            f"{len(unknown)} saved outputs belong to no row, the first is that of {unknown[0]!r}: "
            f"use the {'id' if by_id else 'digest (Dataset.row_digests)'} of the rows as keys"
        )

    def output(row: int) -> Any:
        for key in (keys[row], digests[row]):
            try:
                return outputs[key]
            except (KeyError, TypeError):
                continue
        raise SavedOutputError(f"no output was saved for row {row} ({'id' if by_id else 'digest'} {keys[row]!r})")

    try:
        parts = sorted(f"{digest_of(owned(key))}{digest_of(owned(value))}" for key, value in outputs.items())
    except TypeError:  # outputs that are no plain data
        parts = sorted(f"{key!r}{object_version(value)}" for key, value in outputs.items())
    return SavedOutputs("saved outputs", digest_of_digests(["saved", *parts])[:12], output, _inputs(dataset))


def earlier_task(name: str, version: str, parameters: tuple[str, ...]) -> SavedOutputs:
    """Return the task of an earlier run, all of whose outputs are known: it is never called."""

    def output(row: int) -> Any:
        raise SavedOutputError(f"row {row} has no output")

    return SavedOutputs(name, version, output, parameters)


def _inputs(dataset: Dataset) -> tuple[str, ...]:
    return tuple(column for column in dataset.columns if column not in _BESIDE)


def _version(function: Callable[..., Any]) -> str:
    """Return the version of a task; of a method the fields of its object count too."""
    bound_to = getattr(function, "__self__", None)
    if bound_to is None or inspect.ismodule(bound_to) or inspect.isclass(bound_to):
        return code_version(function)
    from tracelm.data.content import digest_of_digests

    return digest_of_digests([code_version(function), object_version(bound_to)])[:12]


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
    """Return a copy of an op that tells `FunctionTask.call` its span, on which the scores belong."""
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
