"""The plugin costs a start of pytest nothing, and the checker works without pytest."""

import subprocess
import sys

import pytest

from tests.unit.test_public_names import HEAVY
from tracelm import testing


def loaded_by(program: str) -> set[str]:
    """Return the modules that are loaded after `program`."""
    command = [sys.executable, "-c", f"import sys; {program}; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_plugin_loads_nothing_heavy() -> None:
    # What pytest does with a plugin: it looks at each of its names.
    loaded = loaded_by("import tracelm.testing as t; [getattr(t, name) for name in dir(t)]")
    assert "tracelm.testing.plugin" in loaded
    assert HEAVY.isdisjoint(loaded)
    assert "tracelm.testing.conformance" not in loaded


def test_the_checker_needs_neither_pytest_nor_anything_heavy() -> None:
    loaded = loaded_by("import tracelm.testing.conformance")
    assert HEAVY.isdisjoint(loaded)
    assert "pytest" not in loaded


def test_every_name_is_there_and_no_other() -> None:
    assert [name for name in testing.__all__ if getattr(testing, name, None) is None] == []
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = testing.nonsense
