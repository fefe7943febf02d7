"""What the documents of the API share.

Moments are text, as in OTLP/JSON: nanoseconds since 1970 have more digits than a number of JavaScript. Durations are
numbers.
"""

from typing import Annotated, Any, Final, TypeAlias

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

PREFIX: Final = "/api/v1"

Moment: TypeAlias = Annotated[
    int,
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+$", "description": "Nanoseconds since 1970, UTC."}),
]
Json: TypeAlias = Any
"""Any JSON value."""


class Model(BaseModel):
    """A document of the API: no member that is not described, no value that only looks like the right type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, from_attributes=True)


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
    for status, description in {
        400: "The request cannot be understood; a filter says at which position.",
        401: "No API key, or none that is known.",
        403: "The key may not do this, or the request comes from another site.",
        404: "There is no such thing.",
        411: "A body without a Content-Length.",
        413: "The request is too large.",
        415: "The request is in a format that is not read here.",
        421: "The server is not known under this name.",
        422: "The request is not as this description says.",
        429: "Too many wrong keys.",
        503: "The store cannot be used at the moment.",
    }.items()
}


class ProblemDocument(Model):
    """Why a request was not answered (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    problem: str | None = Field(default=None, description="What is wrong with a filter.")
    remedy: str | None = Field(default=None, description="What helps.")
    position: int | None = Field(default=None, description="Where the bad spot of a filter begins, in characters.")
    length: int | None = Field(default=None, description="How many characters of a filter are bad.")
    errors: list[dict[str, str]] | None = Field(default=None, description="Which parts of a request are wrong.")


ProjectName: TypeAlias = Annotated[
    str | None, Query(alias="project", min_length=1, max_length=200, description="Only what belongs to this project.")
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="So many at most.")]
After: TypeAlias = Annotated[
    str | None, Query(max_length=2000, description="`next` of the page before: what comes behind it.")
]
