"""`tracelm reprice`: compute stored costs anew."""

import re
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from tracelm.cli.output import AsJson, Home, Project, as_dict, open_home, print_json

_AGO: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS_S: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def _since_ns(text: str) -> int:
    """Return a time in nanoseconds: so long ago (`30m`, `12h`, `7d`, `2w`), or a date or time as ISO 8601 has it."""
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return time.time_ns() - int(ago[1]) * _UNITS_S[ago[2]] * 1_000_000_000
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1_000_000) * 1_000
    except (ValueError, OverflowError, OSError):
        raise typer.BadParameter(f"{text!r}: write 30m, 12h, 7d, 2w, or a date such as 2026-11-01") from None


def reprice(
    since: Annotated[
        str,
        typer.Option(help="Calls that began since then: 30m, 12h, 7d, 2w ago, or a date or time.", show_default=False),
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
    since_ns = _since_ns(since)
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
