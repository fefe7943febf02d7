"""`tracelm eval list`, `show` and `export`: stored runs of evaluations."""

from collections.abc import Hashable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tracelm.cli.output import AsJson, Home, Limit, Project, as_dict, open_home, print_json
from tracelm.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.evals.report import Report
    from tracelm.evals.run import EvalRun
    from tracelm.store.stored import StoredRun

RunId: TypeAlias = Annotated[str, typer.Argument(help="Id of the run, or its first characters.", show_default=False)]


def list_runs(project: Project = None, limit: Limit = 20, as_json: AsJson = False, home: Home = None) -> None:
    """List evaluation runs, the newest first."""
    with open_home(home) as store:
        found = store.runs(project=project, limit=limit)
        path = store.place
    if as_json:
        print_json([as_dict(each) for each in found])
        return
    from tracelm.cli import tables

    out = tables.console()
    if not found:
        out.print(
            f"no evaluation runs yet in {path}: tracelm.Evaluation(dataset=..., scorers=[...]).run(task) makes one"
        )
        return
    out.print(tables.run_table(found))
    out.print("tracelm eval show RUN shows one with its intervals", style="dim")


def show_run(run: RunId, project: Project = None, as_json: AsJson = False, home: Home = None) -> None:
    """Show one run: each score's mean with its 95 % interval, and what failed."""
    from tracelm.evals.stored import load_run

    with open_home(home) as store:
        stored = store.run(run, project=project)
        loaded = load_run(store, stored)
    if as_json:
        print_json({"run": as_dict(stored), "summary": summary(loaded), "rows": rows(loaded)})
        return
    print_run(loaded, stored, loaded.report())


def export_run(
    run: RunId,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file: .jsonl, .csv, .parquet or .html.")],
    project: Project = None,
    home: Home = None,
) -> None:
    """Write the rows of a run into a file: outcome, output, error, latency, cost and each score.

    A file that ends in .html is a report for people: scores, slices, and the rows with their outputs.
    """
    from tracelm.evals.stored import load_run

    ending = output.suffix.lower()
    if ending == ".html":
        _write_report(run, output, project=project, home=home)
        return
    write = _WRITERS.get(ending)
    if write is None:
        known = ", ".join((*_WRITERS, ".html"))
        raise ConfigError(f"{output} ends in {output.suffix!r}: name a file that ends in {known}")
    with open_home(home) as store:
        loaded = load_run(store, store.run(run, project=project))
    write(loaded.rows, output)
    typer.echo(f"{len(loaded.rows)} rows of run {loaded.run_id} in {output}")


def _write_report(run: str, path: Path, *, project: str | None, home: Path | None) -> None:
    from tracelm.evals.report import Report
    from tracelm.evals.stored import whole_run

    with open_home(home) as store:
        stored = store.run(run, project=project)
        measured = whole_run(store, stored)
    Report.of(measured, by=measured.dividing_columns(), facts=_facts(stored)).save(path)
    typer.echo(f"report of run {stored.run_id} in {path}")


def summary(run: "EvalRun") -> list[dict[str, Any]]:
    """Return the summary as plain data, one dict a score."""
    lines = _records(run.summary)
    return [{"score": name, **line} for name, line in zip(run.summary.index, lines, strict=True)]


def rows(run: "EvalRun") -> list[dict[str, Any]]:
    """Return the rows as plain data, one dict a row and trial."""
    return _records(run.rows)


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    found: list[dict[Hashable, Any]] = frame.to_dict(orient="records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in found]


def print_run(run: "EvalRun", stored: "StoredRun", report: "Report") -> None:
    """Print a run for people; what it holds comes from models and their users, and is shown as it is."""
    from tracelm.cli import tables

    facts = _facts(stored)
    if not stored.is_complete and stored.planned is not None:
        facts.append(f"tracelm eval resume {tables.clean(stored.run_id)} runs what is missing")
    failures = [
        f"row {each.row}, trial {each.trial}, {tables.one_line(each.outcome)}: {tables.one_line(each.error or '', 200)}"
        + (f" (tracelm show {each.trace_id[: tables.SHORT_ID]})" if each.trace_id else "")
        for each in run.results
        if each.outcome not in {"scored", "not_run"}
    ]
    title = f"{tables.one_line(run.name)}: {tables.one_line(run.task)} (run {tables.clean(run.run_id)})"
    lines = [replace(each, name=tables.one_line(each.name, 200)) for each in report.lines]
    tables.console().print(replace(report, title=title, lines=lines, facts=facts, failures=failures))


def _facts(stored: "StoredRun") -> list[str]:
    """Return what the store knows of a run besides its scores, as sentences."""
    from tracelm.cli import tables

    facts = [f"started {tables.moment(stored.start_ns)}, {stored.done} of {stored.planned or '?'} trials recorded"]
    facts.append(f"dataset {tables.one_line(stored.dataset or '?')}, cost {tables.cost(stored.cost_usd)}")
    if stored.end_ns is None:
        facts.append("not finished: it still runs, or its process ended")
    elif stored.stopped is not None:
        facts.append(f"stopped: {tables.one_line(stored.stopped, 200)}")
    return facts


def _plain(value: object) -> object:
    import pandas as pd

    return None if value is pd.NA else value


def _as_text(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose outputs are text, also where they were lists or dicts."""
    import orjson

    found = frame.copy()
    values: Iterable[object] = frame["output"]
    found["output"] = [
        each if each is None or isinstance(each, str) else orjson.dumps(each, default=repr).decode() for each in values
    ]
    return found


def _write_jsonl(frame: "pd.DataFrame", path: Path) -> None:
    import orjson

    path.write_bytes(b"".join(orjson.dumps(row, default=repr) + b"\n" for row in _records(frame)))


def _write_csv(frame: "pd.DataFrame", path: Path) -> None:
    _as_text(frame).to_csv(path, index=False)


def _write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    try:
        _as_text(frame).to_parquet(path, index=False)
    except ImportError:
        raise MissingExtraError("writing Parquet", "parquet") from None


_WRITERS = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
