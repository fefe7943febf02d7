"""People beside a judge: how far their scores of the same spans agree."""

from collections.abc import Hashable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field

from tracelm.evals.people import people_beside
from tracelm.json_model import Figure, Model
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import IntervalLine, interval_line
from tracelm.server.api.listing import SinceNs, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName

router: Final = APIRouter(prefix=PREFIX, tags=["scores"], responses=PROBLEMS)
_SHOWN: Final = 50


class Meeting(Model):
    """How often one label of people meets one verdict of the judge."""

    people: str
    judge: str
    n: int


class DisagreementLine(Model):
    """A span of which a person said something else than the judge."""

    project: str
    trace_id: str
    span_id: str
    author: str
    person: str
    judge: str


class Agreement(Model):
    """People beside a judge."""

    n: int = Field(description="Spans that both have judged.")
    agreement: IntervalLine | None = Field(description="Share of the spans of which both say the same.")
    kappa: IntervalLine | None = Field(description="Cohen's kappa; null where both always say the same one thing.")
    chance: Figure = Field(description="The agreement that chance alone would give.")
    between_people: Figure = Field(description="Share of the pairs of labels of people that are the same.")
    confusion: list[Meeting]
    notes: list[str] = Field(description="What to be careful about.")
    disagreements: list[DisagreementLine] = Field(description="The newest, at most 50.")


@router.get("/agreement")
def show_agreement(
    request: Request,
    caller: Reader,
    name: Annotated[str, Query(min_length=1, max_length=1_000, description="What people scored.")],
    judge: Annotated[str, Query(min_length=1, max_length=1_000, description="The score of the judge.")],
    project: ProjectName = None,
    run_id: Annotated[str | None, Query(max_length=200, description="Only what the judge scored in this run.")] = None,
    since_ns: SinceNs = None,
) -> Agreement:
    """Show how far people agree with a judge; the newest score of each counts."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(
        lambda: people_beside(store, name, judge=judge, project=wanted, run_id=run_id, since_ns=since_ns), caller
    )
    told = found.calibration
    between = None if told is None or told.between_people is None else told.between_people.agreement
    return Agreement(
        n=0 if told is None else told.n,
        agreement=None if told is None else interval_line(told.agreement),
        kappa=None if told is None else interval_line(told.kappa),
        chance=None if told is None else told.chance,
        between_people=between,
        confusion=[]
        if told is None
        else [Meeting(people=_said(a), judge=_said(b), n=n) for (a, b), n in told.confusion.most_common()],
        notes=[] if told is None else list(told.notes),
        disagreements=[
            DisagreementLine(
                project=each.project,
                trace_id=each.trace_id,
                span_id=each.span_id,
                author=each.author,
                person=_said(each.person),
                judge=_said(each.judge),
            )
            for each in found.disagreements[:_SHOWN]
        ],
    )


def _said(verdict: Hashable) -> str:
    if isinstance(verdict, bool):
        return "yes" if verdict else "no"
    if verdict is None:
        return "failed"
    return f"{verdict:g}" if isinstance(verdict, float) else str(verdict)
