"""Scorers that count what would have to be edited."""

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from tracelm.errors import ConfigError, MissingExtraError
from tracelm.scorers.overlap import references
from tracelm.scorers.values import folded, text_of, too_long
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

MAX_CHARACTERS: Final = 50_000
"""Longer texts are refused: the time grows with the product of both lengths."""

Comparison: TypeAlias = Literal["whole", "part", "words", "word_set"]

_RATIOS: Final = {
    "whole": "ratio",
    "part": "partial_ratio",
    "words": "token_sort_ratio",
    "word_set": "token_set_ratio",
}


@dataclass(frozen=True, kw_only=True)
class EditDistance(Scorer):
    """How many characters have to be inserted, deleted or replaced to get the expected text (Levenshtein 1966).

    Where several texts are expected, the nearest counts. Texts beyond 50,000 characters are refused. Needs
    `tracelm[text]`.

    Args:
        ignore_case: Whether capitals do not count.

    Example:
        >>> EditDistance().score(output="kitten", expected="sitting").value
        3.0
    """

    ignore_case: bool = False
    gives: ClassVar[str] = "a count, from 0"

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`: a text, or a list of texts."""
        found = _prepared(output, expected, ignore_case=self.ignore_case)
        if isinstance(found, Score):
            return found
        text, wanted = found
        levenshtein = _rapidfuzz("distance.Levenshtein")
        return Score(value=min(int(levenshtein.distance(text, each)) for each in wanted))


@dataclass(frozen=True, kw_only=True)
class TextSimilarity(Scorer):
    """How similar the output's letters are to those of the expected text, 0..1, as rapidfuzz computes it.

    Letters, not meaning: "alive" and "not alive" are alike. Where several texts are expected, the best counts. Texts
    beyond 50,000 characters are refused. Needs `tracelm[text]`.

    Args:
        compare: The `whole` texts (`ratio`: insertions and deletions); the best `part` of the longer text with the
            shorter; the `words` in any order; or the `word_set`, where repeated words count once.
        ignore_case: Whether capitals do not count.

    Raises:
        ConfigError: Another way to compare.

    Example:
        >>> TextSimilarity(compare="words").score(output="Curie, Marie", expected="Marie Curie,").value
        1.0
    """

    compare: Comparison = "whole"
    ignore_case: bool = True
    gives: ClassVar[str] = "a share, 0..1"

    def __post_init__(self) -> None:
        if self.compare not in get_args(Comparison):
            raise ConfigError(f"compare={self.compare!r} is not known: use {', '.join(get_args(Comparison))}")

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`: a text, or a list of texts."""
        found = _prepared(output, expected, ignore_case=self.ignore_case)
        if isinstance(found, Score):
            return found
        text, wanted = found
        ratio = getattr(_rapidfuzz("fuzz"), _RATIOS[self.compare])
        return Score(value=max(float(ratio(text, each)) for each in wanted) / 100)


def _prepared(output: object, expected: object, *, ignore_case: bool) -> tuple[str, list[str]] | Score:
    text, wanted = text_of(output), references(expected)
    refusal = too_long(MAX_CHARACTERS, **{"the output": text, "the expected text": max(wanted, key=len)})
    if refusal is not None:
        return refusal
    return folded(text, ignore_case=ignore_case), [folded(each, ignore_case=ignore_case) for each in wanted]


def _rapidfuzz(module: str) -> Any:
    try:
        return importlib.import_module(f"rapidfuzz.{module}")
    except ImportError:
        raise MissingExtraError("comparing letters", "text") from None
