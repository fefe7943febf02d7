"""The lines of lists: a trace, a span, a score, a decision. Inputs and outputs are cut; a span's own page has them."""

from typing import Any

from pydantic import Field

from tracelm.evals.statistics import Interval
from tracelm.json_model import Figure, Model, Moment, plain
from tracelm.store.stored import StoredSpan
from tracelm.store.verdicts import StoredDecision, StoredScore


class TraceLine(Model):
    """The roll-up of a trace, or of its part in one project."""

    project: str
    trace_id: str
    root_span_id: str
    name: str
    start_ns: Moment
    end_ns: Moment
    duration_ns: int
    status: str
    status_message: str | None
    span_count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Figure
    session_id: str | None
    user_id: str | None
    release: str | None
    environment: str | None
    tags: tuple[str, ...]
    run_id: str | None
    state: str = Field(description="ended, in flight or lost")
    input_preview: str | None = Field(description="The beginning of what went into the root.")
    output_preview: str | None = Field(description="The beginning of what came out of it.")


class SpanLine(Model):
    """A span without its contents."""

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: Moment
    end_ns: Moment
    duration_ns: int
    status: str
    status_message: str | None
    error_type: str | None
    op: str | None
    operation: str | None
    provider: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: Figure
    recorded_cost_usd: Figure
    session_id: str | None
    user_id: str | None
    release: str | None
    environment: str | None
    tags: tuple[str, ...]
    run_id: str | None
    row_digest: str | None
    state: str = Field(description="ended, in flight or lost")
    repricings: str | None = Field(description="Costs that were computed since it was recorded, as a JSON list.")


class ScoreLine(Model):
    """A score."""

    project: str
    uid: str
    trace_id: str | None
    span_id: str | None
    time_ns: Moment
    name: str
    value: Figure
    label: str | None
    passed: bool | None
    explanation: str | None
    error_type: str | None
    source: str | None
    author: str | None
    scorer_version: str | None
    details: dict[str, Any]
    run_id: str | None
    row_digest: str | None
    row_index: int | None
    trial: int | None
    monitor: str | None
    weight: Figure


class DecisionLine(Model):
    """What a guardrail decided."""

    project: str
    uid: str
    trace_id: str | None
    span_id: str | None
    time_ns: Moment
    guardrail: str | None
    intended: str | None
    taken: str | None
    outcome: str | None
    latency_s: Figure
    attributes: dict[str, Any]
    otlp: str = Field(description="The log record as it was recorded: OTLP/JSON, a request of its own.")


def columns_of(span: StoredSpan) -> dict[str, Any]:
    """Return what a line has of a span."""
    return {name: getattr(span, name) for name in SpanLine.model_fields}


def score_line(score: StoredScore) -> ScoreLine:
    """Return a stored score as a line."""
    names = ScoreLine.model_fields
    return ScoreLine.model_validate({name: plain(getattr(score, name)) for name in names})


def decision_line(decision: StoredDecision) -> DecisionLine:
    """Return a stored decision as a line."""
    names = [name for name in DecisionLine.model_fields if name != "otlp"]
    found = {name: plain(getattr(decision, name)) for name in names}
    return DecisionLine(**found, otlp=decision.otlp.source.decode())


class IntervalLine(Model):
    """A mean and how sure it is; 95 %."""

    mean: Figure
    low: Figure
    high: Figure
    n: int = Field(description="How many values it is of.")


def interval_line(found: Interval | None) -> IntervalLine | None:
    """Return an interval as the API tells it."""
    if found is None:
        return None
    return IntervalLine(mean=found.mean, low=found.low, high=found.high, n=found.n)
