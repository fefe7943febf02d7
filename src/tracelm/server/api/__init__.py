"""The REST API under `/api/v1`."""

from collections.abc import Sequence

from fastapi import APIRouter


def routers() -> Sequence[APIRouter]:
    """Return the routers of the API, one a subject."""
    from tracelm.server.api import keys, session

    return (session.router, keys.router)
