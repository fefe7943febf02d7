"""What a command names of a program: `MODULE`, or `MODULE:NAME`."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tracelm.errors import ConfigError


def named(reference: str) -> Any:
    """Import what `MODULE:NAME` names; modules are looked for in the present folder too.

    Raises:
        ConfigError: There is no such module or name.
    """
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise ConfigError(f"{reference!r} names nothing: write MODULE:NAME, such as evals.nightly:evaluation")
    found: Any = module(module_name)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ConfigError(f"{reference!r}: {module_name} has no {part!r}") from None
    return found


def module(name: str) -> ModuleType:
    """Import a module; it is looked for in the present folder too.

    Raises:
        ConfigError: There is no such module.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise ConfigError(f"there is no module {error.name!r} in {folder} or among what is installed") from None
