"""`tracelm monitor`: judge what runs in production, and see how it does."""

import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tracelm.cli.output import AsJson, Home, Project, Since, moment_ns, open_home, print_json
from tracelm.errors import ConfigError

if TYPE_CHECKING:
    from tracelm.monitors.monitor import Monitor
    from tracelm.monitors.worker import Progress
    from tracelm.store.store import Store

_A_DAY = "24h"
_INTERRUPTED = 130
_LOOK_S = 15.0  # a look reads a whole window


def run(
    module: Annotated[
        str, typer.Argument(help="Module with tracelm.Monitor objects, or MODULE:NAME of one.", show_default=False)
    ],
    once: Annotated[bool, typer.Option("--once", help="Stop when all that is there was looked at.")] = False,
    since: Annotated[
        str,
        typer.Option(help="Where a monitor begins that has not run over this store yet: `90m`, `7d`, or a date."),
    ] = _A_DAY,
    interval_s: Annotated[float, typer.Option(min=0.1, help="How often to look for what is new, in seconds.")] = 5.0,
    concurrency: Annotated[int, typer.Option(min=1, help="So many scorers work at once.")] = 8,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Judge recorded spans with the monitors of a module, look at their alerts, go on until you stop it.

    It goes on where it was, also after a crash; no span is scored twice. The scores also go to the OTLP collector that
    the environment or the module's `tracelm.init` names. Exit code 130 after Ctrl-C.
    """
    import anyio

    if home is not None:  # the module's own `tracelm.init`, and scorers that read traces, look there too
        os.environ["TRACELM_HOME"] = str(home)
    found = _monitors(module)
    since_ns = moment_ns(since, now_ns=time.time_ns())
    try:
        with open_home(home) as store:
            anyio.run(_run, store, found, since_ns, concurrency, None if once else interval_s, as_json)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None


def status(
    name: Annotated[str | None, typer.Argument(help="The monitor. Default: list them.", show_default=False)] = None,
    window: Annotated[str, typer.Option(help="How long a window is: `15m`, `1h`, `1d`.")] = "1h",
    since: Since = _A_DAY,
    project: Project = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show how a monitor does: its alerts, its figures by window, model, op and release, and what fails most."""
    from tracelm.monitors.duration import seconds_of
    from tracelm.monitors.status import known, monitor_status

    now_ns = time.time_ns()
    try:
        width_s = seconds_of(window, option="window")
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--window") from None
    with open_home(home) as store:
        if name is None:
            names = known(store)
            if as_json:
                print_json(names)
            else:
                typer.echo("\n".join(names) or "no monitor has run over this store: see tracelm monitor run")
            return
        found = monitor_status(store, name, since_ns=moment_ns(since, now_ns=now_ns), project=project, window_s=width_s)
    if as_json:
        print_json(asdict(found))
        return
    from tracelm.cli import monitor_tables, tables

    out = tables.console()
    if not found.windows:
        out.print(f"{name}: no verdict on spans of that time")
    for table in monitor_tables.status(found):
        out.print(table)


async def _run(
    store: "Store", found: "list[Monitor]", since_ns: int, concurrency: int, interval_s: float | None, as_json: bool
) -> None:
    import anyio

    from tracelm.monitors.alerts.watch import look
    from tracelm.monitors.delivery import Delivery
    from tracelm.monitors.worker import catch_up

    look_at_s = 0.0
    delivery = Delivery.found()
    while True:
        done = [
            await catch_up(store, each, since_ns=since_ns, concurrency=concurrency, delivery=delivery) for each in found
        ]
        _tell(done, as_json=as_json, quiet=interval_s is not None)
        is_due = time.monotonic() >= look_at_s
        look_at_s = time.monotonic() + _LOOK_S if is_due else look_at_s
        for each in found if is_due else ():
            for notice in await look(store, each, now_ns=time.time_ns()):
                if as_json:
                    print_json(asdict(notice))
                else:
                    typer.echo(str(notice))
        if interval_s is None:
            return
        await anyio.sleep(interval_s)


def _tell(done: "list[Progress]", *, as_json: bool, quiet: bool) -> None:
    shown = [each for each in done if each.judged or each.without_output] if quiet else done
    if as_json:
        if shown or not quiet:
            print_json([asdict(each) for each in shown])
        return
    for each in shown:
        more = [f"{each.failed} failed"] if each.failed else []
        more += [f"{each.without_output} had no output"] if each.without_output else []
        more += [f"{each.exported} sent to the collector"] if each.exported else []
        more += [f"{each.waiting} wait for the collector"] if each.waiting else []
        typer.echo(f"{each.monitor}: {each.judged} verdicts, of {each.matched} spans" + "".join(f", {m}" for m in more))


def _monitors(reference: str) -> "list[Monitor]":
    """Return the monitors that a module holds, or the one that is named.

    Raises:
        ConfigError: There is none, or two have one name.
    """
    from tracelm.cli.modules import module, named
    from tracelm.monitors.monitor import Monitor

    held: list[object] = [named(reference)] if ":" in reference else list(vars(module(reference)).values())
    found = list({id(each): each for each in held if isinstance(each, Monitor)}.values())
    if not found:
        raise ConfigError(f"{reference!r} holds no monitor: write answers = tracelm.Monitor(...) there")
    names = [each.name for each in found]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise ConfigError(f"two monitors of {reference!r} are called {double!r}: give one of them another name")
    return found
