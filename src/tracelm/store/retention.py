"""What a store keeps, and for how long: `errors 90d, rest 14d`."""

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, tuple_

from tracelm.errors import ConfigError, StoreError
from tracelm.store.database import Database
from tracelm.store.sweep import sweep
from tracelm.store.tables import ALERT_NOTICES, LINKS, LOGS, OUTBOX, RUNS, SCORES, SPANS, TRACES, TRIALS

_DAYS: Final[Mapping[str, float]] = {"h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0}
_BYTES: Final[Mapping[str, int]] = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_AGE: Final = re.compile(r"(errors|rest|runs)\s+(\d+(?:\.\d+)?)\s*([hdwy])")
_SIZE: Final = re.compile(r"size\s+(\d+(?:\.\d+)?)\s*(MB|GB|TB)")
_DAY_NS: Final = 86_400 * 10**9
_TRACES_AT_ONCE: Final = 100  # so that others get their turn to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long traces are kept. What is not said is kept.

    Attributes:
        errors_days: Traces with a span that failed.
        rest_days: Other traces, log records that belong to none, and what alerts of monitors said.
        runs_days: Traces of evaluation runs, with the runs.
        max_bytes: How large the store may be: beyond, the oldest traces go, whatever the days say, but for runs
            without `runs_days`. SQLite only.
    """

    errors_days: float | None = None
    rest_days: float | None = None
    runs_days: float | None = None
    max_bytes: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `errors 90d, rest 14d, runs 1y, size 10GB`; any of them may be left out.

        Raises:
            ConfigError: It reads otherwise, or says one of them twice.
        """
        found: dict[str, Any] = {}
        for part in text.split(","):
            said = part.strip().removeprefix("keep ").strip()
            if match := _AGE.fullmatch(said):
                name, value = f"{match[1]}_days", float(match[2]) * _DAYS[match[3]]
            elif match := _SIZE.fullmatch(said):
                name, value = "max_bytes", int(float(match[1]) * _BYTES[match[2]])
            else:
                raise ConfigError(
                    f"retention {said!r} cannot be read: write 'errors 90d, rest 14d, runs 1y, size 10GB'; any of "
                    "these, with h, d, w or y, and MB, GB or TB"
                )
            if name in found:
                raise ConfigError(f"retention {text!r} says {said.split()[0]!r} twice: once is enough")
            found[name] = value
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Removed:
    """What was deleted.

    Attributes:
        traces: Traces.
        spans: Their spans.
        records: Their scores, decisions and other log records, and those that belonged to no trace.
    """

    traces: int = 0
    spans: int = 0
    records: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.traces + other.traces, self.spans + other.spans, self.records + other.records)


def retain(
    database: Database, retention: Retention, *, project: str | None = None, now_ns: int | None = None
) -> Removed:
    """Delete what is older than it may be, with its contents. What waits for a collector stays, and spans in flight.

    Args:
        database: The store.
        retention: What is kept.
        project: Only of this project.
        now_ns: The present time, nanoseconds since 1970, UTC.

    Raises:
        StoreError: The store cannot be written, or a size is given for PostgreSQL.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    removed = Removed()
    if (old := _too_old(retention, now_ns)) is not None:
        while found := _delete_some(database, old, project):
            removed += found
    if retention.rest_days is not None:
        removed += _delete_loose(database, project, now_ns - int(retention.rest_days * _DAY_NS))
    if retention.max_bytes is not None:
        removed += _shrink(database, retention, project)
    if removed != Removed():
        sweep(database)
    return removed


def used_bytes(database: Database) -> int:
    """Return how much of an SQLite file is in use; what was deleted is free for what comes.

    Raises:
        StoreError: It is no SQLite file.
    """
    with database.read() as connection:
        if connection.dialect.name != "sqlite":
            raise StoreError("a store in PostgreSQL cannot be kept by size: say for how many days, 'rest 14d'")
        pages, free, size = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size


def delete_traces(connection: Connection, keys: Sequence[tuple[str, str]]) -> Removed:
    """Delete traces with all that belongs to them, but for contents, which others may have too.

    Args:
        connection: One that may write.
        keys: Trace ids, each with its project.
    """
    counts: dict[str, int] = {}
    for table in (SPANS, LINKS, LOGS, SCORES, TRIALS, TRACES):
        of_traces = tuple_(table.c.trace_id, table.c.project).in_(keys)
        counts[table.name] = connection.execute(delete(table).where(of_traces)).rowcount
    return Removed(counts["traces"], counts["spans"], counts["log_records"])


def _too_old(retention: Retention, now_ns: int) -> ColumnElement[bool] | None:
    """Return which traces are kept no longer."""
    of_run, failed = TRACES.c.run_id.is_not(None), TRACES.c.error_count > 0
    limits = (
        (retention.runs_days, of_run),
        (retention.errors_days, and_(~of_run, failed)),
        (retention.rest_days, and_(~of_run, ~failed)),
    )
    old = [and_(which, TRACES.c.end_ns < now_ns - int(days * _DAY_NS)) for days, which in limits if days is not None]
    return or_(*old) if old else None


def _shrink(database: Database, retention: Retention, project: str | None) -> Removed:
    """Delete the oldest traces until the rest fits: as many as are too much, then again what that has not freed."""
    which = TRACES.c.run_id.is_(None) if retention.runs_days is None else TRACES.c.id.is_not(None)
    removed = Removed()
    most = retention.max_bytes or 0
    while (used := used_bytes(database)) > most:
        with database.read() as connection:
            count = int(connection.execute(select(func.count()).select_from(TRACES)).scalar_one())
        wanted = math.ceil(count * (1 - most / used))
        round_ = Removed()
        while round_.traces < wanted and (found := _delete_some(database, which, project, wanted - round_.traces)):
            round_ += found
        if round_ == Removed():
            break
        sweep(database)
        removed += round_
    return removed


def _delete_some(
    database: Database, which: ColumnElement[bool], project: str | None, most: int = _TRACES_AT_ONCE
) -> Removed | None:
    """Delete the oldest of some traces, as many as fit into a short transaction; `None` when there are none."""
    of_project = TRACES.c.id.is_not(None) if project is None else TRACES.c.project == project
    waits = select(OUTBOX.c.trace_id).where(OUTBOX.c.trace_id.is_not(None))
    oldest = (
        select(TRACES.c.trace_id, TRACES.c.project, TRACES.c.run_id)
        .where(which, of_project, TRACES.c.state != "in flight", TRACES.c.trace_id.not_in(waits))
        .order_by(TRACES.c.start_ns)
        .limit(min(most, _TRACES_AT_ONCE))
    )
    with database.write() as connection:
        found = connection.execute(oldest).all()
        if not found:
            return None
        removed = delete_traces(connection, [(trace_id, of) for trace_id, of, _ in found])
        _delete_empty_runs(connection, {(run_id, of) for _, of, run_id in found if run_id is not None})
        return removed


def _delete_empty_runs(connection: Connection, runs: set[tuple[str, str]]) -> None:
    for run_id, project in sorted(runs):
        of_run = and_(TRACES.c.run_id == run_id, TRACES.c.project == project)
        if not connection.execute(select(func.count()).select_from(TRACES).where(of_run)).scalar():
            connection.execute(delete(RUNS).where(RUNS.c.run_id == run_id, RUNS.c.project == project))


def _delete_loose(database: Database, project: str | None, before_ns: int) -> Removed:
    """Delete log records that belong to no trace, and what alerts said."""
    waits = select(OUTBOX.c.uid).where(OUTBOX.c.uid.is_not(None))
    with database.write() as connection:
        count = 0
        for table in (SCORES, LOGS):
            loose = [table.c.trace_id.is_(None), table.c.time_ns < before_ns, table.c.uid.not_in(waits)]
            if project is not None:
                loose.append(table.c.project == project)
            count = connection.execute(delete(table).where(*loose)).rowcount
        if project is None:  # a monitor belongs to none
            connection.execute(delete(ALERT_NOTICES).where(ALERT_NOTICES.c.time_ns < before_ns))
        return Removed(records=count)
