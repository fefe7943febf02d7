"""`tracelm.guarded_client`: guardrails on every answer of a model through a client of OpenAI's kind.

No client library is imported: what is looked for is `chat.completions.create` and `responses.create`. The client itself
stays as it is, and is traced as it is.
"""

import functools
import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from tracelm.errors import ConfigError
from tracelm.guards.calls import CHAT, RESPONSES, Calls
from tracelm.guards.escapes import REDACTED, unescaped
from tracelm.guards.gate import Gate
from tracelm.guards.guard import of_policy
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.pieces import UnseenError
from tracelm.guards.policy import Policy
from tracelm.guards.rails import Match
from tracelm.guards.spoken import with_text
from tracelm.guards.streaming import guarded_result

C = TypeVar("C")

_RAW: Final = frozenset({"with_raw_response", "with_streaming_response"})
_UNGUARDED: Final[Mapping[str, frozenset[str]]] = {
    "": _RAW | {"beta", "completions", "realtime"},
    "chat": _RAW,
    "chat.completions": _RAW | {"parse", "stream", "retrieve", "list", "update", "messages"},
    "responses": _RAW | {"parse", "stream", "retrieve", "cancel", "compact", "connect"},
}
"""Other ways to what a model says, by where they stand."""


def guarded_client(client: C, *, guards: Sequence[Guardrail] | Policy, match: Match = "first") -> C:
    """Return a client whose every answer of a model passes guardrails; the given one stays as it is.

    Guarded are `chat.completions.create` and `responses.create`. On the input, each text that did not come from the
    program or the model (of the roles `user`, `tool`, `function`, outputs of tools, variables of a prompt) is judged,
    and replaced where the guardrail says so. On the output, each text and the arguments of each call of a tool are; a
    stream as `tracelm.guard` does it. Other ways to what a model says (`parse`, `stream`, raw responses, stored ones,
    legacy completions, `beta`, `realtime`) are refused. What else the client offers stays as it is.

    Args:
        client: An `openai.OpenAI` or `AsyncOpenAI`, or what is made like them.
        guards: The guardrails, or a policy.
        match: As for `tracelm.guard`.

    Returns:
        What stands for the client: it has all that the client has.

    Raises:
        ConfigError: No guardrail, one that asks again, or falls back, or no such client.

    Example:
        >>> import openai
        >>> from tracelm.scorers import PII
        >>> client = guarded_client(openai.OpenAI(api_key="..."), guards=[Guardrail(PII(), action="replace")])
    """
    given = (guards,) if isinstance(guards, Policy) else tuple(guards)
    policy, rails = of_policy(given)
    for each in rails:
        if each.action == "retry" or each.needs_fallback:
            raise ConfigError(
                f"guardrail {each.name!r} calls again or falls back: put it on your own function, with @tracelm.guard"
            )
        if each.argument is not None:
            raise ConfigError(f"guardrail {each.name!r} names an argument: of a client the messages are judged")
    behind = cast("Any", client)
    names: dict[str, Any] = {}
    for calls in (CHAT, RESPONSES):
        create = functools.reduce(lambda found, name: getattr(found, name, None), calls.name.split("."), behind)
        if callable(create):
            gate = Gate(_create, rails, name=calls.name, policy=policy, match=match)
            is_async = inspect.iscoroutinefunction(inspect.unwrap(create))
            guarded = _guarded_create(create, gate, calls, is_async=is_async)
            names |= _placed(behind, calls.name, guarded)
    if "chat" not in names:
        raise ConfigError(f"a {type(client).__name__} has no chat.completions.create: give a client of OpenAI's kind")
    for name in ("with_options", "copy"):  # a client made of this one is guarded as well
        make = getattr(client, name, None)
        if make is not None:
            names[name] = functools.partial(_remade, make, guards, match)
    return cast("C", _Seen(client, names, refused=_UNGUARDED[""]))


def _create(value: object) -> object:
    """Stand for the function: one text goes in, one comes out."""
    return value


def _remade(make: Callable[..., Any], guards: Any, match: Match, *args: Any, **kwargs: Any) -> Any:
    return guarded_client(make(*args, **kwargs), guards=guards, match=match)


def _placed(behind: Any, name: str, function: Any) -> dict[str, Any]:
    """Return what stands for the first name on the way to a function."""
    *above, last = name.split(".")
    made: dict[str, Any] = {last: function}
    for depth in range(len(above), 0, -1):
        at = functools.reduce(getattr, above[:depth], behind)
        made = {above[depth - 1]: _Seen(at, made, refused=_UNGUARDED[".".join(above[:depth])])}
    return made


class _Seen:
    """An object with some names of its own in front of those of another one."""

    def __init__(self, behind: Any, names: Mapping[str, Any], *, refused: frozenset[str]) -> None:
        self.__dict__["_behind"] = behind
        self.__dict__["_names"] = names
        self.__dict__["_refused"] = refused

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return cast("type[Any]", type(self._behind))

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        if name in self._refused:
            raise ConfigError(f"{name} would pass by the guardrails: use create, or a client without guards")
        return getattr(self._behind, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._behind, name, value)

    def __enter__(self) -> Any:
        self._behind.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self._behind.__exit__(*error)

    async def __aenter__(self) -> Any:
        await self._behind.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._behind.__aexit__(*error)


def _guarded_create(create: Callable[..., Any], gate: Gate, calls: Calls, *, is_async: bool) -> Callable[..., Any]:
    if is_async:

        @functools.wraps(create)
        async def call_later(*args: Any, **kwargs: Any) -> Any:
            steps = _steps(create, gate.admit_later, gate.release_later, gate, calls, args, kwargs)
            try:
                done = await next(steps)
                while True:
                    done = await steps.send(done)
            except StopIteration as end:
                return end.value

        return call_later

    @functools.wraps(create)
    def call(*args: Any, **kwargs: Any) -> Any:
        steps = _steps(create, gate.admit, gate.release, gate, calls, args, kwargs)
        try:
            done = next(steps)
            while True:
                done = steps.send(done)
        except StopIteration as end:
            return end.value

    return call


def _steps(
    create: Callable[..., Any],
    admit: Callable[..., Any],
    release: Callable[..., Any],
    gate: Gate,
    calls: Calls,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Generator[Any, Any, Any]:
    """Call between the guardrails: yields what each step gave, is sent it back, awaited where that is needed."""
    for path, text in calls.asked(kwargs):
        _, (left, *_), _ = yield admit((text,), {}, {"value": text})
        kwargs = with_text(kwargs, path, left)
    reply = yield create(*args, **kwargs)
    if not gate.after:
        return reply
    inputs = {"value": kwargs.get(calls.takes)}
    stream = guarded_result(reply, gate, (), kwargs, inputs)
    if stream is not None:
        return stream
    try:
        said = list(calls.said(reply))
    except UnseenError as error:
        return gate.unseen(reply, error).value
    for path, text in said:
        left = yield release(text, (), kwargs, inputs)
        plain = unescaped(text) if left is text else None
        if plain is not None and (yield release(plain, (), kwargs, inputs)) is not plain:
            left = REDACTED
        reply = reply if left is text else with_text(reply, path, left)
    return reply
