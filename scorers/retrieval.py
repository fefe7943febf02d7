"""Scorers of a ranking: which of the relevant documents a retriever found, and how far up.

The output is the ranking, best first: ids, or documents with an id. The row's `expected` says what is relevant:
ids, or a mapping of ids to grades. Without any relevant document there is nothing to find: such a row is not
scored, instead of being counted as 0 or 1.
"""

import math
import numbers
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, cast

from tracelm.errors import ConfigError
from tracelm.scorers.values import refused, shown
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

Grades: TypeAlias = Mapping[object, float]


@dataclass(frozen=True, kw_only=True)
class RankingScorer(Scorer):
    """Reads the ranking and what is relevant; a document that is listed twice counts where it stands first.

    Args:
        k: How many of the ranking count, from the top; all unless given.
        id_key: Where documents are mappings or objects: the key or attribute with the id.

    Raises:
        ConfigError: `k` is no whole number above 0.
    """

    k: int | None = None
    id_key: str = "id"
    gives: ClassVar[str] = "a share, 0..1"

    def __post_init__(self) -> None:
        if self.k is not None and (isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"k={self.k!r} cannot work: give a whole number above 0, or leave it out for all")

    @property
    def name(self) -> str:
        """The name with the cut: `recall_at_5`."""
        plain = super().name
        return plain if self.k is None else f"{plain}_at_{self.k}"

    def score(self, *, output: object, expected: object) -> Score:
        """Score the ranking `output` by the relevant documents `expected`."""
        relevant = self._relevant(expected)
        if not any(grade > 0 for grade in relevant.values()):
            return refused("the row names no relevant document")
        ranking = list(dict.fromkeys(self._id(each) for each in _items(output, "the output")))
        value = self.measure(ranking if self.k is None else ranking[: self.k], relevant)
        missed = [each for each in relevant if relevant[each] > 0 and each not in ranking[: self.k]]
        why = f"not found: {', '.join(shown(each) for each in missed[:10])}" if missed else None
        return Score(value=value, explanation=why, details={"ranked": len(ranking)})

    @abstractmethod
    def measure(self, ranking: Sequence[object], relevant: Grades) -> float:
        """Return the value for a ranking without repetitions, cut at `k`."""

    def _relevant(self, expected: object) -> Grades:
        if isinstance(expected, Mapping):
            graded = cast("Mapping[object, object]", expected)
            if self.id_key not in graded:
                return {key: _grade(key, grade) for key, grade in graded.items()}
        return {self._id(each): 1.0 for each in _items(cast("object", expected), "expected")}

    def _id(self, document: object) -> object:
        found: object = document
        if isinstance(document, Mapping):
            found = cast("Mapping[object, object]", document).get(self.id_key)
        elif not isinstance(document, str | int):
            found = getattr(document, self.id_key, None)
        if not isinstance(found, str | int):
            raise TypeError(
                f"{shown(cast('object', document))} has no id under {self.id_key!r}: give ids (text or int), "
                "documents with one, or id_key="
            )
        return found


@dataclass(frozen=True, kw_only=True)
class Precision(RankingScorer):
    """Which share of the first `k` documents is relevant.

    Divided by `k` also where the ranking is shorter, so that finding little is no advantage; without `k`, by the
    length of the ranking. An empty ranking gives 0.

    Args:
        k: How many count, from the top.
        id_key: The key or attribute of a document's id.

    Example:
        >>> Precision(k=4).score(output=["a", "x", "b"], expected=["a", "b", "c"]).value
        0.5
    """

    def measure(self, ranking: Sequence[object], relevant: Grades) -> float:
        """Return hits over `k`."""
        of = self.k or len(ranking)
        return _hits(ranking, relevant) / of if of else 0.0


@dataclass(frozen=True, kw_only=True)
class Recall(RankingScorer):
    """Which share of the relevant documents is among the first `k`.

    Args:
        k: How many count, from the top.
        id_key: The key or attribute of a document's id.

    Example:
        >>> Recall(k=2).score(output=["a", "x", "b"], expected=["a", "b"]).value
        0.5
    """

    def measure(self, ranking: Sequence[object], relevant: Grades) -> float:
        """Return hits over all that are relevant."""
        return _hits(ranking, relevant) / sum(grade > 0 for grade in relevant.values())


@dataclass(frozen=True, kw_only=True)
class HitRate(RankingScorer):
    """1 when a relevant document is among the first `k`, else 0. The mean over the rows is the hit rate.

    Args:
        k: How many count, from the top.
        id_key: The key or attribute of a document's id.

    Example:
        >>> HitRate(k=1).score(output=["x", "a"], expected=["a"]).value
        0.0
    """

    gives: ClassVar[str] = "0 or 1"

    def measure(self, ranking: Sequence[object], relevant: Grades) -> float:
        """Return whether there is a hit."""
        return float(_hits(ranking, relevant) > 0)


@dataclass(frozen=True, kw_only=True)
class ReciprocalRank(RankingScorer):
    """One over the place of the first relevant document; 0 without one. The mean over the rows is the MRR.

    Args:
        k: How many count, from the top.
        id_key: The key or attribute of a document's id.

    Example:
        >>> ReciprocalRank().score(output=["x", "a"], expected=["a"]).value
        0.5
    """

    def measure(self, ranking: Sequence[object], relevant: Grades) -> float:
        """Return one over the first place with a hit."""
        return next((1 / place for place, each in enumerate(ranking, 1) if relevant.get(each, 0) > 0), 0.0)


@dataclass(frozen=True, kw_only=True)
class Ndcg(RankingScorer):
    """The gain of the ranking, less the further down it comes, over that of the best ranking, 0..1.

    Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002) with the grade itself as gain and log2(1 +
    place) as discount. Without grades each relevant document has 1.

    Args:
        k: How many count, from the top.
        id_key: The key or attribute of a document's id.

    Example:
        >>> round(Ndcg(k=3).score(output=["b", "a", "x"], expected={"a": 3, "b": 1}).value, 4)
        0.7967
    """

    def measure(self, ranking: Sequence[object], relevant: Grades) -> float:
        """Return DCG over the best DCG."""
        best = sorted((grade for grade in relevant.values() if grade > 0), reverse=True)
        return min(1.0, _dcg([relevant.get(each, 0.0) for each in ranking]) / _dcg(best[: self.k]))


def _dcg(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def _hits(ranking: Sequence[object], relevant: Grades) -> int:
    return sum(relevant.get(each, 0) > 0 for each in ranking)


def _grade(key: object, grade: object) -> float:
    if not isinstance(grade, numbers.Real) or not 0 <= float(grade) < math.inf:
        raise TypeError(f"the grade of {shown(key)} is {shown(grade)}: give a number, not below 0")
    return float(grade)


def _items(value: object, what: str) -> list[object]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence | AbstractSet):
        kind = type(cast("object", value)).__name__
        raise TypeError(f"{what} is a {kind}: give a list of ids or documents")
    if isinstance(value, AbstractSet) and what == "the output":
        raise TypeError("the output is a set, which has no order: give a list, best first")
    return list(cast("Sequence[object]", value))
