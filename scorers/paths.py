"""Places in a row: `"output.answer"`."""

from collections.abc import Mapping, Sequence
from typing import cast


def value_at(row: Mapping[str, object], place: str) -> object:
    """Return what stands at a place of a row.

    Args:
        row: What there is, by name.
        place: A name, then parts with dots. A part is a key of a mapping, the number of an item of a sequence, or
            an attribute that does not begin with an underscore. A name or key with dots in it goes first.

    Raises:
        LookupError: There is nothing at the place; the message says up to where there was.
    """
    value: object = row
    parts = place.split(".")
    for depth, part in enumerate(parts):
        rest = _step(cast("object", value), ".".join(parts[depth:])) if isinstance(value, Mapping) else None
        if rest is not None:
            return rest[0]
        found = _step(cast("object", value), part)
        if found is None:
            before = ".".join(parts[:depth]) or "the row"
            raise LookupError(f"there is no {part!r} in {before} ({_offer(cast('object', value))}): look at {place!r}")
        value = found[0]
    return value


def _step(value: object, part: str) -> tuple[object] | None:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return (mapping[part],) if part in mapping else None
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = cast("Sequence[object]", value)
        try:
            return (items[int(part)],)
        except (ValueError, IndexError):
            return None
    if part.startswith("_") or not hasattr(value, part):
        return None
    return (getattr(value, part),)


def _offer(value: object) -> str:
    if isinstance(value, Mapping):
        names = [str(each) for each in cast("Mapping[object, object]", value)]
        return f"it has {', '.join(names[:20]) or 'nothing'}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f"it has {len(cast('Sequence[object]', value))} items"
    return f"it is a {type(value).__name__}"
