"""Trace, evaluate, guard and monitor LLM applications; OpenTelemetry-native, local by default.

    import tracelm

    tracelm.init("support-bot")

    @tracelm.op
    def answer(question: str) -> str: ...

Names are imported when they are first used: `import tracelm` costs little and loads no client library.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracelm import errors, evals, local_model, scorers, sinks
    from tracelm.data.dataset import Dataset
    from tracelm.data.model import ModelVersion
    from tracelm.errors import (
        ConfigError,
        DatasetError,
        EvaluationError,
        FilterError,
        GuardrailBroken,
        GuardrailError,
        GuardrailTimedOut,
        GuardrailTripped,
        MissingExtraError,
        ResumeError,
        StoreError,
        TracelmError,
    )
    from tracelm.evals.evaluation import Evaluation
    from tracelm.evals.limits import Limits
    from tracelm.evals.logger import EvaluationLogger
    from tracelm.evals.run import EvalRun
    from tracelm.guards.block import guarded
    from tracelm.guards.client import guarded_client
    from tracelm.guards.guard import guard
    from tracelm.guards.guardrail import Guardrail
    from tracelm.guards.policy import Policy
    from tracelm.monitors.alerts.alert import Alert
    from tracelm.monitors.monitor import Monitor
    from tracelm.monitors.status import monitor_status
    from tracelm.scoring.score import Score
    from tracelm.scoring.scorer import Scorer, scorer
    from tracelm.startup import FlushReport, flush, init, shutdown
    from tracelm.store.open import open_store
    from tracelm.store.store import Store
    from tracelm.trace.context import attributes, session
    from tracelm.trace.op import op
    from tracelm.trace.propagation import extract, inject
    from tracelm.trace.scores import score
    from tracelm.trace.spans import SpanHandle, current_span, span

__all__ = [
    "Alert",
    "ConfigError",
    "Dataset",
    "DatasetError",
    "EvalRun",
    "Evaluation",
    "EvaluationError",
    "EvaluationLogger",
    "FilterError",
    "FlushReport",
    "Guardrail",
    "GuardrailBroken",
    "GuardrailError",
    "GuardrailTimedOut",
    "GuardrailTripped",
    "Limits",
    "MissingExtraError",
    "ModelVersion",
    "Monitor",
    "Policy",
    "ResumeError",
    "Score",
    "Scorer",
    "SpanHandle",
    "Store",
    "StoreError",
    "TracelmError",
    "attributes",
    "current_span",
    "errors",
    "evals",
    "extract",
    "flush",
    "guard",
    "guarded",
    "guarded_client",
    "init",
    "inject",
    "local_model",
    "monitor_status",
    "op",
    "open_store",
    "score",
    "scorer",
    "scorers",
    "session",
    "shutdown",
    "sinks",
    "span",
]

_HOME = {
    "Alert": "monitors.alerts.alert",
    "ConfigError": "errors",
    "Dataset": "data.dataset",
    "DatasetError": "errors",
    "EvalRun": "evals.run",
    "Evaluation": "evals.evaluation",
    "EvaluationError": "errors",
    "EvaluationLogger": "evals.logger",
    "FilterError": "errors",
    "FlushReport": "startup",
    "Guardrail": "guards.guardrail",
    "GuardrailBroken": "errors",
    "GuardrailError": "errors",
    "GuardrailTimedOut": "errors",
    "GuardrailTripped": "errors",
    "Limits": "evals.limits",
    "MissingExtraError": "errors",
    "ModelVersion": "data.model",
    "Monitor": "monitors.monitor",
    "Policy": "guards.policy",
    "ResumeError": "errors",
    "Score": "scoring.score",
    "Scorer": "scoring.scorer",
    "SpanHandle": "trace.spans",
    "Store": "store.store",
    "StoreError": "errors",
    "TracelmError": "errors",
    "attributes": "trace.context",
    "current_span": "trace.spans",
    "extract": "trace.propagation",
    "flush": "startup",
    "guard": "guards.guard",
    "guarded": "guards.block",
    "guarded_client": "guards.client",
    "init": "startup",
    "inject": "trace.propagation",
    "monitor_status": "monitors.status",
    "op": "trace.op",
    "open_store": "store.open",
    "score": "trace.scores",
    "scorer": "scoring.scorer",
    "session": "trace.context",
    "shutdown": "startup",
    "span": "trace.spans",
}
"""Where each public name lives. The remaining ones of `__all__` are modules."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tracelm' has no attribute {name!r}")
    home = _HOME.get(name)
    value = (
        importlib.import_module(f"tracelm.{name}")
        if home is None
        else getattr(importlib.import_module(f"tracelm.{home}"), name)
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
