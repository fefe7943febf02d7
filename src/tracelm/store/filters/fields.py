"""The fields of the filter language: one table, which the parser, the compiler, completion and the reference read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tracelm.otlp.records import KINDS, STATUSES


class Kind(Enum):
    """What stands behind a field; the value is the word for it in messages."""

    NAME = "text"
    TAG = "a list of texts"
    CLASS = "the name of a class"
    ID = "an id"
    CHOICE = "one of a few words"
    DURATION = "a duration"
    COST = "an amount in US dollars"
    COUNT = "a number"
    ANY = "text or a number"
    PRESENCE = "a field"

    @property
    def is_number(self) -> bool:
        """Whether values are numbers, which have an order."""
        return self in {Kind.DURATION, Kind.COST, Kind.COUNT}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: As it is written.
        kind: What its values are.
        span: The column of `spans`; `None` where only a trace has it.
        trace: The column of `traces`; `None` where only spans have it.
        meaning: For the reference and for completion.
        example: A filter with it.
        choices: The values that there are, for `Kind.CHOICE`.
        has_key: Whether a name follows behind a dot: `score.pii`.
    """

    name: str
    kind: Kind
    meaning: str
    example: str
    span: str | None = None
    trace: str | None = None
    choices: tuple[str, ...] = ()
    has_key: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether `has:` can ask for it."""
        return self.has_key or self.name in _MAY_BE_MISSING


_MAY_BE_MISSING: Final = frozenset(
    {"op", "operation", "provider", "model", "error", "session", "user", "run", "cost", "tokens", "release", "tag"}
    | {"environment", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"}
)

_FIELDS: Final = (
    Field(
        name="name",
        kind=Kind.NAME,
        span="name",
        trace="name",
        meaning="The span's name; of a trace, its root's.",
        example="name:chat*",
    ),
    Field(name="op", kind=Kind.NAME, span="op", meaning="The name of the op.", example="op:explain"),
    Field(
        name="operation",
        kind=Kind.NAME,
        span="operation",
        meaning="What a GenAI span does: `chat`, `embeddings`, `execute_tool`, `invoke_agent`, …",
        example="operation:execute_tool",
    ),
    Field(name="provider", kind=Kind.NAME, span="provider", meaning="Who served the model.", example="provider:openai"),
    Field(
        name="model",
        kind=Kind.NAME,
        span="model",
        meaning="The model that was asked for, else the one that answered.",
        example="model:gpt-4o*",
    ),
    Field(
        name="status",
        kind=Kind.CHOICE,
        span="status",
        trace="status",
        choices=STATUSES,
        meaning="How it ended; a trace has `error` when its root failed. For a failure anywhere in it: `errors>0`.",
        example="status:error",
    ),
    Field(
        name="error",
        kind=Kind.CLASS,
        span="error_type",
        meaning="The class of the error, whole or the part behind its last dot.",
        example="error:RateLimitError",
    ),
    Field(
        name="kind",
        kind=Kind.CHOICE,
        span="kind",
        choices=KINDS,
        meaning="OpenTelemetry's kind of span.",
        example="kind:client",
    ),
    Field(
        name="state",
        kind=Kind.CHOICE,
        span="state",
        trace="state",
        choices=("ended", "in flight", "lost"),
        meaning="`in flight`: it has not ended and its process lives; `lost`: its process died before its end.",
        example='state:"in flight"',
    ),
    Field(
        name="latency",
        kind=Kind.DURATION,
        span="duration_ns",
        trace="duration_ns",
        meaning="From its start to its end.",
        example="latency>2s",
    ),
    Field(
        name="cost",
        kind=Kind.COST,
        span="cost_usd",
        trace="cost_usd",
        meaning="In US dollars; of a trace, the sum over its model calls.",
        example="cost>0.01",
    ),
    Field(
        name="tokens",
        kind=Kind.COUNT,
        span="tokens",
        trace="tokens",
        meaning="Sent and received; of a trace, the sum over its model calls.",
        example="tokens>10k",
    ),
    Field(
        name="input_tokens",
        kind=Kind.COUNT,
        span="input_tokens",
        trace="input_tokens",
        meaning="Sent to the model.",
        example="input_tokens>8k",
    ),
    Field(
        name="output_tokens",
        kind=Kind.COUNT,
        span="output_tokens",
        trace="output_tokens",
        meaning="Received from the model.",
        example="output_tokens>=500",
    ),
    Field(
        name="cache_read_tokens",
        kind=Kind.COUNT,
        span="cache_read_tokens",
        meaning="How many of the input came from a cache.",
        example="cache_read_tokens:0",
    ),
    Field(
        name="cache_write_tokens",
        kind=Kind.COUNT,
        span="cache_write_tokens",
        meaning="How many of the input were written into a cache.",
        example="cache_write_tokens>1k",
    ),
    Field(
        name="reasoning_tokens",
        kind=Kind.COUNT,
        span="reasoning_tokens",
        meaning="How many of the output were reasoning.",
        example="reasoning_tokens>2k",
    ),
    Field(
        name="release",
        kind=Kind.NAME,
        span="release",
        trace="release",
        meaning="The version of the program; of a trace, of its root's.",
        example="release:1.4.*",
    ),
    Field(
        name="environment",
        kind=Kind.NAME,
        span="environment",
        trace="environment",
        meaning="Where it ran: production, staging, …; of a trace, its root.",
        example="environment:production",
    ),
    Field(
        name="tag",
        kind=Kind.TAG,
        span="tags",
        trace="tags",
        meaning="One of the tags; of a trace, of its root's.",
        example="-tag:test",
    ),
    Field(
        name="session",
        kind=Kind.ID,
        span="session_id",
        trace="session_id",
        meaning="The conversation.",
        example="session:c-17",
    ),
    Field(name="user", kind=Kind.ID, span="user_id", trace="user_id", meaning="Who was talking.", example="user:ada"),
    Field(
        name="project",
        kind=Kind.ID,
        span="project",
        trace="project",
        meaning="What it belongs to.",
        example="project:shop",
    ),
    Field(name="run", kind=Kind.ID, span="run_id", trace="run_id", meaning="The evaluation run.", example="has:run"),
    Field(
        name="trace",
        kind=Kind.ID,
        span="trace_id",
        trace="trace_id",
        meaning="The trace's id, 32 hex digits.",
        example="trace:5b8efff7*",
    ),
    Field(
        name="span",
        kind=Kind.ID,
        span="span_id",
        meaning="The span's id, 16 hex digits.",
        example="span:00f067aa0ba902b7",
    ),
    Field(
        name="spans", kind=Kind.COUNT, trace="span_count", meaning="How many spans the trace has.", example="spans>100"
    ),
    Field(
        name="errors",
        kind=Kind.COUNT,
        trace="error_count",
        meaning="How many spans of the trace failed.",
        example="errors>0",
    ),
    Field(
        name="score",
        kind=Kind.ANY,
        has_key=True,
        meaning="A score by its name: its number, its label, `passed`, `failed`, or `error` where the scorer failed.",
        example="score.pii:failed score.correctness<0.5",
    ),
    Field(
        name="attr",
        kind=Kind.ANY,
        has_key=True,
        meaning="An attribute by its key, as it was recorded. Of a list, one element has to match.",
        example='attr.customer.tier:gold attr."gen_ai.request.temperature">0.5',
    ),
    Field(
        name="has",
        kind=Kind.PRESENCE,
        meaning="Whether what may be missing is there: `has:score`, `has:score.pii`, `has:attr.KEY`, `has:cost`, …",
        example="has:score",
    ),
    Field(name="is", kind=Kind.CHOICE, choices=("root",), meaning="`root`: the span has no parent.", example="is:root"),
)

FIELDS: Final[Mapping[str, Field]] = {each.name: each for each in _FIELDS}
"""Every field by its name, in the order of the reference."""
