"""`@tracelm.guard`: what goes into a function, and what comes out of it, passes its guardrails first."""

import functools
import inspect
import types
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any, Final, TypeVar, cast, get_args

from tracelm.errors import ConfigError
from tracelm.guards.gate import Gate
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.policy import Policy
from tracelm.guards.rails import Match
from tracelm.guards.streaming import Streamed, drive, drive_later
from tracelm.scoring.scorer import callable_name
from tracelm.trace.op import guarded, is_op

F = TypeVar("F", bound=Callable[..., Any])

_HOW: Final = "write @tracelm.guard(tracelm.Guardrail(scorer)), or @tracelm.guard(policy)"


def guard(*guardrails: Guardrail | Policy, match: Match = "first", parallel: bool = False) -> Callable[[F], F]:
    """Let what goes into a function, and what it returns or yields, pass guardrails.

    Works on functions, generators and ops, sync and async, methods too, and on functions that return a stream: of
    OpenAI's client, a generator, any iterator, a streaming response. With `@tracelm.op` (above or below), the
    guardrails run inside the op's span: it records what was released, and a refusal is its error. Each decision is
    recorded as `tracelm.guardrail.decision` and each score as `gen_ai.evaluation.result`. Before `tracelm.init()`
    guardrails decide just the same; nothing is recorded.

    Guardrails whose scorer is cheap come first, in order; each sees what the one before left. Then all others at
    once. Of a stream the end is held back until nothing can be found in it that begins there: what was released is
    never taken back.

    A scorer can ask for `output`, for the arguments of the call by name, or all of them as `inputs`, and for
    `context`. A sync scorer of an async function runs in a worker thread, unless it is cheap.

    Args:
        *guardrails: At least one, or a `Policy`.
        match: `first`: once one stops a value, no other is asked or waited for. `all`: every one decides.
        parallel: Of an async function: begin it while its input is still judged. Nothing is released before the
            guardrails have passed; a refusal cancels the call.

    Returns:
        The decorator. The function keeps its type; calling it may raise `GuardrailTripped` or `GuardrailBroken`.

    Raises:
        ConfigError: No guardrail; one that cannot work on this function; a scorer that wants what the call does not
            have.

    Example:
        >>> from tracelm.scorers import PII
        >>> @guard(Guardrail(PII(), action="replace"))
        ... def contact() -> str:
        ...     return "Write to ana@example.com"
        >>> contact()
        'Write to [EMAIL]'
    """
    policy, rails = of_policy(guardrails)
    if match not in get_args(Match):
        raise ConfigError(f"match={match!r} is not known: use 'first' or 'all'")

    def decorate(function: F) -> F:
        wrap = functools.partial(_guarded_function, guardrails=rails, policy=policy, match=match, parallel=parallel)
        return cast("F", _decorated(function, wrap))

    return decorate


def of_policy(given: Sequence[object]) -> tuple[Policy | None, tuple[Guardrail, ...]]:
    """Return the policy, if one was given, and the guardrails.

    Raises:
        ConfigError: There is none, or a policy beside something else.
    """
    if len(given) == 1 and isinstance(given[0], Policy):
        return given[0], given[0].guardrails
    if not given or not all(isinstance(each, Guardrail) for each in given):
        raise ConfigError(f"guard takes guardrails or one policy: {_HOW}")
    return None, cast("tuple[Guardrail, ...]", tuple(given))


def _decorated(function: Any, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    if isinstance(function, classmethod | staticmethod):
        below = cast("staticmethod[..., Any]", function)
        return type(below)(_decorated(below.__func__, wrap))
    if inspect.isclass(function) or not callable(function):
        raise ConfigError("@tracelm.guard is for functions, methods and ops: put it on one of those")
    if inspect.ismethod(function) and is_op(function):
        return types.MethodType(_decorated(function.__func__, wrap), function.__self__)
    return guarded(function, wrap) if is_op(function) else wrap(function)


def _guarded_function(
    function: Callable[..., Any],
    *,
    guardrails: Sequence[Guardrail],
    policy: Policy | None,
    match: Match,
    parallel: bool,
) -> Callable[..., Any]:
    qualified = getattr(function, "__qualname__", None) or callable_name(function)
    name = str(qualified).rpartition("<locals>.")[2]
    told_by: Any = function if inspect.isroutine(function) else _inside(function)
    gate = Gate(function, guardrails, name=name, policy=policy, match=match)
    if parallel:
        _check_parallel(guardrails, name, is_async=inspect.iscoroutinefunction(told_by))
    if inspect.isgeneratorfunction(told_by) or inspect.isasyncgenfunction(told_by):
        _check_stream(guardrails, name)
        gate.tell_held()
        return _guarded_stream(function, gate, is_async=inspect.isasyncgenfunction(told_by))
    if inspect.iscoroutinefunction(told_by):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return await gate.call_later(args, kwargs, parallel=parallel)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return gate.call(args, kwargs)

    return call


def _guarded_stream(function: Callable[..., Any], gate: Gate, *, is_async: bool) -> Callable[..., Any]:
    if is_async:

        @functools.wraps(function)
        async def stream_async(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            inputs = gate.inputs(args, kwargs)
            called, given, named = await gate.admit_later(args, kwargs, inputs)
            inner = called(*given, **named)
            if inspect.isawaitable(inner):
                inner = await inner
            made = Streamed(gate, given, named, inputs)
            outer = drive_later(made, _later([inner]) if isinstance(inner, str) else inner)
            sent: Any = None
            thrown: BaseException | None = None
            try:
                while True:
                    raised, thrown = thrown, None
                    try:
                        item = await (outer.asend(sent) if raised is None else outer.athrow(raised))
                    except StopAsyncIteration:
                        return
                    raised = sent = None
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        thrown = error
            finally:
                raised = thrown = None
                await outer.aclose()

        return stream_async

    @functools.wraps(function)
    def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inputs = gate.inputs(args, kwargs)
        called, given, named = gate.admit(args, kwargs, inputs)
        inner = called(*given, **named)
        return (
            yield from drive(Streamed(gate, given, named, inputs), iter([inner]) if isinstance(inner, str) else inner)
        )

    return stream


async def _later(items: Sequence[Any]) -> AsyncGenerator[Any, Any]:
    for item in items:
        yield item


def _check_parallel(guardrails: Sequence[Guardrail], name: str, *, is_async: bool) -> None:
    if not is_async:
        raise ConfigError(f"parallel=True is for async functions: {name} is none, so leave it out")
    if not any(each.on == "input" for each in guardrails):
        raise ConfigError("parallel=True is for guardrails on the input: give one on='input', or leave it out")
    for each in guardrails:
        if each.on == "input" and each.action == "replace" and each.is_enforced:
            raise ConfigError(
                f"guardrail {each.name!r} replaces an input that the call would have already: leave parallel out"
            )


def _check_stream(guardrails: Sequence[Guardrail], name: str) -> None:
    for each in guardrails:
        if each.action == "retry" and each.is_enforced:
            raise ConfigError(
                f"guardrail {each.name!r} cannot ask {name} again: what a stream has released cannot be taken back, "
                "so use action='block', 'replace' or 'fallback'"
            )


def _inside(function: object) -> object:
    """Return the function that tells of what kind a callable object is."""
    if isinstance(function, functools.partial):
        return cast("functools.partial[object]", function).func
    return getattr(function, "__call__", None)  # noqa: B004 - that it can be called is known
