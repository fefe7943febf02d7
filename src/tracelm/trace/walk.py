"""Takes a value apart: hides secrets, puts media aside, breaks cycles, and cuts what is too long.

First the structure: it stops when its names, numbers and beginnings of texts have used the room up, so that its cost
does not grow with what is cut away. Then the texts: they share the room that is left, the longest are cut first, and
so a conversation keeps all its messages as long as it can.
"""

import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from tracelm.trace.forms import REDACTED
from tracelm.trace.redact import Redactor
from tracelm.trace.shapes import binary, items_of, of_library, short, shown_binary, simpler, type_name

if TYPE_CHECKING:
    from tracelm.trace.media import MediaFolder

_MAX_DEPTH: Final = 60
_OVERLAP: Final = 4_096
"""Characters of a long text that are looked at beyond the cut, so that a secret across the cut is still found."""
_SHORT: Final = 32
"""Texts up to this many characters are never cut: what they take is part of the structure."""
_FINISHED: Final = 8
"""A mapping that was begun gets at least this many of its fields: a message without its parts would be none."""
_MAX_NAME: Final = 200
_OPENED: Final = 4
"""JSON inside of texts is opened up to this many times the limit in all; beyond it is searched as plain text."""
_TELLING: Final = ("type", "role", "name", "finish_reason")


class _Text:
    """A long text, until it is known how much of it there is room for."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Walk:
    """One value, taken apart once.

    Args:
        max_bytes: About the room for it; 0: no limit.
        redactor: Takes the secrets out.
        media: Where images and sounds go; without it they are only described.
    """

    __slots__ = ("_above", "_cap", "_left", "_media", "_redactor", "_texts", "_to_open")

    def __init__(self, max_bytes: int, redactor: Redactor, media: "MediaFolder | None") -> None:
        self._left: float = max_bytes or math.inf
        self._to_open: float = _OPENED * self._left
        self._cap: float = math.inf
        self._above: set[int] = set()
        self._texts: list[_Text] = []
        self._redactor = redactor
        self._media = media

    def encode(self, value: object) -> bytes:
        """Return the value as JSON."""
        tree = self._take(value, depth=0)
        self._cap = self._share()
        return orjson.dumps(tree, self._written)

    def _share(self) -> float:
        """Return the most bytes that a text may have, so that together they fit in."""
        if self._left == math.inf:
            return math.inf
        left = max(self._left, 0) + _SHORT * len(self._texts)
        sizes = sorted(len(each.text) * (1 if each.text.isascii() else 2) for each in self._texts)
        for index, size in enumerate(sizes):
            share = left / (len(sizes) - index)
            if size > share:
                return int(share)
            left -= size
        # They all fit, as far as their characters tell.
        return max(left + (sizes[-1] if sizes else 0), _SHORT)

    def _written(self, held: Any) -> str:
        text = cast("_Text", held).text
        room = len(text) if self._cap == math.inf else int(self._cap)
        seen = self._clean(text, room)
        data = seen.encode()
        if len(data) <= room and len(text) <= room + _OVERLAP:
            return seen
        kept = data[:room].decode(errors="ignore")
        return f"{kept}… [cut: {max(len(text) - len(kept), 0):,} more characters]"

    def _clean(self, text: str, room: int) -> str:
        if text[:1] in {"{", "["} and room + _OVERLAP < len(text) <= self._to_open:
            self._to_open -= len(text)
            return self._redactor.string(_scalars(text))
        # An upper bound first: neither the secret finder nor the encoder may pay for what is cut away.
        return self._redactor.string(_scalars(str.__getitem__(text, slice(0, room + _OVERLAP))))

    def _take(self, value: Any, *, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            self._left -= 5
            return value
        if isinstance(value, enum.Enum):
            return self._take(value.value, depth=depth + 1) if depth < _MAX_DEPTH else short(value)
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, int):
            self._left -= 8
            return int(value) if -(2**63) <= value < 2**64 else _digits(value)
        if isinstance(value, float):
            self._left -= 8
            return float(value) if math.isfinite(value) else _not_finite(value)
        if isinstance(value, datetime.date | datetime.time):
            return self._string(value.isoformat())
        if isinstance(value, uuid.UUID | decimal.Decimal | PurePath):
            return self._string(str(value))
        if depth >= _MAX_DEPTH:
            return f"[cut: a {type_name(value)} at depth {depth}]"
        if id(value) in self._above:
            return f"[cycle: a {type_name(value)} that holds itself]"
        self._above.add(id(value))
        try:
            return self._inside(value, depth)
        except Exception as error:
            return f"[a {type_name(value)} that cannot be shown: {type_name(error)}]"
        finally:
            self._above.discard(id(value))

    def _inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[Any, Any]", value), depth)
        if isinstance(value, tuple) and hasattr(type(cast("object", value)), "_fields"):  # a named tuple
            named = cast("Any", value)
            return self._mapping(dict(zip(named._fields, named, strict=False)), depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._binary(cast("bytes", value), depth)
        if isinstance(value, Set):
            members = cast("Set[Any]", value)
            return self._items(items_of(members, len(members)), len(members), depth)
        if isinstance(value, range):
            return self._string(repr(value))
        if isinstance(value, Sequence):
            items = cast("Sequence[Any]", value)
            return self._items(items, len(items), depth)
        if of_library(cast("object", value), "PIL.Image", "Image"):
            from tracelm.trace.media import described_image

            found = described_image(value) if self._media is None else self._media.keep_image(value)
            return self._mapping(found, depth)
        return self._take(simpler(value), depth=depth + 1)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        if self._left <= 0:
            return _shell(value) | {"…": f"[cut: {len(value):,} more keys]"}
        blob = self._blob(value)
        if blob is not None:
            value = blob
        taken: dict[str, Any] = {}
        hidden = self._redactor.hidden_fields(value) if isinstance(value, dict) else ()
        for index, (key, each) in enumerate(value.items()):
            if self._left <= 0 and index >= _FINISHED:
                taken["…"] = f"[cut: {len(value) - index:,} more keys]"
                break
            name = self._name(key)
            self._left -= len(name) + 6
            shown = self._unique(self._redactor.name(name), taken)
            secret = name in hidden or self._redactor.hides(name, each)
            if secret and name == "token" and "logprob" in value:  # a piece of a reply, with its probability
                secret = False
            taken[shown] = REDACTED if secret else self._take(each, depth=depth + 1)
        return taken

    def _name(self, key: object) -> str:
        try:
            name = key if isinstance(key, str) else "null" if key is None else str(key)
        except Exception:
            name = f"[a {type_name(key)} that cannot be shown]"
        if len(name) > _MAX_NAME:
            name = f"{str.__getitem__(name, slice(0, _MAX_NAME))}… [cut: {len(name) - _MAX_NAME:,} more characters]"
        return _scalars(name)

    @staticmethod
    def _unique(name: str, taken: Mapping[str, Any]) -> str:
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name} ({number})"
        return unique

    def _items(self, value: Iterable[Any], size: int, depth: int) -> list[Any]:
        listed = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
        if size == 2 and len(listed) == 2 and isinstance(listed[0], str) and self._redactor.hides(listed[0], listed[1]):
            return [self._string(listed[0]), REDACTED]
        taken: list[Any] = []
        for index, each in enumerate(value):
            if self._left <= 0:
                taken.append(_mark(listed[0] if listed else None, size - index))
                break
            self._left -= 2
            taken.append(self._take(each, depth=depth + 1))
        return taken

    def _string(self, text: str) -> Any:
        if text.startswith("data:") and len(text) > _SHORT:
            from tracelm.trace.media import read_data_url

            url = read_data_url(text)
            if url is not None:
                found = url.described() if self._media is None else self._media.keep_encoded(url)
                self._left -= 2 * _SHORT
                return found
        if len(text) > _SHORT:
            held = _Text(text)
            self._texts.append(held)
            self._left -= _SHORT
            return held
        self._left -= len(text) + 2
        return self._redactor.string(_scalars(text))

    def _binary(self, value: bytes | bytearray | memoryview, depth: int) -> Any:
        from tracelm.trace.media import kind_of

        length, head = binary(value)
        mime_type = kind_of(head)
        if mime_type is not None and self._media is not None:
            return self._mapping(self._media.keep(value, mime_type, length), depth)
        found = shown_binary(length, head)
        if mime_type is not None:
            found["mime_type"] = mime_type
        text = head.decode(errors="replace")
        if self._redactor.string(text) != text:
            found["base64"] = REDACTED
        return self._mapping(found, depth)

    def _blob(self, value: Mapping[Any, Any]) -> dict[str, Any] | None:
        """Return the part of a message that stands for one with an image or a sound inside, if this is one."""
        if self._media is None or not isinstance(value, dict) or value.get("type") != "blob":
            return None
        content, mime_type = value.get("content"), value.get("mime_type")
        if not isinstance(content, str) or not content:
            return None
        found = self._media.keep_part(content, mime_type if isinstance(mime_type, str) else None)
        others = {name: each for name, each in value.items() if name not in {"type", "content", "mime_type"}}
        return found | others


def _mark(first: object, missing: int) -> Any:
    """Return what stands for items that were cut: among mappings a mapping, with the fields that its readers need."""
    text = f"[cut: {missing:,} more items]"
    if not isinstance(first, Mapping):
        return text
    return _shell(cast("Mapping[Any, Any]", first)) | {"cut": text}


def _shell(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what stands for a mapping that was cut: with the fields that readers of messages need."""
    shell: dict[str, Any] = {name: "cut" for name in _TELLING if name in value}
    return shell | {"parts": [{"type": "cut"}]} if "parts" in value else shell


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _digits(value: int) -> str:
    # Python refuses to write more than 4,300 digits, and the time for it grows with the square.
    bits = value.bit_length()
    return str(value) if bits < 10_000 else f"[an int of {bits:,} bits]"


def _scalars(text: str) -> str:
    """Replace lone surrogates, which no encoding takes."""
    return text.encode("utf-8", "replace").decode()
