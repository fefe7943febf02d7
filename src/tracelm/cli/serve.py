"""`tracelm serve` (also `tracelm ui`): take OTLP in, and show what is in the store."""

import os
import re
from enum import StrEnum
from typing import Annotated, Final

import typer

from tracelm.cli.output import Home
from tracelm.errors import MissingExtraError

_ADDRESS: Final = re.compile(r"http://\S+")


class Level(StrEnum):
    """How much is logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any but a loopback address needs an API key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of OTLP/HTTP, API and UI; 0 picks one.")] = 4318,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of OTLP/gRPC; 0 picks one.")] = 4317,
    store: Annotated[
        str | None,
        typer.Option(help="URL of the store. Default: TRACELM_STORE_URL, else the home's.", show_default=False),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which the server may be asked; can be repeated.", show_default=False),
    ] = None,
    retain: Annotated[
        str | None,
        typer.Option(
            help="What to keep: `errors 90d, rest 14d, runs 1y, size 10GB`; older traces are deleted each hour. "
            "Default: everything.",
            show_default=False,
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Show the UI in this machine's browser.")] = False,
    log_level: Annotated[Level, typer.Option(help="How much to log, as JSON lines on stderr.")] = Level.info,
    home: Home = None,
) -> None:
    """Receive OTLP, keep it in the store, and answer at /api/v1 and in the browser. Ends with Ctrl-C.

    Needs the extra: pip install 'tracelm[server]'. On this machine only, unless --host says otherwise.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines would stand between ours
    try:
        from tracelm.server.logs import log_to_stderr
        from tracelm.server.options import SESSION_SECRET, ServerOptions
        from tracelm.server.run import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"fastapi", "uvicorn", "grpc"}:
            raise
        raise MissingExtraError("tracelm serve", "server") from None
    log_to_stderr(log_level.value)
    options = ServerOptions(
        host=host,
        port=port,
        grpc_port=grpc_port,
        store_url=store,
        home=home,
        allow_hosts=tuple(allow_host or ()),
        retain=retain,
        session_secret=os.environ.get(SESSION_SECRET) or None,  # no option: the list of processes shows those to all
    )
    run(options, say=_say_and_open if open_browser else typer.echo)


def _say_and_open(line: str) -> None:
    """Say where the server listens, and open a browser there; its requests wait until they are answered."""
    import webbrowser

    typer.echo(line)
    found = _ADDRESS.search(line)
    if found is None or not webbrowser.open(found[0]):
        typer.echo("no browser was found here: open the address above in one")
