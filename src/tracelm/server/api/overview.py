"""What there is: projects, conversations, figures over time, and values that complete a filter."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias, get_args

from fastapi import APIRouter, Query, Request
from pydantic import Field

from tracelm.json_model import Figure, Model, Moment
from tracelm.pricing.why import WhyUnpriced
from tracelm.server.access.rule import Reader, check_sees_all, project_for
from tracelm.server.api.listing import Page, SinceNs, UntilNs, listed, store_of, window
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, ProjectName
from tracelm.store import stats
from tracelm.store.filters import complete
from tracelm.store.filters.fields import FIELDS

router: Final = APIRouter(prefix=PREFIX, tags=["overview"], responses=PROBLEMS)
_OFFERED: Final = 20
_Column: TypeAlias = Literal[
    "op", "name", "operation", "provider", "model", "status", "error_type", "session_id", "user_id", "run_id", "kind"
]


class ProjectLine(Model):
    """A project."""

    name: str
    traces: int
    last_start_ns: Moment | None = Field(description="When its newest trace began; null when it has none.")


class Projects(Model):
    """The projects that the caller may see."""

    items: list[ProjectLine]


class SessionLine(Model):
    """A conversation."""

    project: str
    session_id: str
    user_id: str | None
    trace_count: int
    error_count: int
    start_ns: Moment
    end_ns: Moment
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Figure


class StatsLine(Model):
    """Figures of a bucket of time, or of a group."""

    start_ns: Moment | None
    group: str | None
    count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Figure
    p50_ns: int | None
    p95_ns: int | None
    p99_ns: int | None


class StatsTable(Model):
    """Figures of the traces over time, or of the spans by group."""

    since_ns: Moment
    until_ns: Moment
    bucket_ns: int | None = Field(description="How long a bucket is; null for groups.")
    items: list[StatsLine]


class UnpricedLine(Model):
    """A model that was called, reported what it is billed by, and has no cost."""

    provider: str | None
    model: str | None
    calls: int
    last_start_ns: Moment
    why: WhyUnpriced = Field(description="Why the last of them has no cost by the public list.")


class Unpriced(Model):
    """Such models, the most called first."""

    items: list[UnpricedLine]


class FieldLine(Model):
    """A field of the filter language."""

    name: str
    kind: str
    meaning: str
    example: str
    choices: list[str] = Field(description="The values that there are; empty where any may stand.")
    has_key: bool = Field(description="Whether a name follows behind a dot: `score.pii`.")
    is_of_traces_only: bool


class Fields(Model):
    """The fields of the filter language."""

    items: list[FieldLine]


class CompletionLine(Model):
    """One thing that may stand at a place of a filter."""

    text: str = Field(description="What to write from `start` to `end`.")
    start: int
    end: int
    kind: Literal["field", "operator", "value"]
    meaning: str


class Completions(Model):
    """What may stand at a place of a filter, the likely first."""

    items: list[CompletionLine]


class Values(Model):
    """Values of a column."""

    items: list[str]


@router.get("/projects")
def list_projects(request: Request, caller: Reader) -> Projects:
    """List the projects, the one with the newest trace first."""
    found = store_of(request).projects()
    seen = [each for each in found if caller.projects is None or each.name in caller.projects]
    return Projects(items=[ProjectLine.model_validate(each) for each in seen])


@router.get("/sessions")
def list_sessions(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[SessionLine]:
    """List conversations of the last seven days, or of the time that is given; the newest first.

    One that goes on meanwhile moves to the front, and is not on a page behind it.
    """
    store = store_of(request)
    wanted = project_for(caller, project)
    since, until = window(since_ns, until_ns, days=7)
    store.index()

    def page() -> tuple[Sequence[stats.SessionLine], str | None]:
        with store.reading() as connection:
            return stats.sessions(connection, project=wanted, since_ns=since, until_ns=until, after=after, limit=limit)

    found, following = listed(page, caller)
    return Page(items=[SessionLine.model_validate(each) for each in found], next=following)


@router.get("/stats")
def show_stats(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    buckets: Annotated[int, Query(ge=1, le=stats.MOST_BUCKETS, description="Into so many the time is divided.")] = 60,
    by: Annotated[stats.Grouping | None, Query(description="Group spans by this instead.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="So many groups at most.")] = 20,
) -> StatsTable:
    """Count traces, errors, tokens and cost over time, with quantiles of latency; or spans, group by group.

    Left out, the time is the last 24 hours.
    """
    store = store_of(request)
    wanted = project_for(caller, project)
    since, until = window(since_ns, until_ns, days=1)
    store.index()
    with store.reading() as connection:
        if by is not None:
            found = stats.by_group(connection, by, project=wanted, since_ns=since, until_ns=until, limit=limit)
            bucket = None
        else:
            bucket = -(-(until - since) // buckets)
            found = stats.over_time(connection, project=wanted, since_ns=since, until_ns=until, bucket_ns=bucket)
    items = [StatsLine.model_validate(each) for each in found]
    return StatsTable(since_ns=since, until_ns=until, bucket_ns=bucket, items=items)


@router.get("/unpriced")
def list_unpriced(request: Request, caller: Reader, since_ns: SinceNs = None) -> Unpriced:
    """List the models whose calls have no cost, the most called first, over all projects."""
    check_sees_all(caller)
    found = store_of(request).unpriced_models(since_ns=since_ns or 0)
    return Unpriced(items=[UnpricedLine.model_validate(each) for each in found])


@router.get("/fields")
def list_fields(_caller: Reader) -> Fields:
    """List the fields of the filter language."""
    return Fields(
        items=[
            FieldLine(
                name=each.name,
                kind=each.kind.value,
                meaning=each.meaning,
                example=each.example,
                choices=list(each.choices),
                has_key=each.has_key,
                is_of_traces_only=each.span is None and each.trace is not None,
            )
            for each in FIELDS.values()
        ]
    )


@router.get("/complete")
def complete_filter(
    request: Request,
    caller: Reader,
    text: Annotated[str, Query(max_length=4_000, description="The filter so far; it need not be readable.")],
    position: Annotated[int, Query(ge=0, le=4_000, description="Where the cursor stands, in characters from 0.")],
    project: ProjectName = None,
) -> Completions:
    """Say what may stand where the cursor is: fields, operators, and values that were recorded."""
    store = store_of(request)
    wanted = project_for(caller, project)
    store.index()
    with store.reading() as connection:

        def values(field: str, prefix: str) -> list[str]:
            if field == "score":
                return stats.score_names(connection, project=wanted, prefix=prefix, limit=_OFFERED)
            column = FIELDS[field].span
            if column is None or column not in get_args(_Column):
                return []
            return stats.known_values(connection, column, project=wanted, prefix=prefix, limit=_OFFERED)

        found = complete(text, position, values=values)
    return Completions(items=[CompletionLine.model_validate(each) for each in found])


@router.get("/values")
def list_values(
    request: Request,
    caller: Reader,
    column: Annotated[_Column, Query(description="Of which column of spans.")],
    project: ProjectName = None,
    prefix: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Values:
    """List values that begin so, for completing a filter."""
    store = store_of(request)
    wanted = project_for(caller, project)
    store.index()
    with store.reading() as connection:
        return Values(items=stats.known_values(connection, column, project=wanted, prefix=prefix, limit=limit))
