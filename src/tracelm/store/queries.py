"""The store's questions, one statement each where it can be. All read; none writes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeVar, cast

import orjson
from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from tracelm import semconv
from tracelm.errors import StoreError
from tracelm.store.contents import KEPT, with_records
from tracelm.store.listing import ALL, Listing, Wanted, between, columns, compiler, conditions, limits, matches, order
from tracelm.store.narrowing import narrowed
from tracelm.store.outline import Outline, Outlines
from tracelm.store.paging import Order, Page, cursor, read_cursor
from tracelm.store.results import Rows
from tracelm.store.stored import StoredProject, StoredRun, StoredSpan, StoredTrace
from tracelm.store.stored_trial import StoredTrial
from tracelm.store.tables import LINKS, LOGS, PROJECTS, RUNS, SCORES, SPANS, TRACES, TRIALS
from tracelm.store.tree import PlacedSpan, TracePage, TraceTree
from tracelm.store.verdicts import StoredDecision, StoredScore

_Number = TypeVar("_Number", int, float)


_LARGEST_PAGE: Final = 10_000  # as many values as one statement takes, and more than anybody reads
_SHORTEST: Final = 4  # characters of an id that may stand for it
_LAST: Final = "\U0010ffff"
_RECORD: Final = tuple(SPANS.c[name] for name in KEPT)
_EVALUATION: Final = or_(SCORES.c.source.is_(None), SCORES.c.source == "eval")
COUNTED: Final = and_(
    TRIALS.c.run_id == SCORES.c.run_id,
    TRIALS.c.project == SCORES.c.project,
    TRIALS.c.row_index == SCORES.c.row_index,
    TRIALS.c.trial == func.coalesce(SCORES.c.trial, 0),
    TRIALS.c.trace_id == SCORES.c.trace_id,
)
"""Which scores of a run count: not those of a trial that was begun, and done again after its process had died."""


def projects(connection: Connection) -> Rows[StoredProject]:
    """Return the projects, the one with the newest trace first."""
    of_project = (
        select(TRACES.c.project, func.count().label("traces"), func.max(TRACES.c.start_ns).label("newest"))
        .group_by(TRACES.c.project)
        .subquery()
    )
    found = connection.execute(
        select(PROJECTS.c.name, func.coalesce(of_project.c.traces, 0), of_project.c.newest)
        .outerjoin(of_project, of_project.c.project == PROJECTS.c.name)
        .order_by(of_project.c.newest.is_(None), of_project.c.newest.desc(), PROJECTS.c.name)
    )
    return Rows(StoredProject, (StoredProject(name=name, traces=n, last_start_ns=newest) for name, n, newest in found))


def traces(connection: Connection, wanted: Wanted, listing: Listing) -> Rows[StoredTrace]:
    """Return a page of the traces whose columns equal those of `wanted`."""
    _check(connection, wanted["project"], listing.limit)
    of_project = matches(SPANS, {"project": wanted["project"]})
    within = [*of_project, *between(SPANS.c.start_ns, listing.since_ns, None)]  # a trace begins with its first span
    compiled = compiler(connection, listing, within)
    page, by = listing.page("traces", wanted), order(TRACES, wanted, listing)
    where = conditions(listing, compiled.of_traces)
    chosen = page.choose(
        _trace_query(), by, narrowed(connection, listing, page, by, limits(TRACES, wanted, listing), where)
    )
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredTrace, map(_trace, rows), next=following)


def trace(connection: Connection, trace_id: str, *, project: str | None) -> TraceTree:
    """Return one whole trace, also where its parts belong to several projects."""
    summary = _summary(connection, trace_id, project=project)
    of_trace = {"project": project, "trace_id": summary.trace_id}
    return TraceTree.build(
        summary,
        spans(connection, of_trace),
        tuple(reversed(scores(connection, of_trace))),
        tuple(reversed(decisions(connection, of_trace))),
    )


def trace_page(
    connection: Connection, outlines: Outlines, trace_id: str, *, project: str | None, after: str | None, limit: int
) -> TracePage:
    """Return a part of one trace in tree order: its outline is looked up, and the page is read whole."""
    check_page_limit(limit)
    summary = _summary(connection, trace_id, project=project)
    asked = ("trace_page", summary.trace_id, project)
    outline = outlines.of(connection, summary.trace_id, project=project, span_count=summary.span_count)
    first = 0
    if after is not None:
        _, last = read_cursor(after, asked)
        try:
            first = outline.numbers.index(last) + 1
        except ValueError:
            raise StoreError("the span that ended the page before is not in the store any more: begin anew") from None
    end = min(first + limit, len(outline.numbers))
    shown = outline.numbers[first:end]
    rows = connection.execute(columns(SPANS).add_columns(SPANS.c.id).where(SPANS.c.id.in_(shown))).mappings()
    whole = {row.pop("id"): span_of(row) for row in with_records(connection, rows)}
    page = [
        PlacedSpan(span=whole[number], depth=depth, child_count=children)
        for number, depth, children in zip(shown, outline.depths[first:end], outline.children[first:end], strict=True)
    ]
    has_next = end < len(outline.numbers)
    return TracePage(summary=summary, spans=tuple(page), next=cursor(None, shown[-1], asked) if has_next else None)


def trace_outline(connection: Connection, outlines: Outlines, trace_id: str, *, project: str | None) -> Outline:
    """Return how the spans of one trace stand in its tree."""
    summary = _summary(connection, trace_id, project=project)
    return outlines.of(connection, summary.trace_id, project=project, span_count=summary.span_count)


def _summary(connection: Connection, trace_id: str, *, project: str | None) -> StoredTrace:
    _check(connection, project, None)
    full_id = _full_id(connection, TRACES, "trace_id", trace_id.lower(), "trace", project=project)
    wanted = _trace_query().where(TRACES.c.trace_id == full_id)
    if project is not None:
        wanted = wanted.where(TRACES.c.project == project)
    parts = [_trace(row) for row in with_records(connection, connection.execute(wanted).mappings())]
    if not parts:
        raise StoreError(f"trace {full_id} has no span in project {project!r}: leave the project out")
    return _merged(parts)


def spans(connection: Connection, wanted: Wanted, listing: Listing = ALL) -> Rows[StoredSpan]:
    """Return a page of the spans whose columns equal those of `wanted`."""
    _check(connection, wanted["project"], listing.limit)
    within = limits(SPANS, wanted, listing)
    compiled = compiler(connection, listing, within)
    page, by = listing.page("spans", wanted), order(SPANS, wanted, listing)
    where = conditions(listing, compiled.of_spans)
    chosen = page.choose(columns(SPANS), by, narrowed(connection, listing, page, by, within, where))
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredSpan, map(span_of, rows), next=following)


def spans_by_id(connection: Connection, ids: Collection[tuple[str, str]], *, project: str | None) -> Rows[StoredSpan]:
    """Return the spans with these trace and span ids, in no order; those that are not there are left out."""
    of_ids = tuple_(SPANS.c.trace_id, SPANS.c.span_id).in_(list(ids))
    found = columns(SPANS).where(of_ids, *matches(SPANS, {"project": project}))
    rows = with_records(connection, connection.execute(found).mappings())
    return Rows(StoredSpan, map(span_of, rows))


def spans_of_trace(
    connection: Connection, trace_id: str, span_ids: Collection[str], *, project: str | None
) -> Rows[StoredSpan]:
    """Return these spans of a trace, in no order; those that are not there are left out."""
    wanted = matches(SPANS, {"project": project, "trace_id": trace_id})
    found = columns(SPANS).where(SPANS.c.span_id.in_(span_ids), *wanted)
    rows = with_records(connection, connection.execute(found).mappings())
    return Rows(StoredSpan, map(span_of, rows))


def linked(connection: Connection, trace_id: str, wanted: Wanted, listing: Listing) -> Rows[StoredSpan]:
    """Return a page of the spans that have a link to a span of a trace, and whose columns equal those of `wanted`."""
    _check(connection, wanted["project"], listing.limit)
    points_there = exists().where(
        LINKS.c.linked_trace_id == trace_id,
        LINKS.c.trace_id == SPANS.c.trace_id,
        LINKS.c.project == SPANS.c.project,
        LINKS.c.span_id == SPANS.c.span_id,
    )
    page, by = listing.page("linked", {**wanted, "trace_id": trace_id}), order(SPANS, {}, listing)
    chosen = page.choose(columns(SPANS), by, [points_there, *matches(SPANS, wanted)])
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredSpan, map(span_of, rows), next=following)


def genai_spans(
    connection: Connection, *, project: str | None, since_ns: int, after: int, limit: int
) -> list[tuple[int, StoredSpan]]:
    """Return ended spans with a GenAI operation, in the order in which they came, each with its number in the store.

    Args:
        connection: To the store.
        project: What they belong to; `None` for all.
        since_ns: When they began at the earliest.
        after: The number of the last one of the page before; 0 for the first page.
        limit: How many make a page.
    """
    _check(connection, project, limit)
    found = (
        _filtered(SPANS, {"project": project, "state": "ended"})
        .add_columns(SPANS.c.id)
        .where(SPANS.c.operation.is_not(None), SPANS.c.start_ns >= since_ns, SPANS.c.id > after)
        .order_by(SPANS.c.id)
        .limit(limit)
    )
    rows = with_records(connection, connection.execute(found).mappings())
    return [(row.pop("id"), span_of(row)) for row in rows]


def scores(connection: Connection, wanted: Wanted, listing: Listing = ALL) -> Rows[StoredScore]:
    """Return a page of the scores whose columns equal those of `wanted`."""
    _check(connection, wanted["project"], listing.limit)
    page, by = listing.page("scores", wanted), order(SCORES, wanted, listing)
    chosen = page.choose(columns(SCORES), by, limits(SCORES, wanted, listing))
    rows, following = page.read(connection.execute(chosen).mappings())
    return Rows(StoredScore, (_score(row) for row in rows), next=following)


def decisions(connection: Connection, wanted: Wanted, listing: Listing = ALL) -> Rows[StoredDecision]:
    """Return a page of what guardrails decided, where the columns equal those of `wanted`."""
    _check(connection, wanted["project"], listing.limit)
    known = [column for column in LOGS.columns if column.name not in {"id", "event_name"}]
    page, by = listing.page("decisions", wanted), order(LOGS, wanted, listing)
    within = limits(LOGS, {**wanted, "event_name": semconv.DECISION_EVENT}, listing)
    chosen = page.choose(select(*known), by, within)
    rows, following = page.read(with_records(connection, connection.execute(chosen).mappings()))
    return Rows(StoredDecision, (StoredDecision(**row) for row in rows), next=following)


def run_scores(
    connection: Connection, run_id: str, *, project: str, after: str | None, limit: int | None
) -> Rows[StoredScore]:
    """Return the scores of a run that count, the earliest first: one verdict of a scorer a row and trial."""
    check_limit(limit)
    known = [column for column in SCORES.columns if column.name != "id"]
    found = (
        select(*known).join(TRIALS, COUNTED).where(SCORES.c.run_id == run_id, SCORES.c.project == project, _EVALUATION)
    )
    page = Page(after=after, limit=limit, query=("scores of a run", run_id, project))
    by = Order(by=SCORES.c.time_ns, row=SCORES.c.id, descending=False, is_nullable=False)
    rows, following = page.read(connection.execute(page.cut(found, by)).mappings())
    return Rows(StoredScore, map(_score, rows), next=following)


def runs(connection: Connection, wanted: Wanted, listing: Listing) -> Rows[StoredRun]:
    """Return a page of the evaluation runs whose columns equal those of `wanted`."""
    _check(connection, wanted["project"], listing.limit)
    page, by = listing.page("runs", wanted), order(RUNS, wanted, listing)
    return _runs(connection, page.choose(columns(RUNS), by, limits(RUNS, wanted, listing)), page)


def run(connection: Connection, run_id: str, *, project: str | None) -> StoredRun:
    """Return one evaluation run."""
    _check(connection, project, None)
    full_id = _full_id(connection, RUNS, "run_id", run_id, "evaluation run", project=project)
    found = _runs(connection, _filtered(RUNS, {"project": project, "run_id": full_id}), ALL.page("runs", {}))
    if not found:
        raise StoreError(f"evaluation run {full_id} does not belong to project {project!r}: leave the project out")
    return found[0]


def trials(
    connection: Connection, run_id: str, *, project: str, after: str | None, limit: int | None
) -> Rows[StoredTrial]:
    """Return what became of each row and trial of a run, in the order of the dataset."""
    check_limit(limit)
    at_span = and_(
        SPANS.c.trace_id == TRIALS.c.trace_id,
        SPANS.c.project == TRIALS.c.project,
        SPANS.c.span_id == TRIALS.c.span_id,
    )
    known = [column for column in TRIALS.columns if column.name != "id"]
    found = select(*known, *_RECORD).join(SPANS, at_span).where(TRIALS.c.run_id == run_id, TRIALS.c.project == project)
    page = Page(after=after, limit=limit, query=("trials", run_id, project))
    by = Order(by=TRIALS.c.row_index, row=TRIALS.c.trial, descending=False, is_nullable=False)
    rows, following = page.read(with_records(connection, connection.execute(page.cut(found, by)).mappings()))
    return Rows(StoredTrial, (StoredTrial(**row) for row in rows), next=following)


def known_outputs(connection: Connection, task_version: str, *, project: str) -> dict[tuple[str, int], tuple[str, Any]]:
    """Return exact outputs of a version of a task, with the traces they stand in, by row digest and trial."""
    of_run = and_(RUNS.c.run_id == TRIALS.c.run_id, RUNS.c.project == TRIALS.c.project)
    at_span = and_(
        SPANS.c.trace_id == TRIALS.c.trace_id,
        SPANS.c.project == TRIALS.c.project,
        SPANS.c.span_id == TRIALS.c.span_id,
    )
    known = [column for column in TRIALS.columns if column.name != "id"]
    found = (
        select(*known, *_RECORD)
        .join(RUNS, of_run)
        .join(SPANS, at_span)
        .where(RUNS.c.task_version == task_version, RUNS.c.project == project, TRIALS.c.is_exact)
        .order_by(TRIALS.c.end_ns)
    )
    stored = (StoredTrial(**row) for row in with_records(connection, connection.execute(found).mappings()))
    return {(each.row_digest or "", each.trial): (each.trace_id, each.output) for each in stored}


def _runs(connection: Connection, wanted: Select[Any], page: Page) -> Rows[StoredRun]:
    chosen = wanted.subquery()
    of_run = and_(TRIALS.c.run_id == chosen.c.run_id, TRIALS.c.project == chosen.c.project)
    its_trace = and_(TRACES.c.trace_id == TRIALS.c.trace_id, TRACES.c.project == TRIALS.c.project)
    failed = TRIALS.c.outcome.in_(("task_error", "timeout"))
    totals: dict[tuple[str, str], dict[str, Any]] = {
        (run_id, project): {"done": done, "row_errors": errors or 0, "cost_usd": cost, "tokens": tokens or 0}
        for run_id, project, done, errors, cost, tokens in connection.execute(
            select(
                TRIALS.c.run_id,
                TRIALS.c.project,
                func.count(),
                func.sum(case((failed, 1), else_=0)),
                func.sum(TRACES.c.cost_usd),
                func.sum(func.coalesce(TRACES.c.input_tokens, 0) + func.coalesce(TRACES.c.output_tokens, 0)),
            )
            .join(chosen, of_run)
            .outerjoin(TRACES, its_trace)
            .group_by(TRIALS.c.run_id, TRIALS.c.project)
        )
    }
    means: dict[tuple[str, str], dict[str, float]] = {}
    for run_id, project, name, mean in connection.execute(
        select(SCORES.c.run_id, SCORES.c.project, SCORES.c.name, func.avg(SCORES.c.value))
        .join(TRIALS, COUNTED)
        .join(chosen, of_run)
        .where(_EVALUATION, SCORES.c.value.is_not(None))
        .group_by(SCORES.c.run_id, SCORES.c.project, SCORES.c.name)
        .order_by(SCORES.c.name)
    ):
        means.setdefault((run_id, project), {})[name] = mean
    nothing: dict[str, Any] = {"done": 0, "row_errors": 0, "cost_usd": None}
    rows, following = page.read(connection.execute(wanted).mappings())
    return Rows(
        StoredRun,
        (
            StoredRun(
                **{**row, "provenance": _details(row["provenance"])},
                **totals.get((row["run_id"], row["project"]), nothing),
                means=means.get((row["run_id"], row["project"]), {}),
            )
            for row in rows
        ),
        next=following,
    )


def _trace_query() -> Select[Any]:
    at_root = and_(
        SPANS.c.trace_id == TRACES.c.trace_id,
        SPANS.c.project == TRACES.c.project,
        SPANS.c.span_id == TRACES.c.root_span_id,
    )
    known = [column for column in TRACES.columns if column.name != "id"]
    return select(*known, *_RECORD).join(SPANS, at_root)


def _filtered(table: Table, wanted: Wanted) -> Select[Any]:
    return columns(table).where(*matches(table, wanted))


def _check(connection: Connection, project: str | None, limit: int | None) -> None:
    check_limit(limit)
    check_project(connection, project)


def check_limit(limit: int | None) -> None:
    """Raise `ValueError` for a list that would have nothing."""
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit} finds nothing: give a number from 1 up, or None for all")


def check_page_limit(limit: int) -> None:
    """Raise `ValueError` for a page of a trace that would have nothing, or too much."""
    if not 1 <= limit <= _LARGEST_PAGE:
        raise ValueError(f"limit={limit}: a page of a trace has from 1 to {_LARGEST_PAGE:,} spans")


def check_project(connection: Connection, project: str | None) -> None:
    """Raise `StoreError` when the store does not know the project."""
    if project is None:
        return
    if connection.execute(select(PROJECTS.c.name).where(PROJECTS.c.name == project)).first():
        return
    refuse_project(project, projects(connection))


def refuse_project(project: str, known: Iterable[StoredProject]) -> NoReturn:
    """Raise `StoreError` for a project that is none of those that are known."""
    names = [repr(each.name) for each in known]
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    raise StoreError(
        f"no project {project!r} in this store; it has {shown}"
        if names
        else f"no project {project!r}: nothing is recorded in this store yet"
    )


def check_prefix(given: str) -> str:
    """Return the beginning of an id, without blanks around it.

    Raises:
        StoreError: It is too short to stand for one.
    """
    prefix = given.strip()
    if len(prefix) < _SHORTEST:
        raise StoreError(f"{given!r} is too short for an id: give at least {_SHORTEST} of its first characters")
    return prefix


def no_such_id(given: str, what: str) -> StoreError:
    """Return the error that no trace or run has an id that begins so."""
    return StoreError(f"no {what} has an id that begins with {given!r} in this store")


def _full_id(
    connection: Connection, table: Table, column: str, given: str, what: str, *, project: str | None = None
) -> str:
    """Return the id that `given` is, or is the beginning of: of the project, else of another one.

    What other projects hold is looked at where this one has nothing only: it must not make an id ambiguous for somebody
    who may not know of it.
    """
    prefix = check_prefix(given)
    name = table.c[column]
    query = select(name).distinct().where(name >= prefix, name < prefix + _LAST).order_by(name).limit(4)
    ids: Sequence[str] = []
    if project is not None:
        named = func.coalesce(table.c.project, "")  # not by the index of projects: SQLite would read all of one
        ids = connection.execute(query.where(named == project)).scalars().all()
    ids = ids or connection.execute(query).scalars().all()
    if not ids:
        raise no_such_id(given, what)
    if len(ids) > 1 and ids[0] != prefix:
        raise StoreError(f"several begin with {given!r}: {', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}")
    return ids[0]


def span_of(row: dict[str, Any]) -> StoredSpan:
    """Return a row of `spans`, with its record put together, as a span."""
    known: dict[str, Any] = {**row, "tags": _tags(row["tags"])}
    return StoredSpan(**known)


def _trace(row: dict[str, Any]) -> StoredTrace:
    known: dict[str, Any] = {**row, "tags": _tags(row["tags"])}
    return StoredTrace(**known)


def _tags(text: str | None) -> tuple[str, ...]:
    return tuple(orjson.loads(text)) if text else ()


def _score(row: RowMapping | dict[str, Any]) -> StoredScore:
    known: dict[str, Any] = {**row, "details": _details(row["details"])}
    return StoredScore(**known)


def _merged(parts: Sequence[StoredTrace]) -> StoredTrace:
    """Return the summary of a trace whose parts belong to several projects."""
    first = min(parts, key=lambda part: (part.root.parent_span_id is not None, part.start_ns))
    start_ns, end_ns = min(part.start_ns for part in parts), max(part.end_ns for part in parts)
    return replace(
        first,
        start_ns=start_ns,
        end_ns=end_ns,
        duration_ns=max(0, end_ns - start_ns),
        span_count=sum(part.span_count for part in parts),
        error_count=sum(part.error_count for part in parts),
        state=max((part.state for part in parts), key=("ended", "lost", "in flight").index),
        input_tokens=_sum(part.input_tokens for part in parts),
        output_tokens=_sum(part.output_tokens for part in parts),
        cost_usd=_sum(part.cost_usd for part in parts),
    )


def _sum(values: Iterable[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], start=known[0]) if known else None


def _details(text: str | None) -> dict[str, Any]:
    try:
        found: Any = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:  # cut at the limit for an attribute
        return {"text": text}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {"value": found}
