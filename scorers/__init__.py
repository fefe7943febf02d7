"""Ready-made scorers, for evaluations and guardrails alike; each is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracelm.scorers.answers import MultipleChoice, Numeric
    from tracelm.scorers.classification import LabelMatch
    from tracelm.scorers.combined import AtLeast, AtMost, Named, Not, On
    from tracelm.scorers.edit_distance import EditDistance, TextSimilarity
    from tracelm.scorers.json_match import JsonMatch
    from tracelm.scorers.judge import Judge
    from tracelm.scorers.overlap import Bleu, Chrf, Rouge, TokenF1
    from tracelm.scorers.panel import Panel
    from tracelm.scorers.patterns import Matches
    from tracelm.scorers.preference import Preference
    from tracelm.scorers.retrieval import HitRate, Ndcg, Precision, Recall, ReciprocalRank
    from tracelm.scorers.safety import PII
    from tracelm.scorers.structured import MatchesModel, MatchesSchema, ValidJson, ValidSql, ValidXml
    from tracelm.scorers.text import Contains, EndsWith, ExactMatch, Length, StartsWith, WordCount
    from tracelm.scorers.tool_calls import ToolCallMatch

_MODULES: Final = {
    "PII": "safety",
    "AtLeast": "combined",
    "AtMost": "combined",
    "Bleu": "overlap",
    "Chrf": "overlap",
    "Contains": "text",
    "EditDistance": "edit_distance",
    "EndsWith": "text",
    "ExactMatch": "text",
    "HitRate": "retrieval",
    "JsonMatch": "json_match",
    "Judge": "judge",
    "LabelMatch": "classification",
    "Length": "text",
    "Matches": "patterns",
    "MatchesModel": "structured",
    "MatchesSchema": "structured",
    "MultipleChoice": "answers",
    "Named": "combined",
    "Ndcg": "retrieval",
    "Not": "combined",
    "Numeric": "answers",
    "On": "combined",
    "Panel": "panel",
    "Precision": "retrieval",
    "Preference": "preference",
    "Recall": "retrieval",
    "ReciprocalRank": "retrieval",
    "Rouge": "overlap",
    "StartsWith": "text",
    "TextSimilarity": "edit_distance",
    "TokenF1": "overlap",
    "ToolCallMatch": "tool_calls",
    "ValidJson": "structured",
    "ValidSql": "structured",
    "ValidXml": "structured",
    "WordCount": "text",
}

__all__ = [
    "PII",
    "AtLeast",
    "AtMost",
    "Bleu",
    "Chrf",
    "Contains",
    "EditDistance",
    "EndsWith",
    "ExactMatch",
    "HitRate",
    "JsonMatch",
    "Judge",
    "LabelMatch",
    "Length",
    "Matches",
    "MatchesModel",
    "MatchesSchema",
    "MultipleChoice",
    "Named",
    "Ndcg",
    "Not",
    "Numeric",
    "On",
    "Panel",
    "Precision",
    "Preference",
    "Recall",
    "ReciprocalRank",
    "Rouge",
    "StartsWith",
    "TextSimilarity",
    "TokenF1",
    "ToolCallMatch",
    "ValidJson",
    "ValidSql",
    "ValidXml",
    "WordCount",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"tracelm.scorers has no scorer {name!r}: there are {', '.join(__all__)}")
    found = getattr(importlib.import_module(f"tracelm.scorers.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
