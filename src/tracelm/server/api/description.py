"""The API's own description: OpenAPI 3.1."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from tracelm.server.access.rule import Anybody
from tracelm.server.api.models import PREFIX

router: Final = APIRouter(prefix=PREFIX, include_in_schema=False)


@router.get("/openapi.json")
def openapi(request: Request, _caller: Anybody) -> JSONResponse:
    """Send the description."""
    found: dict[str, Any] = request.app.openapi()
    return JSONResponse(found)
