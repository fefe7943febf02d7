"""Integrations are found, applied when their library is there, and their troubles are told, never raised."""

import importlib
import importlib.metadata
import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

import tracelm
from tracelm.trace import patching
from tracelm.trace.patching import IntegrationStatus


class Recorder:
    """An instrumentor that notes what is asked of it."""

    is_instrumented_by_opentelemetry = False
    needs: Collection[str] = ()
    broken = False
    done: list[str] = []  # noqa: RUF012 - shared on purpose: the entry point makes the instances

    def instrumentation_dependencies(self) -> Collection[str]:
        return self.needs

    def instrument(self, *, skip_dep_check: bool) -> None:
        if self.broken:
            raise RuntimeError("cannot find what it patches")
        self.done.append("instrument")

    def uninstrument(self) -> None:
        self.done.append("uninstrument")


class NeedsTheFuture(Recorder):
    needs = ("pytest >= 1000",)


class NeedsPytest(Recorder):
    needs = ("pytest >= 1",)


class NeedsWhatIsNotThere(Recorder):
    needs = ("opentelemetry-of-nobody >= 1",)


class Broken(Recorder):
    broken = True


class NoInstances:
    def __init__(self) -> None:
        raise LookupError("made wrong")


@pytest.fixture(autouse=True)
def unpatched() -> Iterator[None]:
    patching.unpatch()
    Recorder.done.clear()
    yield
    patching.unpatch()


def _offer(monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """Make these the only integrations: name of the library → class in this module."""
    found = importlib.metadata.EntryPoints(
        importlib.metadata.EntryPoint(name, f"{__name__}:{target}", patching.GROUP) for name, target in entries.items()
    )

    def entry_points(*, group: str) -> importlib.metadata.EntryPoints:
        return found.select(group=group)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Recorder.__module__])


def _state(name: str) -> IntegrationStatus:
    return next(status for status in patching.status() if status.name == name)


def test_an_imported_library_is_patched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, json="Recorder")
    patching.patch()
    patching.patch()
    assert Recorder.done == ["instrument"]
    assert _state("json").state == "active"


def test_unpatching_takes_the_patch_back_and_patching_again_works(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, json="Recorder")
    patching.patch()
    patching.unpatch()
    patching.unpatch()
    assert Recorder.done == ["instrument", "uninstrument"]
    assert _state("json").state == "off"
    patching.patch()
    assert Recorder.done == ["instrument", "uninstrument", "instrument"]


def test_a_library_imported_later_is_patched_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "made_up_library.py").write_text("answer = 42\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    _offer(monkeypatch, made_up_library="Recorder")
    patching.patch()
    assert _state("made_up_library").state == "waiting"
    assert Recorder.done == []
    assert "made_up_library" not in sys.modules
    __import__("made_up_library")
    assert Recorder.done == ["instrument"]
    assert _state("made_up_library").state == "active"
    monkeypatch.delitem(sys.modules, "made_up_library")


def test_an_import_after_unpatching_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "another_library.py").write_text("answer = 42\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    _offer(monkeypatch, another_library="Recorder")
    patching.patch()
    patching.unpatch()
    __import__("another_library")
    assert Recorder.done == []
    assert _state("another_library").state == "off"
    monkeypatch.delitem(sys.modules, "another_library")


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, no_such_library="Recorder")
    patching.patch()
    status = _state("no_such_library")
    assert (status.state, status.detail, status.version) == ("not installed", "pip install no_such_library", None)


def test_a_library_whose_folder_belongs_to_others_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "shared_folder").mkdir()
    (tmp_path / "shared_folder" / "library.py").write_text("answer = 42\n")
    _offer(monkeypatch, **{"shared_folder.library": "NeedsPytest", "opentelemetry.nobody": "NeedsWhatIsNotThere"})
    patching.patch()
    missing, there = _state("opentelemetry.nobody"), _state("shared_folder.library")
    assert (missing.state, missing.detail, missing.version) == (
        "not installed",
        "pip install opentelemetry-of-nobody",
        None,
    )
    assert (there.state, there.version) == ("waiting", pytest.__version__)
    importlib.import_module("shared_folder.library")
    assert _state("shared_folder.library").state == "active"
    for name in ("shared_folder.library", "shared_folder"):
        monkeypatch.delitem(sys.modules, name)


def test_a_version_out_of_range_is_said_and_not_patched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _offer(monkeypatch, pytest="NeedsTheFuture")
    patching.patch()
    status = _state("pytest")
    assert status.state == "version out of range"
    assert status.detail == f"needs pytest >= 1000, found pytest {pytest.__version__}"
    assert status.version == pytest.__version__
    assert Recorder.done == []
    assert "could not patch pytest" in caplog.text


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        ("Broken", "RuntimeError: cannot find what it patches"),
        ("NoInstances", "LookupError: made wrong"),
        ("Missing", "AttributeError: "),
    ],
)
def test_an_integration_that_fails_is_said_and_the_others_go_on(
    target: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(monkeypatch, json=target, logging="Recorder")
    before = tracelm.flush().failures
    patching.patch()
    assert tracelm.flush().failures == before + 1
    status = _state("json")
    assert status.state == "failed"
    assert status.detail.startswith(detail)
    assert _state("logging").state == "active"


def test_before_patching_everything_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, json="Recorder", pytest="NeedsTheFuture", no_such_library="Recorder")
    assert {status.name: status.state for status in patching.status()} == {
        "json": "off",
        "no_such_library": "not installed",
        "pytest": "version out of range",
    }


def test_init_patches_openai_before_and_after_its_import(tmp_path: Path) -> None:
    program = """
        import sys, tracelm
        from tracelm.trace import patching
        tracelm.init("p")
        assert "openai" not in sys.modules
        assert [s.state for s in patching.status() if s.name == "openai"] == ["waiting"]
        import openai
        [status] = [s for s in patching.status() if s.name == "openai"]
        assert (status.state, status.version) == ("active", openai.__version__)
        tracelm.shutdown()
        assert "request" not in vars(openai.OpenAI)
        tracelm.init("q", patch=False)
        assert [s.state for s in patching.status() if s.name == "openai"] == ["off"]
        assert "request" not in vars(openai.OpenAI)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
