"""What a row may hold, and its digest: the same content gives the same 64 hex digits on any machine."""

import base64
import datetime
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

_Leaf: TypeAlias = bool | int | float | str | bytes | None
_Tagged: TypeAlias = datetime.date | datetime.time | datetime.timedelta | Decimal | UUID


# The more special class first: a datetime is a date too.
_TAGGED: Final = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, Decimal, UUID)


def owned(value: object) -> Any:
    """Return a copy of `value` that shares nothing that can change with it.

    Dicts, lists and tuples are copied through and through. What else a row may hold cannot change: `None`,
    bools, numbers, text, bytes, dates and times, `Decimal`, `UUID`. Scalars of numpy become Python's own.

    Raises:
        TypeError: Something else, or a dict whose keys are no strings; the message says where in `value`.
        RecursionError: `value` contains itself, or is nested too deeply.
    """
    return _owned(value, "")


def digest_of(value: object) -> str:
    """Return the SHA-256 of an owned value's canonical JSON: keys sorted, ASCII, no blanks.

    What JSON has no word for is written as a dict with one key that starts with `$`.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def packed(value: object) -> bytes:
    """Return an owned value as JSON that `unpacked` reads back, with the keys in their order."""
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False).encode()


def unpacked(data: bytes) -> Any:
    """Return what `packed` got; a tuple comes back as a list, which has the same digest."""
    return _restored(json.loads(data))


def digest_of_digests(digests: Iterable[str]) -> str:
    """Return the SHA-256 of a list of digests, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _owned(value: object, where: str) -> Any:
    if isinstance(value, Mapping):
        return _owned_dict(cast("Mapping[object, object]", value), where)
    if isinstance(value, list | tuple):
        items = [_owned(each, f"{where}[{index}]") for index, each in enumerate(cast("list[object]", value))]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, _Leaf | _Tagged):
        return value
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return _owned(cast("Any", value).item(), where)
    raise TypeError(
        f"{_place(where)} is of type {type(value).__name__}, which is no plain data: give dicts, lists, "
        "text, numbers, bytes or dates (for an object its fields as a dict, for a file its path)"
    )


def _owned_dict(value: Mapping[object, object], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, each in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{_place(where)} has the key {key!r}, which is no text: write {str(key)!r}")
        found[key] = _owned(each, f"{where}.{key}")
    return found


def _place(where: str) -> str:
    return f"column {where[1:]}" if where else "it"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {f"${key}" if key.startswith("$") else key: _plain(each) for key, each in pairs}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("list[object]", value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(float(value))}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, _Tagged):
        # A subclass (pandas' Timestamp) has the digest of what it is, not of who made it.
        base = next(base for base in _TAGGED if base in type(value).__mro__)
        text = value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
        return {f"${base.__name__}": text}
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return [_restored(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    if len(fields) == 1:
        [(key, text)] = fields.items()
        if key in _RESTORE:
            return _RESTORE[key](text)
    return {key.removeprefix("$"): _restored(each) for key, each in fields.items()}


def _timedelta(text: str) -> datetime.timedelta:
    days, _, clock = text.rpartition(", ")
    hours, minutes, seconds = clock.split(":")
    whole, _, micro = seconds.partition(".")
    return datetime.timedelta(
        days=int(days.split(" ")[0]) if days else 0,
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(whole),
        microseconds=int(micro or 0),
    )


_RESTORE: Final[Mapping[str, Callable[[str], Any]]] = {
    "$float": float,
    "$bytes": base64.b64decode,
    "$datetime": datetime.datetime.fromisoformat,
    "$date": datetime.date.fromisoformat,
    "$time": datetime.time.fromisoformat,
    "$timedelta": _timedelta,
    "$Decimal": Decimal,
    "$UUID": UUID,
}
