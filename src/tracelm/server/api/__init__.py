"""The REST API under `/api/v1`."""

from collections.abc import Sequence

from fastapi import APIRouter


def routers() -> Sequence[APIRouter]:
    """Return the routers of the API, one a subject."""
    from tracelm.server.api import (
        alerts,
        datasets,
        description,
        keys,
        live,
        overview,
        runs,
        scores,
        session,
        spans,
        traces,
    )

    subjects = (session, overview, traces, spans, scores, alerts, runs, datasets, live, keys, description)
    return [subject.router for subject in subjects]
