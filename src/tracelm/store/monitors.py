"""How far monitors have come, which spans are next, and what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sqlalchemy import Connection, and_, delete, exists, func, select, update
from sqlalchemy.engine import RowMapping

from tracelm.errors import StoreError
from tracelm.otlp.records import LogRecord
from tracelm.store.contents import with_records
from tracelm.store.filters.syntax import EVERYTHING, Node
from tracelm.store.from_rows import span_of
from tracelm.store.ingest import write_logs
from tracelm.store.listing import Listing, columns, compiler
from tracelm.store.monitor_outbox import note
from tracelm.store.stored import StoredSpan
from tracelm.store.tables import MONITOR_WAITS, MONITORS, SCORES, SPANS, TRACES

_SOME: Final = 500  # as many values as one statement takes
_CLOCKS_DIFFER_NS: Final = 3600 * 10**9  # of machines, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a monitor has come.

    Attributes:
        monitor: Its name.
        since_ns: It looks at nothing that began earlier, nanoseconds since 1970, UTC.
        after: The number of the last span that it looked at.
    """

    monitor: str
    since_ns: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A span that a monitor is about.

    Attributes:
        number: Of its row.
        span: The span.
        cases: For each of the filters that were asked about: whether it meets it.
    """

    number: int
    span: StoredSpan
    cases: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a monitor looks at next.

    Attributes:
        candidates: Spans that it is about, in the order in which they came.
        upto: With these, it has looked at all spans up to this number.
        is_last: Whether nothing else was there.
        waits: Numbers of spans that have not ended yet.
        settled: Numbers of spans that it waited for no longer need it.
    """

    candidates: Sequence[Candidate]
    upto: int
    is_last: bool
    waits: frozenset[int]
    settled: frozenset[int]


def place(connection: Connection, monitor: str, *, since_ns: int) -> Place:
    """Return how far a monitor has come; one that is new begins here.

    Args:
        connection: One that may write.
        monitor: Its name.
        since_ns: Of a new one: it looks at nothing that began earlier.
    """
    known = connection.execute(select(MONITORS).where(MONITORS.c.name == monitor)).mappings().first()
    if known is not None:
        return Place(monitor=monitor, since_ns=known["since_ns"], after=known["after"])
    found = Place(monitor=monitor, since_ns=since_ns, after=0)
    connection.execute(MONITORS.insert().values(name=monitor, since_ns=since_ns, after=0))
    return found


def page(connection: Connection, at: Place, where: Node, cases: Sequence[Node], *, limit: int) -> Page:
    """Return what a monitor looks at next. Traces of evaluation runs are no traffic.

    Args:
        connection: One that sees an unchanging state.
        at: How far it has come.
        where: What it is about.
        cases: Filters that are asked about besides.
        limit: How many spans make a page.
    """
    of_run = exists().where(
        TRACES.c.trace_id == SPANS.c.trace_id, TRACES.c.project == SPANS.c.project, TRACES.c.run_id.is_not(None)
    )
    traffic = (SPANS.c.run_id.is_(None), ~of_run, SPANS.c.start_ns >= at.since_ns)
    compiled = compiler(connection, Listing(), traffic)
    wanted = [] if where == EVERYTHING else [compiled.of_spans(where)]
    marks = [func.coalesce(compiled.of_spans(case), False).label(f"case_{n}") for n, case in enumerate(cases)]
    found = columns(SPANS).add_columns(SPANS.c.id, *marks).where(*traffic, SPANS.c.state == "ended", *wanted)

    top = int(connection.execute(select(func.coalesce(func.max(SPANS.c.id), 0))).scalar_one())
    new = found.where(SPANS.c.id > at.after, SPANS.c.id <= top).order_by(SPANS.c.id).limit(limit)
    rows = connection.execute(new).mappings().all()
    is_last = len(rows) < limit
    upto = max(top, at.after) if is_last else int(rows[-1]["id"])

    # One that is taken for lost may still turn out to have ended.
    open_now = and_(SPANS.c.state != "ended", SPANS.c.id > at.after, SPANS.c.id <= upto)
    waits = frozenset(connection.execute(select(SPANS.c.id).where(open_now)).scalars())
    is_open = exists().where(SPANS.c.id == MONITOR_WAITS.c.span, SPANS.c.state != "ended")
    mine = select(MONITOR_WAITS.c.span).where(MONITOR_WAITS.c.monitor == at.monitor, ~is_open).limit(_SOME)
    settled = frozenset(connection.execute(mine).scalars())
    if settled:
        rows = [*connection.execute(found.where(SPANS.c.id.in_(settled))).mappings(), *rows]
    whole = with_records(connection, rows)
    return Page(
        candidates=[_candidate(row, len(cases)) for row in whole],
        upto=upto,
        is_last=is_last and len(settled) < _SOME,
        waits=waits,
        settled=settled,
    )


def _candidate(row: dict[str, Any], cases: int) -> Candidate:
    number = cast("int", row.pop("id"))
    marks = tuple(bool(row.pop(f"case_{n}")) for n in range(cases))
    return Candidate(number=number, span=span_of(row), cases=marks)


def judged(connection: Connection, monitor: str, trace_ids: Sequence[str]) -> set[tuple[str, str, str, str]]:
    """Return what a monitor has scored of traces: project, trace, span and version of the scorer."""
    key = (SCORES.c.project, SCORES.c.trace_id, SCORES.c.span_id, SCORES.c.scorer_version)
    found: set[tuple[str, str, str, str]] = set()
    wanted = sorted(set(trace_ids))
    for start in range(0, len(wanted), _SOME):
        of_these = SCORES.c.trace_id.in_(wanted[start : start + _SOME])
        rows = connection.execute(select(*key).where(of_these, SCORES.c.monitor == monitor).distinct())
        found.update((str(a), str(b), str(c), str(d)) for a, b, c, d in rows)
    return found


def keep(
    connection: Connection,
    at: Place,
    page: Page,
    logs: Sequence[tuple[LogRecord, str]],
    *,
    queue: str | None = None,
) -> Place:
    """Write what a monitor found in a page, and that it has come so far: both or neither.

    Args:
        connection: One that may write.
        at: How far it had come.
        page: What it looked at.
        logs: Its scores, each with its project.
        queue: What its scores wait in for a collector; `None` where there is none.

    Returns:
        How far it has come now.

    Raises:
        StoreError: Another process runs the same monitor.
    """
    moved = connection.execute(
        update(MONITORS).where(MONITORS.c.name == at.monitor, MONITORS.c.after == at.after).values(after=page.upto)
    )
    if moved.rowcount != 1:
        raise StoreError(f"another process runs the monitor {at.monitor!r} over this store: end one of the two")
    write_logs(connection, logs)
    if queue is not None:
        note(connection, queue, logs)
    waits = MONITOR_WAITS.c.monitor == at.monitor
    if page.settled:
        connection.execute(delete(MONITOR_WAITS).where(waits, MONITOR_WAITS.c.span.in_(page.settled)))
    if page.waits:
        rows = [{"monitor": at.monitor, "span": number} for number in sorted(page.waits)]
        connection.execute(MONITOR_WAITS.insert(), rows)
    return replace(at, after=page.upto)


def verdicts(
    connection: Connection,
    monitor: str,
    *,
    since_ns: int = 0,
    until_ns: int | None = None,
    project: str | None = None,
    after: int = 0,
) -> list[RowMapping]:
    """Return the scores of a monitor with what is told of their spans, in the order of the spans' beginnings.

    Args:
        connection: To the store.
        monitor: Its name.
        since_ns: When the spans began at the earliest.
        until_ns: Before when they began.
        project: Only this project.
        after: Only scores with a higher number.
    """
    of_span = and_(
        SPANS.c.trace_id == SCORES.c.trace_id,
        SPANS.c.project == SCORES.c.project,
        SPANS.c.span_id == SCORES.c.span_id,
    )
    told = ("id", "name", "value", "passed", "error_type", "scorer_version", "weight", "trace_id", "span_id", "project")
    found = (
        select(*(SCORES.c[name] for name in told), SPANS.c.start_ns, SPANS.c.op, SPANS.c.model, SPANS.c.release)
        .join(SPANS, of_span)
        .where(SCORES.c.monitor == monitor, SPANS.c.start_ns >= since_ns)
        # Nothing is judged before it began; the index of this time spares reading all that the monitor ever said.
        .where(SCORES.c.time_ns >= since_ns - _CLOCKS_DIFFER_NS)
        .order_by(SPANS.c.start_ns, SCORES.c.id)
    )
    if until_ns is not None:
        found = found.where(SPANS.c.start_ns < until_ns)
    if project is not None:
        found = found.where(SCORES.c.project == project)
    if after:
        found = found.where(SCORES.c.id > after)
    return list(connection.execute(found).mappings())


def models_of(connection: Connection, trace_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the models that were called in traces, several with a comma between; by trace id."""
    found: dict[str, set[str]] = {}
    wanted = sorted(set(trace_ids))
    for start in range(0, len(wanted), _SOME):
        of_these = SPANS.c.trace_id.in_(wanted[start : start + _SOME])
        rows = connection.execute(
            select(SPANS.c.trace_id, SPANS.c.model).where(of_these, SPANS.c.model.is_not(None)).distinct()
        )
        for trace_id, model in rows:
            found.setdefault(trace_id, set()).add(model)
    return {trace_id: ", ".join(sorted(models)) for trace_id, models in found.items()}


def inputs_of(
    connection: Connection, keys: Sequence[tuple[str, str, str]]
) -> Mapping[tuple[str, str, str], str | None]:
    """Return what went into spans, by project, trace and span.

    Args:
        connection: To the store.
        keys: Which spans; at most a few hundred.
    """
    wanted = set(keys)
    traces, spans = sorted({key[1] for key in wanted}), sorted({key[2] for key in wanted})
    if not wanted:
        return {}
    chosen = columns(SPANS).where(SPANS.c.trace_id.in_(traces), SPANS.c.span_id.in_(spans))
    found = (span_of(row) for row in with_records(connection, connection.execute(chosen).mappings()))
    return {key: each.input for each in found if (key := (each.project, each.trace_id, each.span_id)) in wanted}


def names(connection: Connection, *, project: str | None = None) -> list[str]:
    """Return the names of the monitors that have run, in the order of the alphabet; also of those within programs.

    Args:
        connection: To the store.
        project: Only those that scored something in this project.
    """
    found = select(SCORES.c.monitor).where(SCORES.c.monitor.is_not(None)).distinct()
    if project is not None:
        found = found.where(SCORES.c.project == project)
    scored = {str(each) for each in connection.execute(found).scalars()}
    beside = connection.execute(select(MONITORS.c.name)).scalars() if project is None else ()
    return sorted(scored.union(beside))
