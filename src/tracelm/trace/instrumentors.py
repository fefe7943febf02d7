"""Instrumentors of others: `init(integrations=["openinference:crewai"])` applies them, and takes them back.

They are packages that the program has installed, found by their distribution, not by what they patch: of one library
there may be several. Their spans come here through our TracerProvider; what their names mean is worked out when they
are read (`tracelm.otlp.dialects`).
"""

import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, Final

from tracelm.errors import ConfigError
from tracelm.frozen import frozen
from tracelm.trace.patching import IntegrationStatus, conflict_of, package_of
from tracelm.trace.safely import report, safely

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

FAMILIES: Final[Mapping[str, Sequence[str]]] = {
    "openinference": ("openinference-instrumentation-{}",),
    "openllmetry": ("opentelemetry-instrumentation-{}",),
    "opentelemetry": ("opentelemetry-instrumentation-{}", "opentelemetry-instrumentation-genai-{}"),
}
"""What the packages of each family are called."""
_GROUP: Final = "opentelemetry_instrumentor"


@frozen
class Instrumentor:
    """An installed instrumentor.

    Attributes:
        name: As the program names it: `openinference:crewai`.
        package: The distribution that has it.
        entries: Its classes.
    """

    name: str
    package: str
    entries: Sequence[EntryPoint]


_applied: Final[list[tuple[Instrumentor, Any]]] = []
_failed: Final[dict[str, str]] = {}


def find(names: Iterable[str]) -> list[Instrumentor]:
    """Return the instrumentors of these names.

    Raises:
        ConfigError: A name has no known family, or its package is not installed.
    """
    return [_find(name) for name in names]


def apply(found: Iterable[Instrumentor], provider: "TracerProvider") -> dict[str, str]:
    """Let instrumentors record into a provider.

    Returns:
        The packages that they patch, each with the name of its instrumentor: there must be one span of a call.
    """
    patched: dict[str, str] = {}
    for each in found:
        for entry in each.entries:
            try:
                instrumentor: Any = entry.load()()
                conflict = conflict_of(instrumentor)
                if conflict is not None:
                    _failed[each.name] = conflict
                    report(f"apply {each.name}", RuntimeError(conflict))
                    continue
                if not instrumentor.is_instrumented_by_opentelemetry:  # the program may have done it by hand
                    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
                    _applied.append((each, instrumentor))
                package, _version = package_of(instrumentor)
                if package is not None:
                    patched[package] = each.name
            except Exception as error:
                _failed[each.name] = f"{type(error).__name__}: {error}"
                report(f"apply {each.name}", error)
    return patched


def take_back() -> None:
    """Undo what `apply` did."""
    while _applied:
        each, instrumentor = _applied.pop()
        with safely(f"take back {each.name}"):
            instrumentor.uninstrument()
    _failed.clear()


def status(names: Iterable[str]) -> list[IntegrationStatus]:
    """Return how the instrumentors of these names stand."""
    return [_status(name) for name in names]


def _find(name: str) -> Instrumentor:
    family, _, library = name.partition(":")
    patterns = FAMILIES.get(family)
    if patterns is None or not library:
        known = ", ".join(repr(f"{each}:LIBRARY") for each in FAMILIES)
        raise ConfigError(f"integrations: {name!r} is not known: write one of {known}")
    packages = [pattern.format(library.replace("_", "-")) for pattern in patterns]
    for package in packages:
        try:
            entries = list(importlib.metadata.distribution(package).entry_points.select(group=_GROUP))
        except importlib.metadata.PackageNotFoundError:
            continue
        if entries:
            return Instrumentor(name=name, package=package, entries=entries)
        raise ConfigError(f"integrations: {package} has no instrumentor for {name!r}: leave it out")
    raise ConfigError(f"integrations: {name!r} is not installed: pip install {' or '.join(packages)}")


def _status(name: str) -> IntegrationStatus:
    try:
        found = _find(name)
    except ConfigError as error:
        return IntegrationStatus(name, "not installed", str(error).removeprefix("integrations: "))
    version = importlib.metadata.version(found.package)
    if name in _failed:
        return IntegrationStatus(name, "failed", _failed[name], version)
    if any(each.name == name for each, _ in _applied):
        return IntegrationStatus(name, "active", "", version)
    return IntegrationStatus(name, "off", "applied by somebody else, or not asked for", version)
