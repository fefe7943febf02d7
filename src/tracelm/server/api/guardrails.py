"""Guardrails: what they did over time, and the newest of what they stopped or rewrote."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field

from tracelm.guards.activity import activity
from tracelm.json_model import Figure, Model, Moment
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import DecisionLine, decision_line
from tracelm.server.api.listing import SinceNs, UntilNs, listed, store_of, window
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName
from tracelm.store import stats

router: Final = APIRouter(prefix=PREFIX, tags=["guardrails"], responses=PROBLEMS)


class DecisionCount(Model):
    """How often a guardrail did the same within a bucket of time."""

    start_ns: Moment
    taken: str = Field(description="allow, warn, replace, fallback, retry or block.")
    intended: str = Field(description="What the verdict asked for.")
    outcome: str = Field(description="enforced, shadow, failed_open or failed_closed.")
    n: int


class RailLine(Model):
    """One guardrail, under one version of a policy."""

    guardrail: str
    policy: str | None = Field(description="Null for a guardrail in the code.")
    version: str | None = Field(description="Of the policy.")
    counts: list[DecisionCount]
    p50_s: Figure = Field(description="Half of its decisions took no longer, in seconds.")
    p95_s: Figure


class Guardrails(Model):
    """What guardrails did in a time."""

    since_ns: Moment
    until_ns: Moment
    bucket_ns: int
    rails: list[RailLine] = Field(description="The busiest first.")
    interventions: list[DecisionLine] = Field(
        description="The newest decisions that were not to let a value pass, or whose guardrail failed; at most 50."
    )
    is_cut: bool = Field(description="Whether older decisions of the time were left out: the newest 20,000 count.")


@router.get("/guardrails")
def show_guardrails(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    buckets: Annotated[int, Query(ge=1, le=stats.MOST_BUCKETS, description="Into so many the time is divided.")] = 60,
) -> Guardrails:
    """Show what guardrails did in the last seven days, or in the time that is given."""
    store = store_of(request)
    wanted = project_for(caller, project)
    since, until = window(since_ns, until_ns, days=7)
    bucket = -(-(until - since) // buckets)
    found = listed(lambda: activity(store, project=wanted, since_ns=since, until_ns=until, bucket_ns=bucket), caller)
    return Guardrails(
        since_ns=since,
        until_ns=until,
        bucket_ns=bucket,
        rails=[RailLine.model_validate(each) for each in found.rails],
        interventions=[decision_line(each) for each in found.interventions],
        is_cut=found.is_cut,
    )
