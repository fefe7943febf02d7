"""The record that the store gives back for one row and trial of an evaluation run."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import orjson

from tracelm import semconv
from tracelm.otlp.records import AnyValue, Attributes
from tracelm.store.stored import WholeSpan

_TEXT: Final = "string"
_INT: Final = "int64"
_FLOAT: Final = "float64"


@dataclass(frozen=True, kw_only=True)
class StoredTrial:
    """What became of one row and trial of an evaluation run.

    Attributes:
        run_id: The run.
        row_index: Which row of the dataset, from 0.
        trial: Which repetition of it, from 0.
        row_digest: The SHA-256 of the row.
        trace_id: Its trace, 32 hex digits.
        outcome: scored, task_error, scorer_error, timeout or refused_to_score.
        error: Why there is no score.
        latency_s: How long the task took, in seconds.
        cost_usd: What the task's model calls cost; `None` when not known.
        is_exact: Whether `output` is what the task returned: not cut, not redacted, and plain JSON.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "row_index": _INT,
        "trial": _INT,
        "outcome": _TEXT,
        "output": "object",
        "is_exact": "boolean",
        "error": _TEXT,
        "latency_s": _FLOAT,
        "cost_usd": _FLOAT,
        "trace_id": _TEXT,
        "row_digest": _TEXT,
        "run_id": _TEXT,
        "project": _TEXT,
    }

    project: str
    run_id: str
    row_index: int
    trial: int
    row_digest: str | None
    trace_id: str
    span_id: str
    outcome: str
    error: str | None
    latency_s: float | None
    cost_usd: float | None
    is_exact: bool
    end_ns: int
    record: WholeSpan = field(repr=False, compare=False)

    @functools.cached_property
    def attributes(self) -> Attributes:
        """All attributes of the row's span."""
        return self.record.span().attributes

    @property
    def output(self) -> Any:
        """What the task returned, as far as it was recorded; `None` when it was not."""
        return _decoded(self.attributes.get(semconv.OUTPUT_VALUE))

    @property
    def input(self) -> Any:
        """The row, as far as it was recorded; `None` when it was not."""
        return _decoded(self.attributes.get(semconv.INPUT_VALUE))


def _decoded(recorded: AnyValue) -> Any:
    if not isinstance(recorded, str):
        return None
    try:
        return orjson.loads(recorded)
    except orjson.JSONDecodeError:
        return recorded
