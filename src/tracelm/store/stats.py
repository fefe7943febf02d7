"""Sums and quantiles over time: what a dashboard shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Connection, Float, case, cast, func, select

from tracelm.errors import ConfigError
from tracelm.store.paging import Order, Page
from tracelm.store.tables import SCORES, SPANS, TRACES

Grouping: TypeAlias = Literal["model", "op", "operation", "provider", "name"]
MOST_BUCKETS: Final = 500
_QUANTILES: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_TOKENS: Final = ("input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Figures of one bucket of time, or of one group.

    Attributes:
        start_ns: Where the bucket begins, nanoseconds since 1970, UTC; `None` for a group.
        group: What the group has in common; `None` for a bucket, and for the group that says nothing.
        count: How many traces, or spans of a group, began in it.
        error_count: How many of them failed.
        input_tokens: Sum; `None` when nothing was reported.
        output_tokens: Sum; `None` when nothing was reported.
        cost_usd: Sum over what has a price; `None` when nothing has.
        p50_ns: Half of them took no longer.
        p95_ns: 95 % of them took no longer.
        p99_ns: 99 % of them took no longer.
    """

    start_ns: int | None
    group: str | None
    count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    p50_ns: int | None
    p95_ns: int | None
    p99_ns: int | None


def over_time(
    connection: Connection, *, project: str | None, since_ns: int, until_ns: int, bucket_ns: int
) -> Sequence[Stats]:
    """Return the figures of traces, one a bucket in which some began; the earliest first.

    Args:
        connection: One that may read.
        project: Only this project.
        since_ns: Where the first bucket begins.
        until_ns: Before when.
        bucket_ns: How long a bucket is.

    Raises:
        ConfigError: That would be more than 500 buckets, or none.
    """
    if bucket_ns < 1 or until_ns <= since_ns or (until_ns - since_ns) / bucket_ns > MOST_BUCKETS:
        raise ConfigError(
            f"that makes no bucket, or more than {MOST_BUCKETS}: give an end behind the beginning and longer buckets"
        )
    # A remainder instead of a division: `/` is not the same in all databases.
    offset = TRACES.c.start_ns - since_ns
    bucket = (offset - offset % bucket_ns).label("key")
    found = _figures(connection, TRACES, bucket, project, since_ns, until_ns)
    return [Stats(start_ns=since_ns + int(each.pop("key")), group=None, **each) for each in found]


def by_group(
    connection: Connection, grouping: Grouping, *, project: str | None, since_ns: int, until_ns: int, limit: int
) -> Sequence[Stats]:
    """Return the figures of spans, one a group; the most frequent first.

    Args:
        connection: One that may read.
        grouping: The column that the spans of a group share. Spans that do not have it are left out.
        project: Only this project.
        since_ns: From when on.
        until_ns: Before when.
        limit: How many groups.
    """
    key = SPANS.c[grouping].label("key")
    found = _figures(connection, SPANS, key, project, since_ns, until_ns, SPANS.c[grouping].is_not(None))
    groups = [Stats(start_ns=None, group=str(each.pop("key")), **each) for each in found]
    return sorted(groups, key=lambda each: (-each.count, each.group or ""))[:limit]


def _figures(
    connection: Connection,
    table: Any,
    key: "ColumnElement[Any]",
    project: str | None,
    since_ns: int,
    until_ns: int,
    *conditions: "ColumnElement[bool]",
) -> list[dict[str, Any]]:
    wanted: list[ColumnElement[bool]] = [table.c.start_ns >= since_ns, table.c.start_ns < until_ns, *conditions]
    if project is not None:
        wanted.append(table.c.project == project)
    place = func.row_number().over(partition_by=key, order_by=table.c.duration_ns).label("place")
    size = func.count().over(partition_by=key).label("size")
    names = ("status", "duration_ns", "cost_usd", *_TOKENS)
    rows = select(key, place, size, *(table.c[name] for name in names)).where(*wanted).subquery()
    # The nearest rank: the first place that has at least the share q of all at or before it.
    ranked = [
        func.min(case((cast(rows.c.place, Float) >= q * rows.c.size, rows.c.duration_ns))).label(f"{name}_ns")
        for name, q in _QUANTILES
    ]
    sums = select(
        rows.c.key,
        func.count().label("count"),
        func.sum(case((rows.c.status == "error", 1), else_=0)).label("error_count"),
        *(cast(func.sum(rows.c[name]), BigInteger).label(name) for name in _TOKENS),
        func.sum(rows.c.cost_usd).label("cost_usd"),
        *ranked,
    )
    found = connection.execute(sums.group_by(rows.c.key).order_by(rows.c.key)).mappings()
    return [dict(row) for row in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """One conversation.

    Attributes:
        session_id: Unique in its project.
        user_id: Who was talking, where known.
        trace_count: How many traces it has.
        error_count: How many of them failed.
        start_ns: When the first began.
        end_ns: When the last ended.
    """

    project: str
    session_id: str
    user_id: str | None
    trace_count: int
    error_count: int
    start_ns: int
    end_ns: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


def sessions(
    connection: Connection, *, project: str | None, since_ns: int, until_ns: int, after: str | None, limit: int
) -> tuple[Sequence[SessionLine], str | None]:
    """Return a page of the conversations with a trace that began in the time, the one with the newest trace first.

    Args:
        connection: One that may read.
        project: Only this project.
        since_ns: From when on.
        until_ns: Before when.
        after: The cursor of the page before.
        limit: How many.

    Returns:
        They, and the cursor of the next page.

    Raises:
        StoreError: The cursor belongs to another query.
    """
    wanted: list[ColumnElement[bool]] = [
        TRACES.c.session_id.is_not(None),
        TRACES.c.start_ns >= since_ns,
        TRACES.c.start_ns < until_ns,
    ]
    if project is not None:
        wanted.append(TRACES.c.project == project)
    page = Page(after=after, limit=limit, query=("sessions", project))
    newest = Order(by=func.max(TRACES.c.start_ns), row=func.max(TRACES.c.id), descending=True, is_nullable=False)
    groups = (
        select(
            TRACES.c.project,
            TRACES.c.session_id,
            func.max(TRACES.c.user_id).label("user_id"),
            func.count().label("trace_count"),
            func.sum(case((TRACES.c.status == "error", 1), else_=0)).label("error_count"),
            func.min(TRACES.c.start_ns).label("start_ns"),
            func.max(TRACES.c.end_ns).label("end_ns"),
            *(cast(func.sum(TRACES.c[name]), BigInteger).label(name) for name in _TOKENS),
            func.sum(TRACES.c.cost_usd).label("cost_usd"),
        )
        .where(*wanted)
        .group_by(TRACES.c.project, TRACES.c.session_id)
    )
    rows, following = page.read(connection.execute(page.cut(groups, newest, of_groups=True)).mappings())
    return [SessionLine(**row) for row in rows], following


def known_values(connection: Connection, column: str, *, project: str | None, prefix: str, limit: int) -> list[str]:
    """Return values of a column of spans that begin with a text, in alphabetical order: for completing a filter.

    Args:
        connection: One that may read.
        column: Its name.
        project: Only this project.
        prefix: How they begin.
        limit: How many.
    """
    name = SPANS.c[column]
    wanted: list[ColumnElement[bool]] = (
        [name >= prefix, name < prefix + "\U0010ffff"] if prefix else [name.is_not(None)]
    )
    if project is not None:
        wanted.append(SPANS.c.project == project)
    # Of the newest spans only: what is completed is of now, and the table may be large.
    newest = select(name.label("value")).where(*wanted).order_by(SPANS.c.start_ns.desc()).limit(_LOOKED_AT).subquery()
    found = connection.execute(select(newest.c.value).distinct().order_by(newest.c.value).limit(limit))
    return [str(value) for value in found.scalars()]


def score_names(connection: Connection, *, project: str | None, prefix: str, limit: int) -> list[str]:
    """Return names of scores that begin with a text, in alphabetical order.

    Args:
        connection: One that may read.
        project: Only of this project.
        prefix: How they begin.
        limit: How many.
    """
    wanted: list[ColumnElement[bool]] = [SCORES.c.name >= prefix, SCORES.c.name < prefix + "\U0010ffff"]
    if project is not None:
        wanted.append(SCORES.c.project == project)
    newest = select(SCORES.c.name).where(*wanted).order_by(SCORES.c.time_ns.desc()).limit(_LOOKED_AT).subquery()
    return list(connection.execute(select(newest.c.name).distinct().order_by(newest.c.name).limit(limit)).scalars())


_LOOKED_AT: Final = 50_000
