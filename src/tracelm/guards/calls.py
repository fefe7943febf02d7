"""The calls by which a client of OpenAI's kind asks a model: which texts go in from outside, and which come back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from tracelm.errors import ConfigError
from tracelm.guards.spoken import Path, fields_of, texts_in

_FROM_OUTSIDE: Final = frozenset({"user", "tool", "function"})
"""Roles whose texts come from elsewhere than the program and the model."""


@dataclass(frozen=True, slots=True)
class Calls:
    """One way to ask.

    Attributes:
        name: The function, from the client on.
        takes: The argument that holds what is asked.
        asked: Returns the texts among the arguments that come from outside, each with its place.
        said: Returns the texts of an answer, each with its place; raises `UnseenError`, or a `ConfigError` for what is
            no answer.
    """

    name: str
    takes: str
    asked: Callable[[Mapping[str, Any]], list[tuple[Path, str]]]
    said: Callable[[Any], Iterator[tuple[Path, str]]]


def _asked_of_chat(kwargs: Mapping[str, Any]) -> list[tuple[Path, str]]:
    return [
        found
        for place, message in enumerate(_listed(kwargs.get("messages")))
        if isinstance(message, Mapping) and message.get("role") in _FROM_OUTSIDE  # pyright: ignore[reportUnknownMemberType]
        for found in _content(cast("Any", message).get("content"), ("messages", place, "content"))
    ]


def _asked_of_responses(kwargs: Mapping[str, Any]) -> list[tuple[Path, str]]:
    given = kwargs.get("input")
    found: list[tuple[Path, str]] = [(("input",), given)] if isinstance(given, str) and given else []
    for place, each in enumerate(_listed(given)):
        fields = fields_of(each) or {}
        if fields.get("role") in _FROM_OUTSIDE:
            found += _content(fields.get("content"), ("input", place, "content"))
        elif str(fields.get("type", "")).endswith("_output"):  # what a tool gave
            found += _content(fields.get("output"), ("input", place, "output"))
    prompt: Any = kwargs.get("prompt")
    variables: Any = (fields_of(prompt) or {}).get("variables")
    for name, value in (fields_of(variables) or {}).items():
        found += _content(value if isinstance(value, str) else [value], ("prompt", "variables", name), is_one=True)
    return found


def _said_in_chat(reply: Any) -> Iterator[tuple[Path, str]]:
    choices: Any = getattr(reply, "choices", None)
    if not isinstance(choices, list):
        raise ConfigError(f"the client returned a {type(reply).__name__}: guardrails read completions and streams")
    return texts_in(choices, ("choices",))


def _said_in_responses(reply: Any) -> Iterator[tuple[Path, str]]:
    output: Any = getattr(reply, "output", None)
    if not isinstance(output, list):
        raise ConfigError(f"the client returned a {type(reply).__name__}: guardrails read responses and streams")
    return texts_in(output, ("output",))


CHAT: Final = Calls("chat.completions.create", "messages", _asked_of_chat, _said_in_chat)
RESPONSES: Final = Calls("responses.create", "input", _asked_of_responses, _said_in_responses)


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def _content(content: Any, path: Path, *, is_one: bool = False) -> list[tuple[Path, str]]:
    """Return the texts of a message's content: it is one, or has parts with one."""
    if isinstance(content, str):
        return [(path, content)] if content else []
    found: list[tuple[Path, str]] = []
    for place, part in enumerate(_listed(content)):
        text = (fields_of(part) or {}).get("text")
        if isinstance(text, str) and text:
            found.append(((*path, "text") if is_one else (*path, place, "text"), text))
    return found
