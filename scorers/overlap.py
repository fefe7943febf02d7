"""Scorers that measure how much of an output is what was expected: tokens in common, BLEU, chrF, ROUGE."""

import itertools
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast, get_args

from tracelm.errors import ConfigError, MissingExtraError
from tracelm.scorers.values import text_of, too_long
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

MAX_CHARACTERS: Final = 200_000
"""Longer texts are refused: the work on a pair grows faster than the texts."""

Rouge_: TypeAlias = Literal["rouge1", "rouge2", "rougeL"]

_WORD: Final = re.compile(r"\w+")
_ARTICLES: Final = frozenset({"a", "an", "the"})
_ASCII_MARKS: Final = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, kw_only=True)
class TokenF1(Scorer):
    """How many words the output and the expected answer share: the harmonic mean of precision and recall, 0..1.

    Normalised as in SQuAD 1.1 (Rajpurkar et al. 2016): lower case, without ASCII punctuation and English articles.
    Where several answers are right, the best counts. If one side has no words, the score is 1 when the other has
    none either, else 0.

    Example:
        >>> TokenF1().score(output="The Eiffel Tower.", expected=["eiffel tower", "la tour Eiffel"]).value
        1.0
    """

    gives: ClassVar[str] = "a share, 0..1"

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`: a text, or a list of texts that are each right."""
        given = _squad(text_of(output))
        found = max((_f1(given, _squad(each)) for each in references(expected)), key=lambda each: each[2])
        precision, recall, f1 = found
        return Score(value=f1, details={"precision": precision, "recall": recall})


@dataclass(frozen=True, kw_only=True)
class Rouge(Scorer):
    """ROUGE (Lin 2004): which of the words, pairs of words or sequences of the expected text are in the output, 0..1.

    The value is the F measure; `details` has precision and recall. Words are runs of letters and digits of any
    script, in lower case, without stemming. Where several texts are expected, the best counts. Needs
    `tracelm[text]`.

    Args:
        kind: `rouge1` (words), `rouge2` (pairs of neighbours) or `rougeL` (longest common subsequence).

    Raises:
        ConfigError: Another kind.

    Example:
        >>> Rouge(kind="rougeL").score(output="the cat sat down", expected="the cat lay down").value
        0.75
    """

    kind: Rouge_ = "rougeL"
    gives: ClassVar[str] = "a share, 0..1"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Rouge_):
            raise ConfigError(f"kind={self.kind!r} is not known: use {', '.join(get_args(Rouge_))}")

    @property
    def name(self) -> str:
        """`rouge1`, `rouge2` or `rouge_l`."""
        return "rouge_l" if self.kind == "rougeL" else self.kind

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`: a text, or a list of texts."""
        text, wanted = text_of(output), references(expected)
        refusal = too_long(MAX_CHARACTERS, **_named(text, wanted))
        if refusal is not None:
            return refusal
        words = _words(text)
        found = max((_rouge(self.kind, words, _words(each)) for each in wanted), key=lambda each: each[2])
        precision, recall, f1 = found
        return Score(value=f1, details={"precision": precision, "recall": recall})


@dataclass(frozen=True, kw_only=True)
class Bleu(Scorer):
    """BLEU (Papineni et al. 2002) of one output against the expected texts, 0..100, as sacrebleu computes it.

    Sentence BLEU, smoothed, with effective order: for comparing rows. The BLEU of a whole test set is not the mean
    of these. Needs `tracelm[text]`.

    Args:
        tokenize: sacrebleu's tokenizer, such as `13a` or `char`.

    Example:
        >>> Bleu().score(output="the cat sat on the mat", expected="the cat sat on the mat").value
        100.0
    """

    tokenize: str = "13a"
    gives: ClassVar[str] = "0..100"

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`: a text, or a list of texts."""
        bleu = _sacrebleu("BLEU")(effective_order=True, tokenize=self.tokenize)
        return _sentence(bleu, output, expected)


@dataclass(frozen=True, kw_only=True)
class Chrf(Scorer):
    """chrF (Popović 2015) of one output against the expected texts, 0..100, as sacrebleu computes it.

    Compares groups of characters instead of words: it needs no tokenizer and fits languages with many word forms.
    Needs `tracelm[text]`.

    Args:
        word_order: 0 for chrF, 2 for chrF++.

    Example:
        >>> Chrf().score(output="kissa", expected="kissa").value
        100.0
    """

    word_order: int = 0
    gives: ClassVar[str] = "0..100"

    def score(self, *, output: object, expected: object) -> Score:
        """Compare `output` with `expected`: a text, or a list of texts."""
        return _sentence(_sacrebleu("CHRF")(word_order=self.word_order), output, expected)


def references(expected: object) -> list[str]:
    """Return the texts that were expected: one, or each of a list.

    Raises:
        ValueError: There is none.
    """
    if isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
        texts = [text_of(each) for each in cast("Sequence[object]", expected)]
    elif expected is None:
        texts = []
    else:
        texts = [text_of(expected)]
    if not texts:
        raise ValueError("expected holds no text to compare with: give one, or a list with at least one")
    return texts


def _squad(text: str) -> list[str]:
    return [word for word in text.lower().translate(_ASCII_MARKS).split() if word not in _ARTICLES]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def _f1(given: Sequence[object], wanted: Sequence[object]) -> tuple[float, float, float]:
    if not given or not wanted:
        same = float(len(given) == len(wanted))
        return same, same, same
    return _measures((Counter(given) & Counter(wanted)).total(), len(given), len(wanted))


def _measures(common: int, given: int, wanted: int) -> tuple[float, float, float]:
    if common == 0:
        return 0.0, 0.0, 0.0
    # 2PR/(P+R), written so that it is exact where all or half is in common.
    return common / given, common / wanted, 2 * common / (given + wanted)


def _rouge(kind: Rouge_, given: list[str], wanted: list[str]) -> tuple[float, float, float]:
    if kind == "rouge1":
        return _f1(given, wanted)
    if kind == "rouge2":
        pairs = list(itertools.pairwise(given)), list(itertools.pairwise(wanted))
        # Texts of one word have no pair: they are compared as they stand.
        return _f1(*pairs) if any(pairs) else _f1(given, wanted)
    if not given or not wanted:
        return _f1(given, wanted)
    try:
        from rapidfuzz.distance import LCSseq
    except ImportError:
        raise MissingExtraError("ROUGE-L", "text") from None
    return _measures(LCSseq.similarity(given, wanted), len(given), len(wanted))


def _sentence(metric: Any, output: object, expected: object) -> Score:
    text, wanted = text_of(output), references(expected)
    refusal = too_long(MAX_CHARACTERS, **_named(text, wanted))
    if refusal is not None:
        return refusal
    # Rounded to what sacrebleu prints and more: 100.00000000000004 is 100.
    return Score(value=round(float(metric.sentence_score(text, wanted).score), 6))


def _named(text: str, wanted: Sequence[str]) -> dict[str, str]:
    return {"the output": text, "the expected text": max(wanted, key=len)}


def _sacrebleu(metric: str) -> Any:
    try:
        from sacrebleu import metrics
    except ImportError:
        raise MissingExtraError("BLEU and chrF", "text") from None
    return getattr(metrics, metric)
