"""`tracelm doctor`: versions, where the data lies, which integrations work, and which models have no price."""

import contextlib
import importlib
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from tracelm.cli.output import AsJson, Home, Project, Since, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from tracelm.store.unpriced import UnpricedModel
    from tracelm.trace.patching import IntegrationStatus

_Facts: TypeAlias = Mapping[str, str | int | list[str]]

_DAYS: Final = 30
_WHY: Final[Mapping[str, str]] = {
    "unpriced kind": "the list has the model, but no price for what these used",
    "not counted": "the list has the model, but not all was counted that is billed",
    "contradiction": "the list has the model, but the counts contradict each other",
    "priced": "the list has a price now",
}
"""Why calls of a model have no cost that is in the list."""
_PACKAGES: Final = (
    "tracelm",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp",
    "opentelemetry-instrumentation",
    "genai-prices",
    "sqlmodel",
    "pandas",
    "xllamacpp",
)


def doctor(
    conformance: Annotated[
        bool,
        typer.Option(
            "--conformance",
            help="Check recorded spans against OpenTelemetry's GenAI conventions instead. "
            "Exit code 1 when one violates them.",
        ),
    ] = False,
    project: Project = None,
    since: Since = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say which versions run, where the data lies, which integrations work, and which models have no price."""
    if conformance:
        from tracelm.cli.conformance import report

        report(project=project, since=since, as_json=as_json, home=home)
        return
    for option, given in {"--project": project, "--since": since}.items():
        if given is not None:
            raise typer.BadParameter("goes with --conformance", param_hint=option)
    facts = {"versions": _versions(), "data": _data(home), "export": _export()}
    integrations = _integrations()
    unpriced = _unpriced(home)
    if as_json:
        without_a_price = [asdict(each) for each in unpriced]
        integrated = [asdict(each) for each in integrations]
        print_json({**facts, "integrations": integrated, "models_without_a_price": without_a_price})
        return
    from rich.text import Text

    from tracelm.cli import tables

    out = tables.console()
    for title, found in facts.items():
        out.print(Text(title, style="bold"))
        out.print(_pairs(found))
    out.print(Text("integrations", style="bold"))
    states = {each.name: f"{each.state} {each.version or ''}  {each.detail}" for each in integrations}
    out.print(_pairs(states, plain=True))
    if unpriced:
        out.print(Text(f"models without a price, last {_DAYS} days", style="bold"))
        out.print(
            _pairs({f"{each.provider or '?'} {each.model or '?'}": _calls(each) for each in unpriced}, plain=True)
        )
        missing = _prices(unpriced)
        if missing is not None:
            out.print(Text(tables.clean(f"  tracelm.init(..., prices={missing})"), overflow="fold"))
            out.print(f"  tracelm reprice --since {_DAYS}d --prices FILE prices what is stored", style="dim")
        elif any(each.why == "priced" for each in unpriced):
            out.print(f"  tracelm reprice --since {_DAYS}d prices what is stored", style="dim")


def _versions() -> _Facts:
    found: dict[str, str | int | list[str]] = {"python": f"{platform.python_version()} ({sys.executable})"}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _data(home: Path | None) -> _Facts:
    from tracelm.settings import Settings
    from tracelm.store.open import open_local
    from tracelm.trace.segments import journal_bytes, list_segments

    url = Settings.from_env(project="doctor").url
    with open_local(home=home) as store:
        report = store.index()
        segments = list_segments(store.home)
        waiting = [segment for segment in segments if not segment.is_delivered()]
        return {
            "home": str(store.home),
            "store": store.place,
            "projects": [each.name for each in store.projects()],
            "journal_segments": len(segments),
            "journal_bytes": journal_bytes(store.home),
            "segments_waiting_for_a_collector": len(waiting),
            "unreadable_records": report.skipped,
            **({} if url is None or home is not None else {"server": url}),
        }


def _export() -> _Facts:
    from tracelm.settings import Settings
    from tracelm.trace.destination import find_destination

    destination = find_destination(Settings.from_env(project="doctor"))
    if destination is None:
        return {"otlp": "none: set OTEL_EXPORTER_OTLP_ENDPOINT, or give init an endpoint"}
    return {f"otlp_{signal}": f"{each.address} ({each.protocol})" for signal, each in destination.endpoints.items()}


def _unpriced(home: Path | None) -> "tuple[UnpricedModel, ...]":
    from tracelm.store.open import open_local

    with open_local(home=home) as store:
        return store.unpriced_models(since_ns=time.time_ns() - _DAYS * 86_400 * 1_000_000_000)


def _calls(unpriced: "UnpricedModel") -> str:
    """Say how many calls have no cost, and why not if a list has the model."""
    calls = "1 call" if unpriced.calls == 1 else f"{unpriced.calls:,} calls"
    why = _WHY.get(unpriced.why)
    return calls if why is None else f"{calls}; {why if unpriced.calls == 1 else f'of the last one: {why}'}"


def _prices(unpriced: "Sequence[UnpricedModel]") -> str | None:
    """Return what `tracelm.init(prices=...)` lacks; `None` where a list has every model."""
    names = dict.fromkeys(each.model for each in unpriced if each.model and each.why == "unlisted")
    rates = "{'input_usd_per_mtok': ..., 'output_usd_per_mtok': ...}"
    return f"{{{', '.join(f'{name!r}: {rates}' for name in names)}}}" if names else None


def _integrations() -> "list[IntegrationStatus]":
    """Try each integration for real: import its library, patch it, look, and take the patch back."""
    from opentelemetry.trace import NoOpTracerProvider

    from tracelm.errors import ConfigError
    from tracelm.settings import Settings
    from tracelm.trace import instrumentors, patching

    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its import asks the network for prices, else
    others = Settings.from_env(project="doctor").integrations
    found: list[instrumentors.Instrumentor] = []
    for name in others:
        with contextlib.suppress(ConfigError):  # `status` tells it
            found += instrumentors.find([name])
    patching.patch(instrumentors.apply(found, NoOpTracerProvider()))
    try:
        for each in patching.status():
            if each.state == "waiting":
                # What goes wrong in a client library's own import is for `status` to tell.
                with contextlib.suppress(Exception):
                    importlib.import_module(each.name)
        return [*patching.status(), *instrumentors.status(others)]
    finally:
        patching.unpatch()
        instrumentors.take_back()


def _pairs(values: _Facts, *, plain: bool = False) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from tracelm.cli.tables import clean

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for name, value in values.items():
        shown = ", ".join(value) or "none yet" if isinstance(value, list) else str(value)
        label = clean(name) if plain else name.replace("_", " ")
        table.add_row(Text(label, style="dim"), Text(clean(shown), overflow="fold"))
    return table
