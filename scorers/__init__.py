"""Ready-made scorers, for evaluations and guardrails alike; each is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracelm.scorers.safety import PII
    from tracelm.scorers.text import Contains, ExactMatch

__all__ = ["PII", "Contains", "ExactMatch"]

_MODULES: Final = {"PII": "safety", "Contains": "text", "ExactMatch": "text"}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"tracelm.scorers has no scorer {name!r}: there are {', '.join(__all__)}")
    found = getattr(importlib.import_module(f"tracelm.scorers.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
