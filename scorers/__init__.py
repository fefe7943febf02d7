"""Ready-made scorers, for evaluations and guardrails alike; each is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracelm.scorers.answers import MultipleChoice, Numeric
    from tracelm.scorers.budgets import Cost, Latency, Tokens
    from tracelm.scorers.classification import LabelMatch
    from tracelm.scorers.code_injection import CodeInjection
    from tracelm.scorers.combined import AtLeast, AtMost, Named, Not, On
    from tracelm.scorers.credentials import Secrets
    from tracelm.scorers.edit_distance import EditDistance, TextSimilarity
    from tracelm.scorers.injection import PromptInjection
    from tracelm.scorers.json_match import JsonMatch
    from tracelm.scorers.judge import Judge
    from tracelm.scorers.language import Language
    from tracelm.scorers.leakage import SystemPromptLeak
    from tracelm.scorers.moderation import OpenAIModeration
    from tracelm.scorers.names import NamesAndAddresses
    from tracelm.scorers.overlap import Bleu, Chrf, Rouge, TokenF1
    from tracelm.scorers.panel import Panel
    from tracelm.scorers.patterns import Matches
    from tracelm.scorers.preference import Preference
    from tracelm.scorers.retrieval import HitRate, Ndcg, Precision, Recall, ReciprocalRank
    from tracelm.scorers.safety import PII
    from tracelm.scorers.similarity import EmbeddingSimilarity
    from tracelm.scorers.sql import ValidSql
    from tracelm.scorers.structured import MatchesModel, MatchesSchema, ValidJson, ValidXml
    from tracelm.scorers.terms import BannedTerms
    from tracelm.scorers.text import Contains, EndsWith, ExactMatch, Length, StartsWith, WordCount
    from tracelm.scorers.tool_calls import ToolCallMatch
    from tracelm.scorers.trajectory import NoFailedSteps, StepCount, ToolsCalled, ToolTrajectory
    from tracelm.scorers.urls import AllowedUrls

_MODULES: Final = {
    "PII": "safety",
    "AllowedUrls": "urls",
    "BannedTerms": "terms",
    "CodeInjection": "code_injection",
    "OpenAIModeration": "moderation",
    "PromptInjection": "injection",
    "Secrets": "credentials",
    "SystemPromptLeak": "leakage",
    "AtLeast": "combined",
    "AtMost": "combined",
    "Bleu": "overlap",
    "Chrf": "overlap",
    "Contains": "text",
    "Cost": "budgets",
    "EditDistance": "edit_distance",
    "EmbeddingSimilarity": "similarity",
    "EndsWith": "text",
    "ExactMatch": "text",
    "HitRate": "retrieval",
    "JsonMatch": "json_match",
    "Judge": "judge",
    "LabelMatch": "classification",
    "Language": "language",
    "Latency": "budgets",
    "Length": "text",
    "Matches": "patterns",
    "MatchesModel": "structured",
    "MatchesSchema": "structured",
    "MultipleChoice": "answers",
    "Named": "combined",
    "NamesAndAddresses": "names",
    "Ndcg": "retrieval",
    "NoFailedSteps": "trajectory",
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
    "StepCount": "trajectory",
    "TextSimilarity": "edit_distance",
    "TokenF1": "overlap",
    "Tokens": "budgets",
    "ToolCallMatch": "tool_calls",
    "ToolTrajectory": "trajectory",
    "ToolsCalled": "trajectory",
    "ValidJson": "structured",
    "ValidSql": "sql",
    "ValidXml": "structured",
    "WordCount": "text",
}

__all__ = [
    "PII",
    "AllowedUrls",
    "AtLeast",
    "AtMost",
    "BannedTerms",
    "Bleu",
    "Chrf",
    "CodeInjection",
    "Contains",
    "Cost",
    "EditDistance",
    "EmbeddingSimilarity",
    "EndsWith",
    "ExactMatch",
    "HitRate",
    "JsonMatch",
    "Judge",
    "LabelMatch",
    "Language",
    "Latency",
    "Length",
    "Matches",
    "MatchesModel",
    "MatchesSchema",
    "MultipleChoice",
    "Named",
    "NamesAndAddresses",
    "Ndcg",
    "NoFailedSteps",
    "Not",
    "Numeric",
    "On",
    "OpenAIModeration",
    "Panel",
    "Precision",
    "Preference",
    "PromptInjection",
    "Recall",
    "ReciprocalRank",
    "Rouge",
    "Secrets",
    "StartsWith",
    "StepCount",
    "SystemPromptLeak",
    "TextSimilarity",
    "TokenF1",
    "Tokens",
    "ToolCallMatch",
    "ToolTrajectory",
    "ToolsCalled",
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
