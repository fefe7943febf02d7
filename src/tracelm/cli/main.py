"""The command `tracelm`.

Exit codes: 0 when it worked, 1 when tracelm says why it cannot (one line on stderr), 2 for a wrong command line.
"""

import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tracelm.cli.demo import demo
from tracelm.cli.doctor import doctor
from tracelm.cli.evals import evals
from tracelm.cli.reprice import reprice
from tracelm.cli.scorers import scorers
from tracelm.cli.traces import show, traces
from tracelm.errors import TracelmError


class _Commands(TyperGroup):
    """The commands; our own errors are one line without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TracelmError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command()(traces)
app.command()(show)
app.command()(evals)
app.command()(reprice)
app.add_typer(scorers, name="scorers")
app.command()(doctor)
app.command()(demo)


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
