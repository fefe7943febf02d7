"""Wordings by which a text tries to take a model over. Searched in lower case, with lookalike letters read as Latin."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from tracelm.scorers.folding import Span

if TYPE_CHECKING:
    import re2

_BEFORE: Final = r"(?:previous|prior|above|preceding|earlier|foregoing|initial|original|existing|former|system)"
_RULES: Final = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directions?|directives?|commands?|programming|training|constraints?"
    r"|restrictions?|polic(?:y|ies)|safeguards?|filters?)"
)
_DROP: Final = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|bypass(?:ing)?|discard|drop|neglect|skip)"
)
_FEW: Final = r"(?:[a-z']+,? ){0,4}"
_PROMPT: Final = r"(?:system|initial|original|hidden|secret|developer|base)[ -]?(?:prompt|instructions?|message)"

_STRONG: Final = (
    rf"\b{_DROP} {_FEW}{_BEFORE} {_FEW}{_RULES}\b",
    rf"\b{_DROP} (?:all|any|every|everything|your|those|these|the) (?:of )?{_FEW}{_RULES}\b",
    rf"\b{_DROP} (?:all|everything|anything) (?:[a-z']+ ){{0,3}}(?:above|before|so far|previous(?:ly)?|told|said)\b",
    rf"\bdo(?: not|n't) (?:follow|obey|adhere to|comply with) {_FEW}(?:{_BEFORE}|your) {_FEW}{_RULES}\b",
    r"\b(?:reveal|show|print|repeat|output|display|tell|give|leak|reproduce|recite) "
    rf"{_FEW}(?:your|the) {_FEW}{_PROMPT}\b",
    rf"\bwhat (?:is|are|was|were) your {_FEW}{_PROMPT}\b",
    r"\byou are (?:now|no longer) (?:[a-z']+ ){0,4}(?:dan|unrestricted|unfiltered|uncensored|jailbroken|bound|free)\b",
    r"\b(?:without|no|free (?:of|from)) (?:any |all )?(?:ethical|moral|content|safety|openai) ?(?:or [a-z]+ )?"
    r"(?:guidelines?|restrictions?|limit(?:ation)?s?|filters?|polic(?:y|ies)|constraints?)\b",
    r"\bdo anything now\b",
    r"\b(?:developer|god|dan|jailbreak|sudo|debug|maintenance|unrestricted) mode\b"
    r".{0,40}\b(?:enabled|activated?|on|entered|engaged)\b",
    r"\b(?:enable|activate|enter|switch to|go into|turn on) (?:the )?"
    r"(?:developer|god|dan|jailbreak|sudo|debug|unrestricted) mode\b",
    r"\bpretend (?:that )?(?:you (?:are|have)|there are) (?:[a-z']+ ){0,4}(?:no|without|unrestricted|free)\b",
    r"<\|?(?:im_start|im_end|system|endoftext|begin_of_text|start_header_id|eot_id)\|?>",
    r"(?:^|\n)[ ]*(?:#{1,4} ?|\[|<)?(?:system|new instructions?|system (?:message|prompt|override))(?:\]|>|:)[ ]*[a-z]",
    r"\[/?inst\]|<</?sys>>",
    r"\bnew (?:system )?(?:instructions?|directive|prompt) ?(?:follow|:|are)",
    r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,300}[?&][^)\s]{0,200}=(?:\{|\[|<|\$)",
)
_CLOSE: Final = (
    rf"\b{_DROP} (?:[a-z']+ ){{0,3}}(?:what|anything) (?:you|i) (?:were|was|have been|said|told)\b",
    rf"\b(?:contents?|text|words|wording) of (?:your|the) {_FEW}(?:{_PROMPT}|instructions)\b",
    r"\b(?:stay|remain) in character\b|\bbreak(?:ing)? character\b",
    r"\bas an? (?:unrestricted|unfiltered|uncensored|amoral|evil) (?:ai|assistant|model|chatbot|bot)\b",
    r"\brespond (?:as|like) (?:dan|both)\b|\bjailbreak(?:s|ing|en)?\b",
    r"\b(?:never|not|don't|do not) (?:say|tell|refuse|warn|mention|include) (?:[a-z']+ ){0,5}(?:sorry|disclaimers?|"
    r"warnings?|as an ai|language model|unethical|illegal)\b",
)
STRONG_RISK: Final = 0.97
CLOSE_RISK: Final = 0.6


_blank: Final = re.compile(r"(\[[^\]]*\])| ")


def _any_blanks(match: re.Match[str]) -> str:
    return match[1] or r"(?:\s+)"


@cache
def _patterns() -> "tuple[tuple[re2.Pattern[str], float], ...]":
    import re2

    def either(parts: tuple[str, ...]) -> "re2.Pattern[str]":
        # A blank in a pattern is any blanks in a text; inside of brackets it is itself.
        return re2.compile("|".join(f"(?:{_blank.sub(_any_blanks, part)})" for part in parts))

    return (either(_STRONG), STRONG_RISK), (either(_CLOSE), CLOSE_RISK)


def find_wordings(text: str) -> Iterator[tuple[Span, float]]:
    """Yield where a telling wording stands, and how sure it is, 0 to 1.

    Args:
        text: Lower case, as `fold_letters` gives it.
    """
    for pattern, risk in _patterns():
        for match in pattern.finditer(text):
            yield match.span(), risk
