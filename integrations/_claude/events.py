"""The events of a streamed message of Claude, put together to the whole that would have come unstreamed."""

from dataclasses import dataclass, field
from typing import Final

from tracelm.integrations._claude.messages import read_message
from tracelm.integrations._exchange import Reply
from tracelm.integrations._fields import count, fields, items, plain, text
from tracelm.integrations._parts import parsed

_PIECES: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}
"""The field of each kind of piece that holds it; its block holds it under the same name, but for arguments."""


@dataclass(slots=True)
class _Block:
    """A block that arrives in pieces."""

    begun: object
    pieces: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    citations: list[object] = field(default_factory=list[object])

    def add(self, delta: object) -> None:
        found = fields(delta)
        kind = text(found.get("type")) or ""
        name = _PIECES.get(kind)
        if name is not None:
            self.pieces.setdefault(name, []).append(text(found.get(name)) or "")
        elif kind == "citations_delta":
            self.citations.append(found.get("citation"))

    def whole(self) -> dict[str, object]:
        block = plain(self.begun)
        for name, pieces in self.pieces.items():
            said = "".join(pieces)
            if name == "partial_json":
                block["input"] = parsed(said) if said else block.get("input")
            else:
                block[name] = (text(block.get(name)) or "") + said
        if self.citations:
            block["citations"] = [*items(block.get("citations")), *self.citations]
        return block


class MessageEvents:
    """Collects the events of one stream.

    Args:
        keep_content: Whether blocks are collected as well, or only what says how it went.
    """

    def __init__(self, *, keep_content: bool) -> None:
        self._keep_content = keep_content
        self._message: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._blocks: dict[int, _Block] = {}
        self.is_complete = False
        """Whether the model has said why it ended."""

    def add(self, chunk: object) -> None:
        """Take one event."""
        event = fields(chunk)
        kind = event.get("type")
        if kind == "content_block_delta":
            if self._keep_content:
                self._block(event).add(event.get("delta"))
        elif kind == "content_block_start":
            if self._keep_content:
                self._block(event).begun = event.get("content_block")
        elif kind == "message_start":
            self._message = plain(event.get("message"))
            self._count(self._message.get("usage"))
        elif kind == "message_delta":
            self._count(event.get("usage"))
            self._message |= plain(event.get("delta"))
            self.is_complete = self.is_complete or bool(self._message.get("stop_reason"))

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        usage = dict(self._usage)
        if not self.is_complete:
            usage.pop("output_tokens", None)  # the first event counts only what it brings itself
        content = [block.whole() for _, block in sorted(self._blocks.items())]
        whole = {**self._message, "content": content, "usage": usage}
        return read_message(whole, ended_badly=not self.is_complete)

    def _count(self, usage: object) -> None:
        self._usage |= plain(usage)  # running totals; what is not said again stays

    def _block(self, event: object) -> _Block:
        index = count(fields(event).get("index")) or 0
        return self._blocks.setdefault(index, _Block(None))
