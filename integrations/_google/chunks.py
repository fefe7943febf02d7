"""The chunks of streamed content, put together to the whole that would have come unstreamed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tracelm.integrations._exchange import Reply
from tracelm.integrations._fields import count, items, plain, text
from tracelm.integrations._fields import field as look
from tracelm.integrations._google.fields import answer_in, read

_HEAD: Final = ("responseId", "modelVersion", "usageMetadata", "promptFeedback", "error")


@dataclass(slots=True)
class _Text:
    """A text that arrives in pieces, or a thought."""

    is_thought: bool
    pieces: list[str] = field(default_factory=list[str])

    def whole(self) -> dict[str, object]:
        return {"text": "".join(self.pieces), "thought": self.is_thought}


@dataclass(slots=True)
class _Candidate:
    """One candidate that arrives in pieces."""

    finish_reason: str | None = None
    grounding: dict[str, object] = field(default_factory=dict[str, object])
    parts: list[object] = field(default_factory=list[object])

    def add(self, candidate: object, *, keep_content: bool) -> None:
        self.finish_reason = text(read(candidate, "finishReason")) or self.finish_reason
        if not keep_content:
            return
        self.grounding |= plain(read(candidate, "groundingMetadata"))
        for part in items(look(look(candidate, "content"), "parts")):
            self._add_part(part)

    def _add_part(self, part: object) -> None:
        said = look(part, "text")
        if not isinstance(said, str):
            self.parts.append(part)
            return
        is_thought = look(part, "thought") is True
        last = self.parts[-1] if self.parts else None
        if not isinstance(last, _Text) or last.is_thought != is_thought:
            last = _Text(is_thought)
            self.parts.append(last)
        last.pieces.append(said)

    def whole(self) -> dict[str, object]:
        parts = [each.whole() if isinstance(each, _Text) else each for each in self.parts]
        return {
            "content": {"role": "model", "parts": parts},
            "finishReason": self.finish_reason,
            "groundingMetadata": self.grounding,
        }


class ContentChunks:
    """Collects the chunks of one stream.

    Args:
        whole: Reads what they make.
        expected: How many candidates were asked for.
        keep_content: Whether parts are collected as well, or only what says how it went.
    """

    def __init__(self, whole: Callable[[object], Reply], *, expected: int, keep_content: bool) -> None:
        self._read = whole
        self._expected = expected
        self._keep_content = keep_content
        self._head: dict[str, object] = {}
        self._candidates: dict[int, _Candidate] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every candidate has ended, or the prompt was refused."""
        ended = sum(each.finish_reason is not None for each in self._candidates.values())
        return ended >= self._expected or self._is_blocked

    @property
    def _is_blocked(self) -> bool:
        return bool(read(self._head.get("promptFeedback"), "blockReason"))

    def add(self, chunk: object) -> None:
        """Take one chunk, as the client's functions pass it on."""
        chunk = answer_in(chunk)
        for name in _HEAD:
            value = read(chunk, name)
            if value:
                self._head[name] = value  # counts that come more than once are running totals
        for each in items(look(chunk, "candidates")):
            index = count(look(each, "index")) or 0
            self._candidates.setdefault(index, _Candidate()).add(each, keep_content=self._keep_content)

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        for index in range(0 if self._is_blocked else self._expected):
            self._candidates.setdefault(index, _Candidate())  # it was asked for, and did not end
        came = [candidate for _, candidate in sorted(self._candidates.items())]
        whole = {**self._head, "candidates": [each.whole() for each in came]}
        return self._read(whole)
