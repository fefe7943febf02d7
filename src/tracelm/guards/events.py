"""The events of a response of OpenAI's, with other words.

Each text comes several times: piece by piece, whole where it ends, again in its part and its item, and once more in
the response. The pieces go through a channel; what comes whole is what the channel let go of it. Arguments, code and
commands are held to their end: nobody can use them before.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final, TypeAlias, cast

from tracelm.guards.channel import Channel
from tracelm.guards.escapes import judged_whole
from tracelm.guards.pieces import Request, UnseenError, Work, closing
from tracelm.guards.spoken import fields_of, texts_in, with_fields, with_text
from tracelm.guards.tally import Stopped, Tally

Key: TypeAlias = tuple[Any, ...]

_PLACES: Final = ("output_index", "item_id", "content_index", "summary_index", "command_index")
_READ: Final = frozenset(
    {
        "response.output_text",
        "response.refusal",
        "response.reasoning_text",
        "response.reasoning_summary_text",
        "response.audio.transcript",
    }
)
"""What people read while it comes."""
_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


class _Growing:
    """A text that is not whole yet."""

    __slots__ = ("came", "channel", "event", "went")

    def __init__(self, channel: Channel | None) -> None:
        self.channel = channel
        self.event: Any = None
        self.came: list[str] = []
        self.went: list[str] = []


class Events:
    """A stream of response events; each text of each item is a stream of its own."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = tallies
        self._growing: dict[Key, _Growing] = {}
        self._whole: dict[str, str] = {}
        """What each text became that was judged to its end."""
        self._begun: Any = None
        self.is_over = False

    def feed(self, item: Any) -> Work:
        """Take an event."""
        kind = getattr(item, "type", None)
        if not isinstance(kind, str):
            raise UnseenError(f"the stream yields a {type(item).__name__} among its events")
        if self.is_over:
            return []
        if getattr(item, "response", None) is not None:
            self._begun = self._begun or item
        try:
            if kind.endswith(".delta") and isinstance(getattr(item, "delta", None), str):
                return (yield from self._piece(item, kind.removesuffix(".delta")))
            rest = [] if kind.endswith((".added", ".delta")) else (yield from self._rest(item, kind))
            return [*rest, (yield from self._with_whole_texts(item))]
        except Stopped as stopped:
            return (yield from self._close(stopped))

    def finish(self) -> Work:
        """Return the rest of every text that has not ended."""
        try:
            return (yield from self._ended(list(self._growing)))
        except Stopped as stopped:
            return (yield from self._close(stopped))

    # --- texts that come piece by piece -------------------------------------------------------------------------
    def _piece(self, item: Any, kind: str) -> Work:
        if kind == "response.audio":
            raise UnseenError("an event holds speech, into which no scorer can look")
        text = self._growing.get(_key(kind, item))
        if text is None:
            text = _Growing(Channel(self._tallies) if kind in _READ else None)
            self._growing[_key(kind, item)] = text
        text.event = item
        text.came.append(item.delta)
        if text.channel is None:
            return []
        released = yield from text.channel.feed(item.delta)
        text.went.append(released)
        if released == item.delta:
            return [item]
        return [_saying(item, released)] if released else []

    def _rest(self, item: Any, kind: str) -> Work:
        """Return what was held back of the texts that an event ends."""
        if kind in _LAST:
            return (yield from self._ended(list(self._growing)))
        if kind.endswith(".done"):
            own = _key(kind.removesuffix(".done"), item)
            # A part or an item ends with its last text, also where nobody says so of the text.
            ends_all = kind in {"response.content_part.done", "response.output_item.done"}
            inside = [key for key in self._growing if key == own or (ends_all and key[1] == own[1])]
            return (yield from self._ended(inside))
        return []

    def _ended(self, keys: Sequence[Key]) -> Work:
        found: list[Any] = []
        for key in keys:
            text = self._growing.pop(key)
            came = "".join(text.came)
            if text.channel is None:
                rest = yield from self._judged(came)
            else:
                rest = yield from text.channel.feed("", is_last=True)
                self._whole[came] = "".join([*text.went, rest])
            if rest:
                found.append(_saying(text.event, rest))
        return found

    # --- texts that come whole ----------------------------------------------------------------------------------
    def _with_whole_texts(self, item: Any) -> Generator[Request, Any, Any]:
        # Of a response only the output: the rest is what the program said itself.
        response = getattr(item, "response", None)
        place = ("response", "output") if response is not None else ()
        said = item if response is None else getattr(response, "output", None)
        changed = item
        for path, text in list(texts_in(said, place)):
            released = yield from self._judged(text)
            if released != text:
                changed = with_text(changed, path, released)
        return changed

    def _judged(self, text: str) -> Generator[Request, Any, str]:
        known = self._whole.get(text)
        if known is not None:
            return known
        released = yield from judged_whole(self._tallies, text)
        self._whole[text] = released
        return released

    def _close(self, stopped: Stopped) -> Work:
        """End the response with the words that stand for it."""
        read = next((each for key, each in self._growing.items() if key[0] in _READ), None)
        self.is_over = True
        self._growing.clear()
        words = yield from closing(stopped.decision)
        like = self._begun if read is None else read.event
        if like is None:
            return []
        where = {name: getattr(like, name, 0) for name in ("output_index", "content_index")}
        said: dict[str, Any] = {
            "delta": words,
            "item_id": getattr(like, "item_id", ""),
            "logprobs": [],
            "response": None,
        }
        last = [with_fields(like, type="response.output_text.delta", **where, **said)]
        if self._begun is None:
            return last
        response = _cut_off(self._begun.response, "".join([*(read.went if read else []), words]))
        return [*last, with_fields(self._begun, type="response.incomplete", response=response)]


def _key(kind: str, item: Any) -> Key:
    return (kind, *(getattr(item, name, None) for name in _PLACES))


def _saying(item: Any, text: str) -> Any:
    """Return an event like another one that says something else."""
    changed = with_text(item, ("delta",), text)
    # Padding of the length of the true text would tell it.
    return with_text(changed, ("obfuscation",), "") if (fields_of(item) or {}).get("obfuscation") else changed


def _cut_off(response: Any, text: str) -> Any:
    """Return a response like another one that a filter ended with a text."""
    content: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    message: dict[str, Any] = {
        "type": "message",
        "id": "",
        "role": "assistant",
        "status": "incomplete",
        "content": [content],
    }
    # The client makes its own objects of plain fields.
    made: Any = cast("Any", type(response)).construct(incomplete_details={"reason": "content_filter"}, output=[message])
    return with_fields(response, status="incomplete", incomplete_details=made.incomplete_details, output=made.output)
