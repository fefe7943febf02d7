"""`tracelm store`: what a store holds, whether it is whole, what it keeps, and moving it."""

from pathlib import Path
from typing import Annotated

import typer

from tracelm.cli.output import AsJson, Home, Project, as_dict, open_home, print_json
from tracelm.store.record_files import Format

store = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after the store: size, integrity, retention, copies."
)


@store.command("stats")
def stats(as_json: AsJson = False, home: Home = None) -> None:
    """Count what the store holds, and how much space it takes."""
    with open_home(home) as opened:
        found = opened.maintenance.stats()
    if as_json:
        print_json(as_dict(found))
        return
    from tracelm.cli import tables

    tables.console().print(tables.stats_table(found))


@store.command("check")
def check(as_json: AsJson = False, home: Home = None) -> None:
    """Read all of the store, and say what is wrong; exits with 1 then."""
    with open_home(home) as opened:
        faults = opened.maintenance.check()
        place = opened.place
    if as_json:
        print_json([as_dict(fault) for fault in faults])
    elif not faults:
        typer.echo(f"{place}: every record can be put together, every piece is what its digest says, every sum adds up")
    else:
        from tracelm.cli.tables import clean

        for fault in faults:
            typer.echo(f"{fault.where}: {clean(fault.what)}. Remedy: {fault.remedy}")
    if faults:
        raise typer.Exit(1)


@store.command("vacuum")
def vacuum(home: Home = None) -> None:
    """Delete contents that no record has any more, and give free space back to the disk."""
    with open_home(home) as opened:
        before = opened.maintenance.stats().size_bytes
        count = opened.maintenance.vacuum()
        after = opened.maintenance.stats().size_bytes
    typer.echo(f"deleted {count:,} pieces of contents; {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")


@store.command("retain")
def retain(
    keep: Annotated[
        str,
        typer.Argument(
            help="What to keep: `errors 90d, rest 14d, runs 1y, size 10GB`; what is not said is kept.",
            show_default=False,
        ),
    ],
    project: Project = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Delete traces that are older than they may be, with their scores and contents."""
    with open_home(home) as opened:
        removed = opened.maintenance.retain(keep, project=project)
    if as_json:
        print_json(as_dict(removed))
    else:
        typer.echo(
            f"deleted {removed.traces:,} traces with {removed.spans:,} spans, and {removed.records:,} log records"
        )


@store.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)],
    format: Annotated[Format, typer.Option(help="Of the files.")] = "json",  # noqa: A002 - the option is called so
    project: Project = None,
    home: Home = None,
) -> None:
    """Write spans and log records into files: OTLP as JSON lines or protobuf, or Parquet."""
    with open_home(home) as opened:
        done = opened.maintenance.export(folder, format=format, project=project)
    typer.echo(f"wrote {done.spans:,} spans and {done.logs:,} log records into {folder}")
    _say_skipped(done.skipped)


@store.command("import")
def import_(
    source: Annotated[Path, typer.Argument(exists=True, help="Folder of an export, or a file.", show_default=False)],
    project: Annotated[str, typer.Option(help="Of records whose resource names none.")] = "imported",
    home: Home = None,
) -> None:
    """Read what `export` wrote, or the file exporter of OpenTelemetry's collector."""
    with open_home(home) as opened:
        done = opened.maintenance.import_(source, project=project)
    typer.echo(f"read {done.spans:,} spans and {done.logs:,} log records")
    _say_skipped(done.skipped)
    if done.skipped:
        raise typer.Exit(1)


@store.command("migrate")
def migrate(
    source: Annotated[str, typer.Argument(help="URL of the store to copy, `sqlite:///...`.", show_default=False)],
    target: Annotated[str, typer.Argument(help="URL of a new one, `postgresql://...`.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Copy a whole store into another database, and compare the two; run again, it goes on where it stopped."""
    from tracelm.store.database import open_database
    from tracelm.store.migrate import migrate as move

    moved = move(open_database(source), open_database(target))
    if as_json:
        print_json([as_dict(table) for table in moved])
        return
    for table in moved:
        typer.echo(f"{table.name:<16} {table.rows:>10,} rows  {table.digest[:16]}")
    typer.echo("counts and hashes of all tables are equal on both sides")


def _say_skipped(skipped: tuple[str, ...]) -> None:
    from tracelm.cli.tables import clean

    for reason in skipped[:10]:
        typer.echo(f"left out: {clean(reason)}", err=True)
    if len(skipped) > 10:
        typer.echo(f"and {len(skipped) - 10:,} more", err=True)
