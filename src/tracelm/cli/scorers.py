"""`tracelm scorers`: which ready-made scorers there are, and how often the safety scorers are right."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tracelm.cli.output import AsJson, print_json
from tracelm.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.console import Console

    from tracelm.scorers.measured import Measured, Rate

scorers = typer.Typer(no_args_is_help=True, help="The ready-made scorers, and how often the safety scorers are right.")


@scorers.command("list")
def list_scorers(as_json: AsJson = False) -> None:
    """List the ready-made scorers, and whether their error rates were measured."""
    import inspect

    import tracelm.scorers as ready
    from tracelm.scorers.measured import measured
    from tracelm.scoring.scorer import snake_case

    found = [
        {
            "scorer": name,
            "name": (score_name := snake_case(name)),
            "about": (inspect.getdoc(getattr(ready, name)) or "").partition("\n")[0],
            "measured": measured(score_name) is not None,
        }
        for name in sorted(ready.__all__, key=str.lower)
    ]
    if as_json:
        print_json({"scorers": found})
        return
    from rich.table import Table

    from tracelm.cli import tables

    table = Table("scorer", "measured", "about", box=None, header_style="dim", pad_edge=False)
    for each in found:
        table.add_row(str(each["scorer"]), "yes" if each["measured"] else "", str(each["about"]))
    tables.console().print(table)


@scorers.command()
def bench(
    scorer: Annotated[
        str | None,
        typer.Argument(help="Its name, such as `pii`; all that can be measured unless given.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with the labelled texts, see safety-figures. Without it: the figures that came with tracelm.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        Literal["test", "tune", "all"],
        typer.Option(help="The half of the texts: `test` is what nothing was tuned on."),
    ] = "test",
    as_json: AsJson = False,
) -> None:
    """Measure how often the safety scorers are right: recall, precision, false positives, latency, with intervals."""
    from tracelm.scorers.bench import BENCHES
    from tracelm.scorers.bench import bench as measure
    from tracelm.scorers.measured import measured

    names = list(BENCHES) if scorer is None else [scorer]
    if scorer is not None and scorer not in BENCHES:
        raise typer.BadParameter(
            f"{scorer!r} cannot be measured: choose from {', '.join(BENCHES)}", param_hint="SCORER"
        )
    found: list[Measured]
    if data is None:
        if split != "test":
            raise typer.BadParameter("goes with --data", param_hint="--split")
        found = [each for each in map(measured, names) if each is not None]
    else:
        found = []
        for name in names:
            try:
                found.append(measure(name, data, split=split))
            except MissingExtraError as error:
                if scorer is not None:
                    raise
                typer.echo(f"{name} is left out: {error}", err=True)
    if as_json:
        print_json({"measured": [asdict(each) for each in found]})
        return
    from tracelm.cli import tables

    out = tables.console()
    for each in found:
        _print(out, each)


def _print(out: "Console", measured: "Measured") -> None:
    from rich.table import Table
    from rich.text import Text

    out.print(
        Text(measured.scorer, style="bold"), f"{measured.rows:,} texts, {measured.split}: {', '.join(measured.data)}"
    )
    table = Table("", "share", "95 % interval", "cases", box=None, header_style="dim", pad_edge=False)
    for label, rates in _rates(measured).items():
        for kind, rate in rates.items():
            table.add_row(f"{label} {kind}".strip(), *_cells(rate))
    out.print(table)
    out.print(f"latency p50 {measured.latency_p50_ms:g} ms, p95 {measured.latency_p95_ms:g} ms", style="dim")
    out.print()


def _rates(measured: "Measured") -> "Mapping[str, Mapping[str, Rate]]":
    found: dict[str, Any] = {"recall": measured.recall}
    if measured.precision is not None:
        found["precision"] = {"": measured.precision}
    found["false positives"] = measured.false_positives
    if measured.recall_at_1_percent:
        found["recall at 1 % false positives"] = measured.recall_at_1_percent
    return found


def _cells(rate: "Rate") -> tuple[str, str, str]:
    if rate.share is None or rate.low is None or rate.high is None:
        return "", "", f"{rate.count} of {rate.of}"
    return f"{rate.share:.3f}", f"{rate.low:.3f} to {rate.high:.3f}", f"{rate.count} of {rate.of}"
