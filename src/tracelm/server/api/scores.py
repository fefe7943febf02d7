"""Scores and decisions: the lists, and feedback of a person."""

import asyncio
import os
import time
from typing import Annotated, Any, Final, Literal, TypeAlias

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import Field

from tracelm import semconv
from tracelm.json_model import Model
from tracelm.scoring.score import Score
from tracelm.server.access.rule import Reader, Sender, project_for
from tracelm.server.api.lines import DecisionLine, ScoreLine, decision_line, score_line
from tracelm.server.api.listing import Page, SinceNs, UntilNs, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, ProjectName
from tracelm.server.delivery import Delivery
from tracelm.server.ingest_http import busy
from tracelm.server.intake import OverloadError
from tracelm.server.problems import Problem
from tracelm.server.state import ServerState
from tracelm.store import stats

router: Final = APIRouter(prefix=PREFIX, tags=["scores"], responses=PROBLEMS)
TraceFilter: TypeAlias = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="Only of this trace.")]
_Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
_NAMES: Final = 200
_SCOPE: Final = {"name": "tracelm.server"}


class Feedback(Model):
    """What a person, or a program, says of a span or of a whole trace."""

    trace_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    span_id: Annotated[str | None, Field(pattern="^[0-9a-f]{16}$", description="Null: the trace's root.")] = None
    project: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    name: Annotated[_Name, Field(description="What is judged: helpful, correct, ...")]
    value: bool | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=1_000)]
    explanation: Annotated[str | None, Field(max_length=100_000)] = None
    source: Literal["human", "sdk"] = "human"
    author: Annotated[str | None, Field(max_length=200, description="Null: the name of the key.")] = None


class Made(Model):
    """A score that was just written."""

    uid: str
    project: str
    trace_id: str
    span_id: str


class ScoreNames(Model):
    """Names of scores."""

    items: list[str]


@router.get("/scores")
def list_scores(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    trace_id: TraceFilter = None,
    run_id: Annotated[str | None, Query(max_length=200)] = None,
    name: Annotated[str | None, Query(max_length=1_000)] = None,
    source: Annotated[str | None, Query(max_length=200)] = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[ScoreLine]:
    """List scores, the newest first."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(
        lambda: store.scores(
            project=wanted,
            trace_id=trace_id,
            run_id=run_id,
            name=name,
            source=source,
            since_ns=since_ns,
            until_ns=until_ns,
            after=after,
            limit=limit,
        ),
        caller,
    )
    return Page(items=[score_line(each) for each in found], next=found.next)


@router.get("/scores/names")
def list_names(request: Request, caller: Reader, project: ProjectName = None) -> ScoreNames:
    """List the names that scores have, of the newest 50,000, in alphabetical order; at most 200."""
    store = store_of(request)
    wanted = project_for(caller, project)
    store.index()
    with store.reading() as connection:
        return ScoreNames(items=stats.score_names(connection, project=wanted, prefix="", limit=_NAMES))


@router.get("/decisions")
def list_decisions(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    trace_id: TraceFilter = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[DecisionLine]:
    """List what guardrails decided, the newest first."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(
        lambda: store.decisions(
            project=wanted, trace_id=trace_id, since_ns=since_ns, until_ns=until_ns, after=after, limit=limit
        ),
        caller,
    )
    return Page(items=[decision_line(each) for each in found], next=found.next)


@router.post("/scores", status_code=201)
async def give_score(request: Request, feedback: Feedback, caller: Sender) -> Made:
    """Score a span or a trace. It becomes the same log record that `tracelm.score` writes, and is committed."""
    state: ServerState = request.app.state.server
    project, span_id = await asyncio.to_thread(_scored, state, feedback, project_for(caller, feedback.project))
    uid = os.urandom(16).hex()
    body = _log_request(feedback, uid=uid, project=project, span_id=span_id, author=feedback.author or caller.name)
    delivery = Delivery(signal="logs", encoding="json", body=body, projects=caller.projects)
    try:
        outcome = await asyncio.wrap_future(state.intake.submit(delivery))
    except OverloadError as error:
        raise busy(error) from None
    if outcome.accepted != 1:
        raise Problem(422, outcome.rejected.message)
    return Made(uid=uid, project=project, trace_id=feedback.trace_id, span_id=span_id)


def _scored(state: ServerState, feedback: Feedback, project: str | None) -> tuple[str, str]:
    """Return the project and the span that are scored.

    Raises:
        StoreError: There is no such trace or span.
    """
    if feedback.span_id is not None:
        span = state.store.span(feedback.trace_id, feedback.span_id, project=project)
        return span.project, span.span_id
    root = state.store.trace_page(feedback.trace_id, project=project, limit=1).summary
    return root.project, root.root_span_id


def _log_request(feedback: Feedback, *, uid: str, project: str, span_id: str, author: str) -> bytes:
    score = Score(value=feedback.value, explanation=feedback.explanation)
    found: dict[str, dict[str, Any]] = {
        semconv.LOG_RECORD_UID: {"stringValue": uid},
        semconv.EVALUATION_NAME: {"stringValue": feedback.name},
        semconv.SCORE_SOURCE: {"stringValue": feedback.source},
        semconv.SCORE_AUTHOR: {"stringValue": author},
    }
    if isinstance(score.value, bool):
        found[semconv.SCORE_VALUE] = {"doubleValue": float(score.value)}
        found[semconv.SCORE_LABEL] = {"stringValue": "true" if score.value else "false"}
    elif isinstance(score.value, str):
        found[semconv.SCORE_LABEL] = {"stringValue": score.value}
    elif score.value is not None:
        found[semconv.SCORE_VALUE] = {"doubleValue": float(score.value)}
    if score.passed is not None:
        found[semconv.SCORE_PASSED] = {"boolValue": score.passed}
    if score.explanation is not None:
        found[semconv.SCORE_EXPLANATION] = {"stringValue": score.explanation}
    now = str(time.time_ns())
    record = {
        "timeUnixNano": now,
        "observedTimeUnixNano": now,
        "traceId": feedback.trace_id,
        "spanId": span_id,
        "eventName": semconv.EVALUATION_EVENT,
        "attributes": [{"key": key, "value": value} for key, value in found.items()],
    }
    of = {"attributes": [{"key": semconv.PROJECT, "value": {"stringValue": project}}]}
    scope_logs = [{"scope": _SCOPE, "logRecords": [record]}]
    return orjson.dumps({"resourceLogs": [{"resource": of, "scopeLogs": scope_logs}]})
