"""`tracelm eval compare`: a recorded run beside its baseline, and a gate for continuous integration.

Exit codes: 0 when nothing was asked for or all holds, 1 when something does not hold, 2 for an error, 3 when the rows
cannot tell.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelm.cli.output import AsJson, Home, Project, gate, open_home

if TYPE_CHECKING:
    from tracelm.evals.gates import Checks
    from tracelm.evals.report import Report


class Format(StrEnum):
    """What the command prints or writes."""

    text = "text"
    markdown = "markdown"
    json = "json"
    junit = "junit"
    html = "html"


def compare(
    run: Annotated[str, typer.Argument(help="Id of a run, or its first characters.")],
    baseline: Annotated[str, typer.Argument(help="Id of the run to compare with.")],
    on: Annotated[list[str] | None, typer.Option(help="Only this score; can be repeated.", show_default=False)] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="The run must be no worse than the baseline by more than this.", show_default=False),
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option(help='A condition, such as "relevance >= 0.8"; can be repeated.', show_default=False),
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="A column to show slice by slice; can be repeated.", show_default=False)
    ] = None,
    lower_is_better: Annotated[
        list[str] | None, typer.Option(help="A score of which less is better; can be repeated.", show_default=False)
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: what the ending of --output says, else text.", show_default=False),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write into this file.", show_default=False)] = None,
    step_summary: Annotated[
        bool, typer.Option("--step-summary", help="Add it to the summary of a GitHub Actions step.")
    ] = False,
    project: Project = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Compare two recorded runs row by row: what became better, what worse, and what nobody can tell.

    With --margin or --check it is a gate: exit code 0 passed, 1 failed, 2 error, 3 the rows cannot tell.
    """
    with gate(OSError):
        report = _report(
            home=home,
            project=project,
            ids=(run, baseline),
            on=on,
            margin=margin,
            check=check or [],
            by=by or [],
            lower_is_better=lower_is_better or [],
            with_rows=form is Format.html or (output is not None and output.suffix.lower() == ".html"),
        )
        if output is not None:
            report.save(output, form=None if form is None else form.value)
        if step_summary and not report.to_step_summary():
            typer.echo("GITHUB_STEP_SUMMARY is not set: there is no summary to add to", err=True)
    if output is None:
        _show(report, Format.json if as_json else form or Format.text)
    if report.checks is not None:
        raise typer.Exit(report.checks.exit_code)


def _report(
    *,
    home: Path | None,
    project: str | None,
    ids: tuple[str, str],
    on: list[str] | None,
    margin: float | None,
    check: list[str],
    by: list[str],
    lower_is_better: list[str],
    with_rows: bool,
) -> "Report":
    from tracelm.evals.compare import compare as compare_runs
    from tracelm.evals.conditions import AgainstBaseline, Condition, parse_conditions
    from tracelm.evals.gates import check_conditions
    from tracelm.evals.measured import METRICS
    from tracelm.evals.report import Report
    from tracelm.evals.stored import whole_run
    from tracelm.evals.stored_run import stored_run

    conditions: list[Condition] = list(parse_conditions(check))
    named = {
        *(on or ()),
        *(each.name if isinstance(each, AgainstBaseline) else each.figure.name for each in conditions),
    }
    with open_home(home) as store:
        stored = [store.run(each, project=project) for each in ids]
        left, right = (
            whole_run(store, each, lower_is_better=lower_is_better)
            if with_rows
            else stored_run(store, each, lower_is_better=lower_is_better, with_metrics=not named.isdisjoint(METRICS))
            for each in stored
        )
    found = compare_runs(left, right, on=on or None, margin=margin)
    if margin is not None:
        conditions += [AgainstBaseline(each.name, better=False, by=margin) for each in found.differences]
    checks: Checks | None = check_conditions(left, conditions, baseline=right) if conditions else None
    return Report.of(left, comparison=found, checks=checks, by=by)


def _show(report: "Report", form: Format) -> None:
    if form is not Format.text:
        typer.echo(report.render(form.value).rstrip("\n"))
        return
    from tracelm.cli import tables

    tables.console().print(report)
