"""`tracelm eval run` and `resume`: an evaluation of a module, from the command line."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import typer

from tracelm.cli.evaluations import RunId, print_run, rows, summary
from tracelm.cli.modules import named
from tracelm.cli.output import AsJson, Home, Project, as_dict, gate, print_json
from tracelm.errors import ConfigError

if TYPE_CHECKING:
    from tracelm.evals.evaluation import Evaluation
    from tracelm.evals.report import Report
    from tracelm.evals.run import EvalRun

_INTERRUPTED = 130

Baseline: TypeAlias = Annotated[
    str | None, typer.Option(help="Run that conditions of the evaluation are held against.", show_default=False)
]


def run_evaluation(
    evaluation: Annotated[str, typer.Argument(help="MODULE:NAME of the tracelm.Evaluation.", show_default=False)],
    task: Annotated[str, typer.Option(help="MODULE:NAME of what is evaluated.", show_default=False)],
    resume: Annotated[bool, typer.Option("--resume", help="Take up the newest run, if it is not complete.")] = False,
    cache: Annotated[bool, typer.Option("--cache", help="Use outputs of earlier runs of the same task.")] = False,
    baseline: Baseline = None,
    project: Annotated[str | None, typer.Option(help="Default: the evaluation's name.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Run an evaluation of a module.

    Its conditions are a gate: exit code 0 passed, 1 failed, 2 error, 3 the rows cannot tell. Exit code 1 also where a
    limit stopped it, 130 after Ctrl-C; both can be resumed.
    """
    with gate():
        _run(
            evaluation, task, project=project, home=home, as_json=as_json, resume=resume, cache=cache, baseline=baseline
        )


def resume_run(
    run: RunId,
    evaluation: Annotated[
        str | None, typer.Option(help="MODULE:NAME; default: as the run was started.", show_default=False)
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="MODULE:NAME; default: as the run was started.", show_default=False)
    ] = None,
    repeat_errors: Annotated[bool, typer.Option("--repeat-errors", help="Run again what failed, too.")] = False,
    baseline: Baseline = None,
    project: Project = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Run what is missing of a run that did not come to its end. Exit codes are those of `tracelm eval run`."""
    from tracelm.store.open import open_local

    with gate():
        with open_local(home=home) as store:  # only who recorded it can go on with it
            stored = store.run(run, project=project)
        settings: Any = stored.provenance.get("settings")
        known = cast("dict[str, Any]", settings) if isinstance(settings, dict) else {}
        judge, called = evaluation or known.get("evaluation"), task or known.get("task")
        if not (isinstance(judge, str) and isinstance(called, str)):
            raise ConfigError(
                f"run {stored.run_id} was not started by `tracelm eval run`: "
                "say --evaluation MODULE:NAME --task MODULE:NAME"
            )
        _run(
            judge,
            called,
            project=stored.project,
            home=home,
            as_json=as_json,
            resume=stored.run_id,
            repeat_errors=repeat_errors,
            baseline=baseline,
        )


def _run(
    evaluation: str,
    task: str,
    *,
    project: str | None,
    home: Path | None,
    as_json: bool,
    resume: bool | str,
    repeat_errors: bool = False,
    cache: bool = False,
    baseline: str | None,
) -> None:
    from tracelm import startup
    from tracelm.trace import runtime

    judged = _evaluation(named(evaluation))
    called = named(task)
    if runtime.active is None:  # the module may have done it
        startup.init(project or judged.name, home=home)
    beside = _baseline(judged, baseline, home)  # before the run: a name that is wrong shall not cost one
    try:
        done = judged.run(
            called,
            resume=resume,
            repeat_errors=repeat_errors,
            cache=cache,
            settings={"evaluation": evaluation, "task": task},
        )
    except KeyboardInterrupt:
        kept = judged.last_run
        if kept is not None:
            finished = sum(each.outcome != "not_run" for each in kept.results)
            typer.echo(
                f"interrupted: {finished} of {len(kept.results)} trials are kept, "
                f"tracelm eval resume {kept.run_id} runs the others",
                err=True,
            )
        raise typer.Exit(_INTERRUPTED) from None
    report = done.report(baseline=beside)
    _print(done, report, as_json=as_json)
    if not done.is_complete:
        raise typer.Exit(1)
    if report.checks is not None:
        raise typer.Exit(report.checks.exit_code)


def _baseline(judged: "Evaluation", baseline: str | None, home: Path | None) -> "EvalRun | None":
    from tracelm.evals.conditions import AgainstBaseline, parse_conditions
    from tracelm.evals.stored import load_run
    from tracelm.store.open import open_local, open_store

    if baseline is None:
        for each in parse_conditions(judged.conditions):
            if isinstance(each, AgainstBaseline):
                raise ConfigError(f"the condition {str(each)!r} speaks of a baseline: say which with --baseline RUN")
        return None
    with open_store() if home is None else open_local() as store:
        return load_run(store, store.run(baseline))


def _print(run: "EvalRun", report: "Report", *, as_json: bool) -> None:
    from tracelm.store.open import open_local

    with open_local() as store:  # where this process recorded it
        stored = store.run(run.run_id)
    if not as_json:
        print_run(run, stored, report)
        return
    found: dict[str, Any] = {"run": as_dict(stored), "summary": summary(run), "rows": rows(run)}
    if report.checks is not None:
        found["answer"] = report.checks.answer
        found["conditions"] = [asdict(each) for each in report.checks.results]
    print_json(found)


def _evaluation(found: Any) -> "Evaluation":
    from tracelm.evals.evaluation import Evaluation

    made = found() if callable(found) else found
    if not isinstance(made, Evaluation):
        raise ConfigError(f"a {type(made).__name__} is no evaluation: name a tracelm.Evaluation, or what makes one")
    return made
