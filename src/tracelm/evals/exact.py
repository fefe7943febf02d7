"""Whether an output can be read back from its span as it was: not cut, not redacted, and plain JSON."""

from typing import Any, Final, cast

import orjson

from tracelm import semconv
from tracelm.trace import runtime
from tracelm.trace.safely import safely
from tracelm.trace.spans import SpanHandle

_SCALARS: Final[frozenset[type[Any]]] = frozenset({str, int, float, bool, type(None)})


def record_output(opened: SpanHandle, output: object) -> None:
    """Record an output on a span, with a note if it can be read back exactly."""
    current = runtime.active
    if current is None or not current.settings.capture_content or not opened.otel.is_recording():
        return
    with safely("encode a value"):
        text = current.encode(output)
        attributes: dict[str, Any] = {semconv.OUTPUT_VALUE: text, semconv.OUTPUT_MIME_TYPE: semconv.MIME_JSON}
        if reads_back(text, output):
            attributes[semconv.ROW_OUTPUT_EXACT] = True
        opened.otel.set_attributes(attributes)


def reads_back(text: str, value: object) -> bool:
    """Say whether JSON text gives exactly `value`: the same values of the same types."""
    try:
        return _is_same(orjson.loads(text.encode()), value)
    except (orjson.JSONDecodeError, RecursionError):
        return False


def _is_same(found: object, value: object) -> bool:
    kind = type(value)
    if type(found) is not kind:
        return False
    if kind in _SCALARS:
        return found == value
    if kind is list:
        one, other = cast("list[object]", found), cast("list[object]", value)
        return len(one) == len(other) and all(map(_is_same, one, other))
    if kind is dict:
        fields, others = cast("dict[object, object]", found), cast("dict[object, object]", value)
        return list(fields) == list(others) and all(map(_is_same, fields.values(), others.values()))
    return False
