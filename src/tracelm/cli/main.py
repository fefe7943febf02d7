"""The command `tracelm`.

Exit codes: 0 when it worked, 1 when tracelm says why it cannot (one line on stderr), 2 for a wrong command line or a
filter that cannot be read. A gate
says 0 passed, 1 failed, 2 error, 3 the rows cannot tell.
"""

import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tracelm.cli.compare import compare
from tracelm.cli.demo import demo
from tracelm.cli.doctor import doctor
from tracelm.cli.evaluations import export_run, list_runs, show_run
from tracelm.cli.guard import audit, replay
from tracelm.cli.keys import keys
from tracelm.cli.lineage import lineage
from tracelm.cli.monitor import run as run_monitors
from tracelm.cli.monitor import status as monitor_status
from tracelm.cli.reprice import reprice
from tracelm.cli.run_evaluation import resume_run, run_evaluation
from tracelm.cli.scorers import scorers
from tracelm.cli.serve import serve
from tracelm.cli.store import store
from tracelm.cli.traces import show, spans, traces
from tracelm.errors import FilterError, TracelmError


class _Commands(TyperGroup):
    """The commands; our own errors are one line without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TracelmError as error:
            from tracelm.cli.tables import clean  # what a message quotes may come from a model

            typer.echo(f"error: {clean(str(error))}", err=True)
            # A filter that cannot be read is a wrong command line.
            raise typer.Exit(2 if isinstance(error, FilterError) else 1) from error


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command()(traces)
app.command()(spans)
app.command()(show)
app.command()(lineage)
app.command()(reprice)
app.add_typer(scorers, name="scorers")
app.command()(serve)
app.command("ui", hidden=True)(serve)
app.add_typer(keys, name="keys")
app.add_typer(store, name="store")
app.command()(doctor)
app.command()(demo)

evaluations = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Run evaluations, and look at runs, resume or export them."
)
evaluations.command("run")(run_evaluation)
evaluations.command("list")(list_runs)
evaluations.command("show")(show_run)
evaluations.command("resume")(resume_run)
evaluations.command("export")(export_run)
evaluations.command("compare")(compare)
app.add_typer(evaluations, name="eval")

guards = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="See what guardrails decided, and what others would decide."
)
guards.command("audit")(audit)
guards.command("replay")(replay)
app.add_typer(guards, name="guard")

monitors = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Judge what runs in production, and see how it does."
)
monitors.command("run")(run_monitors)
monitors.command("status")(monitor_status)
app.add_typer(monitors, name="monitor")


def commands() -> dict[str, Callable[..., Any]]:
    """Return the function behind each command, by what is typed: `traces`, `eval run`."""
    found = {each.name or _name(each.callback): each.callback for each in app.registered_commands if not each.hidden}
    for group in app.registered_groups:
        for each in group.typer_instance.registered_commands if group.typer_instance is not None else ():
            found[f"{group.name} {each.name or _name(each.callback)}"] = each.callback
    return {name: function for name, function in found.items() if function is not None}


def _name(function: Callable[..., Any] | None) -> str:
    return str(getattr(function, "__name__", "")).replace("_", "-")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tracelm {version('tracelm')}")
        raise typer.Exit


@app.callback()
def _tracelm(  # pyright: ignore[reportUnusedFunction]
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Trace, evaluate, guard and monitor LLM applications."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows only ASCII shows the rest escaped instead of stopping half-way.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
