"""What the page of scorers says of all of them: what each wants and gives, and how far it can be trusted."""

from collections.abc import Mapping
from typing import Any, Final

from docs import sources
from docs.error_rates import error_rates
from tracelm import scorers
from tracelm.scorers.presets import PRESETS
from tracelm.scoring.scorer import snake_case

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text", "patterns", "overlap", "edit_distance", "answers", "language"),
    "structured": ("structured", "json_match", "sql", "tool_calls"),
    "judge": ("judge", "preference", "panel"),
    "meaning": ("similarity",),
    "retrieval": ("retrieval",),
    "labels": ("classification",),
    "trajectory": ("trajectory", "budgets"),
    "made of scorers": ("combined",),
}
"""Modules by what their scorers are for; what is in none of them is about safety."""

_EXTRAS: Final[Mapping[str, str]] = {
    "Bleu": "text",
    "Chrf": "text",
    "EditDistance": "text",
    "EmbeddingSimilarity": "embeddings",
    "Language": "language",
    "MatchesSchema": "structured",
    "NamesAndAddresses": "presidio",
    "Rouge": "text",
    "TextSimilarity": "text",
    "ValidSql": "structured",
}

_MEASURED: Final[Mapping[str, str]] = {
    "Language": """**Error rates.** On the translated messages of Django 5.2, made by people, with the
placeholders taken out and the language of the message as the only one in `languages`:

| letters | messages | languages | right |
|---|---|---|---|
| 20 to 59 | 4,135 | 74 | 0.935 |
| 60 and more | 882 | 67 | 0.990 |

Most of what is mistaken is mistaken for a neighbour: Malay and Indonesian, the two forms of Norwegian, Bosnian and
Croatian. `benchmarks/language_detection.py` measures again.""",
}

_OF_A_MODEL: Final = """It is as good as the model and the rubric: no error rate would hold for yours. Label some fifty
rows yourself and compare, see [judge with a model](../how-to/judge-with-a-model.md)."""


def family_of(kind: type[Any]) -> str:
    """Return what a scorer is for."""
    module = kind.__module__.rpartition(".")[2]
    return next((family for family, modules in FAMILIES.items() if module in modules), "safety")


def overview() -> str:
    """Return the table of all scorers."""
    lines = ["| for | scorer | gives | wants besides `output` | extra |", "|---|---|---|---|---|"]
    for family in ("text", "structured", "judge", "meaning", "retrieval", "labels", "trajectory", "safety", *FAMILIES):
        for name in sorted(scorers.__all__):
            kind: type[Any] = getattr(scorers, name)
            line = f"| {family} | [`{name}`](#{name.lower()}) |"
            if family_of(kind) == family and not any(each.startswith(line) for each in lines):
                extra = f"`{_EXTRAS[name]}`" if name in _EXTRAS else ""
                lines.append(f"{line} {kind.gives} | {_wants(kind)} | {extra} |")
    return "\n".join(lines)


def _wants(kind: type[Any]) -> str:
    if kind.__module__.endswith("combined"):
        return "what the scorer wants"
    found = {
        "Judge": "what `sees` names",
        "Preference": "`baseline`, and what `sees` names",
        "Panel": "what its judges want",
        "ToolTrajectory": "`context`, `expected`",
    }
    if kind.__name__ in found:
        return found[kind.__name__]
    arguments = sources.all_members(kind)["score"].args.kwonlyargs
    return ", ".join(f"`{each.arg}`" for each in arguments if each.arg != "output")


def reliability(name: str) -> str:
    """Return what is known of how often a scorer errs."""
    if name in _MEASURED:
        return _MEASURED[name]
    family = family_of(getattr(scorers, name))
    if family == "safety":
        return error_rates(snake_case(name))
    if family in {"judge", "meaning"} and name != "Panel":
        return _OF_A_MODEL
    return "It compares and guesses nothing: there is no error rate to measure."


def presets() -> str:
    """Return the table of a judge's ready-made rubrics, each in full below."""
    parts = ["| preset | scale | sees | passes at |", "|---|---|---|---|"]
    for name, each in PRESETS.items():
        scale = ", ".join(label if worth is None else f"{label} = {worth:g}" for label, worth in each.scale.choices)
        if each.scale.is_verdict:
            scale = "yes, no"
        bar = "" if each.passes_at is None else f"{each.passes_at:g}"
        parts.append(f"| `{name}` | {scale} | {', '.join(f'`{place}`' for place in each.sees)} | {bar} |")
    for name, each in PRESETS.items():
        parts += ["", f"The rubric of `{name}`:", "", "```text", each.rubric, "```"]
    return "\n".join(parts)


def score_name(name: str) -> str:
    """Return what the scores of a class are called, where its settings do not say otherwise."""
    told = {
        "Judge": "its `criterion`",
        "Preference": "its `criterion`",
        "Panel": "what `called` says",
        "Rouge": "its kind, `rouge_l`",
        "Not": "`not_` and the scorer's name",
        "Named": "what `called` says",
        "AtLeast": "the scorer's name",
        "AtMost": "the scorer's name",
        "On": "the scorer's name",
    }
    if family_of(getattr(scorers, name)) == "retrieval":
        return f"`{snake_case(name)}`, with `k` as `{snake_case(name)}_at_5`"
    return told.get(name, f"`{snake_case(name)}`")
