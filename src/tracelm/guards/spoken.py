"""The texts in what goes to a model's provider and comes back: where they stand, and the same with other words.

Nothing is known here of any client: what is looked at are fields, of objects and of mappings.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from tracelm.guards.pieces import UnseenError

Path: TypeAlias = tuple[str | int, ...]

_NOT_SAID: Final = frozenset(
    {
        "approval_request_id",
        "call_id",
        "container_id",
        "encrypted_content",  # for the provider alone
        "file_id",
        "finish_reason",
        "id",
        "index",
        "item_id",
        "logprobs",  # they spell a text out that is judged beside them
        "name",
        "object",
        "obfuscation",
        "phase",
        "role",
        "server_label",
        "status",
        "tools",  # what could be called: the program's own
        "type",
    }
)
"""Fields that say what a thing is, and nothing to anybody."""


def texts_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the texts in something that a model said, each with its place.

    Args:
        value: A text, an object of a client, or lists and mappings of them.
        path: Where it stands itself.

    Raises:
        UnseenError: It holds speech or a picture.
    """
    if isinstance(value, str):
        if value.startswith("data:"):
            raise UnseenError("the output holds a file, into which no scorer can look")
        if value:
            yield path, value
    elif isinstance(value, list | tuple):
        for place, each in enumerate(cast("Sequence[Any]", value)):
            yield from texts_in(each, (*path, place))
    elif (fields := fields_of(value)) is not None:
        drawn = fields.get("type") == "image_generation_call" and fields.get("result")
        if drawn or fields.get("partial_image_b64"):
            raise UnseenError("the output holds a picture, into which no scorer can look")
        if fields.get("transcript") is not None and fields.get("data"):
            raise UnseenError("the output holds speech, into which no scorer can look")
        for name, each in fields.items():
            if name not in _NOT_SAID:
                yield from texts_in(each, (*path, name))


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """Return what a mapping or an object holds, by name; `None` for what has no names."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    if not hasattr(value, "__dict__") or isinstance(value, type):
        return None
    # Also what the client's own model does not know: some providers put what a model thinks there.
    return {**vars(value), **(getattr(value, "__pydantic_extra__", None) or {})}


def with_text(value: Any, path: Path, text: Any) -> Any:
    """Return a copy with another text in one place, without the probabilities that spell the old one out.

    What lies on the way there is copied, nothing else: the caller's own stays as it is.
    """
    if not path:
        return text
    inside = _at(value, path[0])
    changed = with_text(inside, path[1:], text)
    if changed is inside:
        return value
    made = _with(value, path[0], changed)
    spelled = None if isinstance(value, list | tuple) else (fields_of(value) or {}).get("logprobs")
    if spelled is None:
        return made
    return _with(made, "logprobs", [] if isinstance(spelled, list) else None)


def with_fields(thing: Any, **fields: Any) -> Any:
    """Return a copy of an object with other fields."""
    changed = copy.copy(thing)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _with(value: Any, place: str | int, thing: Any) -> Any:
    made: Any = list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else copy.copy(value)
    if isinstance(value, list | tuple | Mapping):
        made[place] = thing
    else:
        setattr(made, str(place), thing)
    return made


def _at(value: Any, place: str | int) -> Any:
    if isinstance(value, list | tuple | Mapping):
        return cast("Any", value)[place]
    return getattr(value, str(place))
