"""Asking for the tokens of a stream for which the program did not ask, and hiding the chunk that brings them."""

import copy
from collections.abc import Mapping
from typing import Any, Final, cast

from tracelm.integrations._fields import field, items

_RAW_RESPONSE: Final = "x-stainless-raw-response"


def asking(options: Any) -> Any:
    """Return a copy of a client's request options that asks for the usage as well.

    Args:
        options: What the client is about to send; stays as it is.

    Returns:
        The copy; `None` where there is nothing to ask, where the program has said what it wants, and where it reads the
        bytes of the answer itself, from which nothing can be hidden.
    """
    body, more = field(options, "json_data"), field(options, "extra_json")
    if not isinstance(body, Mapping) or _is_raw(options):
        return None
    fields = cast("Mapping[str, object]", body)
    given: object = field(more, "stream_options") or fields.get("stream_options") or dict[str, object]()
    if not isinstance(given, Mapping) or "include_usage" in given:
        return None
    wanted = cast("Mapping[str, object]", given)
    asks: Mapping[str, object] = {**wanted, "include_usage": True}
    changed = copy.copy(options)
    if field(more, "stream_options") is not None:  # the client lays these over the others
        changed.extra_json = {**cast("Mapping[str, object]", more), "stream_options": asks}
    else:
        changed.json_data = {**fields, "stream_options": asks}
    return changed


def hides(chunk: object) -> bool:
    """Say whether a chunk is there for its usage only. What the others would not have without asking is taken away."""
    if field(chunk, "usage") is not None:
        return not items(field(chunk, "choices"))
    given = getattr(chunk, "__pydantic_fields_set__", None)
    if isinstance(given, set):
        cast("set[str]", given).discard("usage")
    return False


def _is_raw(options: object) -> bool:
    headers = field(options, "headers")
    return isinstance(headers, Mapping) and any(
        str(name).lower() == _RAW_RESPONSE for name in cast("Mapping[object, object]", headers)
    )
