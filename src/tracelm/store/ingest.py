"""Write decoded records into the store, wherever they came from: the journal, or a sender over the network.

What comes twice changes nothing. The caller's transaction holds it all: records, contents, roll-ups, runs, trials.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from tracelm.otlp.records import AnyValue, LogRecord, SpanRecord
from tracelm.store.apart import write_previews_of_calls, write_previews_of_messages
from tracelm.store.contents import numbers, put
from tracelm.store.record import LONG, pack
from tracelm.store.rows import (
    Row,
    label,
    link_rows,
    log_row,
    pending_row,
    run_row,
    score_row,
    span_row,
    started_row,
    trial_row,
)
from tracelm.store.statements import add
from tracelm.store.tables import LINKS, LOGS, PROJECTS, RESOURCES, SCOPES, SCORES, SPANS
from tracelm.store.writer import (
    roll_up,
    write,
    write_ended_runs,
    write_pending,
    write_previews,
    write_started_runs,
    write_trials,
)

_Record = TypeVar("_Record", SpanRecord, LogRecord)


def write_spans(connection: Connection, spans: Sequence[tuple[SpanRecord, str]]) -> None:
    """Write spans that have ended, and compute anew what is told of their traces, runs and trials.

    Args:
        connection: One that may write.
        spans: Each with the project that it belongs to.
    """
    spans = [(span, label(project)) for span, project in spans]
    rows = span_rows(connection, spans)
    write(connection, SPANS, rows)
    add(connection, LINKS, [row for span in spans for row in link_rows(*span)])
    roll_up(connection, rows)
    write_previews(connection, rows, [span for span, _ in spans])
    write_ended_runs(connection, [row for span in spans if (row := run_row(*span))])
    write_trials(connection, [row for span in spans if (row := trial_row(*span))])
    write_previews_of_calls(connection, [span for span, _ in spans])


def write_open_spans(
    connection: Connection, spans: Sequence[tuple[SpanRecord, str]], *, segment: str, seen_ns: int | None
) -> None:
    """Write spans that have not ended; what is known of their end stays.

    Args:
        connection: One that may write.
        spans: Each with the project that it belongs to, as it was a second after its start.
        segment: The segment in which they lie; as long as that is locked, their process lives.
        seen_ns: When their process was seen for the last time.
    """
    spans = [(span, label(project)) for span, project in spans]

    def row(span: SpanRecord, project: str) -> Row:
        return pending_row(span, project, segment=segment, seen_ns=seen_ns or span.start_ns)

    rows = _with_records(connection, spans, row, _texts_of_span)
    write_pending(connection, rows)
    roll_up(connection, rows)
    write_previews(connection, rows, [span for span, _ in spans])


def write_logs(connection: Connection, logs: Sequence[tuple[LogRecord, str]]) -> None:
    """Write log records; scores and the beginnings of runs are such.

    Args:
        connection: One that may write.
        logs: Each with the project that it belongs to.
    """
    logs = [(log, label(project)) for log, project in logs]
    write(connection, LOGS, log_rows(connection, logs))
    write(connection, SCORES, [row for log in logs if (row := score_row(*log))])
    write_started_runs(connection, [row for log in logs if (row := started_row(*log))])
    write_previews_of_messages(connection, [log for log, _ in logs])


def span_rows(connection: Connection, spans: Sequence[tuple[SpanRecord, str]]) -> list[Row]:
    """Return the rows of ended spans; what they share with others is kept already.

    Args:
        connection: One that may write.
        spans: Each with the project that it belongs to.
    """
    return _with_records(connection, spans, span_row, _texts_of_span)


def log_rows(connection: Connection, logs: Sequence[tuple[LogRecord, str]]) -> list[Row]:
    """Return the rows of log records; what they share with others is kept already.

    Args:
        connection: One that may write.
        logs: Each with the project that it belongs to.
    """
    return _with_records(connection, logs, log_row, _texts_of_log)


def _with_records(
    connection: Connection,
    records: Sequence[tuple[_Record, str]],
    row_of: Callable[[_Record, str], Row],
    texts_of: Callable[[_Record], list[str]],
) -> list[Row]:
    """Return the rows of records with what is kept of these, and keep their texts, resources, scopes and projects."""
    packed = [pack(record.own_source, texts_of(record)) for record, _ in records]
    put(connection, {digest: piece for each in packed for digest, piece in each.pieces.items()})
    resources = numbers(connection, RESOURCES, {record.resource.source for record, _ in records})
    scopes = numbers(connection, SCOPES, {record.scope.source for record, _ in records})
    now_ns = time.time_ns()
    rows: list[Row] = []
    for (record, project), kept in zip(records, packed, strict=True):
        row = row_of(record, project)
        row["resource_id"] = resources[record.resource.source]
        row["scope_id"] = scopes[record.scope.source]
        row["record"] = kept.blob
        rows.append(row)
    add(connection, PROJECTS, [{"name": name, "created_ns": now_ns} for name in {str(row["project"]) for row in rows}])
    return rows


def _texts_of_span(span: SpanRecord) -> list[str]:
    found = _long(span.attributes.values())
    for event in span.events:
        found += _long(event.attributes.values())
    return found


def _texts_of_log(log: LogRecord) -> list[str]:
    return _long((log.body, *log.attributes.values()))


def _long(values: Iterable[AnyValue]) -> list[str]:
    """Return the texts that are long enough to be cut out, in their order."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            if len(value) >= LONG:
                found.append(value)
        elif isinstance(value, list):
            found += _long(value)
        elif isinstance(value, dict):
            found += _long(value.values())
    return found
