"""The shape of a JSON schema, draft 07: what the parameters of a tool are described with.

Only the words that nearly every such schema has. Which types there are is for the provider to say: Google's have their
names in capitals.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from tracelm.testing.conformance.finding import quoted

_DEEPEST: Final = 32  # schemas within schemas; what lies deeper is not looked at


def schema_problem(value: object) -> str | None:
    """Say what a value should have been that is no JSON schema; `None` when it is one, as far as this looks."""
    for place, expected in _wrong(value, "", _DEEPEST):
        return f"a JSON schema, in which {quoted(place)} is {expected}" if place else "a JSON schema"
    return None


def _wrong(schema: object, place: str, levels: int) -> Iterator[tuple[str, str]]:
    """Yield the places that hold something else than they should, each with what that is."""
    if isinstance(schema, bool) or not levels:  # `true` lets everything pass
        return
    if not isinstance(schema, dict):
        yield place, "a schema"
        return
    given = cast("dict[str, object]", schema)
    for word, (fits, expected) in _WORDS.items():
        if word in given and not fits(given[word]):
            yield _below(place, word), expected
    properties, items = given.get("properties"), given.get("items", True)
    if isinstance(properties, dict):
        for name, each in cast("dict[str, object]", properties).items():
            yield from _wrong(each, _below(place, f"properties.{name}"), levels - 1)
    if isinstance(items, list):
        for index, each in enumerate(cast("list[object]", items)):
            yield from _wrong(each, _below(place, f"items.{index}"), levels - 1)
    else:
        yield from _wrong(items, _below(place, "items"), levels - 1)


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in cast("list[object]", value))


_WORDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (lambda value: isinstance(value, str) or _are_texts(value), "a string or a list of strings"),
    "properties": (_is_object, "an object of schemas"),
    "required": (_are_texts, "a list of strings"),
    "enum": (_is_list, "a list"),
}
