"""What the JSON documents are made of that the API answers with and that reports hold.

Moments are text, as in OTLP/JSON: nanoseconds since 1970 have more digits than a number of JavaScript. Durations are
numbers.
"""

import base64
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

Moment: TypeAlias = Annotated[
    int,
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+$", "description": "Nanoseconds since 1970, UTC."}),
]


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Figure: TypeAlias = Annotated[float | None, BeforeValidator(_finite)]
"""A number; null where there is none, or none that JSON can hold."""


def _sound(value: object) -> object:
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


Text: TypeAlias = Annotated[str, BeforeValidator(_sound)]
"""A text that may come from a program's memory, where half a surrogate pair can stand, which UTF-8 cannot hold."""


class Model(BaseModel):
    """A document: no member that is not described, no value that only looks like the right type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, from_attributes=True)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: bytes as `{"base64": ...}`, a number that is none as OTLP/JSON writes it."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("list[Any]", value)]
    return value
