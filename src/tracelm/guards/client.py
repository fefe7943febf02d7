"""`tracelm.guarded_client`: guardrails on every chat completion of a client of OpenAI's kind.

No client library is imported: what is looked for is `chat.completions.create`. The client itself stays as it is, and is
traced as it is.
"""

import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from tracelm.errors import ConfigError
from tracelm.guards.gate import Gate
from tracelm.guards.guard import of_policy
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.policy import Policy
from tracelm.guards.rails import Match
from tracelm.guards.streaming import guarded_result

C = TypeVar("C")

_FROM_OUTSIDE: Final = frozenset({"user", "tool", "function"})
"""Roles whose texts come from elsewhere than the program and the model."""
_UNGUARDED: Final = frozenset({"parse", "stream", "with_raw_response", "with_streaming_response"})


def guarded_client(client: C, *, guards: Sequence[Guardrail] | Policy, match: Match = "first") -> C:
    """Return a client whose every `chat.completions.create` passes guardrails; the given one stays as it is.

    On the input, each text of the messages that did not come from the program or the model (roles `user`, `tool`,
    `function`) is judged, and replaced where the guardrail says so. On the output, each text and the arguments of
    each call of a tool are; a stream as `tracelm.guard` does it. What else the client offers is not guarded:
    `parse`, `stream` and raw responses of chat completions are refused.

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
    create = getattr(getattr(getattr(client, "chat", None), "completions", None), "create", None)
    if not callable(create):
        raise ConfigError(f"a {type(client).__name__} has no chat.completions.create: give a client of OpenAI's kind")
    gate = Gate(_create, rails, name="chat.completions.create", policy=policy, match=match)
    guarded = _guarded_create(create, gate, is_async=inspect.iscoroutinefunction(inspect.unwrap(create)))
    behind = cast("Any", client)
    completions = _Seen(behind.chat.completions, {"create": guarded}, refused=_UNGUARDED)
    chat = _Seen(behind.chat, {"completions": completions}, refused=_UNGUARDED)
    names: dict[str, Any] = {"chat": chat}
    for name in ("with_options", "copy"):  # a client made of this one is guarded as well
        make = getattr(client, name, None)
        if make is not None:
            names[name] = functools.partial(_remade, make, guards, match)
    return cast("C", _Seen(client, names, refused=frozenset()))


def _create(value: object) -> object:
    """Stand for the function: one text goes in, one comes out."""
    return value


def _remade(make: Callable[..., Any], guards: Any, match: Match, *args: Any, **kwargs: Any) -> Any:
    return guarded_client(make(*args, **kwargs), guards=guards, match=match)


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


def _guarded_create(create: Callable[..., Any], gate: Gate, *, is_async: bool) -> Callable[..., Any]:
    if is_async:

        @functools.wraps(create)
        async def call_later(*args: Any, **kwargs: Any) -> Any:
            texts = _texts_of(kwargs.get("messages"))
            left = [await _admitted_later(gate, text) for _, text in texts]
            kwargs = _with_messages(kwargs, [path for path, _ in texts], left)
            reply = await create(*args, **kwargs)
            inputs = {"value": kwargs.get("messages")}
            stream = guarded_result(reply, gate, (), kwargs, inputs) if gate.after else None
            if stream is not None or not gate.after:
                return reply if stream is None else stream
            replaced = [await gate.release_later(text, (), kwargs, inputs) for _, text in _said(reply)]
            return _with_said(reply, replaced)

        return call_later

    @functools.wraps(create)
    def call(*args: Any, **kwargs: Any) -> Any:
        texts = _texts_of(kwargs.get("messages"))
        left = [gate.admit((text,), {}, {"value": text})[1][0] for _, text in texts]
        kwargs = _with_messages(kwargs, [path for path, _ in texts], left)
        reply = create(*args, **kwargs)
        inputs = {"value": kwargs.get("messages")}
        stream = guarded_result(reply, gate, (), kwargs, inputs) if gate.after else None
        if stream is not None or not gate.after:
            return reply if stream is None else stream
        return _with_said(reply, [gate.release(text, (), kwargs, inputs) for _, text in _said(reply)])

    return call


async def _admitted_later(gate: Gate, text: str) -> Any:
    _, args, _ = await gate.admit_later((text,), {}, {"value": text})
    return args[0]


def _texts_of(messages: Any) -> list[tuple[tuple[Any, ...], str]]:
    """Return the texts in messages from outside, and where they stand."""
    found: list[tuple[tuple[Any, ...], str]] = []
    if not isinstance(messages, list | tuple):
        return found
    for place, message in enumerate(cast("Sequence[Any]", messages)):
        fields: Mapping[str, Any] = cast("Mapping[str, Any]", message) if isinstance(message, Mapping) else {}
        if fields.get("role") not in _FROM_OUTSIDE:
            continue
        content = fields.get("content")
        if isinstance(content, str):
            found.append(((place, "content"), content))
        elif isinstance(content, list | tuple):
            for part, each in enumerate(cast("Sequence[Any]", content)):
                if isinstance(each, Mapping) and isinstance(each.get("text"), str):  # pyright: ignore[reportUnknownMemberType]
                    found.append(((place, "content", part, "text"), cast("str", each["text"])))
    return found


def _with_messages(kwargs: dict[str, Any], paths: Sequence[tuple[Any, ...]], texts: Sequence[Any]) -> dict[str, Any]:
    messages = kwargs.get("messages")
    for path, text in zip(paths, texts, strict=True):
        messages = _set(messages, path, text)
    return {**kwargs, "messages": messages} if paths else kwargs


def _set(value: Any, path: tuple[Any, ...], text: Any) -> Any:
    """Return a copy of nested lists and mappings with another text in one place; the caller's stay as they are."""
    if not path:
        return text
    inner = _set(value[path[0]], path[1:], text)
    if inner is value[path[0]]:
        return value
    changed: Any = dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else list(value)
    changed[path[0]] = inner
    return changed


def _said(reply: Any) -> list[tuple[tuple[Any, ...], str]]:
    """Return the texts of a completion, and where they stand."""
    found: list[tuple[tuple[Any, ...], str]] = []
    choices: Any = getattr(reply, "choices", None)
    if not isinstance(choices, list):
        raise ConfigError(f"the client returned a {type(reply).__name__}: guardrails read completions and streams")
    for place, choice in enumerate(cast("list[Any]", choices)):
        message = choice.message
        fields: dict[str, Any] = {**vars(message), **(getattr(message, "__pydantic_extra__", None) or {})}
        for name, value in fields.items():
            if isinstance(value, str) and name != "role":
                found.append(((place, name), value))
        for at, call in enumerate(getattr(message, "tool_calls", None) or []):
            function = getattr(call, "function", None) or getattr(call, "custom", None)
            field = "arguments" if hasattr(function, "arguments") else "input"
            found.append(((place, "tool_calls", at, field), str(getattr(function, field, ""))))
    return found


def _with_said(reply: Any, texts: Sequence[Any]) -> Any:
    said = _said(reply)
    if all(text is before for text, (_, before) in zip(texts, said, strict=True)):
        return reply
    changed = copy.deepcopy(reply)
    for text, (path, before) in zip(texts, said, strict=True):
        choice = changed.choices[path[0]]
        if text is before:
            continue
        choice.logprobs = None  # they spell the text out
        if path[1] == "tool_calls":
            call = choice.message.tool_calls[path[2]]
            setattr(getattr(call, "function", None) or call.custom, path[3], text)
        else:
            setattr(choice.message, path[1], text)
    return changed
