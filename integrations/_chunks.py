"""The chunks of a streamed chat completion, put together to the whole that would have come unstreamed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

from tracelm.integrations._chat import read_reply
from tracelm.integrations._exchange import Reply
from tracelm.integrations._fields import field as read
from tracelm.integrations._fields import fields, items, text
from tracelm.integrations._stream import finish_reasons

_TEXTS: Final = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
_STRUCTURES: Final = frozenset({"content", "tool_calls", "function_call", "audio"})
_BESIDE_CONTENT: Final = (*(_TEXTS | _STRUCTURES) - {"content"}, "role")
_DECLARED: Final = ("id", "model", "service_tier", "system_fingerprint", "usage")
"""What stands beside the choices, of which the client's classes have fields."""
_OF_GROQ: Final = "x_groq"
_HEAD: Final = (*_DECLARED, _OF_GROQ)
_declared: Final = itemgetter(*_DECLARED)
_CONTENT: Final = {"content"}


@dataclass(slots=True)
class _Call:
    """A tool call that arrives in pieces."""

    id: str | None = None
    kind: str = "function"
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])

    def add(self, piece: object) -> None:
        self.id = text(read(piece, "id")) or self.id
        self.kind = text(read(piece, "type")) or self.kind
        target = read(piece, "function") or read(piece, "custom")
        self.name = self.name or text(read(target, "name")) or ""
        self.arguments.append(text(read(target, "arguments")) or text(read(target, "input")) or "")

    def is_another(self, piece: object) -> bool:
        """Say whether a piece with the same number, or none, begins another call: some servers number all as the first.

        A new id alone says nothing: others make one up for each piece.
        """
        call_id = text(read(piece, "id"))
        name = text(read(read(piece, "function") or read(piece, "custom"), "name"))
        return bool(self.id and self.name and call_id and call_id != self.id and name)

    def whole(self) -> dict[str, object]:
        arguments = "".join(self.arguments)
        if self.kind == "custom":
            return {"id": self.id, "type": "custom", "custom": {"name": self.name, "input": arguments}}
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": arguments}}


class _Choice:
    """One choice that arrives in pieces."""

    # As they are at first: most choices are a text and a reason.
    role: str | None = None
    finish_reason: str | None = None
    parts: Sequence[object] = ()
    calls: Mapping[int, _Call] = {}
    earlier: Sequence[tuple[int, _Call]] = ()  # calls with the numbers of later ones
    function_call: _Call | None = None
    audio: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}

    def add(self, delta: object) -> None:
        said = fields(delta)
        content = said.get("content")
        if type(content) is str and content and not any(map(said.get, _BESIDE_CONTENT)):  # nearly every chunk
            self.texts.setdefault("content", []).append(content)
            return
        for name, piece in said.items():
            if not piece:
                continue
            if isinstance(piece, str):
                if name in _TEXTS:
                    self.texts.setdefault(name, []).append(piece)
                elif name == "role":
                    self.role = text(piece)
            elif name in _STRUCTURES:
                self._add_structure(name, piece)

    def _add_structure(self, name: str, piece: object) -> None:
        if name == "content":  # Mistral streams lists of parts while it thinks
            for part in items(piece):
                self._add_part(part)
        elif name == "tool_calls":
            for position, call in enumerate(items(piece)):
                index = read(call, "index")  # not every provider numbers them
                self._call(index if isinstance(index, int) else position, call).add(call)
        elif name == "function_call":
            self.function_call = self.function_call or _Call()
            self.function_call.add({"function": piece})
        else:
            before = self.audio
            more = {each: before.get(each, "") + (text(read(piece, each)) or "") for each in ("data", "transcript")}
            self.audio = {"id": text(read(piece, "id")) or before.get("id", ""), **more}

    def _call(self, index: int, piece: object) -> _Call:
        found = self.calls.get(index)
        if found is not None and found.is_another(piece):
            self.earlier = [*self.earlier, (index, found)]
            found = None
        if found is None:
            found = _Call()
            self.calls = {**self.calls, index: found}
        return found

    def _add_part(self, part: object) -> None:
        kind = read(part, "type")
        if kind == "thinking":
            thoughts = [text(read(each, "text")) or "" for each in items(read(part, "thinking"))]
            self.texts.setdefault("reasoning", []).extend(thoughts)
        elif kind == "text":
            self.texts.setdefault("content", []).append(text(read(part, "text")) or "")
        else:
            self.parts = [*self.parts, part]

    def whole(self, index: int) -> dict[str, object]:
        message: dict[str, object] = {name: "".join(pieces) for name, pieces in self.texts.items()}
        message["role"] = self.role or "assistant"
        if self.parts:
            message["content"] = [{"type": "text", "text": message.get("content", "")}, *self.parts]
        calls = sorted([*self.earlier, *self.calls.items()], key=itemgetter(0))
        message["tool_calls"] = [call.whole() for _, call in calls]
        if self.function_call is not None:
            message["function_call"] = self.function_call.whole()["function"]
        if self.audio:
            message["audio"] = self.audio
        return {"index": index, "message": message, "finish_reason": self.finish_reason}


class ChatChunks:
    """Collects the chunks of one stream.

    Args:
        expected: How many choices were asked for.
        keep_content: Whether texts and tool calls are collected as well, or only what says how it went.
        provider: Who answers.
    """

    def __init__(self, *, expected: int, keep_content: bool, provider: str = "openai") -> None:
        self._provider = provider
        self._keep_content = keep_content
        self._expected = expected
        self._choices: dict[int, _Choice] = {}
        self._head: dict[str, object] = {}
        self._latest: tuple[object, ...] = ()
        # Of the chunk before, to see at a glance that one goes on with the text where it left off.
        self._class: type[Any] | None = None
        self._declared: tuple[object, ...] = ()
        self._pieces: dict[int, list[str]] = {}

    def add(self, chunk: Any) -> None:
        """Take one chunk, a client's object."""
        if chunk.__class__ is self._class:  # nearly every chunk is one more piece of a text, and nothing else
            try:
                found, (part,) = chunk.__dict__, chunk.choices
                said, index = part.delta, part.index
                content, more = said.content, said.__pydantic_extra__
                if (
                    said.__pydantic_fields_set__ == _CONTENT
                    and _declared(found) == self._declared
                    and part.finish_reason is None
                    and not (more and any(more.values()))
                    and _OF_GROQ not in chunk.__pydantic_extra__
                    and type(content) is str
                    and type(index) is int
                ):
                    self._pieces[index].append(content)
                    return
            except (AttributeError, KeyError, TypeError, ValueError):  # another one: it is read below
                pass
        self._read(chunk)

    def _read(self, chunk: object) -> None:
        found = fields(chunk)
        head = tuple(map(found.get, _HEAD))
        if head != self._latest:
            self._latest = head
            self._declared = head[:-1] if head[-1] is None else ()
            # Counts that come more than once are running totals.
            self._head.update({name: value for name, value in zip(_HEAD, head, strict=True) if value})
        for each in items(found.get("choices")):
            part = fields(each)
            index = part.get("index")
            index = index if isinstance(index, int) else 0
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice()
            if self._keep_content:
                choice.add(part.get("delta"))
                if "content" in choice.texts and hasattr(chunk, "__pydantic_fields_set__"):
                    self._class = chunk.__class__
                    self._pieces[index] = choice.texts["content"]
            reason = part.get("finish_reason")
            if reason:
                choice.finish_reason = text(reason) or choice.finish_reason

    @property
    def is_complete(self) -> bool:
        """Whether every choice that was asked for has said why it ended."""
        done = [choice for choice in self._choices.values() if choice.finish_reason]
        return len(done) >= max(self._expected, len(self._choices))

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        choices = [choice.whole(index) for index, choice in sorted(self._choices.items())]
        reply = read_reply({**self._head, "choices": choices}, provider=self._provider)
        said = self.is_complete or any(message["parts"] for message in reply.messages())
        return Reply(
            id=reply.id,
            model=reply.model,
            finish_reasons=finish_reasons(
                {index: choice.finish_reason for index, choice in self._choices.items()}, expected=self._expected
            ),
            usage=reply.usage,
            service_tier=reply.service_tier,
            attributes=reply.attributes,
            messages=reply.messages if said else tuple,
        )
