"""`Gate`: what guardrails do around the calls of one function."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from tracelm.errors import ConfigError
from tracelm.guards.decision import Decision
from tracelm.guards.guardrail import FEEDBACK, Guardrail
from tracelm.guards.opaque import opaque
from tracelm.guards.policy import Policy
from tracelm.guards.rails import Match, Rails, Verdict
from tracelm.guards.streaming import guarded_result
from tracelm.guards.warned import warn_held
from tracelm.scoring.attempt import can_be_awaited
from tracelm.trace.arguments import Binder

Call: TypeAlias = Callable[..., Any]
Args: TypeAlias = Sequence[Any]
Kwargs: TypeAlias = Mapping[str, Any]

_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Gate:
    """The guardrails of one function.

    Args:
        function: What they guard.
        guardrails: At least one.
        name: The function's name, for messages.
        policy: Whose guardrails they are.
        match: `first` or `all`.

    Attributes:
        before: Those of its input.
        after: Those of its output.

    Raises:
        ConfigError: A guardrail cannot work on this function.
    """

    def __init__(
        self, function: Call, guardrails: Sequence[Guardrail], *, name: str, policy: Policy | None, match: Match
    ) -> None:
        self.function = function
        self._binder = Binder(function)
        try:
            self._parameters = dict(inspect.signature(function).parameters)
        except (TypeError, ValueError):  # a builtin without a signature
            self._parameters = {}
        names = list(self._parameters)
        entering = [each for each in guardrails if each.on == "input"]
        self.before = [
            (where, Rails(each, names, side="input", of=name, policy=policy, match=match))
            for where, each in self._by_argument(entering, name).items()
        ]
        leaving = [each for each in guardrails if each.on == "output"]
        self.after = Rails(leaving, names, side="output", of=name, policy=policy, match=match)
        self._held = [each for each in leaving if each.waits_for_end and each.release is None]
        self._check_calls(guardrails, name)

    def tell_held(self) -> None:
        """Say once which guardrails hold a stream back to its end, though nobody asked for that."""
        while self._held:
            warn_held(self._held.pop(), self.after.about.of)

    def inputs(self, args: Args, kwargs: Kwargs) -> dict[str, Any]:
        """Return the arguments of a call by name; nothing where they do not fit, which Python will say itself."""
        return self._binder.bind(args, kwargs) or {}

    # --- sync ---------------------------------------------------------------------------------------------------
    def call(self, args: Args, kwargs: Kwargs) -> Any:
        """Call the function between its guardrails."""
        inputs = self.inputs(args, kwargs)
        function, args, kwargs = self.admit(args, kwargs, inputs)
        output = function(*args, **kwargs)
        if can_be_awaited(output):  # a plain function that hands on a coroutine
            return self._release_later(output, args, kwargs, inputs)
        return self.release(output, args, kwargs, inputs)

    def admit(self, args: Args, kwargs: Kwargs, inputs: dict[str, Any]) -> tuple[Call, Args, Kwargs]:
        """Let the arguments pass their guardrails; return what is to be called, and with what."""
        for where, rails in self.before:
            if not inputs:
                break
            verdict = rails.run_now(_judged(inputs, where), inputs)
            if verdict.stop is not None:
                return _fallback(verdict.stop), args, kwargs
            args, kwargs = self._put(where, verdict, args, kwargs, inputs)
        return self.function, args, kwargs

    def release(self, output: Any, args: Args, kwargs: Kwargs, inputs: Mapping[str, Any]) -> Any:
        """Return what the guardrails leave of `output`, or raise."""
        if not self.after:
            return output
        attempt, may_fall_back = 0, True
        while True:
            stream = guarded_result(output, self, args, kwargs, inputs)
            if stream is not None:
                return stream
            verdict = self._opaque(output) or self.after.run_now(
                output, inputs, attempt=attempt, may_fall_back=may_fall_back
            )
            if verdict.stop is None:
                return verdict.value
            if verdict.stop.taken == "retry":
                attempt += 1
                output = self.function(*args, **{**kwargs, FEEDBACK: verdict.stop.reason})
            else:
                may_fall_back = False
                output = _fallback(verdict.stop)(*args, **kwargs)

    # --- async --------------------------------------------------------------------------------------------------
    async def call_later(self, args: Args, kwargs: Kwargs, *, parallel: bool) -> Any:
        """Call the coroutine function between its guardrails."""
        inputs = self.inputs(args, kwargs)
        if parallel and self.before and inputs:
            output = await self._beside(args, kwargs, inputs)
        else:
            function, args, kwargs = await self.admit_later(args, kwargs, inputs)
            output = await _awaited(function(*args, **kwargs))
        return await self.release_later(output, args, kwargs, inputs)

    async def admit_later(self, args: Args, kwargs: Kwargs, inputs: dict[str, Any]) -> tuple[Call, Args, Kwargs]:
        """Do as `admit`, without holding up the event loop."""
        for where, rails in self.before:
            if not inputs:
                break
            verdict = await rails.run(_judged(inputs, where), inputs)
            if verdict.stop is not None:
                return _fallback(verdict.stop), args, kwargs
            args, kwargs = self._put(where, verdict, args, kwargs, inputs)
        return self.function, args, kwargs

    async def release_later(self, output: Any, args: Args, kwargs: Kwargs, inputs: Mapping[str, Any]) -> Any:
        """Do as `release`, without holding up the event loop."""
        if not self.after:
            return output
        attempt, may_fall_back = 0, True
        while True:
            stream = guarded_result(output, self, args, kwargs, inputs)
            if stream is not None:
                return stream
            verdict = self._opaque(output) or await self.after.run(
                output, inputs, attempt=attempt, may_fall_back=may_fall_back
            )
            if verdict.stop is None:
                return verdict.value
            if verdict.stop.taken == "retry":
                attempt += 1
                output = await _awaited(self.function(*args, **{**kwargs, FEEDBACK: verdict.stop.reason}))
            else:
                may_fall_back = False
                output = await _awaited(_fallback(verdict.stop)(*args, **kwargs))

    async def _release_later(
        self, pending: Awaitable[Any], args: Args, kwargs: Kwargs, inputs: Mapping[str, Any]
    ) -> Any:
        return await self.release_later(await pending, args, kwargs, inputs)

    async def _beside(self, args: Args, kwargs: Kwargs, inputs: dict[str, Any]) -> Any:
        """Begin the call while its input is still being judged; a refusal cancels it."""
        import anyio

        outcome: list[tuple[Any, BaseException | None]] = []

        async def run() -> None:
            try:
                outcome.append((await self.function(*args, **kwargs), None))
            except Exception as error:
                outcome.append((None, error))

        instead: Call = self.function
        refusal: BaseException | None = None
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(run)
                try:
                    instead, _, _ = await self.admit_later(args, kwargs, inputs)
                except Exception as error:
                    refusal = error
                if refusal is not None or instead is not self.function:
                    group.cancel_scope.cancel()
        except BaseExceptionGroup as group_error:  # an interrupt
            raise group_error.exceptions[0] from None
        if refusal is not None:
            raise refusal
        if instead is not self.function:
            return await _awaited(instead(*args, **kwargs))
        output, failure = outcome[0]
        if failure is not None:
            raise failure
        return output

    # --- what cannot be judged, and what cannot work --------------------------------------------------------------
    def unseen(self, output: Any, error: TypeError) -> Verdict:
        """Let the guardrails of the output fail over what no scorer can look into: each says what then happens.

        Raises:
            GuardrailError: One of them lets nothing through then.
        """
        verdict = self.after.broken(output, error)
        if verdict.stop is not None:
            _raise(verdict.stop)
        return verdict

    def _opaque(self, output: object) -> Verdict | None:
        what = opaque(output)
        if what is None:
            return None
        return self.unseen(
            output, TypeError(f"the output is or holds {what}, into which no scorer can look: return text")
        )

    def _put(
        self, where: str | None, verdict: Verdict, args: Args, kwargs: Kwargs, inputs: dict[str, Any]
    ) -> tuple[Args, Kwargs]:
        if where is None or verdict.value is inputs[where]:
            return args, kwargs
        inputs[where] = verdict.value
        named = list(self._parameters)
        place = named.index(where)
        if place < len(args) and self._parameters[where].kind is not inspect.Parameter.KEYWORD_ONLY:
            return (*args[:place], verdict.value, *args[place + 1 :]), kwargs
        return args, {**kwargs, where: verdict.value}

    def _by_argument(self, guardrails: Sequence[Guardrail], name: str) -> dict[str | None, list[Guardrail]]:
        takes = [
            each.name
            for place, each in enumerate(self._parameters.values())
            if each.kind not in _VARIADIC and not (place == 0 and each.name in {"self", "cls"})
        ]
        only = takes[0] if len(takes) == 1 else None
        found: dict[str | None, list[Guardrail]] = {}
        for each in guardrails:
            if each.argument is not None and each.argument not in takes:
                raise ConfigError(
                    f"guardrail {each.name!r}: {name} has no parameter {each.argument!r}, "
                    f"only {', '.join(takes) or 'none'}"
                )
            where = each.argument or only
            if where is None and each.action == "replace" and each.is_enforced:
                raise ConfigError(
                    f"guardrail {each.name!r} cannot say which argument of {name} to replace: give it argument=, "
                    f"one of {', '.join(takes)}"
                )
            found.setdefault(where, []).append(each)
        return found

    def _check_calls(self, guardrails: Sequence[Guardrail], name: str) -> None:
        takes_all = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in self._parameters.values())
        for each in guardrails:
            if each.action == "retry" and each.is_enforced and not (takes_all or FEEDBACK in self._parameters):
                raise ConfigError(
                    f"guardrail {each.name!r} asks {name} again, but it does not learn why: give {name} a parameter "
                    f"`{FEEDBACK}: str | None = None`"
                )
            if inspect.iscoroutinefunction(each.fallback) and not inspect.iscoroutinefunction(_inside(self.function)):
                raise ConfigError(f"guardrail {each.name!r}: {name} is sync, and its fallback is not: give a sync one")


def _judged(inputs: Mapping[str, Any], where: str | None) -> Any:
    return inputs if where is None else inputs.get(where)


def _fallback(stop: Decision) -> Call:
    if stop.taken != "fallback" or stop.guardrail.fallback is None:
        _raise(stop)
    return stop.guardrail.fallback


def _raise(stop: Decision) -> NoReturn:
    if stop.error is None:
        raise AssertionError(f"a {stop.taken} has no error")
    raise stop.error


async def _awaited(output: Any) -> Any:
    return await output if can_be_awaited(output) else output


def _inside(function: object) -> object:
    """Return the function that tells of what kind a callable object is."""
    return function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
