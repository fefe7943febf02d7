"""The events of a streamed answer of the Converse API, put together to the whole that would have come unstreamed."""

from tracelm.integrations._bedrock.converse import read_converse
from tracelm.integrations._exchange import Reply
from tracelm.integrations._fields import count, field, fields, items, plain, text
from tracelm.integrations._parts import parsed


class ConverseEvents:
    """Collects the events of one stream.

    Args:
        keep_content: Whether blocks are collected as well, or only what says how it went.
    """

    def __init__(self, *, keep_content: bool) -> None:
        self._keep_content = keep_content
        self._head: dict[str, object] = {}
        self._role: str | None = None
        self._begun: dict[int, dict[str, object]] = {}
        self._pieces: dict[int, dict[str, list[str]]] = {}
        self._citations: dict[int, list[object]] = {}
        self.is_complete = False
        """Whether the model has said why it ended."""

    def add(self, chunk: object) -> None:
        """Take one event: a mapping with one name that says what it is."""
        for kind, event in fields(chunk).items():
            if kind == "contentBlockDelta":
                if self._keep_content:
                    self._add_piece(_index(event), field(event, "delta"))
            elif kind == "contentBlockStart":
                self._begun[_index(event)] = plain(field(event, "start"))
            elif kind == "messageStart":
                self._role = text(field(event, "role"))
            elif kind == "messageStop":
                self._head["stopReason"] = field(event, "stopReason")
                self.is_complete = True
            elif kind == "metadata":
                self._head |= plain(event)

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        content = [self._block(index) for index in sorted({*self._begun, *self._pieces})] if self._keep_content else []
        whole = {**self._head, "output": {"message": {"role": self._role, "content": content}}}
        return read_converse(whole, ended_badly=not self.is_complete)

    def _add_piece(self, index: int, delta: object) -> None:
        pieces = self._pieces.setdefault(index, {})
        for kind, piece in fields(delta).items():
            if kind == "toolUse":
                pieces.setdefault(kind, []).append(text(field(piece, "input")) or "")
            elif kind == "reasoningContent":
                pieces.setdefault(kind, []).append(text(field(piece, "text")) or "")
            elif kind == "citation":
                self._citations.setdefault(index, []).append(piece)
            elif kind == "text":
                pieces.setdefault(kind, []).append(text(piece) or "")

    def _block(self, index: int) -> dict[str, object]:
        pieces = {kind: "".join(said) for kind, said in self._pieces.get(index, {}).items()}
        begun = self._begun.get(index, {})
        if "toolUse" in begun:
            said = pieces.get("toolUse")
            return {"toolUse": plain(begun["toolUse"]) | {"input": parsed(said) if said else {}}}
        if "reasoningContent" in pieces:
            said = pieces["reasoningContent"]
            return {"reasoningContent": {"reasoningText": {"text": said}} if said else {"redactedContent": b""}}
        cited = items(self._citations.get(index))
        if cited:
            return {"citationsContent": {"content": [{"text": pieces.get("text", "")}], "citations": cited}}
        return {**begun, "text": pieces.get("text", "")}


def _index(event: object) -> int:
    return count(field(event, "contentBlockIndex")) or 0
