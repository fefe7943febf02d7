"""JSON in an output: read strictly, out of a code fence, or repaired."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from tracelm.errors import MissingExtraError
from tracelm.scorers.values import text_of

MAX_CHARACTERS: Final = 2_000_000
"""Longer texts are refused."""
MAX_REPAIRED_CHARACTERS: Final = 5_000
"""Longer texts are not repaired: on hostile ones the work of the library grows with the square of the length."""

_FENCE: Final = re.compile(r"\A\s*```[a-zA-Z0-9_-]*[ \t]*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Read:
    """What an output holds.

    Attributes:
        value: The value; `None` also when there is none.
        error: Why there is none; `None` when there is one.
        repaired: Whether it took repairs to read it.
    """

    value: Any
    error: str | None = None
    repaired: bool = False


def read_json(output: object, *, repair: bool = False) -> Read:
    """Read the JSON of an output; what is no text is taken as the value itself.

    Args:
        output: A text, or a value that was parsed already.
        repair: Whether a code fence, single quotes, missing commas and the like are forgiven.

    Raises:
        MissingExtraError: `json-repair` is needed and not installed.
    """
    if not isinstance(output, str | bytes):
        return Read(output)
    text = output.decode(errors="replace") if isinstance(output, bytes) else text_of(output)
    if len(text) > MAX_CHARACTERS:
        return Read(None, f"{len(text):,} characters are more than {MAX_CHARACTERS:,}")
    try:
        return Read(_strict(text))
    except (ValueError, RecursionError) as error:
        if not repair:
            return Read(None, _why(error))
        first = _why(error)
    fenced = _FENCE.match(text)
    if fenced:
        try:
            return Read(_strict(fenced[1]), repaired=True)
        except (ValueError, RecursionError):
            text = fenced[1]
    if not any(mark in text for mark in "{["):  # the library makes a text of anything
        return Read(None, first)
    if len(text) > MAX_REPAIRED_CHARACTERS:
        return Read(None, f"{first}; {len(text):,} characters are too many to repair")
    return _repaired(text, first)


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:  # which of the two is meant depends on who reads it
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def _repaired(text: str, first: str) -> Read:
    try:
        import json_repair
    except ImportError:
        raise MissingExtraError("repairing JSON", "structured") from None
    try:
        value: Any = json_repair.loads(text)
    except (ValueError, RecursionError) as error:
        return Read(None, _why(error))
    return Read(None, first) if value in ("", None) else Read(value, repaired=True)
