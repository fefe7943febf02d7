"""`tracelm doctor`: versions, where the data lies, and which integrations work."""

import contextlib
import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from tracelm.cli.output import AsJson, Home, Project, Since, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from tracelm.trace.patching import IntegrationStatus

_Facts: TypeAlias = Mapping[str, str | int | list[str]]

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
    """Say which versions run, where the data lies, and which integrations work and why others do not."""
    if conformance:
        from tracelm.cli.conformance import report

        report(project=project, since=since, as_json=as_json, home=home)
        return
    for option, given in {"--project": project, "--since": since}.items():
        if given is not None:
            raise typer.BadParameter("goes with --conformance", param_hint=option)
    facts = {"versions": _versions(), "data": _data(home), "export": _export()}
    integrations = _integrations()
    if as_json:
        print_json({**facts, "integrations": [asdict(each) for each in integrations]})
        return
    from rich.text import Text

    from tracelm.cli import tables

    out = tables.console()
    for title, found in facts.items():
        out.print(Text(title, style="bold"))
        out.print(_pairs(found))
    out.print(Text("integrations", style="bold"))
    out.print(_pairs({each.name: f"{each.state} {each.version or ''}  {each.detail}" for each in integrations}))


def _versions() -> _Facts:
    found: dict[str, str | int | list[str]] = {"python": f"{platform.python_version()} ({sys.executable})"}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _data(home: Path | None) -> _Facts:
    from tracelm.store.open import open_store
    from tracelm.trace.segments import journal_bytes, list_segments

    with open_store(home=home) as store:
        report = store.index()
        segments = list_segments(store.home)
        waiting = [segment for segment in segments if not segment.is_delivered()]
        return {
            "home": str(store.home),
            "store": str(store.path),
            "projects": [each.name for each in store.projects()],
            "journal_segments": len(segments),
            "journal_bytes": journal_bytes(store.home),
            "segments_waiting_for_a_collector": len(waiting),
            "unreadable_records": report.skipped,
        }


def _export() -> _Facts:
    from tracelm.settings import Settings
    from tracelm.trace.destination import find_destination

    destination = find_destination(Settings.from_env(project="doctor"))
    if destination is None:
        return {"otlp": "none: set OTEL_EXPORTER_OTLP_ENDPOINT, or give init an endpoint"}
    return {f"otlp_{signal}": f"{each.address} ({each.protocol})" for signal, each in destination.endpoints.items()}


def _integrations() -> "list[IntegrationStatus]":
    """Try each integration for real: import its library, patch it, look, and take the patch back."""
    from tracelm.trace import patching

    patching.patch()
    try:
        for each in patching.status():
            if each.state == "waiting":
                # What goes wrong in a client library's own import is for `status` to tell.
                with contextlib.suppress(Exception):
                    importlib.import_module(each.name)
        return patching.status()
    finally:
        patching.unpatch()


def _pairs(values: _Facts) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from tracelm.cli.tables import clean

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for name, value in values.items():
        shown = ", ".join(value) or "none yet" if isinstance(value, list) else str(value)
        table.add_row(Text(name.replace("_", " "), style="dim"), Text(clean(shown), overflow="fold"))
    return table
