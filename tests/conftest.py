"""What all tests share: no test touches the user's data, and what is not run is said."""

import functools
import importlib.metadata
import importlib.util
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests import small_disk
from tests.anthropic_client import VERSION as ANTHROPIC_VERSION
from tests.collector import rotel_binary
from tests.openai_client import VERSION

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # LiteLLM fetches its prices when it is imported, else
ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
_NEED = {
    "agents": "test_openai_agents.py",
    "dspy": "test_dspy*.py",
    "litellm": "test_litellm.py",
    "llama_index": "test_llama_index.py",
    "pydantic_ai": "test_pydantic_ai*.py",
    "transformers": "test_transformers.py",
}
"""Libraries that are not installed beside the oldest client that we support, and the tests that need them."""
_ABSENT = {module: name for module, name in _NEED.items() if importlib.util.find_spec(module) is None}
collect_ignore_glob = [f"integrations/{name}" for name in _ABSENT.values()]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Give each test a home of its own, and an environment without OpenTelemetry settings."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "TRACELM_")) and name != "TRACELM_MODEL_DIR":
            monkeypatch.delenv(name)
    # LiteLLM sets it when it is imported: whether tokens can be counted shall not depend on which test came before.
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.setenv("TRACELM_HOME", str(tmp_path / "home"))
    yield
    tracelm.shutdown()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and datasets that stands beside the checkout."""
    return SHARED


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Each test marked `anyio` runs under asyncio and under trio."""
    return str(request.param)


def _missing(item: pytest.Item) -> str | None:
    """Say what a test needs that this machine does not have."""
    if not SHARED.is_dir() and "shared" in getattr(item, "fixturenames", ()):
        return f"{SHARED} is not there (recordings and datasets)"
    if item.get_closest_marker("real_model") is not None and importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp has no wheel for this platform (the real local model)"
    if item.get_closest_marker("rotel") is not None and not _rotel_runs():
        return "rotel does not run with this Python (it needs a shared libpython)"
    if item.get_closest_marker("small_disk") is not None and not small_disk.can_be_made():
        return "this machine lets nobody mount a small file system (unshare --user --mount)"
    for client, version in (("anthropic", ANTHROPIC_VERSION), ("openai", VERSION)):
        needed = item.get_closest_marker(client)
        if needed is not None and needed.args > version:
            installed = importlib.metadata.version(client)
            return f"the installed client, {client} {installed}, is older than {'.'.join(map(str, needed.args))}"
    return None


@functools.cache
def _rotel_runs() -> bool:
    return subprocess.run([rotel_binary(), "--help"], capture_output=True, check=False).returncode == 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run; `pytest_terminal_summary` says so."""
    missing = {item.nodeid: reason for item in items if (reason := _missing(item)) is not None}
    if missing:
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in missing])
        items[:] = [item for item in items if item.nodeid not in missing]
    config.stash[_LEFT_OUT] = dict(Counter(missing.values()))


_LEFT_OUT: pytest.StashKey[dict[str, int]] = pytest.StashKey()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of pytest-xdist: hand the reasons on to the one that prints."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None and _LEFT_OUT in session.config.stash:
        output["left_out"] = session.config.stash[_LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the reasons of a process of pytest-xdist; each of them has collected all tests."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests did not run, and why."""
    left_out: dict[str, int] = config.stash[_LEFT_OUT] if _LEFT_OUT in config.stash else {}  # noqa: SIM401
    for module, name in _ABSENT.items():
        terminalreporter.write_line(f"not run: {name}, because {module} is not installed", yellow=True)
    for reason, count in left_out.items():
        terminalreporter.write_line(f"not run: {count} tests, because {reason}", yellow=True)
