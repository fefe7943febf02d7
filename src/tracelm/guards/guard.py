"""`@tracelm.guard`: what a function returns passes its guardrails before anyone sees it."""

import functools
import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import orjson

from tracelm import semconv
from tracelm.errors import ConfigError, EvaluationError
from tracelm.guards.decision import Decision, decide
from tracelm.guards.guardrail import Guardrail
from tracelm.scoring.call import Judgement, ScoreContext, call_scorer, call_scorer_now, parameters_of
from tracelm.scoring.scorer import callable_name, name_of, version_of
from tracelm.trace.arguments import Binder
from tracelm.trace.op import guarded, is_op
from tracelm.trace.safely import safely
from tracelm.trace.scores import emit, record_score, record_score_error
from tracelm.trace.spans import current_span

F = TypeVar("F", bound=Callable[..., Any])

_NO_STREAMS: Final = "guards on streams are not there yet: return the whole text"


def guard(*guardrails: Guardrail) -> Callable[[F], F]:
    """Let what a function returns pass `guardrails`, in order; each sees what the one before released.

    Works on functions and ops, sync and async, methods too. With `@tracelm.op` (above or below), the
    guardrails run inside the op's span: it records what was released, and a refusal is its error. Each
    decision is recorded as `tracelm.guardrail.decision` and each score as `gen_ai.evaluation.result`. Before
    `tracelm.init()` guardrails decide just the same; nothing is recorded.

    A scorer can ask for `output`, for the arguments of the call by name, or all of them as `inputs`, and for
    `context`. A sync scorer of an async function runs in a worker thread.

    Args:
        *guardrails: At least one.

    Returns:
        The decorator. The function keeps its type; calling it may raise `GuardrailTripped` or
        `GuardrailBroken`.

    Raises:
        ConfigError: No guardrail; a function that streams; a scorer that wants what the call does not have.

    Example:
        >>> from tracelm.scorers import PII
        >>> @guard(Guardrail(PII(), action="replace"))
        ... def contact() -> str:
        ...     return "Write to ana@example.com"
        >>> contact()
        'Write to [EMAIL]'
    """
    given = cast("tuple[object, ...]", guardrails)
    if not given or not all(isinstance(each, Guardrail) for each in given):
        raise ConfigError("guard takes guardrails: write @tracelm.guard(tracelm.Guardrail(scorer))")

    def decorate(function: F) -> F:
        return cast("F", _decorated(function, guardrails))

    return decorate


def _decorated(function: Any, guardrails: Sequence[Guardrail]) -> Any:
    if isinstance(function, classmethod | staticmethod):
        below = cast("staticmethod[..., Any]", function)
        return type(below)(_decorated(below.__func__, guardrails))
    if inspect.isclass(function) or not callable(function):
        raise ConfigError("@tracelm.guard is for functions, methods and ops: put it on one of those")
    if inspect.ismethod(function) and is_op(function):
        return types.MethodType(_decorated(function.__func__, guardrails), function.__self__)
    guard_it = functools.partial(_guarded_function, guardrails=guardrails)
    return guarded(function, guard_it) if is_op(function) else guard_it(function)


def _guarded_function(function: Callable[..., Any], *, guardrails: Sequence[Guardrail]) -> Callable[..., Any]:
    qualified = getattr(function, "__qualname__", None) or callable_name(function)
    name = str(qualified).rpartition("<locals>.")[2]
    told_by: Any = function if inspect.isroutine(function) else _inside(function)
    if inspect.isgeneratorfunction(told_by) or inspect.isasyncgenfunction(told_by):
        raise ConfigError(f"{name} is a generator; {_NO_STREAMS}")
    _check_parameters(function, guardrails, name=name)
    gate = _Gate(function, guardrails, name=name)

    if inspect.iscoroutinefunction(told_by):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return await gate.release_later(function(*args, **kwargs), args, kwargs)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        output = function(*args, **kwargs)
        if inspect.isawaitable(output):  # a plain function that hands on a coroutine
            return gate.release_later(output, args, kwargs)
        return gate.release(output, args, kwargs)

    return call


class _Gate:
    """The guardrails of one function."""

    __slots__ = ("_binder", "_guardrails", "_name")

    def __init__(self, function: Callable[..., Any], guardrails: Sequence[Guardrail], *, name: str) -> None:
        self._binder = Binder(function)
        self._guardrails = guardrails
        self._name = name

    def release(self, output: object, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Return what the guardrails leave of `output`, or raise."""
        inputs = self._inputs(args, kwargs)
        for each in self._guardrails:
            judgement = _refusal_to_judge(each, output) or call_scorer_now(each.scorer, _values(inputs, output))
            output = self._settle(each, output, judgement)
        return output

    async def release_later(
        self, pending: Awaitable[object], args: Sequence[object], kwargs: Mapping[str, object]
    ) -> object:
        """Await the output, then do as `release`."""
        inputs = self._inputs(args, kwargs)
        output = await pending
        for each in self._guardrails:
            judgement = _refusal_to_judge(each, output) or await call_scorer(each.scorer, _values(inputs, output))
            output = self._settle(each, output, judgement)
        return output

    def _inputs(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Mapping[str, object]:
        return self._binder.bind(args, kwargs) or {}

    def _settle(self, guardrail: Guardrail, output: object, judgement: Judgement) -> object:
        decision = decide(guardrail, output, judgement, of=self._name)
        _record(guardrail, judgement, decision)
        if decision.error is not None:
            raise decision.error
        return decision.released


def _inside(function: object) -> object:
    """Return the function that tells of what kind a callable object is."""
    if isinstance(function, functools.partial):
        return cast("functools.partial[object]", function).func
    return getattr(function, "__call__", None)  # noqa: B004 - that it can be called is known


def _check_parameters(function: Callable[..., Any], guardrails: Sequence[Guardrail], *, name: str) -> None:
    try:
        arguments = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a builtin without a signature
        arguments = []
    for each in guardrails:
        try:
            parameters_of(each.scorer, [*arguments, "output", "inputs", "context"])
        except EvaluationError as error:
            raise ConfigError(f"guardrail {each.name!r} cannot judge what {name} returns: {error}") from None


def _refusal_to_judge(guardrail: Guardrail, output: object) -> Judgement | None:
    # To look into a stream is to use it up.
    if not isinstance(output, Iterator | AsyncIterator):
        return None
    return Judgement(
        name=name_of(guardrail.scorer),
        version=version_of(guardrail.scorer),
        scores={},
        error=TypeError(f"the output is a stream; {_NO_STREAMS}"),
        latency_s=0.0,
    )


def _values(inputs: Mapping[str, object], output: object) -> Mapping[str, object]:
    span = current_span()
    is_recorded = span.context.is_valid
    context = ScoreContext(
        row=inputs,
        output=output,
        trace_id=span.trace_id if is_recorded else None,
        span_id=span.span_id if is_recorded else None,
    )
    return {**inputs, "output": output, "inputs": inputs, "context": context}


def _record(guardrail: Guardrail, judgement: Judgement, decision: Decision) -> None:
    by = {semconv.GUARDRAIL_NAME: guardrail.name}
    attributes: dict[str, Any] = {
        **by,
        semconv.GUARDRAIL_INTENDED: decision.intended,
        semconv.GUARDRAIL_TAKEN: decision.taken,
        semconv.GUARDRAIL_OUTCOME: decision.outcome,
        semconv.GUARDRAIL_LATENCY: judgement.latency_s,
        semconv.SCORER_VERSION: judgement.version,
    }
    with safely("record a guardrail's decision"):
        if decision.spans:
            attributes[semconv.GUARDRAIL_SPANS] = orjson.dumps(decision.spans).decode()
        emit(semconv.DECISION_EVENT, attributes)
    # On its own: a verdict that cannot be recorded must not take the decision with it.
    with safely("record a guardrail's score"):
        version = judgement.version
        for name, score in judgement.scores.items():
            record_score(name, score, source="guardrail", scorer_version=version, attributes=by)
        if judgement.error is not None:
            name, error = judgement.name, judgement.error
            record_score_error(name, error, source="guardrail", scorer_version=version, attributes=by)
