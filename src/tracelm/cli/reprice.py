"""`tracelm reprice`: compute stored costs anew."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tracelm.cli.output import AsJson, Home, Project, as_dict, moment_ns, open_home, print_json


def reprice(
    since: Annotated[
        str,
        typer.Option(
            help="Calls that began since then: `90m`, `24h`, `7d`, `2w`, or a date and time as `2026-11-24T09:30`.",
            show_default=False,
        ),
    ],
    project: Project = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="TOML or JSON file with prices of your own, as for tracelm.init.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Compute the cost of stored model calls anew, from the price list that is installed and a table of yours.

    What was recorded stays beside the new figure. Costs by a price of your own only change by a table of yours.
    """
    since_ns = moment_ns(since, now_ns=time.time_ns())
    with open_home(home) as store:
        found = store.reprice(prices, since_ns=since_ns, project=project, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "since_ns": since_ns, "models": [as_dict(each) for each in found]})
        return
    from tracelm.cli import tables

    out = tables.console()
    changed = sum(each.changed for each in found)
    if changed:
        out.print(tables.reprice_table(found))
    calls = sum(each.calls for each in found)
    unpriced = sum(each.unpriced for each in found)
    verb = "would change" if dry_run else "changed"
    out.print(f"{changed:,} of {calls:,} calls of models {verb}")
    if unpriced:
        out.print(f"{unpriced:,} have no price: tracelm doctor names their models", style="dim")
