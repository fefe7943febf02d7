"""Monitors: which there are, and how each does."""

import math
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from tracelm.json_model import Model, Moment
from tracelm.monitors.status import monitor_status
from tracelm.monitors.windows import Figures, Group
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import IntervalLine, interval_line
from tracelm.server.api.listing import SinceNs, UntilNs, store_of, window
from tracelm.server.api.models import PREFIX, PROBLEMS, ProjectName
from tracelm.server.problems import Problem
from tracelm.store import monitors, stats

router: Final = APIRouter(prefix=PREFIX, tags=["monitors"], responses=PROBLEMS)
_NS: Final = 10**9
_TOP: Final = 20
_CHARACTERS: Final = 2_000

MonitorName: TypeAlias = Annotated[str, Path(min_length=1, max_length=500)]


class Monitors(Model):
    """The names of the monitors that have run; of one project, those that scored something in it."""

    items: list[str]


class FiguresLine(Model):
    """What several verdicts say together."""

    score: str
    version: str = Field(description="Of the scorer: figures of two versions are never mixed.")
    n: int = Field(description="How many verdicts, with failures of the scorer.")
    spans: float = Field(description="How many spans they stand for.")
    errors: int = Field(description="How often the scorer failed.")
    pass_rate: IntervalLine | None = Field(description="The share of spans that pass; null where no line is drawn.")
    mean: IntervalLine | None = Field(description="The mean of the numbers; null where there are none.")


class WindowLine(FiguresLine):
    """One score and version of its scorer in a window of time."""

    start_ns: Moment
    end_ns: Moment


class GroupLine(FiguresLine):
    """One score and version of its scorer, for one model, op or release."""

    key: str | None = Field(description="Which; null for spans that do not say.")


class FailingLine(Model):
    """An input whose output did not pass."""

    input: str | None = Field(description="Its beginning, as it was recorded; null where it was not.")
    n: int = Field(description="Verdicts that failed.")
    spans: float = Field(description="For how many spans these stand.")
    scores: list[str]
    trace_ids: list[str] = Field(description="The newest traces of it, at most three.")


class MonitorReport(Model):
    """How a monitor does in a time."""

    name: str
    since_ns: Moment
    until_ns: Moment
    window_ns: int = Field(description="How long a window is.")
    windows: list[WindowLine] = Field(description="By score, time and version; those without verdicts are left out.")
    models: list[GroupLine]
    ops: list[GroupLine]
    releases: list[GroupLine]
    failing: list[FailingLine] = Field(description="The inputs that fail most, of the newest 500 spans that do.")


@router.get("/monitors")
def list_monitors(request: Request, caller: Reader, project: ProjectName = None) -> Monitors:
    """List the monitors, in alphabetical order."""
    store = store_of(request)
    wanted = project_for(caller, project)
    store.index()
    with store.reading() as connection:
        return Monitors(items=monitors.names(connection, project=wanted))


@router.get("/monitors/{name:path}")
def show_monitor(
    request: Request,
    caller: Reader,
    name: MonitorName,
    project: ProjectName = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    buckets: Annotated[int, Query(ge=1, le=stats.MOST_BUCKETS, description="Into so many windows, about.")] = 60,
) -> MonitorReport:
    """Show how a monitor does in the last seven days, or in the time that is given.

    A verdict belongs to the window in which its span began, whenever it was judged.
    """
    store = store_of(request)
    wanted = project_for(caller, project)
    since, until = window(since_ns, until_ns, days=7)
    store.index()
    with store.reading() as connection:
        if name not in monitors.names(connection, project=wanted):
            raise Problem(404, "no monitor of this name has scored anything here: see /api/v1/monitors")
    width_s = max(1, math.ceil((until - since) / buckets / _NS))
    found = monitor_status(store, name, since_ns=since, until_ns=until, project=wanted, window_s=width_s, top=_TOP)
    return MonitorReport(
        name=name,
        since_ns=since,
        until_ns=until,
        window_ns=width_s * _NS,
        windows=[
            WindowLine(**_figures(each.score, each.version, each.figures), start_ns=each.start_ns, end_ns=each.end_ns)
            for each in found.windows
        ],
        models=[_group(each) for each in found.models],
        ops=[_group(each) for each in found.ops],
        releases=[_group(each) for each in found.releases],
        failing=[
            FailingLine(
                input=None if each.input is None else each.input[:_CHARACTERS],
                n=each.n,
                spans=each.spans,
                scores=list(each.scores),
                trace_ids=list(each.trace_ids),
            )
            for each in found.failing
        ],
    )


def _group(group: Group) -> GroupLine:
    return GroupLine(**_figures(group.score, group.version, group.figures), key=group.key)


def _figures(score: str, version: str, found: Figures) -> dict[str, Any]:
    return {
        "score": score,
        "version": version,
        "n": found.n,
        "spans": found.spans,
        "errors": found.errors,
        "pass_rate": interval_line(found.pass_rate),
        "mean": interval_line(found.mean),
    }
