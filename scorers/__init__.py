"""Ready-made scorers, for evaluations and guardrails alike; each is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracelm.scorers.code_injection import CodeInjection
    from tracelm.scorers.credentials import Secrets
    from tracelm.scorers.injection import PromptInjection
    from tracelm.scorers.leakage import SystemPromptLeak
    from tracelm.scorers.moderation import OpenAIModeration
    from tracelm.scorers.safety import PII
    from tracelm.scorers.terms import BannedTerms
    from tracelm.scorers.text import Contains, ExactMatch
    from tracelm.scorers.urls import AllowedUrls

__all__ = [
    "PII",
    "AllowedUrls",
    "BannedTerms",
    "CodeInjection",
    "Contains",
    "ExactMatch",
    "OpenAIModeration",
    "PromptInjection",
    "Secrets",
    "SystemPromptLeak",
]

_MODULES: Final = {
    "PII": "safety",
    "AllowedUrls": "urls",
    "BannedTerms": "terms",
    "CodeInjection": "code_injection",
    "Contains": "text",
    "ExactMatch": "text",
    "OpenAIModeration": "moderation",
    "PromptInjection": "injection",
    "Secrets": "credentials",
    "SystemPromptLeak": "leakage",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"tracelm.scorers has no scorer {name!r}: there are {', '.join(__all__)}")
    found = getattr(importlib.import_module(f"tracelm.scorers.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
