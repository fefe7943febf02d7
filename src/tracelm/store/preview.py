"""The beginnings of what went into a span and of what came out, for lists."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tracelm import semconv
from tracelm.otlp.dialects import canonical
from tracelm.otlp.records import AnyValue, SpanRecord
from tracelm.store.rows import clean

_LONGEST: Final = 240  # characters


def preview_of(span: SpanRecord) -> tuple[str | None, str | None]:
    """Return the beginnings of what went into a span and of what came out.

    Of a call of a model that is what was said last, where it has messages: what else is recorded of its input is mostly
    the request as it was sent.
    """
    found = canonical(span)
    operation = found.get(semconv.OPERATION_NAME)
    is_model_call = isinstance(operation, str) and operation in semconv.MODEL_OPERATIONS
    return (
        _preview(found, semconv.INPUT_VALUE, semconv.INPUT_MESSAGES, said_first=is_model_call),
        _preview(found, semconv.OUTPUT_VALUE, semconv.OUTPUT_MESSAGES, said_first=is_model_call),
    )


def _preview(attributes: Mapping[str, AnyValue], value: str, messages: str, *, said_first: bool) -> str | None:
    whole = attributes.get(value)
    if said_first or whole is None:
        said = said_last(attributes.get(messages))
        whole = said or whole or attributes.get(messages)
    return clean(whole[:_LONGEST]) or None if isinstance(whole, str) else None


def said_last(messages: AnyValue) -> str | None:
    """Return the text of the last of several messages, as the conventions have them."""
    if not isinstance(messages, str):
        return None
    try:
        found: Any = orjson.loads(messages)
        contents: list[Any] = [part.get("content") for part in found[-1]["parts"]]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return None
    return " ".join(content for content in contents if isinstance(content, str)) or None
