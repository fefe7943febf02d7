"""Rows of the tables, with their records put together, as what users get."""

from typing import Any, cast

import orjson
from sqlalchemy import RowMapping

from tracelm.store.stored import StoredSpan, StoredTrace
from tracelm.store.verdicts import StoredScore


def span_of(row: dict[str, Any]) -> StoredSpan:
    """Return a row of `spans`, with its record put together, as a span."""
    known: dict[str, Any] = {**row, "tags": _tags(row["tags"])}
    return StoredSpan(**known)


def trace_of(row: dict[str, Any]) -> StoredTrace:
    """Return a row of `traces`, with the record of its root, as a trace."""
    known: dict[str, Any] = {**row, "tags": _tags(row["tags"])}
    return StoredTrace(**known)


def _tags(text: str | None) -> tuple[str, ...]:
    return tuple(orjson.loads(text)) if text else ()


def score_of(row: RowMapping | dict[str, Any]) -> StoredScore:
    """Return a row of `scores` as a score."""
    known: dict[str, Any] = {**row, "details": details_of(row["details"])}
    return StoredScore(**known)


def details_of(text: str | None) -> dict[str, Any]:
    """Return the JSON object in a column; of what is none, what is there."""
    try:
        found: Any = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:  # cut at the limit for an attribute
        return {"text": text}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {"value": found}
