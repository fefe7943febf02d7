"""What a stream yielded, kept in bounded memory until its span ends."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from tracelm.otlp.encode import CleanText
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report

_MAX_ITEMS: Final = 1_000
_MAX_BYTES: Final = 4_000_000
"""Where attributes have no limit of their own."""
_MAX_ITEMS_TO_FOLD: Final = 10_000
_MAX_BYTES_TO_FOLD: Final = 8_000_000
_SHORT_CHARACTERS: Final = 1_024
_ATOMS: Final = frozenset({bool, int, float, type(None)})


class _Encoded(str):
    """An item that is JSON already."""

    __slots__ = ()


class Items:
    """The items of one stream, up to a number and a size.

    Short strings and numbers are kept as they are; anything else is encoded at once, as it is now: the program may
    change it, and a large object must not be kept alive. Only for `fold` the objects themselves are kept.

    Args:
        current: Encodes values.
        fold: Makes one value of all items, for the record.

    Attributes:
        missing: How many items were yielded beyond what was kept.
    """

    __slots__ = ("_current", "_fold", "_items", "_left", "_max", "missing")

    def __init__(self, current: Runtime, fold: Callable[[list[Any]], object] | None) -> None:
        self._current = current
        self._fold = fold
        self._items: list[Any] = []
        if fold is None:
            self._max, self._left = _MAX_ITEMS, current.settings.max_attribute_bytes or _MAX_BYTES
        else:
            self._max, self._left = _MAX_ITEMS_TO_FOLD, _MAX_BYTES_TO_FOLD
        self.missing = 0

    def add(self, item: object) -> None:
        """Keep an item, if there is room left. Never raises."""
        if self._left <= 0 or len(self._items) >= self._max:
            self.missing += 1
            return
        kind = type(item)
        if kind is str and len(item) <= _SHORT_CHARACTERS:  # type: ignore[arg-type]  # a string
            self._left -= len(item) + 3  # type: ignore[arg-type]
        elif kind in _ATOMS:
            self._left -= 8
        else:
            text = self._encode(item)
            self._left -= len(text) + 1
            if self._fold is None:
                if self._left < 0 and self._items:
                    self.missing += 1
                    return
                item = text
        self._items.append(item)

    def encoded(self) -> CleanText:
        """Return JSON: the list of the items, or what the fold made of them."""
        if self._fold is not None:
            return self._folded(self._fold)
        if not any(type(each) is _Encoded for each in self._items):
            marked = [*self._items, self._mark()] if self.missing else self._items
            return self._current.encode(marked)
        parts = [each if type(each) is _Encoded else self._encode(each) for each in self._items]
        if self.missing:
            parts.append(orjson.dumps(self._mark()).decode())
        return CleanText(f"[{','.join(parts)}]")

    def _mark(self) -> str:
        return f"[cut: {self.missing:,} more items]"

    def _encode(self, item: object) -> str:
        try:
            return _Encoded(self._current.encode(item))
        except Exception as error:
            report("record an item of a stream", error)
            return _Encoded(f'"[not recorded: {type(error).__name__}]"')

    def _folded(self, fold: Callable[[list[Any]], object]) -> CleanText:
        items, self._items = self._items, []
        try:
            return self._current.encode(fold(items))
        except Exception as error:
            # Not the items instead: the program may fold them in order to keep them out of the record.
            report("summarize a stream", error)
            return CleanText(f'"[not recorded: summarize raised {type(error).__name__}]"')
