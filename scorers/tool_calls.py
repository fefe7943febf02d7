"""A scorer of the tool calls that a model asks for, and their reading in the shapes that they come in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast, get_args

from tracelm.errors import ConfigError
from tracelm.scorers.json_match import JsonMatch, TooMuch
from tracelm.scorers.json_text import read_json
from tracelm.scorers.values import refused, shown
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

Arguments: TypeAlias = Literal["exact", "subset", "ignore"]

MAX_CALLS: Final = 500
"""More calls are refused: each is compared with each."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        name: The tool.
        arguments: What it is called with; text that is no JSON stays text.
    """

    name: str
    arguments: Any


@dataclass(frozen=True, kw_only=True)
class ToolCallMatch(Scorer):
    """True when the output asks for the expected calls of tools, with the expected arguments, and for no other.

    Read are a completion or a message of OpenAI's client (also as a dict), an item of OpenAI's Responses API,
    messages in OpenTelemetry's form, content blocks of Anthropic, and plain `{"name": ..., "arguments": {...}}`, alone
    or in lists. Arguments are compared as JSON: the order of keys and blanks do not count. What is expected is
    written in any of these forms; `[]` expects no call.

    Args:
        arguments: `exact`; or `subset`, where the call may have more arguments than expected; or `ignore` them.
        any_order: Whether parallel calls may come in any order.
        extra: Whether calls beyond the expected ones are all right.

    Raises:
        ConfigError: Another way to compare arguments.

    Example:
        >>> message = {"role": "assistant", "tool_calls": [
        ...     {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]}
        >>> wanted = [{"name": "weather", "arguments": {"city": "Oslo"}}]
        >>> ToolCallMatch().score(output=message, expected=wanted).explanation
        'weather /city: "Rome" instead of "Oslo"'
    """

    arguments: Arguments = "exact"
    any_order: bool = True
    extra: bool = False
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        if self.arguments not in get_args(Arguments):
            raise ConfigError(f"arguments={self.arguments!r} is not known: use {', '.join(get_args(Arguments))}")

    def score(self, *, output: object, expected: object) -> Score:
        """Compare the calls in `output` with those in `expected`."""
        wanted = tool_calls_in(expected)
        if not wanted and expected not in ([], (), None):
            return refused(f"the row expects {shown(expected)}, which holds no tool call")
        return compared(
            tool_calls_in(output), wanted, arguments=self.arguments, any_order=self.any_order, extra=self.extra
        )


def compared(
    found: Sequence[ToolCall], wanted: Sequence[ToolCall], *, arguments: Arguments, any_order: bool, extra: bool
) -> Score:
    """Compare calls with the expected calls, and say what is missing, differs, or was not expected."""
    if len(found) > MAX_CALLS:
        return refused(f"{len(found):,} calls are more than {MAX_CALLS:,}")
    left, why = list(found), list[str]()
    if any_order:
        unmet: list[ToolCall] = []
        for each in wanted:  # first those that fit, so that no near miss takes what another one needs
            fits = next((one for one in left if _difference(one, each, arguments) is None), None)
            if fits is None:
                unmet.append(each)
            else:
                left.remove(fits)
        for each in unmet:
            near = next((one for one in left if one.name == each.name), None)
            if near is not None:
                left.remove(near)
            why.append(_difference(near, each, arguments) or "")
    else:
        for each in wanted:
            while extra and left and _difference(left[0], each, arguments) is not None:
                del left[0]
            why.append(_difference(left.pop(0) if left else None, each, arguments) or "")
    if not extra:
        why += [f"{each.name} was not expected" for each in left]
    why = [each for each in why if each]
    details = {"calls": [{"name": each.name, "arguments": each.arguments} for each in found[:50]]}
    return Score(value=not why, explanation="; ".join(why[:5]) or None, details=details)


def tool_calls_in(value: object) -> list[ToolCall]:
    """Return the tool calls in a value, in any of the forms that `ToolCallMatch` reads."""
    return list(_calls(value, depth=0))


def _calls(value: object, *, depth: int) -> Iterator[ToolCall]:
    if depth > 8 or value is None or isinstance(value, int | float):
        return
    if isinstance(value, ToolCall):
        yield value
    elif isinstance(value, str):
        # Text is read when all of it is JSON: prose that mentions a call asks for none.
        if value.lstrip().startswith(("{", "[")):
            read = read_json(value)
            if read.error is None:
                yield from _calls(read.value, depth=depth + 1)
    elif isinstance(value, Sequence):
        for each in cast("Sequence[object]", value):
            yield from _calls(each, depth=depth + 1)
    else:
        yield from _in_object(value, depth)


def _in_object(value: object, depth: int) -> Iterator[ToolCall]:
    kind, name = _get(value, "type"), _get(value, "name")
    inner = _get(value, "function") or _get(value, "custom")
    if isinstance(_get(inner, "name"), str):
        yield _call(_get(inner, "name"), inner)
    elif isinstance(name, str) and (
        kind in {"tool_call", "function_call", "tool_use", "custom_tool_call"}
        or (kind in {None, "function"} and _has(value, "arguments", "args") and not _has(value, "role"))
    ):
        yield _call(name, value)
    else:
        # choices → message → tool_calls; output (Responses); parts (OpenTelemetry); content (Anthropic).
        for key in ("choices", "message", "output", "messages", "tool_calls", "parts", "content", "function_call"):
            below = _get(value, key)
            if below is not None and not isinstance(below, str):
                yield from _calls(below, depth=depth + 1)


def _call(name: object, holder: object) -> ToolCall:
    found = next((_get(holder, key) for key in ("arguments", "args", "input") if _has(holder, key)), None)
    if isinstance(found, str):
        read = read_json(found) if found.strip() else read_json({})
        found = read.value if read.error is None else found
    return ToolCall(str(name), {} if found is None else found)


def _get(value: object, key: str) -> object:
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(key)
    return None if isinstance(value, str) else getattr(value, key, None)


def _has(value: object, *keys: str) -> bool:
    return any(key in value if isinstance(value, Mapping) else hasattr(value, key) for key in keys)


def _difference(found: ToolCall | None, wanted: ToolCall, arguments: Arguments) -> str | None:
    if found is None:
        return f"{wanted.name} was not called"
    if found.name != wanted.name:
        return f"{found.name} was called instead of {wanted.name}"
    if arguments == "ignore":
        return None
    same = JsonMatch(subset=arguments == "subset")
    try:
        differences = list(same.differences(found.arguments, wanted.arguments))
    except TooMuch as error:
        return f"{wanted.name}: {error}"
    if not differences:
        return None
    why = same.score(output=found.arguments, expected=wanted.arguments).explanation
    return f"{wanted.name} {why}"
