"""pytest plugin: see what your code recorded, and test what it is worth.

It is loaded by pytest wherever tracelm is installed. A test that takes the fixture `spans` records into a folder of
its own, with repeatable ids:

    def test_the_answer_is_traced(spans):
        answer("Why?")
        assert spans.names() == ["answer"]

A test that takes the fixture `tracelm_eval` runs an evaluation, and fails where a condition does not hold:

    @pytest.mark.tracelm_eval("right >= 0.9", "low(right) >= 0.8")
    def test_the_answers_are_right(tracelm_eval):
        tracelm_eval(evaluation, answer)

`tracelm.testing.conformance` checks spans against OpenTelemetry's GenAI conventions; it needs no pytest.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracelm.testing.plugin import INCIDENTAL, Spans, spans, tracelm_eval

__all__ = ["INCIDENTAL", "Spans", "spans", "tracelm_eval"]
_HOOKS = frozenset({"pytest_configure", "pytest_terminal_summary"})
"""What pytest calls by itself."""


def __getattr__(name: str) -> Any:
    # When first used: a program that checks its spans need not have pytest. pytest itself asks for all at once.
    if name not in __all__ and name not in _HOOKS:
        raise AttributeError(f"module 'tracelm.testing' has no attribute {name!r}")
    found: Any = getattr(importlib.import_module("tracelm.testing.plugin"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *_HOOKS})
