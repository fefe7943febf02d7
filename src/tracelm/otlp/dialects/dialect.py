"""What a dialect is, and how its values are read: nothing in them is trusted to have the type that it should have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import orjson

from tracelm.otlp.records import AnyValue, Attributes, SpanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One vocabulary for calls of models, and what its words are in ours.

    Attributes:
        name: What `which` says.
        title: What people call it.
        marks: A span speaks the dialect when it has one of these attributes.
        keys: From our name to theirs; of several, the first that the span has counts.
        facts: What a table cannot say of the columns: values that must be translated, or that lie inside of others.
        content: Messages, tools, inputs and outputs, in the shapes of the conventions.
        corrects: Names of ours that the dialect itself writes, but not with the type that they have; its facts win.
    """

    name: str
    title: str
    marks: frozenset[str]
    keys: Mapping[str, tuple[str, ...]]
    facts: Callable[[Attributes], Attributes]
    content: Callable[[SpanRecord], Attributes]
    corrects: frozenset[str] = frozenset()

    def renamed(self, attributes: Attributes) -> Attributes:
        """Return what the table says of a span."""
        found: Attributes = {}
        for ours, theirs in self.keys.items():
            for key in theirs:
                value = attributes.get(key)
                if value is not None and value != "":
                    found[ours] = value
                    break
        return found


_BEGINNINGS: Final = frozenset('{["tfn-0123456789')
"""How JSON begins."""


def is_map(value: object) -> TypeGuard[dict[str, Any]]:
    """Say whether a value is an object of JSON or a map of OTLP."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Say whether a value is a list."""
    return isinstance(value, list)


def map_in(value: object) -> dict[str, Any]:
    """Return a map as it is, and anything else as an empty one."""
    return value if is_map(value) else {}


def parsed(value: object) -> Any:
    """Return what a text holds as JSON; a value that is no text, and text that is no JSON, as it is."""
    if not isinstance(value, str) or value[:1] not in _BEGINNINGS:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def as_text(value: object) -> str | None:
    """Return a value as JSON; `None` when there is none, or it is nested too deep."""
    try:
        return orjson.dumps(value, default=str).decode() if value else None
    except orjson.JSONEncodeError:
        return None


def text_of(value: object) -> str:
    """Return a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else as_text(value) or ""


def number_in(value: object) -> int | float | None:
    """Return a number, also one that was written as text."""
    found = parsed(value)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def texts_in(value: object) -> list[AnyValue]:
    """Return the texts of a list, which may be written as JSON, or a single one."""
    found = parsed(value)
    if isinstance(found, str) and found:
        return [found]
    return [each for each in found if isinstance(each, str)] if is_list(found) else []


def with_values(found: Mapping[str, AnyValue]) -> Attributes:
    """Leave out what has no value."""
    return {key: value for key, value in found.items() if value is not None and value not in ("", [])}


def under(attributes: Attributes, prefix: str, *, but: frozenset[str] = frozenset()) -> dict[str, AnyValue]:
    """Return the attributes below a prefix, by the rest of their names."""
    length = len(prefix)
    return {
        key[length:]: value for key, value in attributes.items() if key.startswith(prefix) and key[length:] not in but
    }


def items_under(attributes: Attributes, prefix: str) -> list[dict[str, Any]]:
    """Put a list together that was flattened into attributes: `PREFIX.0.role`, then `PREFIX.1.role`.

    Returns:
        The items in their order, each an object of objects; a list inside is an object with its numbers as keys.
    """
    items: dict[int, dict[str, Any]] = {}
    start = len(prefix) + 1
    for key, value in attributes.items():
        if not key.startswith(prefix) or key[start - 1 : start] != ".":
            continue
        number, *path = key[start:].split(".")
        if not path or not number.isdecimal() or len(number) > 9:
            continue
        place: Any = items.setdefault(int(number), {})
        for name in path[:-1]:
            place = place.setdefault(name, {})
            if not is_map(place):
                break
        else:
            place[path[-1]] = value
    return [items[number] for number in sorted(items)]


def inner_items(value: object, name: str) -> list[Mapping[str, Any]]:
    """Return the items of a flattened list inside of an item, without the name that stands around each."""
    if not is_map(value):
        return []
    found = [value[number] for number in sorted(value, key=_order)]
    found = [each[name] if name and is_map(each) and name in each else each for each in found]
    return [each for each in found if is_map(each)]


def _order(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() and len(number) <= 9 else (10**9, number)
