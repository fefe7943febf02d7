"""The store's questions about evaluation runs. All read; none writes."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, or_, select

from tracelm.errors import StoreError
from tracelm.store.checks import check, check_limit, full_id
from tracelm.store.contents import KEPT, with_records
from tracelm.store.from_rows import details_of, score_of
from tracelm.store.listing import ALL, Listing, Wanted, columns, limits, matches, order
from tracelm.store.paging import Order, Page
from tracelm.store.results import Rows
from tracelm.store.stored import StoredRun
from tracelm.store.stored_trial import StoredTrial
from tracelm.store.tables import RUNS, SCORES, SPANS, TRACES, TRIALS
from tracelm.store.verdicts import StoredScore

_RECORD: Final = tuple(SPANS.c[name] for name in KEPT)
_EVALUATION: Final = or_(SCORES.c.source.is_(None), SCORES.c.source == "eval")
_AT_SPAN: Final = and_(
    SPANS.c.trace_id == TRIALS.c.trace_id,
    SPANS.c.project == TRIALS.c.project,
    SPANS.c.span_id == TRIALS.c.span_id,
)
_COUNTED: Final = and_(
    TRIALS.c.run_id == SCORES.c.run_id,
    TRIALS.c.project == SCORES.c.project,
    TRIALS.c.row_index == SCORES.c.row_index,
    TRIALS.c.trial == func.coalesce(SCORES.c.trial, 0),
    TRIALS.c.trace_id == SCORES.c.trace_id,
)
"""Which scores of a run count: not those of a trial that was begun, and done again after its process had died."""


def run_scores(
    connection: Connection,
    run_id: str,
    *,
    project: str,
    rows: Collection[int] | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Rows[StoredScore]:
    """Return the scores of a run that count, the earliest first: one verdict of a scorer a row and trial."""
    check_limit(limit)
    known = [column for column in SCORES.columns if column.name != "id"]
    found = (
        select(*known).join(TRIALS, _COUNTED).where(SCORES.c.run_id == run_id, SCORES.c.project == project, _EVALUATION)
    )
    if rows is not None:
        found = found.where(TRIALS.c.row_index.in_(rows))
    page = Page(after=after, limit=limit, query=("scores of a run", run_id, project))
    by = Order(by=SCORES.c.time_ns, row=SCORES.c.id, descending=False, is_nullable=False)
    lines, following = page.read(connection.execute(page.cut(found, by)).mappings())
    return Rows(StoredScore, map(score_of, lines), next=following)


def runs(connection: Connection, wanted: Wanted, listing: Listing) -> Rows[StoredRun]:
    """Return a page of the evaluation runs whose columns equal those of `wanted`."""
    check(connection, wanted["project"], listing.limit)
    page, by = listing.page("runs", wanted), order(RUNS, wanted, listing)
    return _runs(connection, page.choose(columns(RUNS), by, limits(RUNS, wanted, listing)), page)


def run(connection: Connection, run_id: str, *, project: str | None) -> StoredRun:
    """Return one evaluation run."""
    check(connection, project, None)
    found_id = full_id(connection, RUNS, "run_id", run_id, "evaluation run", project=project)
    named = columns(RUNS).where(*matches(RUNS, {"project": project, "run_id": found_id}))
    found = _runs(connection, named, ALL.page("runs", {}))
    if not found:
        raise StoreError(f"evaluation run {found_id} does not belong to project {project!r}: leave the project out")
    return found[0]


def outcomes(connection: Connection, run_id: str, *, project: str) -> list[tuple[int, int, str]]:
    """Return what became of each row and trial of a run, in the order of the dataset: row, trial, outcome."""
    known = (TRIALS.c.row_index, TRIALS.c.trial, TRIALS.c.outcome)
    found = select(*known).where(TRIALS.c.run_id == run_id, TRIALS.c.project == project)
    return [(row, trial, outcome) for row, trial, outcome in connection.execute(found.order_by(*known[:2]))]


class Place(NamedTuple):
    """One row and trial of a run, and the span that it is."""

    row: int
    trial: int
    outcome: str
    trace_id: str
    span_id: str


class Verdict(NamedTuple):
    """What a scorer said of one row and trial."""

    row: int
    trial: int
    name: str
    value: float | None
    label: str | None
    error_type: str | None


def places(connection: Connection, run_id: str, *, project: str) -> list[Place]:
    """Return the rows and trials of a run that were run, without what they hold; what began last comes first."""
    known = (TRIALS.c.row_index, TRIALS.c.trial, TRIALS.c.outcome, TRIALS.c.trace_id, TRIALS.c.span_id)
    found = (
        select(*known)
        .join(SPANS, _AT_SPAN)
        .where(TRIALS.c.run_id == run_id, TRIALS.c.project == project)
        .order_by(SPANS.c.start_ns.desc(), SPANS.c.id.desc())
    )
    return [Place(*line) for line in connection.execute(found).all()]


def verdicts(connection: Connection, run_id: str, *, project: str) -> list[Verdict]:
    """Return the scores of a run that count, without what is said about them; the earliest first."""
    known = (TRIALS.c.row_index, TRIALS.c.trial, *(SCORES.c[name] for name in ("name", "value", "label", "error_type")))
    found = (
        select(*known)
        .select_from(SCORES)
        .join(TRIALS, _COUNTED)
        .where(SCORES.c.run_id == run_id, SCORES.c.project == project, _EVALUATION)
        .order_by(SCORES.c.time_ns, SCORES.c.id)
    )
    return [Verdict(*line) for line in connection.execute(found).all()]


def trials(
    connection: Connection,
    run_id: str,
    *,
    project: str,
    rows: Collection[int] | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Rows[StoredTrial]:
    """Return what there is of each row and trial of a run, in the order of the dataset; of `rows` only, where given."""
    check_limit(limit)
    found = _with_spans().where(TRIALS.c.run_id == run_id, TRIALS.c.project == project)
    if rows is not None:
        found = found.where(TRIALS.c.row_index.in_(rows))
    page = Page(after=after, limit=limit, query=("trials", run_id, project))
    by = Order(by=TRIALS.c.row_index, row=TRIALS.c.trial, descending=False, is_nullable=False)
    lines, following = page.read(with_records(connection, connection.execute(page.cut(found, by)).mappings()))
    return Rows(StoredTrial, (StoredTrial(**line) for line in lines), next=following)


def known_outputs(connection: Connection, task_version: str, *, project: str) -> dict[tuple[str, int], tuple[str, Any]]:
    """Return exact outputs of a version of a task, with the traces they stand in, by row digest and trial."""
    of_run = and_(RUNS.c.run_id == TRIALS.c.run_id, RUNS.c.project == TRIALS.c.project)
    found = (
        _with_spans()
        .join(RUNS, of_run)
        .where(RUNS.c.task_version == task_version, RUNS.c.project == project, TRIALS.c.is_exact)
        .order_by(TRIALS.c.end_ns)
    )
    stored = (StoredTrial(**row) for row in with_records(connection, connection.execute(found).mappings()))
    return {(each.row_digest or "", each.trial): (each.trace_id, each.output) for each in stored}


def _with_spans() -> Select[Any]:
    """Return the trials, each with the record of its span."""
    known = [column for column in TRIALS.columns if column.name != "id"]
    return select(*known, *_RECORD).join(SPANS, _AT_SPAN)


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
        .join(TRIALS, _COUNTED)
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
                **{**row, "provenance": details_of(row["provenance"])},
                **totals.get((row["run_id"], row["project"]), nothing),
                means=means.get((row["run_id"], row["project"]), {}),
            )
            for row in rows
        ),
        next=following,
    )
