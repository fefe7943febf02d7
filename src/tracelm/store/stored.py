"""The records that the store gives back. Each names the columns that it has in a DataFrame, with pandas' dtypes."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

import orjson

from tracelm import semconv
from tracelm.otlp.dialects import canonical
from tracelm.otlp.dialects.apart import may_have_more, with_said
from tracelm.otlp.records import AnyValue, Attributes, LogRecord, SpanRecord
from tracelm.store.cost_history import in_force

_TEXT: Final = "string"
_INT: Final = "int64"
_INT_OR_NONE: Final = "Int64"
_FLOAT: Final = "float64"


class WholeSpan(Protocol):
    """Where the whole of a span comes from, when it is first asked for."""

    def span(self) -> SpanRecord:
        """Return it.

        Raises:
            StoreError: It was deleted meanwhile, or cannot be read.
        """
        ...

    def said(self) -> Sequence[LogRecord]:
        """Return the log records in which its messages were told, the earliest first.

        Raises:
            StoreError: They cannot be read.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class StoredSpan:
    """One span.

    Attributes:
        project: What it belongs to.
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_span_id: 16 hex digits, `None` for a root.
        name: For an op the qualified name of its function, for a model call `chat MODEL`.
        kind: internal, client, server, producer, consumer or unspecified.
        start_ns: Nanoseconds since 1970, UTC.
        end_ns: Nanoseconds since 1970, UTC.
        duration_ns: Between the two.
        status: unset, ok or error.
        status_message: What the error said.
        error_type: The class of the error.
        op: The name of the op, `None` for other spans.
        operation: What a GenAI span does: chat, embeddings, execute_tool, invoke_agent, ...
        provider: Who served the model.
        model: The model that was asked for, else the one that answered.
        input_tokens: As the provider reported.
        output_tokens: As the provider reported.
        cache_read_tokens: How many of the input came from a cache.
        cache_write_tokens: How many of the input were written into a cache.
        reasoning_tokens: How many of the output were reasoning.
        cost_usd: In US dollars; `None` when the price is not known.
        recorded_cost_usd: What was recorded, where `cost_usd` was computed anew since; else `None`.
        repricings: The costs that were computed since, as a JSON list of `{"at_ns", "attributes"}`; `None` if none was.
        session_id: The conversation.
        user_id: Who was talking.
        release: The version of the program.
        environment: Where it ran: production, staging, ...
        tags: What else it was marked with.
        run_id: The evaluation run.
        row_digest: The dataset's row, in an evaluation.
        state: `ended`; `in flight`: it is open for more than a second and its process lives; `lost`: its process died
            without ending it. For the latter two, `end_ns` is when the process was seen last.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "trace_id": _TEXT,
        "span_id": _TEXT,
        "parent_span_id": _TEXT,
        "name": _TEXT,
        "start_ns": _INT,
        "end_ns": _INT,
        "duration_ns": _INT,
        "status": _TEXT,
        "status_message": _TEXT,
        "error_type": _TEXT,
        "op": _TEXT,
        "operation": _TEXT,
        "provider": _TEXT,
        "model": _TEXT,
        "input_tokens": _INT_OR_NONE,
        "output_tokens": _INT_OR_NONE,
        "cache_read_tokens": _INT_OR_NONE,
        "cache_write_tokens": _INT_OR_NONE,
        "reasoning_tokens": _INT_OR_NONE,
        "cost_usd": _FLOAT,
        "recorded_cost_usd": _FLOAT,
        "session_id": _TEXT,
        "user_id": _TEXT,
        "release": _TEXT,
        "environment": _TEXT,
        "tags": "object",
        "run_id": _TEXT,
        "row_digest": _TEXT,
        "state": _TEXT,
        "project": _TEXT,
        "kind": _TEXT,
        "input": _TEXT,
        "output": _TEXT,
        "attributes": "object",
    }

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
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
    cost_usd: float | None
    session_id: str | None
    user_id: str | None
    release: str | None
    environment: str | None
    tags: tuple[str, ...]
    run_id: str | None
    row_digest: str | None
    record: WholeSpan = field(repr=False, compare=False)
    state: str = "ended"
    recorded_cost_usd: float | None = None
    repricings: str | None = field(default=None, repr=False)

    @functools.cached_property
    def otlp(self) -> SpanRecord:
        """The whole span as it was recorded: events, links, resource, scope, flags, trace state."""
        return self.record.span()

    @functools.cached_property
    def attributes(self) -> Attributes:
        """All attributes of the span, with the cost that is in force; `otlp.attributes` are those recorded.

        What another instrumentation recorded stands there under today's names as well, also what it sent as log records
        of their own.
        """
        return in_force(dict(_shown(self.otlp, self.record)), self.repricings)

    @property
    def input(self) -> str | None:
        """What went in: the arguments as JSON, or the messages to a model; `None` when not recorded."""
        return _content(self.attributes, semconv.INPUT_VALUE, semconv.INPUT_MESSAGES)

    @property
    def output(self) -> str | None:
        """What came out: text, JSON, or the messages of a model; `None` when not recorded."""
        return _content(self.attributes, semconv.OUTPUT_VALUE, semconv.OUTPUT_MESSAGES)


@dataclass(frozen=True, kw_only=True)
class StoredTrace:
    """What the list of traces shows: the root of a trace, and sums over its spans.

    Attributes:
        name: The root's name.
        status: `error` when a root failed.
        span_count: How many spans are here.
        error_count: How many of them failed.
        input_tokens: Sum over the calls of models; `None` when none was reported.
        output_tokens: Sum over the calls of models; `None` when none was reported.
        cost_usd: Sum over the calls whose price is known; `None` when there are none.
        release: The version of the root's program.
        environment: Where it ran: production, staging, ...
        tags: What else the root was marked with.
        input_preview: The beginning of what went into the root, at most 240 characters.
        output_preview: The beginning of what came out of it, at most 240 characters.
        state: `in flight` when one of its spans is, else `lost` when one of them is, else `ended`.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "trace_id": _TEXT,
        "name": _TEXT,
        "start_ns": _INT,
        "end_ns": _INT,
        "duration_ns": _INT,
        "status": _TEXT,
        "status_message": _TEXT,
        "span_count": _INT,
        "error_count": _INT,
        "input_tokens": _INT_OR_NONE,
        "output_tokens": _INT_OR_NONE,
        "cost_usd": _FLOAT,
        "session_id": _TEXT,
        "user_id": _TEXT,
        "release": _TEXT,
        "environment": _TEXT,
        "tags": "object",
        "run_id": _TEXT,
        "state": _TEXT,
        "project": _TEXT,
        "root_span_id": _TEXT,
        "input": _TEXT,
        "output": _TEXT,
    }

    project: str
    trace_id: str
    root_span_id: str
    name: str
    start_ns: int
    end_ns: int
    duration_ns: int
    status: str
    status_message: str | None
    span_count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    session_id: str | None
    user_id: str | None
    release: str | None
    environment: str | None
    tags: tuple[str, ...]
    run_id: str | None
    input_preview: str | None
    output_preview: str | None
    record: WholeSpan = field(repr=False, compare=False)
    state: str = "ended"

    @functools.cached_property
    def root(self) -> SpanRecord:
        """The whole root span."""
        return self.record.span()

    @property
    def input(self) -> str | None:
        """What went into the root."""
        return _content(_shown(self.root, self.record), semconv.INPUT_VALUE, semconv.INPUT_MESSAGES)

    @property
    def output(self) -> str | None:
        """What came out of the root."""
        return _content(_shown(self.root, self.record), semconv.OUTPUT_VALUE, semconv.OUTPUT_MESSAGES)


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """One run of an evaluation.

    Attributes:
        run_id: Unique in its project.
        name: Of the evaluation; `None` as long as the run is not finished.
        rows: How many rows the dataset has.
        trials: How often each row was tried.
        end_ns: `None`: it is not finished, or its process died.
        status: error when the evaluation itself failed, not when rows did.
        task: The name of what was evaluated.
        task_version: The version of its code, 12 hex digits.
        dataset_version: `v0`, `v1`, ... where the dataset was published.
        provenance: What the run was made of.
        stopped: The limit that ended it early; `None` where none did.
        done: Rows x trials that have a result; each counts once, however often it was begun.
        row_errors: How many of these failed.
        cost_usd: Sum over the rows, with what scorers cost.
        tokens: Sent and received, with those of scorers.
        means: The mean of each score that is a number, by name.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "run_id": _TEXT,
        "name": _TEXT,
        "dataset": _TEXT,
        "dataset_digest": _TEXT,
        "rows": _INT_OR_NONE,
        "trials": _INT_OR_NONE,
        "done": _INT,
        "row_errors": _INT,
        "start_ns": _INT,
        "end_ns": _INT_OR_NONE,
        "status": _TEXT,
        "status_message": _TEXT,
        "cost_usd": _FLOAT,
        "project": _TEXT,
        "trace_id": _TEXT,
        "means": "object",
    }

    project: str
    run_id: str
    name: str | None
    dataset: str | None
    dataset_digest: str | None
    rows: int | None
    trials: int | None
    start_ns: int
    end_ns: int | None
    status: str
    status_message: str | None
    trace_id: str | None
    task: str | None
    task_version: str | None
    dataset_version: str | None
    provenance: Mapping[str, Any]
    stopped: str | None
    done: int
    row_errors: int
    cost_usd: float | None
    means: Mapping[str, float]
    tokens: int = 0

    @property
    def planned(self) -> int | None:
        """Rows x trials; `None` where nothing is known but results."""
        return None if self.rows is None else self.rows * (self.trials or 1)

    @property
    def is_complete(self) -> bool:
        """Whether every row and trial has a result."""
        return self.planned is not None and self.done >= self.planned


@dataclass(frozen=True, kw_only=True)
class StoredProject:
    """A project.

    Attributes:
        traces: How many traces it has.
        last_start_ns: When the newest began, nanoseconds since 1970, UTC; `None` when there is none.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {"name": _TEXT, "traces": _INT, "last_start_ns": _INT_OR_NONE}

    name: str
    traces: int
    last_start_ns: int | None


def _shown(span: SpanRecord, whole: WholeSpan) -> Mapping[str, AnyValue]:
    found = canonical(span)
    return canonical(with_said(span, whole.said())) if may_have_more(found) else found


def _content(attributes: Mapping[str, AnyValue], *keys: str) -> str | None:
    return as_text(next((attributes[key] for key in keys if key in attributes), None))


def as_text(value: AnyValue) -> str | None:
    """Return a text as it is, what is none as JSON."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value, default=repr).decode()
