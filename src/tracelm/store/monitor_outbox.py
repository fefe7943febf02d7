"""Scores of monitors that wait for a collector: noted together with the scores, forgotten once it has them.

They lie in the table of what was moved out of the journal, so that retention spares them and one query reads both.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, select

from tracelm.otlp.records import LogRecord
from tracelm.store.outbox import waiting
from tracelm.store.rows import label, uid_of
from tracelm.store.statements import add
from tracelm.store.tables import OUTBOX


def note(connection: Connection, queue: str, logs: Sequence[tuple[LogRecord, str]]) -> None:
    """Note that scores wait; in the transaction that writes them.

    Args:
        connection: One that may write.
        queue: What they wait in.
        logs: The scores, each with its project.
    """
    last = select(func.coalesce(func.max(OUTBOX.c.end), 0)).where(*_in(queue))
    first = int(connection.execute(last).scalar_one()) + 1
    of_queue = {"segment": queue, "signal": "logs", "span_id": None}
    rows = [
        # With the trace, which retention then spares.
        {**of_queue, "end": end, "project": label(project), "uid": uid_of(log), "trace_id": log.trace_id}
        for end, (log, project) in enumerate(logs, first)
    ]
    if rows:
        add(connection, OUTBOX, rows)


def next_lines(connection: Connection, queue: str, *, max_bytes: int) -> tuple[list[bytes], list[int]]:
    """Return scores that wait, as lines of the journal, oldest first; and the place behind each.

    Args:
        connection: One that sees an unchanging state.
        queue: What they wait in.
        max_bytes: About so much at once.
    """
    return waiting(connection, queue, "logs", 0, max_bytes=max_bytes)


def forget(connection: Connection, queue: str, upto: int) -> None:
    """Forget that scores wait which the collector has, or will never take.

    Args:
        connection: One that may write.
        queue: What they wait in.
        upto: The place behind the last of them.
    """
    connection.execute(delete(OUTBOX).where(*_in(queue), OUTBOX.c.end <= upto))


def count(connection: Connection, queue: str) -> int:
    """Return how many scores wait."""
    return int(connection.execute(select(func.count()).select_from(OUTBOX).where(*_in(queue))).scalar_one())


def _in(queue: str) -> tuple[ColumnElement[bool], ...]:
    return OUTBOX.c.segment == queue, OUTBOX.c.signal == "logs"
