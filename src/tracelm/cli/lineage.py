"""`tracelm lineage`: what a run was made of."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from tracelm.cli.evaluations import RunId
from tracelm.cli.output import AsJson, Home, Project, open_home, print_json
from tracelm.errors import StoreError


def lineage(run: RunId, project: Project = None, as_json: AsJson = False, home: Home = None) -> None:
    """Say what an evaluation run was made of: dataset, task and scorers with versions, commit, packages, settings."""
    with open_home(home) as store:
        stored = store.run(run, project=project)
    found = dict(stored.provenance)
    if not found:
        raise StoreError(f"run {stored.run_id} does not say what it was made of: an earlier tracelm recorded it")
    if as_json:
        print_json({"run_id": stored.run_id, "project": stored.project, **found})
        return
    from rich.table import Table
    from rich.text import Text

    from tracelm.cli import tables

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))

    def line(name: str, value: object) -> None:
        table.add_row(Text(name, style="bold"), Text(tables.clean(str(value))))

    line("run", f"{stored.run_id} of {stored.name or 'evaluation'}, started {tables.moment(stored.start_ns)}")
    version = f"{found['dataset_version']}, " if found.get("dataset_version") else ""
    line("dataset", f"{found.get('dataset')} ({version}{found.get('rows')} rows, {found.get('dataset_digest')})")
    line("task", f"{found.get('task')} {found.get('task_version')}")
    model = dict(_pairs(found, "model"))
    if model:
        line("model", f"{model.get('name')} {model.get('version')} ({model.get('digest')})")
        training, trained_on = dict(_pairs(model, "training")), dict(_pairs(model, "dataset"))
        if training:
            line(
                "trained by",
                f"{training.get('id')} in project {training.get('project')}: tracelm show {training.get('trace_id')}",
            )
        if trained_on:
            line(
                "trained on",
                f"{trained_on.get('name')} {trained_on.get('version') or 'not published'} ({trained_on.get('digest')})",
            )
        if model.get("base"):
            line("trained from", model["base"])
    for name, scorer_version in _pairs(found, "scorers"):
        line("scorer", f"{name} {scorer_version}")
    for name, value in _pairs(found, "settings"):
        line("setting", f"{name} = {value}")
    commit = found.get("git_commit")
    line(
        "commit", "not in git" if commit is None else f"{commit}{' (files differed)' if found.get('git_dirty') else ''}"
    )
    line("python", f"{found.get('python')} on {found.get('platform')}")
    line("packages", ", ".join(f"{name} {version}" for name, version in _pairs(found, "packages")))
    tables.console().print(table)


def _pairs(found: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    """Return a table of a run's record, which may come from anywhere."""
    table: Any = found.get(name)
    return cast("dict[str, Any]", table).items() if isinstance(table, dict) else ()
