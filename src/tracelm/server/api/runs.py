"""Evaluation runs: the list, one with its rows, and two side by side."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final, TypeAlias

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from tracelm.evals.compare import compare
from tracelm.evals.measured import Measured
from tracelm.evals.run import RowResult
from tracelm.evals.stored import places_of, results
from tracelm.evals.stored_run import stored_run
from tracelm.evals.stored_summary import summarized_run
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import Figure, ScoreLine, plain, score_line
from tracelm.server.api.listing import Page, SinceNs, UntilNs, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, Model, Moment, ProjectName
from tracelm.store import run_queries
from tracelm.store.paging import cursor, read_cursor
from tracelm.store.stored import StoredRun

router: Final = APIRouter(prefix=PREFIX, tags=["runs"], responses=PROBLEMS)
RunId: TypeAlias = Annotated[str, Path(min_length=4, max_length=64, pattern="^[0-9A-Za-z_-]+$")]
_PREVIEW: Final = 4_000


class RunLine(Model):
    """A run."""

    project: str
    run_id: str
    name: str | None
    dataset: str | None
    dataset_digest: str | None
    dataset_version: str | None
    rows: int | None
    trials: int | None
    start_ns: Moment
    end_ns: Moment | None = Field(description="Null: it still runs, or its process died.")
    status: str
    status_message: str | None
    trace_id: str | None
    task: str | None
    task_version: str | None
    stopped: str | None = Field(description="The limit that ended it early.")
    done: int
    row_errors: int
    cost_usd: Figure
    tokens: int
    means: dict[str, Figure]
    provenance: dict[str, Any] = Field(description="What the run was made of.")


class SummaryLine(Model):
    """One score of a run: its mean with a 95 % interval."""

    score: str
    n: int
    scored: int
    errors: int
    mean: Figure
    se: Figure
    low: Figure
    high: Figure
    lower_is_better: bool


class Run(RunLine):
    """A run with its summary."""

    summary: list[SummaryLine]
    outcomes: dict[str, int] = Field(description="How many trials had which outcome.")


class RowScore(Model):
    """The verdict of one scorer on one trial."""

    value: bool | Figure | str
    passed: bool | None
    explanation: str | None


class TrialLine(Model):
    """One row and trial that was run, without its contents: the span has them."""

    project: str
    run_id: str
    row_index: int
    trial: int
    row_digest: str | None
    trace_id: str
    span_id: str
    outcome: str
    error: str | None
    latency_s: Figure
    cost_usd: Figure
    is_exact: bool = Field(description="Whether the output was recorded as the task returned it.")
    end_ns: Moment


class RunRow(Model):
    """What one trial of one row gave."""

    row: int
    trial: int
    row_digest: str | None
    outcome: str
    error: str | None
    inputs: Any = Field(description="The row, as far as it was recorded; cut text where it is long.")
    output: Any = Field(description="What the task returned, as far as it was recorded; cut text where it is long.")
    latency_s: Figure
    cost_usd: Figure
    trace_id: str | None
    scores: dict[str, RowScore]


class Difference(Model):
    """What a comparison found about one score, as `tracelm.evals` has it."""

    name: str
    n: int
    unscored: int
    mean: Figure
    baseline_mean: Figure
    difference: Figure
    se: Figure
    low: Figure
    high: Figure
    p_value: Figure
    p_adjusted: Figure
    effect_size: Figure
    detectable: Figure
    difference_if_failed: Figure
    not_worse: bool | None
    margin: Figure
    better: int
    worse: int
    same: int
    lower_is_better: bool
    verdict: str
    why: str


class Pair(Model):
    """One row that both runs have; the values are means over its trials."""

    row: int
    baseline_row: int
    values: dict[str, Figure]
    baseline_values: dict[str, Figure]


class Comparison(Model):
    """A run beside its baseline, over the rows that both have."""

    run_id: str
    baseline_run_id: str
    differences: list[Difference]
    pairs: list[Pair] = Field(description="At most 10,000.")
    only_in_run: list[int]
    only_in_baseline: list[int]
    left_out: dict[str, str] = Field(description="Scores that are not compared, with the reason.")


@router.get("/runs")
def list_runs(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    name: Annotated[str | None, Query(max_length=1_000, description="Only of this evaluation.")] = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[RunLine]:
    """List runs, the newest first."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(
        lambda: store.runs(project=wanted, name=name, since_ns=since_ns, until_ns=until_ns, after=after, limit=limit),
        caller,
    )
    return Page(items=[RunLine(**_columns(each)) for each in found], next=found.next)


@router.get("/runs/{run_id}")
def show_run(request: Request, caller: Reader, run_id: RunId, project: ProjectName = None) -> Run:
    """Show a run: each score's mean with its interval, and what it was made of."""
    store = store_of(request)
    stored = store.run(run_id, project=project_for(caller, project))
    measured = summarized_run(store, stored)
    outcomes: dict[str, int] = {}
    for each in measured.results:
        outcomes[each.outcome] = outcomes.get(each.outcome, 0) + 1
    summary = [
        SummaryLine(
            score=line.name,
            n=line.n,
            scored=line.scored,
            errors=line.errors,
            lower_is_better=measured.less_is_better(line.name),
            **{name: getattr(line.interval, name, None) for name in ("mean", "se", "low", "high")},
        )
        for line in measured.lines
    ]
    return Run(**_columns(stored), summary=summary, outcomes=outcomes)


@router.get("/runs/{run_id}/trials")
def list_trials(
    request: Request,
    caller: Reader,
    run_id: RunId,
    project: ProjectName = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[TrialLine]:
    """List what became of the rows and trials of a run that were run, in the order of the dataset."""
    store = store_of(request)
    run = store.run(run_id, project=project_for(caller, project))
    found = listed(lambda: store.trials(run.run_id, project=run.project, after=after, limit=limit), caller)
    return Page(items=[TrialLine.model_validate(each) for each in found], next=found.next)


@router.get("/runs/{run_id}/scores")
def list_run_scores(
    request: Request,
    caller: Reader,
    run_id: RunId,
    project: ProjectName = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[ScoreLine]:
    """List the scores of a run that count, the earliest first: one verdict of a scorer a row and trial."""
    store = store_of(request)
    run = store.run(run_id, project=project_for(caller, project))
    found = listed(lambda: store.run_scores(run.run_id, project=run.project, after=after, limit=limit), caller)
    return Page(items=[score_line(each) for each in found], next=found.next)


@router.get("/runs/{run_id}/rows")
def list_rows(
    request: Request,
    caller: Reader,
    run_id: RunId,
    project: ProjectName = None,
    outcome: Annotated[str | None, Query(max_length=50, description="Only trials with this outcome.")] = None,
    row: Annotated[int | None, Query(ge=0, lt=2**31, description="Only trials of this row, from 0.")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[RunRow]:
    """List the rows and trials of a run, in the order of the dataset; also those that were not run."""
    store = store_of(request)
    stored = store.run(run_id, project=project_for(caller, project))
    with store.reading() as connection:
        known = run_queries.outcomes(connection, stored.run_id, project=stored.project)
        became = {(each, trial): outcome for each, trial, outcome in known}
        chosen = [
            place
            for place in places_of(stored, became)
            if (outcome is None or became.get(place, "not_run") == outcome) and (row is None or place[0] == row)
        ]
        asked = ("rows of a run", stored.run_id, stored.project, outcome, row)
        page, following = listed(lambda: _cut(chosen, after, limit, asked), caller)
        numbers = {number for number, _ in page}
        trials = run_queries.trials(connection, stored.run_id, project=stored.project, rows=numbers)
        scores = run_queries.run_scores(connection, stored.run_id, project=stored.project, rows=numbers)
    done = {(each.row, each.trial): each for each in results(trials, scores)}
    inputs = {(each.row_index, each.trial): each.input for each in trials}
    rows = [
        RunRow(
            row=each.row,
            trial=each.trial,
            row_digest=each.row_digest,
            outcome=each.outcome,
            error=each.error,
            inputs=_short(inputs.get((each.row, each.trial))),
            output=_short(each.output),
            latency_s=each.latency_s,
            cost_usd=each.cost_usd,
            trace_id=each.trace_id,
            scores={
                name: RowScore(value=score.value, passed=score.passed, explanation=score.explanation)
                for name, score in each.scores.items()
            },
        )
        for each in (done.get(place) or RowResult(row=place[0], trial=place[1]) for place in page)
    ]
    return Page(items=rows, next=following)


@router.get("/runs/{run_id}/compare/{baseline_id}")
def compare_runs(
    request: Request,
    caller: Reader,
    run_id: RunId,
    baseline_id: RunId,
    project: ProjectName = None,
    margin: Annotated[float | None, Query(ge=0, le=1e12, allow_inf_nan=False)] = None,
) -> Comparison:
    """Compare two runs row by row: what became better, what worse, and what nobody can tell."""
    store = store_of(request)
    wanted = project_for(caller, project)
    run, baseline = (stored_run(store, store.run(each, project=wanted)) for each in (run_id, baseline_id))
    found = compare(run, baseline, margin=margin)
    names = [each.name for each in found.differences]
    known = Difference.model_fields
    rows, baseline_rows = _by_row(run), _by_row(baseline)
    return Comparison(
        run_id=run.run_id,
        baseline_run_id=baseline.run_id,
        differences=[
            Difference(**{name: value for name, value in asdict(each).items() if name in known})
            for each in found.differences
        ],
        pairs=[
            Pair(
                row=row,
                baseline_row=other,
                values=_means(run, rows[row], names),
                baseline_values=_means(baseline, baseline_rows[other], names),
            )
            for row, other in found.pairs[:10_000]
        ],
        only_in_run=list(found.only_in_run),
        only_in_baseline=list(found.only_in_baseline),
        left_out=dict(found.left_out),
    )


def _columns(run: StoredRun) -> dict[str, Any]:
    found = {name: getattr(run, name) for name in RunLine.model_fields}
    return found | {"means": dict(run.means), "provenance": plain(run.provenance)}


def _cut(
    found: Sequence[tuple[int, int]], after: str | None, limit: int, asked: Sequence[object]
) -> tuple[Sequence[tuple[int, int]], str | None]:
    """Return a page of the rows and trials of a run, which are in order, and the cursor of the next one.

    Raises:
        StoreError: The cursor belongs to another query.
    """
    if after is not None:
        value, trial = read_cursor(after, asked)
        found = [each for each in found if each > (value or 0, trial)]
    page = found[:limit]
    return page, cursor(*page[-1], asked) if len(found) > limit else None


def _short(value: Any) -> Any:
    """Return a value for a table: whole while it is small, else the beginning of its JSON."""
    held = plain(value)
    text = held if isinstance(held, str) else orjson.dumps(held).decode()
    return held if len(text) <= _PREVIEW else f"{text[:_PREVIEW]}…"


def _by_row(run: Measured) -> Mapping[int, Sequence[RowResult]]:
    found: dict[int, list[RowResult]] = defaultdict(list)
    for each in run.results:
        found[each.row].append(each)
    return found


def _means(run: Measured, of_row: Sequence[RowResult], names: Sequence[str]) -> dict[str, float | None]:
    """Return the mean over the trials of a row, by score."""
    found: dict[str, float | None] = {}
    for name in names:
        values = [value for each in of_row if (value := run.value(each, name)) is not None]
        found[name] = sum(values) / len(values) if values else None
    return found
