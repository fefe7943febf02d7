"""A decoded record as the row of its table: the typed columns. What is kept of the whole record, `ingest` adds."""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import orjson

from tracelm import semconv
from tracelm.otlp.dialects import canonical
from tracelm.otlp.records import AnyValue, LogRecord, SpanRecord
from tracelm.store.filters.attribute_bits import bits_of

Row: TypeAlias = dict[str, object]

_LONGEST_LABEL: Final = 128  # characters
_INT64: Final = range(-(2**63), 2**63)
_TOKENS: Final = range(10**12)  # what no model reads or writes at once, and of which a database can add up many


def span_row(span: SpanRecord, project: str) -> Row:
    """Return the row of `spans`."""
    row: Row = {
        **_NOTHING,
        "project": project,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": clean(span.name),
        "kind": span.kind,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "duration_ns": max(0, span.end_ns - span.start_ns),
        "status": span.status,
        "status_message": clean(span.status_message) or None,
        "state": "ended",
    }
    row["attribute_bits_low"], row["attribute_bits_high"] = bits_of(span.attributes)
    found = canonical(span, content=False)
    for attributes, columns in ((span.resource.attributes, _OF_PROCESS), (found, _OF_SPAN)):
        for key, column, read in columns:
            if key in attributes and (value := read(attributes, key)) is not None:
                row[column] = value
    return row


def pending_row(span: SpanRecord, project: str, *, segment: str, seen_ns: int) -> Row:
    """Return the row of `spans` for a span that has not ended.

    Args:
        span: As it was a second after its start.
        project: What it belongs to.
        segment: The segment in which it lies; as long as that is locked, its process lives.
        seen_ns: When its process was seen for the last time: the end of the span, as far as anybody knows.
    """
    row = span_row(span, project)
    end_ns = max(seen_ns, span.start_ns)
    return row | {
        "end_ns": end_ns,
        "duration_ns": end_ns - span.start_ns,
        "state": "in flight",
        "pending_in": segment,
    }


def link_rows(span: SpanRecord, project: str) -> list[Row]:
    """Return the rows of `links`."""
    return [
        {
            "trace_id": span.trace_id,
            "project": project,
            "span_id": span.span_id,
            "linked_trace_id": link.trace_id,
            "linked_span_id": link.span_id,
        }
        for link in span.links
    ]


def log_row(log: LogRecord, project: str) -> Row:
    """Return the row of `log_records`."""
    return {
        "project": project,
        "uid": uid_of(log),
        "trace_id": log.trace_id,
        "span_id": log.span_id,
        "time_ns": log.time_ns,
        "event_name": label(log.event_name),
    }


def score_row(log: LogRecord, project: str) -> Row | None:
    """Return the row of `scores`; `None` when the record is no score."""
    found = log.attributes
    name = _label(found, semconv.EVALUATION_NAME)
    if log.event_name != semconv.EVALUATION_EVENT or name is None:
        return None
    passed = found.get(semconv.SCORE_PASSED)
    return {
        "project": project,
        "uid": uid_of(log),
        "trace_id": log.trace_id,
        "span_id": log.span_id,
        "time_ns": log.time_ns,
        "name": name,
        "value": _number(found, semconv.SCORE_VALUE),
        "label": _text(found, semconv.SCORE_LABEL),
        "passed": passed if isinstance(passed, bool) else None,
        "explanation": _text(found, semconv.SCORE_EXPLANATION),
        "error_type": _label(found, semconv.ERROR_TYPE),
        "source": _label(found, semconv.SCORE_SOURCE),
        "author": _label(found, semconv.SCORE_AUTHOR),
        "scorer_version": _label(found, semconv.SCORER_VERSION),
        "details": _text(found, semconv.SCORE_DETAILS),
        "run_id": _label(found, semconv.RUN_ID),
        "row_digest": _label(found, semconv.ROW_DIGEST),
        "row_index": _integer(found, semconv.ROW_INDEX),
        "trial": _integer(found, semconv.TRIAL),
        "monitor": _label(found, semconv.MONITOR_NAME),
        "weight": _number(found, semconv.SCORE_WEIGHT),
    }


def run_row(span: SpanRecord, project: str) -> Row | None:
    """Return the row of `runs`; `None` when the span is not that of an evaluation run."""
    found = span.attributes
    run_id, name = _label(found, semconv.RUN_ID), _label(found, semconv.RUN_NAME)
    if run_id is None or name is None or semconv.RUN_ROWS not in found:
        return None
    return {
        **_about_run(found),
        "project": project,
        "run_id": run_id,
        "name": name,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "status": span.status,
        "status_message": clean(span.status_message) or None,
        "trace_id": span.trace_id,
    }


def started_row(log: LogRecord, project: str) -> Row | None:
    """Return the row of `runs` for a run that has begun; `None` when the record does not say so."""
    found = log.attributes
    run_id = _label(found, semconv.RUN_ID)
    if log.event_name != semconv.STARTED_EVENT or run_id is None:
        return None
    return {
        **_about_run(found),
        "project": project,
        "run_id": run_id,
        "name": _label(found, semconv.RUN_NAME),
        "start_ns": log.time_ns,
        "end_ns": None,
        "status": "unset",
        "status_message": None,
        "trace_id": log.trace_id,
    }


def trial_row(span: SpanRecord, project: str) -> Row | None:
    """Return the row of `trials`; `None` when the span is not that of a row, or the row was not run."""
    found = span.attributes
    run_id, outcome = _label(found, semconv.RUN_ID), _label(found, semconv.ROW_OUTCOME)
    row_index = _integer(found, semconv.ROW_INDEX)
    if run_id is None or row_index is None or outcome in {None, "not_run"}:
        return None
    return {
        "project": project,
        "run_id": run_id,
        "row_index": row_index,
        "trial": _integer(found, semconv.TRIAL) or 0,
        "row_digest": _label(found, semconv.ROW_DIGEST),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "outcome": outcome,
        "error": _text(found, semconv.ROW_ERROR) or clean(span.status_message) or None,
        "latency_s": _number(found, semconv.ROW_LATENCY),
        "cost_usd": _number(found, semconv.ROW_COST),
        "is_exact": found.get(semconv.ROW_OUTPUT_EXACT) is True,
        "end_ns": span.end_ns,
    }


def _about_run(found: Mapping[str, AnyValue]) -> Row:
    return {
        "dataset": _label(found, semconv.DATASET_NAME),
        "dataset_digest": _label(found, semconv.DATASET_DIGEST),
        "dataset_version": _label(found, semconv.DATASET_VERSION),
        "rows": _integer(found, semconv.RUN_ROWS),
        "trials": _integer(found, semconv.RUN_TRIALS),
        "task": _label(found, semconv.TASK_NAME),
        "task_version": _label(found, semconv.TASK_VERSION),
        "provenance": _text(found, semconv.RUN_PROVENANCE),
        "stopped": _text(found, semconv.RUN_STOPPED),
    }


def uid_of(log: LogRecord) -> str:
    """Return what makes the record the same when it comes again: its own id, else the digest of all of it."""
    return _label(log.attributes, semconv.LOG_RECORD_UID) or hashlib.sha256(log.source).hexdigest()


def clean(text: str) -> str:
    """Return text for a column: no database keeps NUL as it should. The record has it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def label(text: str) -> str:
    """Return a name or an id for a column that is looked up: no longer than any database's index takes.

    Of a longer one the digest says which it is. The record has the whole.
    """
    if len(text) <= _LONGEST_LABEL:
        return text if "\0" not in text else clean(text)
    return f"{clean(text[: _LONGEST_LABEL - 17])}~{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _label(attributes: Mapping[str, AnyValue], key: str) -> str | None:
    value = attributes.get(key)
    return label(value) if isinstance(value, str) and value else None


def _text(attributes: Mapping[str, AnyValue], key: str) -> str | None:
    value = attributes.get(key)
    return clean(value) if isinstance(value, str) and value else None


def _tags(attributes: Mapping[str, AnyValue], key: str) -> str | None:
    value = attributes[key]
    if isinstance(value, str) and value:
        value = [value]
    texts = [clean(each) for each in value if isinstance(each, str) and each] if isinstance(value, list) else []
    return orjson.dumps(list(dict.fromkeys(texts))).decode() if texts else None


def _number(attributes: Mapping[str, AnyValue], key: str) -> float | None:
    value = attributes.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _integer(attributes: Mapping[str, AnyValue], key: str) -> int | None:
    exact = attributes.get(key)
    if type(exact) is int:
        return exact if exact in _INT64 else None
    value = _number(attributes, key)
    if value is None or not value.is_integer() or int(value) not in _INT64:
        return None
    return int(value)


def _tokens(attributes: Mapping[str, AnyValue], key: str) -> int | None:
    found = _integer(attributes, key)
    # A range that is asked for what is no number looks at each of its numbers.
    return found if found is not None and found in _TOKENS else None


def _usd(attributes: Mapping[str, AnyValue], key: str) -> float | None:
    currency = _text(attributes, semconv.COST_CURRENCY)
    return _number(attributes, key) if currency in {None, "USD"} else None


_Read: TypeAlias = Callable[[Mapping[str, AnyValue], str], object]

# Where several attributes fill a column, the one that counts most stands last.
_OF_PROCESS: Final[tuple[tuple[str, str, _Read], ...]] = (
    (semconv.RELEASE, "release", _label),
    *((key, "environment", _label) for key in reversed(semconv.ENVIRONMENTS)),
)
_OF_SPAN: Final[tuple[tuple[str, str, _Read], ...]] = (
    (semconv.ERROR_TYPE, "error_type", _label),
    (semconv.OP_NAME, "op", _label),
    (semconv.OPERATION_NAME, "operation", _label),
    (semconv.PROVIDER_NAME, "provider", _label),
    (semconv.RESPONSE_MODEL, "model", _label),
    (semconv.REQUEST_MODEL, "model", _label),
    (semconv.INPUT_TOKENS, "input_tokens", _tokens),
    (semconv.OUTPUT_TOKENS, "output_tokens", _tokens),
    (semconv.CACHE_READ_TOKENS, "cache_read_tokens", _tokens),
    (semconv.CACHE_WRITE_TOKENS, "cache_write_tokens", _tokens),
    (semconv.REASONING_TOKENS, "reasoning_tokens", _tokens),
    (semconv.COST_AMOUNT, "cost_usd", _usd),
    (semconv.SESSION_ID, "session_id", _label),
    (semconv.CONVERSATION_ID, "session_id", _label),
    (semconv.USER_ID, "user_id", _label),
    *_OF_PROCESS,
    (semconv.TAGS, "tags", _tags),
    (semconv.RUN_ID, "run_id", _label),
    (semconv.ROW_DIGEST, "row_digest", _label),
)
_NOTHING: Final[Mapping[str, object]] = dict.fromkeys(
    [*(column for _, column, _ in _OF_SPAN), "pending_in", "recorded_cost_usd", "repricings"]
)
