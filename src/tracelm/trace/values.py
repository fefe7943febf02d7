"""Any Python value as bounded JSON text without secrets: what stands in `input.value` and `output.value`.

Most values are small and plain: a look at their size, one call of orjson and one pass of the secret finder, and
nothing else. What is too long, holds something that may be a secret, an image or a sound, is of a class that JSON does
not know, or is what orjson refuses (cycles, deep nesting, lone surrogates, ints beyond 64 bit) is taken apart by hand
in `walk`: redacted first, then cut, so that no cut leaves half a secret behind.
"""

import datetime
import math
import uuid
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracelm.otlp.encode import CleanText
from tracelm.trace.redact import Redactor, default
from tracelm.trace.shapes import type_name
from tracelm.trace.walk import Walk

if TYPE_CHECKING:
    from tracelm.trace.media import MediaFolder

__all__ = ["encode", "type_name"]

_SCALARS: Final = frozenset({int, bool, type(None), datetime.datetime, datetime.date, datetime.time, uuid.UUID})
_NUMBERS: Final = frozenset({int, float})
_TEXTS: Final[frozenset[type[Any]]] = frozenset({str})
_class_of: Callable[[object], type[Any]] = type
_FEW: Final = 16
"""Up to here, numbers are looked at one by one."""


def encode(
    value: object,
    *,
    max_bytes: int,
    redactor: Redactor | None = None,
    media: "MediaFolder | None" = None,
    is_json: bool = False,
) -> CleanText:
    """Return `value` as JSON text.

    Args:
        value: Anything.
        max_bytes: Longer text is cut, with a mark that says how much is missing; it stays JSON. 0: no limit.
        redactor: Takes the secrets out; by default the one without rules of the program.
        media: Where images and sounds go; without it they are only described.
        is_json: Whether it has come as JSON, or gone: it is of the kinds that JSON knows, and somebody has encoded or
            parsed all of it already, so that its size is not looked at first.
    """
    redactor = redactor or default()
    if is_json or _is_plain(value, max_bytes or math.inf):
        try:
            data = orjson.dumps(value)
            if (max_bytes == 0 or len(data) <= max_bytes) and not redactor.may_hold_secret(data):
                return CleanText(data, "utf-8")
        except TypeError:  # orjson.JSONEncodeError: a value or a shape that it does not take
            pass
    return CleanText(Walk(max_bytes, redactor, media).encode(value), "utf-8")


def _is_plain(value: Any, room: float) -> bool:
    """Say whether a value consists of what JSON knows and is not longer than `room`, before anything is encoded."""
    kind = _class_of(value)
    if kind is str:
        return len(value) <= room
    if kind is dict or kind is list or kind is tuple:
        try:
            return _room_beside(value, room) >= 0
        except (TypeError, OverflowError, RuntimeError):
            # A key without a length, an int beyond float, a value that is too deep, or that another thread changes.
            return False
    return kind in _SCALARS or (kind is float and math.isfinite(value))


def _room_beside(value: Any, room: float) -> float:
    """Return what is left of `room` beside a container; below 0: it is too long, or not plain.

    It stops where the room ends, so that its cost does not grow with what will be cut away.
    """
    room -= 2 * len(value) + 1
    if room < 0:
        return -1
    parts: Collection[Any] = value
    if _class_of(value) is dict:
        parts = value.values()
        room -= sum(map(len, value))
    kinds = set(map(_class_of, parts))
    if kinds <= _TEXTS:
        return room - sum(map(len, parts))
    if len(parts) > _FEW and kinds <= _NUMBERS:
        return room if math.isfinite(sum(parts)) else -1
    for each in parts:
        kind = _class_of(each)
        if kind is str:
            room -= len(each)
        elif kind is dict or kind is list or kind is tuple:
            room = _room_beside(each, room)
            if room < 0:
                return -1
        elif kind not in _SCALARS and (kind is not float or not math.isfinite(each)):
            return -1
    return room
