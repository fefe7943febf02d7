"""The REST API under `/api/v1`."""

from collections.abc import Sequence

from fastapi import APIRouter


def routers() -> Sequence[APIRouter]:
    """Return the routers of the API, one a subject."""
    from tracelm.server.api import (
        about,
        agreement,
        alerts,
        datasets,
        description,
        export,
        guardrails,
        keys,
        lineage,
        live,
        monitors,
        outline,
        overview,
        publishing,
        runs,
        score_stats,
        scores,
        session,
        spans,
        traces,
    )

    subjects = (
        session, overview, score_stats, traces, outline, export, spans, scores, agreement, alerts, runs, lineage,
        datasets, publishing, monitors, guardrails, live, keys, about, description,
    )  # fmt: skip
    return [subject.router for subject in subjects]
