"""Patches client libraries, each as soon as the program itself imports it.

An integration is an entry point of the group `tracelm.integrations`: its name is the module that it patches
(`openai`), its value a subclass of OpenTelemetry's `BaseInstrumentor`. Ours stand there like anybody's.
A library is never imported from here.
"""

import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Final, Literal, Protocol, TypeAlias, cast

from tracelm.trace.safely import report

GROUP: Final = "tracelm.integrations"

State: TypeAlias = Literal["active", "waiting", "not installed", "version out of range", "failed", "off"]


@dataclass(frozen=True, slots=True)
class IntegrationStatus:
    """How an integration stands.

    Attributes:
        name: The module that it patches.
        state: `active`; `waiting` until the program imports the library; `not installed` (the library);
            `version out of range`; `failed`; `off`: patching was not asked for.
        detail: Why it is not active, and what would help. Empty when it is.
        version: The installed version of the library, where it can be told.
    """

    name: str
    state: State
    detail: str = ""
    version: str | None = None


class _Instrumentor(Protocol):
    """The part of OpenTelemetry's `BaseInstrumentor` (which has no types) that is used here."""

    is_instrumented_by_opentelemetry: bool

    def instrumentation_dependencies(self) -> Collection[str]: ...
    def instrument(self, *, skip_dep_check: bool) -> None: ...
    def uninstrument(self) -> None: ...


_lock: Final = threading.Lock()
"""Guards the five below, and is never held while something is loaded: an import may be waiting for us."""
_on: bool = False
_hooked: Final[set[str]] = set()
"""Modules whose import calls us. A hook cannot be taken back: while patching is off it does nothing."""
_active: Final[dict[str, _Instrumentor]] = {}
_refused: Final[dict[str, tuple[State, str]]] = {}
_left_to: Final[dict[str, str]] = {}


def patch(left_to: Mapping[str, str] | None = None) -> None:
    """Patch every library that has an integration: now if it is imported, else when it will be.

    Args:
        left_to: Packages that are left to somebody else, each with that one's name.
    """
    global _on  # noqa: PLW0603 - patching is a state of the process
    with _lock:
        if _on:
            return
        _on = True
        _left_to.update(left_to or {})
    try:
        for entry in _entries():
            if entry.name in sys.modules:
                _apply(entry)
            elif entry.name not in _hooked:
                from wrapt import register_post_import_hook

                _hooked.add(entry.name)
                register_post_import_hook(_hook(entry), entry.name)
    except Exception as error:
        report("patch client libraries", error)


def unpatch() -> None:
    """Take every patch back."""
    global _on  # noqa: PLW0603 - patching is a state of the process
    with _lock:
        _on = False
        patched = dict(_active)
        _active.clear()
        _refused.clear()
        _left_to.clear()
    for name, instrumentor in patched.items():
        try:
            instrumentor.uninstrument()
        except Exception as error:
            report(f"take back the patch of {name}", error)


def status() -> list[IntegrationStatus]:
    """Return how each integration stands, sorted by name."""
    return sorted((_status(entry) for entry in _entries()), key=lambda s: s.name)


def _entries() -> list[EntryPoint]:
    # Two distributions may register for the same module: the first one found has it.
    return list({entry.name: entry for entry in reversed(list(importlib.metadata.entry_points(group=GROUP)))}.values())


def _hook(entry: EntryPoint) -> Callable[[object], None]:
    def imported(_module: object) -> None:
        if _on:
            _apply(entry)

    return imported


def _apply(entry: EntryPoint) -> None:
    """Patch a library that is imported. The program's `import` calls this: nothing may come out of here."""
    name = entry.name
    try:
        instrumentor = _load(entry)
        package, version = package_of(instrumentor)
        if package is not None and version is None:
            return  # a module of the program's own that has the name of one in the library: `agents`, say
        if package in _left_to:
            _refused[name] = ("off", f"left to {_left_to[package]}")
            return
        conflict = conflict_of(instrumentor)
        if conflict is not None:
            _refused[name] = ("version out of range", conflict)
            report(f"patch {name}", RuntimeError(conflict))
            return
        with _lock:
            if name in _active:
                return
            _active[name] = instrumentor
        if not instrumentor.is_instrumented_by_opentelemetry:  # the program may have done it by hand
            instrumentor.instrument(skip_dep_check=True)
    except Exception as error:
        _active.pop(name, None)
        _refused[name] = ("failed", f"{type(error).__name__}: {error}")
        report(f"patch {name}", error)


def _load(entry: EntryPoint) -> _Instrumentor:
    return cast("Callable[[], _Instrumentor]", entry.load())()


def conflict_of(instrumentor: _Instrumentor) -> str | None:
    """Say which version of its library an instrumentor needs, where another is installed, or none."""
    from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

    conflict = get_dependency_conflicts(instrumentor.instrumentation_dependencies())
    return None if conflict is None else f"needs {conflict.required}, found {conflict.found or 'none'}"


def _status(entry: EntryPoint) -> IntegrationStatus:
    name = entry.name
    if not _may_be_installed(name):
        return IntegrationStatus(name, "not installed", f"pip install {name}")
    if name in _refused and _refused[name][0] in {"failed", "off"}:
        return IntegrationStatus(name, *_refused[name])
    try:
        instrumentor = _active.get(name) or _load(entry)
        package, version = package_of(instrumentor)
        conflict = None if name in _active else conflict_of(instrumentor)
    except Exception as error:
        return IntegrationStatus(name, "failed", f"{type(error).__name__}: {error}")
    if name in _active:
        return IntegrationStatus(name, "active", "", version)
    if package is not None and version is None:
        return IntegrationStatus(name, "not installed", f"pip install {package}")
    if conflict is not None:
        return IntegrationStatus(name, "version out of range", conflict, version)
    if not _on:
        return IntegrationStatus(name, "off", "patching is off: tracelm.init(..., patch=True) turns it on", version)
    return IntegrationStatus(name, "waiting", f"patched as soon as the program imports {name}", version)


def package_of(instrumentor: _Instrumentor) -> tuple[str | None, str | None]:
    """Return the distribution that an integration is for, and its version, if it is installed."""
    from packaging.requirements import Requirement

    wanted = [Requirement(each).name for each in instrumentor.instrumentation_dependencies()]
    for package in wanted:
        try:
            return package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return (wanted[0] if wanted else None), None


def _may_be_installed(name: str) -> bool:
    # Several distributions share a folder such as `google`: whether the one is there that is meant, its version tells.
    try:
        return name in sys.modules or importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False
