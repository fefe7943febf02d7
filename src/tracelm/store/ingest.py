"""Write decoded records into the store, wherever they came from: the journal, or a sender over the network.

What comes twice changes nothing. The caller's transaction holds it all: records, roll-ups, runs and trials.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.store.rows import log_row, run_row, score_row, span_row, started_row, trial_row
from tracelm.store.tables import LOGS, SCORES, SPANS
from tracelm.store.writer import roll_up, write, write_ended_runs, write_started_runs, write_trials


def write_spans(connection: Connection, spans: Sequence[tuple[SpanRecord, str]]) -> None:
    """Write spans that have ended, and compute anew what is told of their traces, runs and trials.

    Args:
        connection: One that may write.
        spans: Each with the project that it belongs to.
    """
    rows = [span_row(*span) for span in spans]
    write(connection, SPANS, rows)
    roll_up(connection, rows)
    write_ended_runs(connection, [row for span in spans if (row := run_row(*span))])
    write_trials(connection, [row for span in spans if (row := trial_row(*span))])


def write_logs(connection: Connection, logs: Sequence[tuple[LogRecord, str]]) -> None:
    """Write log records; scores and the beginnings of runs are such.

    Args:
        connection: One that may write.
        logs: Each with the project that it belongs to.
    """
    write(connection, LOGS, [log_row(*log) for log in logs])
    write(connection, SCORES, [row for log in logs if (row := score_row(*log))])
    write_started_runs(connection, [row for log in logs if (row := started_row(*log))])
