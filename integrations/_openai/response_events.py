"""The events of a streamed response. The last holds it whole; until then its items are put together from pieces."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tracelm.integrations._exchange import Failure, Reply
from tracelm.integrations._fields import count, field, fields, plain, text
from tracelm.integrations._openai.hosted_tools import HOSTED
from tracelm.integrations._openai.responses import read_response

_LAST: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "error"}
)
_PIECES: Final[Mapping[str, tuple[str, str]]] = {
    "response.output_text.delta": ("content", "output_text"),
    "response.refusal.delta": ("content", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text"),
    "response.function_call_arguments.delta": ("arguments", ""),
    "response.mcp_call_arguments.delta": ("arguments", ""),
    "response.custom_tool_call_input.delta": ("input", ""),
    "response.code_interpreter_call_code.delta": ("code", ""),
}
"""Which field of an item a piece belongs to, and which kind of part in it."""


class ResponseEvents:
    """Collects the events of one stream.

    Args:
        keep_content: Whether items are collected as well, or only what says how it went, and what is billed.
    """

    def __init__(self, *, keep_content: bool) -> None:
        self._keep_content = keep_content
        self._response: object = None
        self._failure: Failure | None = None
        self._items: dict[int, object] = {}
        self._done: set[int] = set()
        self._places: dict[str, int] = {}
        self._pieces: dict[int, dict[tuple[str, int], tuple[str, list[str]]]] = {}
        self.is_complete = False
        """Whether the last event has come."""

    def add(self, chunk: object) -> None:
        """Take one event."""
        event = fields(chunk)
        kind = text(event.get("type")) or ""
        piece = _PIECES.get(kind)
        if piece is not None:
            if self._keep_content:
                self._add_piece(event, *piece)
            return
        if kind in {"response.output_item.added", "response.output_item.done"}:
            if self._keep_content or text(field(event.get("item"), "type")) in HOSTED:
                index = self._place_of(event)
                self._items[index] = event.get("item")
                if kind.endswith(".done"):
                    self._done.add(index)
            return
        response = event.get("response")
        if response is not None:
            self._response = response
        if kind in _LAST:
            self.is_complete = True
            if kind == "error":
                error = event.get("error") or event
                code = text(field(error, "code")) or "error"
                self._failure = Failure(kind=code, message=text(field(error, "message")) or "")

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        failed = self._failure is not None
        if self.is_complete and not failed and (field(self._response, "output") or not self._items):
            return read_response(self._response)
        output = [self._whole(index) for index in sorted({*self._items, *self._pieces})]
        response = {**plain(self._response), "output": output}
        reply = read_response(response, ended_badly=failed or not self.is_complete)
        return replace(reply, failure=self._failure) if failed else reply

    def _add_piece(self, event: Mapping[str, object], name: str, kind: str) -> None:
        piece = text(event.get("delta"))
        if piece:
            index = self._place_of(event)
            place = event.get("summary_index" if name == "summary" else "content_index") if kind else 0
            pieces = self._pieces.setdefault(index, {})
            pieces.setdefault((name, count(place) or 0), (kind, []))[1].append(piece)

    def _place_of(self, event: Mapping[str, object]) -> int:
        index = count(event.get("output_index"))
        if index is not None:
            return index
        # A server of one's own may not number them.
        item_id = text(event.get("item_id")) or text(field(event.get("item"), "id")) or ""
        return self._places.setdefault(item_id, len(self._places))

    def _whole(self, index: int) -> object:
        item = self._items.get(index)
        if index in self._done:
            return item
        whole = plain(item) if item is not None else {"type": "message", "role": "assistant"}
        built: dict[str, list[object]] = {}
        for (name, _), (kind, pieces) in sorted(self._pieces.get(index, {}).items()):
            said = "".join(pieces)
            if kind:
                built.setdefault(name, []).append({"type": kind, "refusal" if kind == "refusal" else "text": said})
            else:
                whole[name] = said
        return whole | built
