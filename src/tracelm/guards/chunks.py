"""Chat chunks with other words.

A chunk is told by its form, `choices` with a `delta` or a `text`, as OpenAI's client and all that speak its language
make them. Every field stays as it is but the texts. What a chunk says besides texts goes on at once; a chunk that says
nothing else is left out where its text is held back. Arguments of a tool call are held to their end: nobody can use
them before.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, cast

from tracelm.guards.channel import Channel
from tracelm.guards.escapes import judged_whole
from tracelm.guards.pieces import Request, UnseenError, Work, closing
from tracelm.guards.spoken import fields_of, with_fields
from tracelm.guards.tally import Stopped, Tally

_NO_TEXT: Final = frozenset({"role", "tool_calls", "function_call", "channel", "type", "id", "name", "object"})
"""Fields of a delta that do not grow from chunk to chunk; all other texts are taken to do so."""


class _Call:
    """A call of a tool that is not whole yet: how it looks, and the arguments so far."""

    __slots__ = ("arguments", "looks")

    def __init__(self, looks: Any) -> None:
        self.looks = looks
        self.arguments = ""


class Chunks:
    """A stream of chat chunks; each text of each choice is a stream of its own."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = tallies
        self._channels: dict[tuple[Any, str], Channel] = {}
        self._calls: dict[tuple[Any, Any], _Call] = {}
        self._open: dict[Any, Any] = {}  # the last chunk of each choice that goes on
        self._closed: set[Any] = set()
        self.is_over = False

    def feed(self, item: Any) -> Work:
        """Take a chunk."""
        choices: Any = getattr(item, "choices", None)
        if not isinstance(choices, list):
            raise UnseenError(f"the stream yields a {type(item).__name__} among its chunks")
        if not choices:
            # With what the call used it is the last one: nothing may come behind it.
            rest = (yield from self.finish()) if getattr(item, "usage", None) is not None else []
            return [*rest, item]
        choices = cast("list[Any]", choices)
        before: list[Any] = []
        kept: list[Any] = []
        for choice in choices:
            index = getattr(choice, "index", 0)
            if index in self._closed:
                continue
            self._open[index] = item
            is_last = getattr(choice, "finish_reason", None) is not None
            try:
                said = yield from self._said(choice, index, is_last=is_last)
                if is_last:
                    before += yield from self._rest(index)
                    del self._open[index]
            except Stopped as stopped:
                before += yield from self._close(index, stopped)
                continue
            if said is not None:
                kept.append(said)
        self.is_over = bool(self._closed) and not self._open
        if len(kept) == len(choices) and all(map(_is, kept, choices)):
            return [*before, item]
        if not kept and getattr(item, "usage", None) is None:
            return before
        return [*before, with_fields(item, choices=kept)]

    def finish(self) -> Work:
        """Return the rest of every choice that has not ended."""
        rest: list[Any] = []
        for index in list(self._open):
            try:
                rest += yield from self._rest(index)
                del self._open[index]
            except Stopped as stopped:
                rest += yield from self._close(index, stopped)
        return rest

    # --- one choice -----------------------------------------------------------------------------------------
    def _said(self, choice: Any, index: Any, *, is_last: bool) -> Generator[Request, Any, Any]:
        """Return a choice with the texts that may go on; `None` where it says nothing any more."""
        delta = getattr(choice, "delta", None)
        said = {"text": getattr(choice, "text", None)} if delta is None else dict(fields_of(delta) or {})
        changed: dict[str, Any] = {}
        for name, value in said.items():
            if name in _NO_TEXT or not value:
                continue
            if name == "audio":
                raise UnseenError("a chunk holds speech, into which no scorer can look")
            if not isinstance(value, str):  # a provider's own: what it says cannot be put together, so nobody gets it
                changed[name] = None
                continue
            changed[name] = yield from self._channel(index, name, is_last=is_last).feed(value, is_last=is_last)
        if said.get("tool_calls"):
            calls = cast("Sequence[Any]", said["tool_calls"])
            changed["tool_calls"] = yield from self._held(calls, index, is_last=is_last)
        if said.get("function_call") is not None:
            call = yield from self._held_arguments(said["function_call"], (index, None), is_last=is_last)
            changed["function_call"] = call
        if all(changed[name] is said[name] or changed[name] == said[name] for name in changed):
            return choice
        others = (value for name, value in said.items() if name not in changed)
        if not is_last and not any(changed.values()) and not any(others):
            return None
        if delta is None:
            return with_fields(choice, **changed, **_no_logprobs(choice))
        return with_fields(choice, delta=with_fields(delta, **changed), **_no_logprobs(choice))

    def _held(self, calls: Sequence[Any], index: Any, *, is_last: bool) -> Generator[Request, Any, list[Any]]:
        held: list[Any] = []
        for place, each in enumerate(calls):
            function = getattr(each, "function", None)
            if function is None and getattr(each, "custom", None) is not None:
                raise UnseenError("a chunk calls a custom tool, into whose input no scorer can look")
            at = getattr(each, "index", None)  # some providers give none, and each call whole
            key = (index, at if at is not None else getattr(each, "id", None) or f"call {place}")
            if function is None:
                held.append(each)
                continue
            changed = yield from self._held_arguments(function, key, is_last=is_last)
            held.append(each if changed is function else with_fields(each, function=changed))
            if key in self._calls:
                self._calls[key].looks = each
        return held

    def _held_arguments(self, function: Any, key: tuple[Any, Any], *, is_last: bool) -> Generator[Request, Any, Any]:
        arguments = getattr(function, "arguments", None)
        if not arguments:
            return function
        call = self._calls.setdefault(key, _Call(function))
        call.arguments += arguments
        released = ""
        if is_last:
            released = yield from judged_whole(self._tallies, self._calls.pop(key).arguments)
        return function if released == arguments else with_fields(function, arguments=released)

    def _rest(self, index: Any) -> Work:
        """Return what was held back of a choice, in chunks like its last one."""
        found: list[Any] = []
        for key in [each for each in self._channels if each[0] == index]:
            text = yield from self._channels.pop(key).feed("", is_last=True)
            if text:
                found.append(_saying(self._open[index], index, {key[1]: text}))
        for key in [each for each in self._calls if each[0] == index]:
            call = self._calls.pop(key)
            arguments = yield from judged_whole(self._tallies, call.arguments)
            if key[1] is None:
                said: dict[str, Any] = {"function_call": with_fields(call.looks, arguments=arguments, name=None)}
            else:
                function = with_fields(call.looks.function, arguments=arguments, name=None)
                said = {"tool_calls": [with_fields(call.looks, id=None, type=None, function=function)]}
            found.append(_saying(self._open[index], index, said))
        return found

    def _channel(self, index: Any, name: str, *, is_last: bool) -> Channel:
        channel = self._channels.setdefault((index, name), Channel(self._tallies))
        if is_last:
            del self._channels[index, name]
        return channel

    def _close(self, index: Any, stopped: Stopped) -> Work:
        """End a choice with the words that stand for it."""
        item = self._open.pop(index)
        self._closed.add(index)
        for held in (self._channels, self._calls):
            for key in [each for each in held if each[0] == index]:
                del held[key]
        text = yield from closing(stopped.decision)
        field = "content" if getattr(_choice_of(item, index), "delta", None) is not None else "text"
        return [_saying(item, index, {field: text}), _saying(item, index, {}, finish_reason="content_filter")]


def _is(one: object, other: object) -> bool:
    return one is other


def _no_logprobs(choice: Any) -> dict[str, Any]:
    # They spell the text out, token by token.
    return {"logprobs": None} if getattr(choice, "logprobs", None) is not None else {}


def _choice_of(item: Any, index: Any) -> Any:
    return next(each for each in item.choices if getattr(each, "index", 0) == index)


def _saying(item: Any, index: Any, said: Mapping[str, Any], *, finish_reason: str | None = None) -> Any:
    """Return a chunk like `item` in which one choice says nothing but `said`."""
    choice = _choice_of(item, index)
    delta = getattr(choice, "delta", None)
    if delta is None:
        fields: dict[str, Any] = {"text": "", **said}
    else:
        nothing = {name: None for name, value in (fields_of(delta) or {}).items() if value is not None}
        fields = {"delta": with_fields(delta, **{**nothing, **said})}
    made = with_fields(choice, finish_reason=finish_reason, **fields, **_no_logprobs(choice))
    return with_fields(item, choices=[made], **({"usage": None} if getattr(item, "usage", None) is not None else {}))
