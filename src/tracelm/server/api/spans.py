"""Spans: the list, and one with its contents. Large values are fetched one by one."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, StringConstraints

from tracelm.json_model import Model, Moment, plain
from tracelm.otlp.dialects.apart import name_of
from tracelm.otlp.records import AnyValue, SpanRecord
from tracelm.server.access.rule import Reader, project_for
from tracelm.server.api.lines import DecisionLine, ScoreLine, SpanLine, columns_of, decision_line, score_line
from tracelm.server.api.listing import OrderBy, Page, SinceNs, UntilNs, Where, listed, store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, After, Limit, ProjectName
from tracelm.server.api.traces import TraceId
from tracelm.server.problems import Problem
from tracelm.store.queries import spans_by_id
from tracelm.store.stored import StoredSpan

router: Final = APIRouter(prefix=PREFIX, tags=["spans"], responses=PROBLEMS)
SpanId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="16 hex digits.")]
_LARGE_BYTES: Final = 16_000
_MOST_IN_ALL: Final = 1_000_000
_MOST_WHOLE: Final = 8_000_000
_BEGINNING: Final = 2_000
_SCORES: Final = 1_000
_VALUE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The value.", "content": {"application/json": {"schema": {}}}}
}


class LargeValue(Model):
    """A value that is not sent along."""

    key: str
    event: int | None = Field(description="In which event it stands, from 0; null for the span itself.")
    size_bytes: int = Field(description="As JSON.")
    beginning: str
    href: str = Field(description="Where it is whole, relative to this server.")


class Event(Model):
    """Something that happened within the span."""

    name: str
    time_ns: Moment
    attributes: dict[str, Any]
    dropped_attributes: int


class Link(Model):
    """A pointer to another span."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: dict[str, Any]
    flags: int


class Producer(Model):
    """What made the span: a process (resource), and a library in it (scope)."""

    attributes: dict[str, Any]
    name: str = Field(description="Of the library; empty for the process.")
    version: str
    schema_url: str


class SpanDetail(SpanLine):
    """A span with all that is known of it."""

    attributes: dict[str, Any] = Field(description="With the cost that is in force; without the values in `large`.")
    large: list[LargeValue]
    events: list[Event]
    links: list[Link]
    resource: Producer
    scope: Producer
    trace_state: str
    flags: int
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    scores: list[ScoreLine]
    decisions: list[DecisionLine]


class WholeSpan(Model):
    """A span as it was recorded."""

    project: str
    trace_id: str
    span_id: str
    otlp: str = Field(description="OTLP/JSON, a request of its own.")


class WholeSpans(Model):
    """Some spans as they were recorded."""

    items: list[WholeSpan] = Field(description="In no order; not those that are not there, or too much for one answer.")


class SaidLine(Model):
    """A log record in which something of a call was told."""

    time_ns: Moment
    name: str = Field(description="`gen_ai.user.message`, `gen_ai.choice`, ...")
    otlp: str = Field(description="The log record as it was sent: OTLP/JSON, a request of its own.")


class Said(Model):
    """What was said in a call, told apart from its span."""

    items: list[SaidLine]


@router.get("/spans")
def list_spans(
    request: Request,
    caller: Reader,
    project: ProjectName = None,
    where: Where = "",
    trace_id: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="Only of this trace.")] = None,
    op: Annotated[str | None, Query(max_length=1_000, description="Only of this op.")] = None,
    name: Annotated[str | None, Query(max_length=1_000, description="Only with this name.")] = None,
    run_id: Annotated[str | None, Query(max_length=200, description="Only of this evaluation run.")] = None,
    since_ns: SinceNs = None,
    until_ns: UntilNs = None,
    order_by: OrderBy = "-start",
    after: After = None,
    limit: Limit = 100,
) -> Page[SpanLine]:
    """List spans."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(
        lambda: store.spans(
            where,
            project=wanted,
            trace_id=trace_id,
            op=op,
            name=name,
            run_id=run_id,
            since_ns=since_ns,
            until_ns=until_ns,
            order_by=order_by,
            after=after,
            limit=limit,
        ),
        caller,
    )
    return Page(items=[SpanLine.model_validate(each) for each in found], next=found.next)


@router.get("/spans/otlp")
def list_otlp(
    request: Request,
    caller: Reader,
    span: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}:[0-9a-f]{16}$")]],
        Query(min_length=1, max_length=100, description="`TRACE:SPAN`, the two ids; may stand several times."),
    ],
    project: ProjectName = None,
) -> WholeSpans:
    """Send several spans as they were recorded, for a program that has just listed them."""
    wanted = project_for(caller, project)
    with store_of(request).reading() as connection:
        found = spans_by_id(connection, {(each[:32], each[33:]) for each in span}, project=wanted)
    items: list[WholeSpan] = []
    budget = _MOST_WHOLE
    for each in found:
        source = each.otlp.source
        budget -= len(source)
        if items and budget < 0:
            break
        items.append(
            WholeSpan(project=each.project, trace_id=each.trace_id, span_id=each.span_id, otlp=source.decode())
        )
    return WholeSpans(items=items)


@router.get("/traces/{trace_id}/linked")
def list_linked(
    request: Request,
    caller: Reader,
    trace_id: TraceId,
    project: ProjectName = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[SpanLine]:
    """List the spans that have a link to a span of this trace, the newest first."""
    store = store_of(request)
    wanted = project_for(caller, project)
    found = listed(lambda: store.linked(trace_id, project=wanted, after=after, limit=limit), caller)
    return Page(items=[SpanLine.model_validate(each) for each in found], next=found.next)


@router.get("/traces/{trace_id}/spans/{span_id}")
def show_span(
    request: Request, caller: Reader, trace_id: TraceId, span_id: SpanId, project: ProjectName = None
) -> SpanDetail:
    """Show a span with its contents; what is larger than 16 KB is named, and fetched by its own address."""
    store = store_of(request)
    wanted = project_for(caller, project)
    span = store.span(trace_id, span_id, project=wanted)
    record = span.otlp
    large: list[LargeValue] = []
    budget = _MOST_IN_ALL
    attributes, budget = _sent(span, span.attributes, None, large, budget)
    events: list[Event] = []
    for number, event in enumerate(record.events):
        of_event, budget = _sent(span, event.attributes, number, large, budget)
        events.append(
            Event(
                name=event.name,
                time_ns=event.time_ns,
                attributes=of_event,
                dropped_attributes=event.dropped_attributes,
            )
        )
    scores = store.scores(project=span.project, trace_id=trace_id, limit=_SCORES)
    decisions = store.decisions(project=span.project, trace_id=trace_id, limit=_SCORES)
    return SpanDetail(
        **columns_of(span),
        attributes=attributes,
        large=large,
        events=events,
        links=_links(record),
        resource=Producer(
            attributes=plain(record.resource.attributes), name="", version="", schema_url=record.resource.schema_url
        ),
        scope=Producer(
            attributes=plain(record.scope.attributes),
            name=record.scope.name,
            version=record.scope.version,
            schema_url=record.scope.schema_url,
        ),
        trace_state=record.trace_state,
        flags=record.flags,
        dropped_attributes=record.dropped_attributes,
        dropped_events=record.dropped_events,
        dropped_links=record.dropped_links,
        scores=[score_line(each) for each in reversed(scores) if each.span_id == span_id],
        decisions=[decision_line(each) for each in reversed(decisions) if each.span_id == span_id],
    )


@router.get("/traces/{trace_id}/spans/{span_id}/messages")
def list_messages(
    request: Request, caller: Reader, trace_id: TraceId, span_id: SpanId, project: ProjectName = None
) -> Said:
    """List the log records in which the messages of a call were sent beside its span, the earliest first.

    The span shows what they say in its attributes already; here is how they came.
    """
    span = store_of(request).span(trace_id, span_id, project=project_for(caller, project))
    return Said(
        items=[
            SaidLine(time_ns=each.time_ns, name=name, otlp=each.source.decode())
            for each in span.record.said()
            if (name := name_of(each)) is not None
        ]
    )


@router.get("/traces/{trace_id}/spans/{span_id}/value", response_class=Response, responses=_VALUE)
def show_value(
    request: Request,
    caller: Reader,
    trace_id: TraceId,
    span_id: SpanId,
    key: Annotated[str, Query(max_length=4_096)],
    event: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    project: ProjectName = None,
) -> Response:
    """Send one value of a span whole, as JSON."""
    span = store_of(request).span(trace_id, span_id, project=project_for(caller, project))
    holder: Mapping[str, AnyValue] | None = span.attributes
    if event is not None:
        events = span.otlp.events
        holder = events[event].attributes if event < len(events) else None
    if holder is None or key not in holder:
        raise Problem(404, "the span has no such value")
    return Response(orjson.dumps(plain(holder[key])), media_type="application/json")


@router.get("/traces/{trace_id}/spans/{span_id}/otlp", response_class=Response, responses=_VALUE)
def show_otlp(
    request: Request, caller: Reader, trace_id: TraceId, span_id: SpanId, project: ProjectName = None
) -> Response:
    """Send a span as it was recorded: OTLP/JSON, a request of its own."""
    span = store_of(request).span(trace_id, span_id, project=project_for(caller, project))
    return Response(span.otlp.source, media_type="application/json")


def _sent(
    span: StoredSpan, attributes: Mapping[str, AnyValue], event: int | None, large: list[LargeValue], budget: int
) -> tuple[dict[str, Any], int]:
    """Return the attributes that are sent along, and how many bytes may still be; the others go to `large`."""
    sent: dict[str, Any] = {}
    for key, value in attributes.items():
        held = plain(value)
        text = orjson.dumps(held)
        if len(text) <= min(_LARGE_BYTES, budget):
            sent[key] = held
            budget -= len(text)
            continue
        beginning = held if isinstance(held, str) else text[: 4 * _BEGINNING].decode(errors="ignore")
        large.append(
            LargeValue(
                key=key,
                event=event,
                size_bytes=len(text),
                beginning=beginning[:_BEGINNING],
                href=_href(span, key, event),
            )
        )
    return sent, budget


def _href(span: StoredSpan, key: str, event: int | None) -> str:
    asked = {"key": key, "project": span.project, **({} if event is None else {"event": event})}
    return f"{PREFIX}/traces/{span.trace_id}/spans/{span.span_id}/value?{urlencode(asked)}"


def _links(record: SpanRecord) -> list[Link]:
    return [
        Link(
            trace_id=each.trace_id,
            span_id=each.span_id,
            trace_state=each.trace_state,
            attributes=plain(each.attributes),
            flags=each.flags,
        )
        for each in record.links
    ]
