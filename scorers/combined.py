"""Scorers made of another scorer: its verdict turned round, held against a bar, renamed, or taken from elsewhere."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from tracelm.errors import ConfigError
from tracelm.scorers.paths import value_at
from tracelm.scoring.call import Judgement, call_scorer, call_scorer_now
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer, ScorerLike, name_of, needs_of, version_of


@dataclass(frozen=True)
class Wrapper(Scorer):
    """A scorer that asks one other. Sync and async work as with the other itself.

    Args:
        scorer: The scorer that is asked: a `Scorer`, a function, or an op.
    """

    scorer: ScorerLike = field(compare=False)
    asked_version: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.scorer, type) or not (isinstance(self.scorer, Scorer) or callable(self.scorer)):
            raise ConfigError(f"{type(self).__name__} takes a scorer or a function, not {self.scorer!r}")
        object.__setattr__(self, "asked_version", version_of(self.scorer))

    @property
    def name(self) -> str:
        """What the asked scorer is called."""
        return name_of(self.scorer)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the asked scorer needs."""
        return needs_of(self.scorer)

    @abstractmethod
    def turned(self, score: Score) -> Score:
        """Return what is made of one score of the asked scorer."""

    def given(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """Return what the asked scorer's parameters are filled from."""
        return row

    def score(self, **row: object) -> Any:
        """Ask the scorer and turn its verdict."""
        return self._verdict(call_scorer_now(self.scorer, self.given(row)))

    async def ascore(self, **row: object) -> Any:
        """Do as `score` without blocking the event loop."""
        return self._verdict(await call_scorer(self.scorer, self.given(row)))

    def _verdict(self, judgement: Judgement) -> Score | dict[str, Score]:
        if judgement.error is not None:
            raise judgement.error
        asked = name_of(self.scorer)
        turned = {name: self.turned(score) for name, score in judgement.scores.items()}
        if turned.keys() == {asked}:
            return turned[asked]
        return {name.removeprefix(f"{asked}."): score for name, score in turned.items()}


@dataclass(frozen=True)
class Not(Wrapper):
    """True where another scorer's verdict is False, and the other way round.

    What was not scored stays so. A verdict without a line between good and bad (a number, a label) cannot be
    turned round: give it one first, with `AtLeast` or `AtMost`.

    Args:
        scorer: The scorer whose verdict is turned round.

    Raises:
        ConfigError: That is no scorer.

    Example:
        >>> from tracelm.scorers import Contains
        >>> no_promise = Not(Contains(phrases=("guarantee",)))
        >>> no_promise.score(output="We guarantee it.").value, no_promise.name
        (False, 'not_contains')
    """

    gives: ClassVar[str] = "True or False"

    @property
    def name(self) -> str:
        """`not_` and what the asked scorer is called."""
        return f"not_{name_of(self.scorer)}"

    def turned(self, score: Score) -> Score:
        """Return the opposite verdict."""
        if score.value is None:
            return score
        if score.passed is None:
            raise TypeError(
                f"{score.value!r} of {name_of(self.scorer)!r} draws no line that could be turned round: "
                "wrap that scorer in AtLeast or AtMost first"
            )
        why = score.explanation or f"{name_of(self.scorer)} holds"
        return Score(value=not score.passed, explanation=why if score.passed else None, details=score.details)


@dataclass(frozen=True)
class AtLeast(Wrapper):
    """A number of another scorer, acceptable from a bar on. The number and the name stay.

    Args:
        scorer: The scorer that gives the number.
        bar: The lowest number that passes.

    Raises:
        ConfigError: That is no scorer, or the bar is no finite number.

    Example:
        >>> from tracelm.scorers import TokenF1
        >>> close = AtLeast(TokenF1(), 0.5)
        >>> score = close.score(output="the red car", expected="a red bike")
        >>> score.value, score.passed
        (0.5, True)
    """

    bar: float
    gives: ClassVar[str] = "the number, with a verdict"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bar(self.bar)

    def turned(self, score: Score) -> Score:
        """Return the score with the verdict of the bar."""
        return _held(score, self.bar, below=True, who=name_of(self.scorer))


@dataclass(frozen=True)
class AtMost(Wrapper):
    """A number of another scorer, acceptable up to a bar. The number and the name stay.

    Args:
        scorer: The scorer that gives the number.
        bar: The highest number that passes.

    Raises:
        ConfigError: That is no scorer, or the bar is no finite number.

    Example:
        >>> from tracelm.scorers import EditDistance
        >>> AtMost(EditDistance(), 1).score(output="colour", expected="color").passed
        True
    """

    bar: float
    gives: ClassVar[str] = "the number, with a verdict"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bar(self.bar)

    def turned(self, score: Score) -> Score:
        """Return the score with the verdict of the bar."""
        return _held(score, self.bar, below=False, who=name_of(self.scorer))


@dataclass(frozen=True)
class Named(Wrapper):
    """Another scorer under another name: two of one kind in one evaluation.

    Args:
        scorer: The scorer.
        called: What its score is called.

    Raises:
        ConfigError: That is no scorer, or the name is empty.

    Example:
        >>> from tracelm.scorers import Contains
        >>> Named(Contains(phrases=("EUR", "USD")), "names_a_currency").name
        'names_a_currency'
    """

    called: str
    gives: ClassVar[str] = "what the scorer gives"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not str(self.called).strip():
            raise ConfigError("called is empty: say what the score is called")

    @property
    def name(self) -> str:
        """The given name."""
        return self.called

    @property
    def window(self) -> int | None:
        """That of the scorer."""
        return self.scorer.window if isinstance(self.scorer, Scorer) else None

    def settled(self, text: str) -> int | None:
        """What the scorer says."""
        return self.scorer.settled(text) if isinstance(self.scorer, Scorer) else None

    def turned(self, score: Score) -> Score:
        """Return the score as it is."""
        return score


@dataclass(frozen=True)
class On(Wrapper):
    """Another scorer, with its parameters filled from other places of the row.

    A place is a name of the row, and where it leads on, parts with dots: `"output.answer"`,
    `"output.documents.0.text"`. A part is a key, an attribute, or the number of an item.

    Args:
        scorer: The scorer.
        places: Where each of its parameters comes from, by the parameter's name; the others stay.

    Raises:
        ConfigError: That is no scorer, or no place is given.

    Example:
        >>> from tracelm.scorers import ExactMatch
        >>> answer = On(ExactMatch(), {"output": "output.answer", "expected": "gold"})
        >>> answer.score(output={"answer": "42", "sources": []}, gold="42").value
        True
    """

    places: Mapping[str, str] = field(hash=False)
    gives: ClassVar[str] = "what the scorer gives"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.places, Mapping) or not self.places:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError("places is empty: say where a parameter comes from, as in {'output': 'output.answer'}")
        if not all(isinstance(each, str) and each for each in (*self.places, *self.places.values())):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"places={self.places!r}: both sides are names, as in {{'output': 'output.answer'}}")

    @property
    def needs(self) -> tuple[str, ...]:
        """What the places begin with, and what else the asked scorer needs."""
        roots = [place.partition(".")[0] for place in self.places.values()]
        return tuple(dict.fromkeys([*roots, *(name for name in super().needs if name not in self.places)]))

    def given(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """Return the row with the parameters that come from elsewhere."""
        return {**row, **{name: value_at(row, place) for name, place in self.places.items()}}

    def turned(self, score: Score) -> Score:
        """Return the score as it is."""
        return score


def _check_bar(bar: object) -> None:
    if isinstance(bar, bool) or not isinstance(bar, int | float) or not math.isfinite(bar):
        raise ConfigError(f"bar={bar!r} cannot work: give a finite number")


def _held(score: Score, bar: float, *, below: bool, who: str) -> Score:
    value = score.value
    if value is None:
        return score
    if isinstance(value, str):
        raise TypeError(f"{value!r} of {who!r} is a label: only a number can be held against a bar")
    number = float(value)
    passed = number >= bar if below else number <= bar
    if passed:
        return replace(score, passed=True)
    missed = f"{number:g} is {'below' if below else 'above'} {bar:g}"
    return replace(score, passed=False, explanation=f"{missed}; {score.explanation}" if score.explanation else missed)
