"""What the endpoints of the API share."""

from typing import Annotated, Any, Final, TypeAlias

from fastapi import Query
from pydantic import Field

from tracelm.json_model import Model

PREFIX: Final = "/api/v1"

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
