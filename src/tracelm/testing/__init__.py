"""pytest plugin: see what your code recorded.

It is loaded by pytest wherever tracelm is installed. A test that takes the fixture `spans` records into a folder of
its own, with repeatable ids:

    def test_the_answer_is_traced(spans):
        answer("Why?")
        assert spans.names() == ["answer"]

`tracelm.testing.conformance` checks spans against OpenTelemetry's GenAI conventions; it needs no pytest.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracelm.testing.plugin import INCIDENTAL, Spans, spans

__all__ = ["INCIDENTAL", "Spans", "spans"]


def __getattr__(name: str) -> Any:
    # When first used: a program that checks its spans need not have pytest. pytest itself asks for all at once.
    if name not in __all__:
        raise AttributeError(f"module 'tracelm.testing' has no attribute {name!r}")
    found: Any = getattr(importlib.import_module("tracelm.testing.plugin"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
