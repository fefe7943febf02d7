"""What people said of spans in a store, beside what a judge said of the same ones."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tracelm.errors import EvaluationError
from tracelm.evals.calibration import Calibration, calibrate
from tracelm.store.verdicts import StoredScore

if TYPE_CHECKING:
    from tracelm.store.store import Store

MOST: Final = 20_000
"""So many of the newest scores of each name are read."""
_HUMAN: Final = "human"

Place: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A span of which a person said something else than the judge.

    Attributes:
        project: Of the span.
        trace_id: Its trace.
        span_id: Its id.
        author: Who said it.
        person: What he said: a bool, a label or a number.
        judge: What the judge said; `None` where it failed.
    """

    project: str
    trace_id: str
    span_id: str
    author: str
    person: Hashable
    judge: Hashable


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """People beside a judge.

    Attributes:
        calibration: How far they agree; `None` where no span has been judged by both.
        disagreements: Where they do not, the newest first.
    """

    calibration: Calibration | None
    disagreements: tuple[Disagreement, ...]


def people_beside(
    store: "Store",
    name: str,
    *,
    judge: str,
    project: str | None = None,
    run_id: str | None = None,
    since_ns: int | None = None,
) -> Beside:
    """Hold the scores of people against those of a judge, span by span.

    The newest score counts, of each person and of the judge. A verdict that draws a line counts as passed or not
    passed, any other as its label or number.

    Args:
        store: The store.
        name: What people scored.
        judge: The score of the judge; it may have the same name.
        project: Only this project.
        run_id: Only spans that the judge scored in this evaluation run.
        since_ns: Only scores that were given since then, nanoseconds since 1970, UTC.

    Raises:
        StoreError: The project is not known.
    """
    labels: dict[Place, dict[str, Hashable]] = {}
    for score in store.scores(name=name, source=_HUMAN, project=project, since_ns=since_ns, limit=MOST):
        if (place := _place(score)) is not None and (said := verdict_of(score)) is not None:
            labels.setdefault(place, {}).setdefault(score.author or "", said)
    verdicts: dict[Place, Hashable] = {}
    for score in store.scores(name=judge, run_id=run_id, project=project, since_ns=since_ns, limit=MOST):
        if score.source != _HUMAN and (place := _place(score)) is not None:
            verdicts.setdefault(place, verdict_of(score))
    both = [place for place in labels if place in verdicts]
    authors = sorted({author for place in both for author in labels[place]})
    if not both:
        return Beside(calibration=None, disagreements=())
    people = [[labels[place].get(author) for place in both] for author in authors]
    found = [
        Disagreement(
            project=place[0], trace_id=place[1], span_id=place[2], author=author, person=said, judge=verdicts[place]
        )
        for place in both
        for author, said in labels[place].items()
        if said != verdicts[place]
    ]
    return Beside(calibration=_calibration([verdicts[place] for place in both], people), disagreements=tuple(found))


def verdict_of(score: StoredScore) -> bool | str | float | None:
    """Return what a score says: whether it passed, else its label, else its number; `None` where the scorer failed."""
    if score.error_type is not None:
        return None
    if score.passed is not None:
        return score.passed
    if score.label in {"true", "false"}:
        return score.label == "true"
    return score.value if score.label is None else score.label


def _place(score: StoredScore) -> Place | None:
    if score.trace_id is None or score.span_id is None:
        return None
    return score.project, score.trace_id, score.span_id


def _calibration(judge: Iterable[Hashable], people: list[list[Hashable]]) -> Calibration | None:
    try:
        return calibrate(judge, people)
    except EvaluationError:  # people are of two minds about each span
        return None
