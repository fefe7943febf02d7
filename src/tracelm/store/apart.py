"""What the list of traces shows of calls whose messages came apart from their spans, before them or after."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, and_, select, update

from tracelm.otlp.dialects.apart import may_have_more, name_of, with_said
from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.store.contents import KEPT, Place, said_of, spans_of
from tracelm.store.preview import preview_of
from tracelm.store.tables import SPANS, TRACES

_SOME: Final = 500  # as many values as one statement takes


def write_previews_of_calls(connection: Connection, spans: Iterable[SpanRecord]) -> None:
    """Write what was said in calls, where log records told it before; their spans were just written."""
    _write(connection, {span.trace_id for span in spans if may_have_more(span.attributes)})


def write_previews_of_messages(connection: Connection, logs: Iterable[LogRecord]) -> None:
    """Write what was said in calls whose spans are here already; the log records were just written."""
    _write(connection, {log.trace_id for log in logs if log.trace_id is not None and name_of(log) is not None})


def _write(connection: Connection, trace_ids: Iterable[str]) -> None:
    at_root = and_(
        SPANS.c.trace_id == TRACES.c.trace_id,
        SPANS.c.project == TRACES.c.project,
        SPANS.c.span_id == TRACES.c.root_span_id,
    )
    columns = [SPANS.c[name] for name in (*Place._fields, *KEPT)]
    for some in _batches(sorted(trace_ids)):
        wanted = select(*columns).join(TRACES, at_root).where(TRACES.c.trace_id.in_(some))
        rows = {
            Place(row["project"], row["trace_id"], row["span_id"]): row for row in connection.execute(wanted).mappings()
        }
        said = said_of(connection, rows)
        for place, span in zip(said, spans_of(connection, [rows[place] for place in said]), strict=True):
            if not may_have_more(span.attributes):
                continue
            given, returned = preview_of(with_said(span, said[place]))
            of_trace = (TRACES.c.trace_id == place.trace_id, TRACES.c.project == place.project)
            connection.execute(update(TRACES).where(*of_trace).values(input_preview=given, output_preview=returned))


def _batches(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _SOME] for start in range(0, len(values), _SOME))
