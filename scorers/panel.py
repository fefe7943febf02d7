"""`Panel`: several judges and one verdict."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, cast, get_args

from tracelm.errors import ConfigError
from tracelm.scorers.values import refused
from tracelm.scoring.call import Judgement, call_scorer, call_scorer_now
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer, ScorerLike, name_of, needs_of, version_of

Combine: TypeAlias = Literal["majority", "mean"]


@dataclass(frozen=True, kw_only=True)
class Panel(Scorer):
    """Several judges give one verdict: that of the majority, or the mean of their numbers.

    In async code, as in an evaluation, they are asked at the same time. A judge that refuses to score or fails casts no
    vote; `details["votes"]` says who did what. Without a quorum the output is not scored, and if a judge failed that
    failure is the panel's. A vote that is split evenly is not scored.

    Args:
        judges: The judges: scorers of any kind, each with one score.
        combine: `majority` (of labels, True and False), or `mean` (of numbers; True is 1).
        quorum: How many votes it takes; more than half of the judges unless given.
        called: What the score is called.

    Raises:
        ConfigError: Fewer than two judges, or another argument that cannot work.

    Example:
        >>> from tracelm.scorers import Contains, WordCount
        >>> panel = Panel(judges=(Contains(phrases=("yes",)), WordCount(at_most=3), Contains(phrases=("no",))))
        >>> panel.score(output="yes, please").value
        True
    """

    judges: tuple[ScorerLike, ...] = field(compare=False)
    combine: Combine = "majority"
    quorum: int | None = None
    called: str = "panel"
    judge_versions: tuple[str, ...] = field(init=False, repr=False)
    gives: ClassVar[str] = "the verdict of most, or a mean"

    def __post_init__(self) -> None:
        judges = tuple(self.judges) if isinstance(self.judges, Sequence) else ()  # pyright: ignore[reportUnnecessaryIsInstance]
        if len(judges) < 2 or not all(isinstance(each, Scorer) or callable(each) for each in judges):
            raise ConfigError("judges: a panel takes two scorers or more, as in judges=(strict, lenient)")
        if self.combine not in get_args(Combine):
            raise ConfigError(f"combine={self.combine!r} is not known: use 'majority' or 'mean'")
        if self.quorum is not None and not 1 <= self.quorum <= len(judges):
            raise ConfigError(f"quorum={self.quorum!r} cannot work: give a number from 1 to {len(judges)}")
        object.__setattr__(self, "judges", judges)
        object.__setattr__(self, "judge_versions", tuple(map(version_of, judges)))

    @property
    def name(self) -> str:
        """The given name."""
        return self.called

    @property
    def needs(self) -> tuple[str, ...]:
        """What any of the judges needs."""
        return tuple(dict.fromkeys(name for each in self.judges for name in needs_of(each)))

    def score(self, **row: object) -> Score:
        """Ask one judge after the other."""
        return self._verdict([call_scorer_now(each, row) for each in self.judges])

    async def ascore(self, **row: object) -> Score:
        """Ask all judges at once."""
        import anyio

        found: dict[int, Judgement] = {}

        async def ask(position: int, judge: ScorerLike) -> None:
            found[position] = await call_scorer(judge, row)

        async with anyio.create_task_group() as group:
            for position, judge in enumerate(self.judges):
                group.start_soon(ask, position, judge)
        return self._verdict([found[position] for position in range(len(self.judges))])

    def _verdict(self, judgements: Sequence[Judgement]) -> Score:
        votes: list[dict[str, Any]] = []
        cast_votes: list[Score] = []
        for judge, judgement in zip(self.judges, judgements, strict=True):
            if len(judgement.scores) > 1:
                raise TypeError(f"{name_of(judge)!r} gives several scores: a judge of a panel gives one")
            score = next(iter(judgement.scores.values()), None)
            vote: dict[str, Any] = {"judge": name_of(judge), "version": judgement.version}
            if score is None:
                vote["error"] = type(judgement.error).__name__
            else:
                vote |= {"value": self._vote(score), "explanation": score.explanation}
                if score.value is not None:
                    cast_votes.append(score)
            votes.append(vote)
        if len(cast_votes) < (self.quorum or len(self.judges) // 2 + 1):
            failed = next((each.error for each in judgements if each.error is not None), None)
            if failed is not None:
                raise failed
            reason = refused(f"{len(cast_votes)} of {len(self.judges)} judges gave a verdict").explanation
            return Score(value=None, explanation=reason, details={"votes": votes})
        return self._mean(cast_votes, votes) if self.combine == "mean" else self._majority(cast_votes, votes)

    def _vote(self, score: Score) -> bool | float | str | None:
        """Return what a judge votes: its verdict where it draws a line, for a majority; else its value."""
        if self.combine == "majority" and not isinstance(score.value, str) and score.value is not None:
            return score.value if score.passed is None else score.passed
        return score.value

    def _majority(self, given: Sequence[Score], votes: list[dict[str, Any]]) -> Score:
        counts = Counter(self._vote(each) for each in given).most_common()
        if len(counts) > 1 and counts[0][1] == counts[1][1]:
            split = ", ".join(f"{count} × {value}" for value, count in counts)
            return Score(
                value=None, explanation=f"refused to score: the vote is split ({split})", details={"votes": votes}
            )
        value = counts[0][0]
        why = next((each.explanation for each in given if self._vote(each) == value and each.explanation), None)
        return Score(value=value, explanation=why, details={"votes": votes, "agreement": counts[0][1] / len(given)})

    def _mean(self, given: Sequence[Score], votes: list[dict[str, Any]]) -> Score:
        label = next((each.value for each in given if isinstance(each.value, str)), None)
        if label is not None:
            raise TypeError(f"a judge gave the label {label!r}: labels have no mean, use combine='majority'")
        numbers = [float(cast("float", each.value)) for each in given]
        details = {"votes": votes, "spread": statistics.stdev(numbers) if len(numbers) > 1 else 0.0}
        return Score(value=statistics.fmean(numbers), details=details)
