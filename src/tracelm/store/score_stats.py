"""Scores over time: what a dashboard shows of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, select

from tracelm.store.tables import SCORES


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStats:
    """The scores of one name in one bucket of time.

    Attributes:
        name: What was judged.
        start_ns: Where the bucket begins, nanoseconds since 1970, UTC.
        count: How many were given in it, with failures of the scorer.
        errors: How often the scorer failed.
        drawn: How many draw a line between good and bad.
        passed: How many of these passed.
        numbers: How many have a number.
        total: The sum of the numbers.
        squares: The sum of their squares.
    """

    name: str
    start_ns: int
    count: int
    errors: int
    drawn: int
    passed: int
    numbers: int
    total: float
    squares: float


def scores_over_time(
    connection: Connection, *, project: str | None, since_ns: int, until_ns: int, bucket_ns: int, limit: int
) -> Sequence[ScoreStats]:
    """Return the figures of the scores that were given most: by name, the earliest first.

    Those of evaluation runs are left out: they tell of versions under test, not of what runs.

    Args:
        connection: One that may read.
        project: Only of this project.
        since_ns: Where the first bucket begins; a score belongs where it was given.
        until_ns: Before when.
        bucket_ns: How long a bucket is.
        limit: How many names.
    """
    wanted: list[ColumnElement[bool]] = [
        SCORES.c.time_ns >= since_ns,
        SCORES.c.time_ns < until_ns,
        SCORES.c.run_id.is_(None),
    ]
    if project is not None:
        wanted.append(SCORES.c.project == project)
    by_count = select(SCORES.c.name).where(*wanted).group_by(SCORES.c.name).order_by(func.count().desc(), SCORES.c.name)
    names = connection.execute(by_count.limit(limit)).scalars().all()
    # A remainder instead of a division: `/` is not the same in all databases.
    offset = SCORES.c.time_ns - since_ns
    bucket = (offset - offset % bucket_ns).label("bucket")
    sums = select(
        SCORES.c.name,
        bucket,
        func.count().label("count"),
        func.count(SCORES.c.error_type).label("errors"),
        func.count(SCORES.c.passed).label("drawn"),
        func.sum(case((SCORES.c.passed.is_(True), 1), else_=0)).label("passed"),
        func.count(SCORES.c.value).label("numbers"),
        func.coalesce(func.sum(SCORES.c.value), 0.0).label("total"),
        func.coalesce(func.sum(SCORES.c.value * SCORES.c.value), 0.0).label("squares"),
    )
    found = connection.execute(
        sums.where(*wanted, SCORES.c.name.in_(names)).group_by(SCORES.c.name, bucket).order_by(SCORES.c.name, bucket)
    ).mappings()
    return [ScoreStats(start_ns=since_ns + row.pop("bucket"), **row) for row in map(dict, found)]
