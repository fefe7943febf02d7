"""Evaluation runs: the list, one with its rows, and two side by side."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from tracelm.evals.compare import compare
from tracelm.evals.run import RowResult
from tracelm.evals.run_models import (
    Comparison,
    RunRow,
    Slices,
    SummaryLine,
    comparison_of,
    row_of,
    slices_of,
    summary_of,
)
from tracelm.evals.stored import places_of, results
from tracelm.evals.stored_run import stored_run
from tracelm.evals.stored_summary import summarized_run
from tracelm.json_model import Figure, Model, Moment, plain
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import ScoreLine, score_line
from tracelm.server.api.listing import Page, SinceNs, UntilNs, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, ProjectName
from tracelm.server.api.trained import ModelLine, model_line
from tracelm.store import run_queries
from tracelm.store.paging import cursor, read_cursor
from tracelm.store.stored import StoredRun

router: Final = APIRouter(prefix=PREFIX, tags=["runs"], responses=PROBLEMS)
RunId: TypeAlias = Annotated[str, Path(min_length=4, max_length=64, pattern="^[0-9A-Za-z_-]+$")]


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
    model: ModelLine | None = Field(description="The model that was evaluated, where the run names one.")
    provenance: dict[str, Any] = Field(description="What the run was made of.")


class Run(RunLine):
    """A run with its summary."""

    summary: list[SummaryLine]
    outcomes: dict[str, int] = Field(description="How many trials had which outcome.")


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
    return Run(**_columns(stored), summary=summary_of(measured), outcomes=outcomes)


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
        row_of(done.get(place) or RowResult(row=place[0], trial=place[1]), inputs=inputs.get(place)) for place in page
    ]
    return Page(items=rows, next=following)


@router.get("/runs/{run_id}/slices")
def list_slices(request: Request, caller: Reader, run_id: RunId, project: ProjectName = None) -> list[Slices]:
    """List the slices of a run: by each column of its dataset, or key of `metadata`, that has few different values."""
    store = store_of(request)
    run = stored_run(store, store.run(run_id, project=project_for(caller, project)))
    return [slices_of(run, each) for each in run.dividing_columns()]


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
    return comparison_of(compare(run, baseline, margin=margin))


def _columns(run: StoredRun) -> dict[str, Any]:
    found = {name: getattr(run, name) for name in RunLine.model_fields if name != "model"}
    model = model_line(run.provenance.get("model"))
    return found | {"means": dict(run.means), "model": model, "provenance": plain(run.provenance)}


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
