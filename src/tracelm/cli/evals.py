"""`tracelm evals`: evaluation runs, and one of them in numbers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from tracelm import semconv
from tracelm.cli.output import AsJson, Home, Limit, Project, as_dict, open_home, print_json

if TYPE_CHECKING:
    from tracelm.evals.report import Line
    from tracelm.store.open import Store
    from tracelm.store.stored import StoredRun, StoredScore


def evals(
    run: Annotated[str | None, typer.Argument(help="Id of a run, or its first characters.", show_default=False)] = None,
    project: Project = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List evaluation runs, or show one: each score's mean with its 95 % interval, and what failed."""
    with open_home(home) as store:
        if run is None:
            _list(store, project=project, limit=limit, as_json=as_json)
        else:
            _one(store, store.run(run, project=project), as_json=as_json)


def _list(store: "Store", *, project: str | None, limit: int, as_json: bool) -> None:
    found = store.runs(project=project, limit=limit)
    if as_json:
        print_json([as_dict(each) for each in found])
        return
    from tracelm.cli import tables

    out = tables.console()
    if not found:
        out.print(
            f"no evaluation runs yet in {store.path}: "
            "tracelm.Evaluation(dataset=..., scorers=[...]).run(task) makes one"
        )
        return
    out.print(tables.run_table(found))
    out.print("tracelm evals RUN shows one with its intervals", style="dim")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What one row and trial gave, as its root span tells."""

    row: int
    trial: int
    outcome: str
    error: str | None
    trace_id: str


def _one(store: "Store", run: "StoredRun", *, as_json: bool) -> None:
    scores = store.scores(project=run.project, run_id=run.run_id, limit=None)
    rows = _rows(store, run, scores)
    lines = _lines(run, rows, scores)
    if as_json:
        summary = [
            {"score": each.name, "n": each.n, "scored": each.scored, "errors": each.errors}
            | {name: getattr(each.interval, name, None) for name in ("mean", "se", "low", "high")}
            for each in lines
        ]
        print_json({"run": as_dict(run), "summary": summary, "rows": [asdict(each) for each in rows]})
        return
    from tracelm.cli import tables
    from tracelm.evals.report import Report

    facts = [f"started {tables.moment(run.start_ns)}, {run.done} of {_planned(run) or '?'} trials recorded"]
    facts.append(f"dataset {tables.one_line(run.dataset or '?')}, cost {tables.cost(run.cost_usd)}")
    if run.end_ns is None:
        facts.append("not finished: it still runs, or its process ended")
    failures = [
        f"row {each.row}, trial {each.trial}, {tables.one_line(each.outcome)}: "
        f"{tables.one_line(each.error or '', 200)} (tracelm show {each.trace_id[: tables.SHORT_ID]})"
        for each in rows
        if each.outcome != "scored"
    ]
    shown = [replace(each, name=tables.one_line(each.name, 200)) for each in lines]
    title = f"{tables.one_line(run.name or 'evaluation')} (run {tables.clean(run.run_id)})"
    tables.console().print(Report(title=title, lines=shown, facts=facts, failures=failures))


def _planned(run: "StoredRun") -> int | None:
    return None if run.rows is None else run.rows * (run.trials or 1)


def _rows(store: "Store", run: "StoredRun", scores: Sequence["StoredScore"]) -> list[_Row]:
    from tracelm.cli.tables import failure

    broken = {
        (score.row_index, score.trial): f"scorer {score.name!r}: {failure(score.error_type, score.explanation)}"
        for score in scores
        if score.error_type is not None
    }
    found: list[_Row] = []
    for span in store.spans(project=run.project, run_id=run.run_id, limit=None):
        row, outcome = span.attributes.get(semconv.ROW_INDEX), span.attributes.get(semconv.ROW_OUTCOME)
        if isinstance(row, int) and isinstance(outcome, str):
            given = span.attributes.get(semconv.TRIAL)
            trial = given if isinstance(given, int) else 0
            error = failure(span.error_type, span.status_message) or broken.get((row, trial))
            found.append(_Row(row=row, trial=trial, outcome=outcome, error=error, trace_id=span.trace_id))
    return sorted(found, key=lambda each: (each.row, each.trial))


def _lines(run: "StoredRun", rows: Sequence[_Row], scores: Sequence["StoredScore"]) -> "list[Line]":
    from tracelm.evals.report import Cell, summary_lines

    failed = [Cell(each.row, each.trial, None, failed=True) for each in rows if each.outcome == "task_error"]
    judged = [
        Cell(
            each.row_index or 0,
            each.trial or 0,
            each.name,
            each.label if each.value is None else each.value,
            failed=each.error_type is not None,
        )
        for each in reversed(scores)
        if each.source in {"eval", None}
    ]
    return summary_lines([*failed, *judged], n=_planned(run) or run.done)
