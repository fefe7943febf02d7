"""The verdicts that the store gives back: scores, and what guardrails decided."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

from tracelm import semconv
from tracelm.otlp.records import Attributes, LogRecord
from tracelm.store.stored import as_text

_TEXT: Final = "string"
_INT: Final = "int64"
_INT_OR_NONE: Final = "Int64"
_FLOAT: Final = "float64"


class WholeLog(Protocol):
    """Where the whole of a log record comes from, when it is first asked for."""

    def log(self) -> LogRecord:
        """Return it.

        Raises:
            StoreError: It was deleted meanwhile, or cannot be read.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class StoredScore:
    """One verdict on one span.

    Attributes:
        uid: Unique in its project.
        trace_id: The scored span's trace.
        span_id: The scored span.
        time_ns: Nanoseconds since 1970, UTC.
        name: Of the score; one scorer may give several.
        value: The number; 1 or 0 for true or false; `None` when the verdict is a label, or there is none.
        label: The label; "true" or "false" for a bool.
        passed: Whether the output is acceptable; `None` where no such line was drawn.
        explanation: Why; for a scorer that failed, what it said.
        error_type: The class of the error of a scorer that failed.
        source: eval, guardrail, monitor, human or sdk.
        details: What else the scorer said.
        row_index: Which row of the dataset, from 0.
        trial: Which repetition of it, from 0.
        monitor: The monitor that gave it.
        weight: For how many spans it stands there: 1 / the probability with which the span was chosen.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "trace_id": _TEXT,
        "span_id": _TEXT,
        "name": _TEXT,
        "value": _FLOAT,
        "label": _TEXT,
        "passed": "boolean",
        "explanation": _TEXT,
        "error_type": _TEXT,
        "source": _TEXT,
        "author": _TEXT,
        "scorer_version": _TEXT,
        "time_ns": _INT,
        "run_id": _TEXT,
        "row_digest": _TEXT,
        "row_index": _INT_OR_NONE,
        "trial": _INT_OR_NONE,
        "monitor": _TEXT,
        "weight": _FLOAT,
        "project": _TEXT,
        "uid": _TEXT,
        "details": "object",
    }

    project: str
    uid: str
    trace_id: str | None
    span_id: str | None
    time_ns: int
    name: str
    value: float | None
    label: str | None
    passed: bool | None
    explanation: str | None
    error_type: str | None
    source: str | None
    author: str | None
    scorer_version: str | None
    details: Mapping[str, Any]
    run_id: str | None
    row_digest: str | None
    row_index: int | None
    trial: int | None
    monitor: str | None = None
    weight: float | None = None


@dataclass(frozen=True, kw_only=True)
class StoredDecision:
    """What a guardrail decided about one value.

    Attributes:
        guardrail: Its name.
        intended: The action that the verdict asked for: allow, block, replace.
        taken: The action that was taken.
        outcome: enforced, or how it failed.
        latency_s: How long the decision took, in seconds.
    """

    COLUMNS: ClassVar[Mapping[str, str]] = {
        "trace_id": _TEXT,
        "span_id": _TEXT,
        "guardrail": _TEXT,
        "intended": _TEXT,
        "taken": _TEXT,
        "outcome": _TEXT,
        "latency_s": _FLOAT,
        "time_ns": _INT,
        "project": _TEXT,
        "uid": _TEXT,
        "attributes": "object",
    }

    project: str
    uid: str
    trace_id: str | None
    span_id: str | None
    time_ns: int
    record: WholeLog = field(repr=False, compare=False)

    @functools.cached_property
    def otlp(self) -> LogRecord:
        """The whole log record."""
        return self.record.log()

    @property
    def attributes(self) -> Attributes:
        """All attributes of the record."""
        return self.otlp.attributes

    @property
    def guardrail(self) -> str | None:
        """The guardrail's name."""
        return as_text(self.attributes.get(semconv.GUARDRAIL_NAME))

    @property
    def intended(self) -> str | None:
        """The action that the verdict asked for."""
        return as_text(self.attributes.get(semconv.GUARDRAIL_INTENDED))

    @property
    def taken(self) -> str | None:
        """The action that was taken."""
        return as_text(self.attributes.get(semconv.GUARDRAIL_TAKEN))

    @property
    def outcome(self) -> str | None:
        """Whether the action was enforced, or how the guardrail failed."""
        return as_text(self.attributes.get(semconv.GUARDRAIL_OUTCOME))

    @property
    def latency_s(self) -> float | None:
        """How long the decision took, in seconds."""
        found = self.attributes.get(semconv.GUARDRAIL_LATENCY)
        return float(found) if isinstance(found, int | float) else None
