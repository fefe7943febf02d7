"""The page of the public names of `tracelm`, by topic."""

import ast
import importlib
import inspect
from collections import Counter
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

import tracelm
from docs.sources import BAR, all_members, markdown, signature, source_of

TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "Start and end": ("init", "flush", "shutdown", "FlushReport"),
    "Record": ("op", "span", "SpanHandle", "current_span", "session", "attributes", "score", "inject", "extract"),
    "Read": ("open_store", "Store"),
    "Evaluate": ("Dataset", "ModelVersion", "Evaluation", "Limits", "EvalRun", "EvaluationLogger", "evals"),
    "Score": ("Score", "Scorer", "scorer", "scorers"),
    "Guard": ("Guardrail", "guard", "guarded", "guarded_client", "Policy"),
    "Monitor": ("Monitor", "monitor_status", "Alert", "sinks"),
    "A model on this machine": ("local_model",),
    "Errors": (
        "errors",
        "TracelmError",
        "ConfigError",
        "MissingExtraError",
        "DatasetError",
        "EvaluationError",
        "ResumeError",
        "StoreError",
        "FilterError",
        "GuardrailError",
        "GuardrailTripped",
        "GuardrailBroken",
        "GuardrailTimedOut",
    ),
}
"""Every public name, once."""

_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "tracelm.evals": (
        "compare.Comparison",
        "difference.Difference",
        "gates.Checks",
        "gates.Check",
        "report.Report",
        "calibrate",
        "Calibration",
        "statistics.mean_interval",
        "statistics.Interval",
        "statistics.paired_difference",
        "statistics.paired_proportions",
        "statistics.mcnemar",
        "statistics.wilcoxon",
        "statistics.effect_size",
        "statistics.sample_size",
        "statistics.minimal_detectable_effect",
        "statistics.power_of",
        "statistics.variance_parts",
        "statistics.reduce_trials",
        "statistics.pass_at_k",
        "statistics.pass_hat_k",
        "statistics.bootstrap_interval",
        "statistics.quantile_interval",
        "statistics.cohen_kappa",
        "statistics.kappa_interval",
        "statistics.fleiss_kappa",
        "statistics.krippendorff_alpha",
        "statistics.confusion",
        "statistics.ppi_mean",
        "statistics.corrected_rate",
        "statistics.FallTest",
        "statistics.lowest_mean",
        "statistics.holm",
        "statistics.benjamini_hochberg",
    ),
    "tracelm.local_model": ("LocalModel", "fetch"),
    "tracelm.sinks": ("AlertNotice", "Log", "Webhook", "Slack", "Mail", "Sink"),
    "tracelm.testing": ("Spans", "tracelm_eval"),
}
"""What of a public module is shown with it."""


def names_page() -> str:
    """Return the page of the public names."""
    placed = [name for names in TOPICS.values() for name in names]
    missing = set(tracelm.__all__).symmetric_difference(placed)
    if missing:
        raise ValueError(f"TOPICS of docs/names.py and tracelm.__all__ differ in {', '.join(sorted(missing))}")
    parts = ["# Python", "", "Every public name of `tracelm`, by topic. What is not here may change without notice."]
    taken: Counter[str] = Counter()
    for topic, names in TOPICS.items():
        listed = ", ".join(f"[`{name}`](#{_anchor(name, taken)})" for name in names)
        parts += ["", f"**{topic}**: {listed}"]
    parts += ["", "**Test**: [`testing`](#tracelmtesting), which imports pytest"]
    for topic, names in TOPICS.items():
        parts += ["", f"## {topic}"]
        for name in names:
            parts += ["", f"### tracelm.{name}", "", _shown(f"tracelm.{name}", getattr(tracelm, name))]
    testing = importlib.import_module("tracelm.testing")
    parts += ["", "## Test", "", "### tracelm.testing", "", _shown("tracelm.testing", testing)]
    return "\n".join(parts)


def _anchor(name: str, taken: Counter[str]) -> str:
    """Return the anchor of a name's heading; `score` and `Score` have the same, so the second gets a number."""
    anchor = f"tracelm{name.lower()}"
    taken[anchor] += 1
    return anchor if taken[anchor] == 1 else f"{anchor}-{taken[anchor] - 1}"


def _shown(address: str, thing: Any) -> str:
    if isinstance(thing, ModuleType):
        parts = [_module_text(thing)]
        for inner in _MODULES.get(address, ()):
            holder, _, name = inner.rpartition(".")
            home = importlib.import_module(f"{address}.{holder}") if holder else thing
            parts += ["", f"#### {address}.{inner}", "", _shown(f"{address}.{inner}", getattr(home, name))]
        return "\n".join(parts)
    name = address.rpartition(".")[2]
    if not inspect.isclass(thing):
        return f"`{name}{signature(source_of(thing))}`\n\n{markdown(inspect.getdoc(thing) or '')}"
    return _class_text(name, thing)


def _module_text(module: ModuleType) -> str:
    doc = inspect.getdoc(module) or ""
    head, _, rest = doc.partition("\n\n")
    # The tree of errors is drawn with characters of its own: shown as it is.
    if module is tracelm.scorers:
        return f"{doc} [Each in full](scorers.md)."
    return f"{head}\n\n```text\n{rest}\n```" if module is tracelm.errors else doc


def _class_text(name: str, kind: type[Any]) -> str:
    own = all_members(kind)
    init = own.get("__init__")
    if init is not None and kind is not tracelm.Store:
        head = f"`{name}{signature(init).partition(' -> ')[0]}`"
    else:
        head = f"`{name}`"
    lines = [head, "", markdown(inspect.getdoc(kind) or "")]
    shown = [(each, node) for each, node in own.items() if not each.startswith("_")]
    if shown:
        lines += ["", "| member | meaning |", "|---|---|"]
    for each, node in shown:
        is_property = any(ast.unparse(mark).endswith("property") for mark in node.decorator_list)
        form = each if is_property else each + signature(node)
        meaning = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
        lines.append(f"| `{form.replace('|', BAR)}` | {meaning} |")
    return "\n".join(lines)
