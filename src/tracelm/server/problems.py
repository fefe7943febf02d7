"""Errors as the API tells them: RFC 9457 problem details, `application/problem+json`."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from tracelm.errors import FilterError, StoreError

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A request cannot be answered.

    Attributes:
        status: The HTTP status.
        detail: Why, and what helps.
        headers: For the answer.
        extra: Further members of the document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def response(self) -> Response:
        """Return the answer."""
        document = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }
        # Not orjson: a detail may quote a lone surrogate, which only an escape can tell.
        return Response(json.dumps(document), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def of_store(error: StoreError, *, sees_all: bool) -> Problem:
    """Return the problem that a failure of the store is: it cannot be used, or has no such thing.

    Args:
        error: What was raised.
        sees_all: Whether the caller may know the names of all projects; else the message, which lists some, is not
            passed on.
    """
    if isinstance(error.__cause__, DBAPIError | OSError):
        return Problem(
            503, "the store cannot be used at the moment: see the server's log", headers={"retry-after": "1"}
        )
    if isinstance(error, FilterError):
        told = {name: getattr(error, name) for name in ("problem", "remedy", "position", "length")}
        return Problem(400, f"{error.problem}: {error.remedy}", extra=told)
    return Problem(404, str(error) if sees_all else "there is no such thing in the projects of this key")
