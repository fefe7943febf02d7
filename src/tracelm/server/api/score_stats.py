"""Scores over time: what was judged of what runs, bucket by bucket."""

import math
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field

from tracelm.evals.statistics.interval import student, wilson
from tracelm.json_model import Model, Moment
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import IntervalLine
from tracelm.server.api.listing import SinceNs, UntilNs, store_of, window
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName
from tracelm.store.score_stats import ScoreStats, scores_over_time
from tracelm.store.stats import MOST_BUCKETS

router: Final = APIRouter(prefix=PREFIX, tags=["overview"], responses=PROBLEMS)
_LEVEL: Final = 0.95


class ScoreStatsLine(Model):
    """The scores of one name in one bucket."""

    start_ns: Moment
    name: str
    n: int = Field(description="How many were given, with failures of the scorer.")
    errors: int = Field(description="How often the scorer failed.")
    pass_rate: IntervalLine | None = Field(description="The share that passes; null where no line is drawn.")
    mean: IntervalLine | None = Field(description="The mean of the numbers; null where there are none.")


class ScoreStatsTable(Model):
    """Scores over time, those that were given most."""

    since_ns: Moment
    until_ns: Moment
    bucket_ns: int
    items: list[ScoreStatsLine] = Field(description="By name; buckets without scores are left out.")


@router.get("/stats/scores")
def show_score_stats(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    buckets: Annotated[int, Query(ge=1, le=MOST_BUCKETS, description="Into so many the time is divided.")] = 60,
    limit: Annotated[int, Query(ge=1, le=50, description="So many names at most.")] = 6,
) -> ScoreStatsTable:
    """Show scores over time, by when they were given; those of evaluation runs are left out. Each counts once.

    Left out, the time is the last 24 hours. A monitor's own report weighs a sample, and tells versions apart.
    """
    store = store_of(request)
    wanted = project_for(caller, project)
    since, until = window(since_ns, until_ns, days=1)
    bucket = -(-(until - since) // buckets)
    store.index()
    with store.reading() as connection:
        found = scores_over_time(
            connection, project=wanted, since_ns=since, until_ns=until, bucket_ns=bucket, limit=limit
        )
    return ScoreStatsTable(since_ns=since, until_ns=until, bucket_ns=bucket, items=[_line(each) for each in found])


def _line(found: ScoreStats) -> ScoreStatsLine:
    return ScoreStatsLine(
        start_ns=found.start_ns,
        name=found.name,
        n=found.count,
        errors=found.errors,
        pass_rate=_pass_rate(found),
        mean=_mean(found),
    )


def _pass_rate(found: ScoreStats) -> IntervalLine | None:
    if found.drawn == 0:
        return None
    share = found.passed / found.drawn
    low, high = wilson(share, found.drawn, _LEVEL)
    return IntervalLine(mean=share, low=low, high=high, n=found.drawn)


def _mean(found: ScoreStats) -> IntervalLine | None:
    n = found.numbers
    if n == 0:
        return None
    mean = found.total / n
    if n == 1:
        return IntervalLine(mean=mean, low=None, high=None, n=n)
    if found.total == found.squares and 0 <= mean <= 1:  # each number is its own square: a yes or a no
        low, high = wilson(mean, n, _LEVEL)
        return IntervalLine(mean=mean, low=low, high=high, n=n)
    variance = max(0.0, (found.squares - n * mean * mean) / (n - 1))
    low, high = student(mean, math.sqrt(variance / n), n - 1, _LEVEL)
    return IntervalLine(mean=mean, low=low, high=high, n=n)
