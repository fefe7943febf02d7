"""Any Python value as bounded JSON text without secrets: what stands in `input.value` and `output.value`.

Most values are small and plain: one call of orjson and one pass of the secret finder, and nothing else. What is too
long, holds something that may be a secret, or what orjson refuses (cycles, deep nesting, lone surrogates, ints
beyond 64 bit) is taken apart by hand: redacted first, then cut, so that no cut leaves half a secret behind.
"""

import base64
import dataclasses
import datetime
import decimal
import enum
import math
import types
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any, Final, cast

import orjson

from tracelm.otlp.encode import CleanText
from tracelm.trace.redact import REDACTED, is_secret_name, may_hold_secret, redact_text

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
_MAX_DEPTH: Final = 60
_OVERLAP: Final = 4_096
"""Characters of a long string that are looked at beyond the cut, so that a secret across the cut is still found."""
_HEAD_BYTES: Final = 1_000
_HEAD_ROWS: Final = 5


def encode(value: object, *, max_bytes: int) -> CleanText:
    """Return `value` as JSON text.

    Args:
        value: Anything.
        max_bytes: Longer text is cut, with a mark that says how much is missing; it stays JSON. 0: no limit.
    """
    try:
        data = orjson.dumps(value, _plain, _OPTIONS)
        if (max_bytes == 0 or len(data) <= max_bytes) and not may_hold_secret(data):
            return CleanText(data, "utf-8")
    except TypeError:  # orjson.JSONEncodeError: a value or a shape that it does not take
        pass
    return CleanText(orjson.dumps(_Walk(max_bytes).take(value, name="", depth=0)), "utf-8")


def _plain(value: Any) -> Any:
    """Give orjson something it knows for a value it does not; raise `TypeError` to have it taken apart by hand."""
    kind = cast("type[Any]", type(value))
    dump = getattr(value, "model_dump", None)
    if dump is not None and hasattr(kind, "model_fields"):  # pydantic
        return dump(warnings=False)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    if isinstance(value, Set):
        return _sorted(cast("Set[Any]", value))
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(cast("bytes", value)))
    if isinstance(value, PurePath | decimal.Decimal):
        return str(value)
    if isinstance(value, BaseException):
        return {"type": type_name(value), "message": str(value)}
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return f"{value.__module__}.{value.__qualname__}"
    if kind.__module__.partition(".")[0] == "pandas":
        return _pandas(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(cast("Sequence[Any]", value))
    fields = getattr(value, "__dict__", None)
    # Callables, iterators, locks and files have no state that tells anything, and reading them may change them.
    if not fields or callable(value) or hasattr(kind, "__next__"):
        return _short(value)
    return {name: each for name, each in cast("dict[str, Any]", fields).items() if not name.startswith("_")}


def type_name(value: object) -> str:
    """Return the name of a value's class with its module, without `builtins`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _sorted(values: Iterable[Any]) -> list[Any]:
    listed = list(values)
    try:
        return sorted(listed)
    except TypeError:
        return sorted(listed, key=repr)


def _bytes(value: bytes) -> dict[str, Any]:
    shown = base64.b64encode(value[:_HEAD_BYTES]).decode()
    return {"type": "bytes", "length": len(value), "base64": shown}


def _pandas(value: Any) -> Any:
    kind = type(value).__name__
    if kind == "DataFrame":
        head = value.head(_HEAD_ROWS)
        return {
            "type": "DataFrame",
            "shape": list(value.shape),
            "dtypes": {str(name): str(dtype) for name, dtype in value.dtypes.items()},
            "head": head.astype(object).to_dict(orient="records"),
        }
    if kind == "Series":
        head = value.head(_HEAD_ROWS)
        return {"type": "Series", "length": len(value), "dtype": str(value.dtype), "head": list(head)}
    return str(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _HEAD_BYTES else f"{text[:_HEAD_BYTES]}…"


class _Walk:
    """Takes a value apart: redacts, breaks cycles, and stops when the budget is used up."""

    __slots__ = ("_above", "_left")

    def __init__(self, max_bytes: int) -> None:
        self._left: float = max_bytes or math.inf
        self._above: set[int] = set()

    def take(self, value: Any, *, name: str, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            self._left -= 5
            return value
        if name and is_secret_name(name):
            self._left -= len(REDACTED)
            return REDACTED
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, enum.Enum):
            return self.take(value.value, name="", depth=depth)
        if isinstance(value, int):
            self._left -= 8
            return int(value) if -(2**63) <= value < 2**64 else str(value)
        if isinstance(value, float):
            self._left -= 8
            return value if math.isfinite(value) else str(value)
        if isinstance(value, datetime.date | datetime.time):
            return self._string(value.isoformat())
        if depth >= _MAX_DEPTH:
            return f"[cut: a {type_name(value)} at depth {depth}]"
        if id(value) in self._above:
            return f"[cycle: a {type_name(value)} that holds itself]"
        self._above.add(id(value))
        try:
            return self._inside(value, depth=depth)
        finally:
            self._above.discard(id(value))

    def _inside(self, value: Any, *, depth: int) -> Any:
        if type(value).__module__ == "numpy":
            return self.take(value.tolist(), name="", depth=depth + 1)
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[Any, Any]", value), depth=depth)
        if isinstance(value, list | tuple):
            return self._items(cast("Sequence[Any]", value), depth=depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
            return self._mapping(fields, depth=depth)
        try:
            simpler = _plain(value)
        except Exception as error:
            return f"[a {type_name(value)} that cannot be shown: {type_name(error)}]"
        if simpler is value:
            return _short(value)
        return self.take(simpler, name="", depth=depth + 1)

    def _mapping(self, value: Mapping[Any, Any], *, depth: int) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        for index, (key, each) in enumerate(list(value.items())):
            if self._left <= 0:
                taken["…"] = f"[cut: {len(value) - index} more keys]"
                break
            name = key if isinstance(key, str) else str(key)
            self._left -= len(name) + 6
            taken[redact_text(self._scalars(name))] = self.take(each, name=name, depth=depth + 1)
        return taken

    def _items(self, value: Sequence[Any], *, depth: int) -> list[Any]:
        taken: list[Any] = []
        for index, each in enumerate(value):
            if self._left <= 0:
                taken.append(f"[cut: {len(value) - index} more items]")
                break
            self._left -= 1
            taken.append(self.take(each, name="", depth=depth + 1))
        return taken

    def _string(self, text: str) -> str:
        room = int(max(self._left, 0)) if self._left != math.inf else len(text)
        # An upper bound first: neither the secret finder nor the encoder may pay for what is cut away.
        seen = redact_text(self._scalars(text[: room + _OVERLAP]))
        data = seen.encode()
        if len(text) <= room + _OVERLAP and len(data) <= room:
            self._left -= len(data)
            return seen
        kept = data[:room].decode(errors="ignore")
        self._left -= len(kept)
        return f"{kept}… [cut: {max(len(text) - len(kept), 0):,} more characters]"

    @staticmethod
    def _scalars(text: str) -> str:
        """Replace lone surrogates, which no encoding takes."""
        return text.encode("utf-8", "replace").decode()
