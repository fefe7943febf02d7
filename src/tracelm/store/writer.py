"""Write rows into the store: insert or replace by key, so that a record that comes twice changes nothing.

Rows go to the driver as they are, not through SQLAlchemy: twice as fast. SQLite gets many in one statement: its driver
gives the interpreter away around each step and waits to get it back, and while another thread is busy a step for each
row would be a wait for each row. Roll-ups are computed anew for the traces that a batch touched; adding to them would
count a repeated record twice.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from tracelm import semconv
from tracelm.otlp.records import SpanRecord
from tracelm.store.preview import preview_of
from tracelm.store.rows import Row
from tracelm.store.statements import Upsert, greatest, insert, least
from tracelm.store.tables import LOGS, RUNS, SCORES, SPANS, TRACES, TRIALS

_KEYS: Final[Mapping[Table, tuple[str, ...]]] = {
    SPANS: ("trace_id", "project", "span_id"),
    TRACES: ("trace_id", "project"),
    LOGS: ("uid", "project"),
    SCORES: ("uid", "project"),
    RUNS: ("run_id", "project"),
    TRIALS: ("run_id", "project", "row_index", "trial"),
}


_DIALECTS: Final = {"sqlite": URL.create("sqlite"), "postgresql": URL.create("postgresql+psycopg")}
_SOME: Final = 500  # as many values as one statement takes
_TOGETHER: Final = 128  # rows of one statement: SQLite takes 32,766 values
_TOTALS: Final = ("input_tokens", "output_tokens", "cost_usd")
_WHOSE: Final = ("session_id", "user_id", "run_id")
_OF_ROOT: Final = ("release", "environment", "tags")
_ROOT: Final = (
    *("id", "project", "trace_id", "span_id", "name", "start_ns", "end_ns", "status", "status_message"),
    "state",
)
_REPRICED: Final = ("cost_usd", "recorded_cost_usd", "repricings")
_PRICED_BY: Final = ("provider", "model", "input_tokens", "output_tokens")
_ROLLED_UP: Final = frozenset({*_ROOT, *_OF_ROOT, *_WHOSE, *_TOTALS, "operation"})
"""What of a span a roll-up needs: not its record, which would be copied."""


def write(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write `rows` into `spans`, `log_records` or `scores`; `roll_up` must follow for spans."""
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(_statement(connection.dialect.name, table)[0], [dict(row) for row in rows])
        return
    start = 0
    while start < len(rows):
        count = min(_TOGETHER, 1 << (len(rows) - start).bit_length() - 1)  # few lengths: each is a statement to compile
        statement, values_of = _of_several(table, count)
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(map(values_of, rows[start : start + count]))))
        start += count


def write_pending(connection: Connection, rows: Sequence[Row]) -> None:
    """Write spans that have not ended; what is known of their end stays. `roll_up` must follow."""
    if rows:
        connection.execute(_pending(connection.dialect.name), [dict(row) for row in rows])


def write_cost(connection: Connection, rows: Sequence[Row]) -> None:
    """Write costs that were computed anew: rows of `id`, what changes, and what `roll_up` needs, which follows here."""
    if rows:
        values: dict[str, object] = {name: bindparam(f"new_{name}") for name in _REPRICED}
        connection.execute(
            update(SPANS).where(SPANS.c.id == bindparam("of_id")).values(values),
            [{"of_id": row["id"], **{f"new_{name}": row[name] for name in _REPRICED}} for row in rows],
        )
        roll_up(connection, rows)


def write_trials(connection: Connection, rows: Sequence[Row]) -> None:
    """Write what became of rows and trials; of one that was run twice the later counts."""
    if rows:
        connection.execute(_newest(connection.dialect.name, TRIALS), [dict(row) for row in rows])


def write_ended_runs(connection: Connection, rows: Sequence[Row]) -> None:
    """Write runs that have ended; the earliest beginning and the latest end count, as a run may be resumed."""
    if rows:
        connection.execute(_newest(connection.dialect.name, RUNS), [dict(row) for row in rows])


def write_started_runs(connection: Connection, rows: Sequence[Row]) -> None:
    """Write runs that have begun, or were taken up again after they had ended."""
    if rows:
        connection.execute(_started_run(connection.dialect.name), [dict(row) for row in rows])


def seen(connection: Connection, segment: str, seen_ns: int | None, *, alive: bool) -> None:
    """Note when the process behind the pending spans of `segment` was seen last, and whether it lives."""
    open_spans = (SPANS.c.state == "in flight", SPANS.c.pending_in == segment)
    touched = connection.execute(
        select(SPANS.c.trace_id, SPANS.c.project, SPANS.c.run_id).where(*open_spans).distinct()
    ).mappings()
    rows: list[Row] = [dict(row) for row in touched]
    values: dict[str, object] = {} if alive else {"state": "lost"}
    if seen_ns is not None:
        end_ns = greatest(SPANS.c.start_ns, seen_ns)
        values |= {"end_ns": end_ns, "duration_ns": end_ns - SPANS.c.start_ns}
    if rows and values:
        connection.execute(update(SPANS).where(*open_spans).values(values))
        _roll_up_traces(connection, rows)


def roll_up(connection: Connection, spans: Sequence[Row]) -> None:
    """Compute the traces that `spans` belong to anew, and note the evaluation runs that they belong to."""
    _roll_up_traces(connection, spans)
    of_runs = [span for span in spans if span["run_id"] is not None]
    if of_runs:
        names = ("run_id", "project", "start_ns")
        connection.execute(
            _unfinished_run(connection.dialect.name), [{name: span[name] for name in names} for span in of_runs]
        )


def _roll_up_traces(connection: Connection, spans: Sequence[Row]) -> None:
    touched = sorted({str(span["trace_id"]) for span in spans})
    for start in range(0, len(touched), _SOME):
        statement = _trace_roll_up(connection.dialect.name)
        connection.execute(statement, {"touched": touched[start : start + _SOME]})


def write_previews(connection: Connection, rows: Sequence[Row], spans: Sequence[SpanRecord]) -> None:
    """Write what the list of traces shows of their roots' contents; `roll_up` has come before.

    Args:
        connection: One that may write.
        rows: Spans that were just written.
        spans: The same, as they were decoded.
    """
    found = {key: index for index, key in enumerate(map(_KEY_OF_SPAN, rows))}
    traces = sorted({key[0] for key in found})
    changes: list[dict[str, object]] = []
    for start in range(0, len(traces), _SOME):
        some = TRACES.c.trace_id.in_(traces[start : start + _SOME])
        for key in connection.execute(select(TRACES.c.trace_id, TRACES.c.project, TRACES.c.root_span_id).where(some)):
            index = found.get(tuple(key))
            if index is not None:
                given, returned = preview_of(spans[index])
                changes.append({"of_trace": key[0], "of_project": key[1], "given": given, "returned": returned})
    if changes:
        connection.execute(_PREVIEWS, changes)


_KEY_OF_SPAN: Final[Callable[[Row], tuple[str, str, str]]] = itemgetter("trace_id", "project", "span_id")
_PREVIEWS: Final = (
    update(TRACES)
    .where(TRACES.c.trace_id == bindparam("of_trace"), TRACES.c.project == bindparam("of_project"))
    .values(input_preview=bindparam("given"), output_preview=bindparam("returned"))
)


@cache
def _pending(dialect: str) -> Upsert:
    names = [column.name for column in SPANS.columns if column.name != "id"]
    statement = insert(dialect, SPANS).values({name: bindparam(name) for name in names})
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=_KEYS[SPANS],
        set_={name: new[name] for name in names if name not in _KEYS[SPANS]},
        where=SPANS.c.state != "ended",
    )


@cache
def _statement(dialect: str, table: Table) -> tuple[str, tuple[str, ...]]:
    """Return the SQL that writes one row, and the columns in the order of SQLite's place-holders."""
    names = [column.name for column in table.columns if column.name != "id"]
    statement = insert(dialect, table).values({name: bindparam(name) for name in names})
    compiled = _replacing(statement, table, names).compile(dialect=_DIALECTS[dialect].get_dialect()())
    return str(compiled), tuple(compiled.positiontup or names)


@cache
def _of_several(table: Table, count: int) -> tuple[str, Callable[[Row], tuple[object, ...]]]:
    """Return SQLite's statement that writes so many rows, and what gives the values of one in its order."""
    statement, order = _statement("sqlite", table)
    head, values, rest = statement.partition(f"({', '.join('?' * len(order))})")
    return head + ", ".join([values] * count) + rest, itemgetter(*order)


@cache
def _trace_roll_up(dialect: str) -> Upsert:
    """Return the statement that computes traces from their spans, the parts in all of their projects.

    The root is the span without a parent; else one whose parent never came here (it lies in another service);
    else, in a ring of spans, the first. Only model calls count in the sums: an agent's span repeats what its
    children report.
    """
    parent = SPANS.alias("parent")
    has_parent_here = exists().where(
        parent.c.trace_id == SPANS.c.trace_id,
        parent.c.project == SPANS.c.project,
        parent.c.span_id == SPANS.c.parent_span_id,
        parent.c.span_id != SPANS.c.span_id,
    )
    rank = case((SPANS.c.parent_span_id.is_(None), 0), (~has_parent_here, 1), else_=2)
    used = [column for column in SPANS.columns if column.name in _ROLLED_UP]
    member = (
        select(*used, rank.label("rank"))
        .where(SPANS.c.trace_id.in_(bindparam("touched", expanding=True)))
        .cte("member")
    )
    its_trace = (member.c.trace_id, member.c.project)
    place = func.row_number().over(partition_by=its_trace, order_by=(member.c.rank, member.c.start_ns, member.c.id))
    root = select(member, place.label("place")).subquery("root")
    failed = member.c.status == "error"
    is_model_call = or_(*(member.c.operation == name for name in sorted(semconv.MODEL_OPERATIONS)))

    added_up = select(
        *its_trace,
        func.min(member.c.start_ns).label("start_ns"),
        func.max(member.c.end_ns).label("end_ns"),
        func.count().label("span_count"),
        func.sum(case((failed, 1), else_=0)).label("error_count"),
        func.max(case((failed & (member.c.rank < 2), 1), else_=0)).label("root_failed"),
        func.max(case((member.c.state == "in flight", 2), (member.c.state == "lost", 1), else_=0)).label("open"),
        *(func.sum(case((is_model_call, member.c[name]))).label(name) for name in _TOTALS),
        *(func.max(member.c[name]).label(name) for name in _WHOSE),
    )
    sums = added_up.group_by(*its_trace).subquery("sums")
    values = {
        "project": root.c.project,
        "trace_id": root.c.trace_id,
        "root_span_id": root.c.span_id,
        "name": root.c.name,
        "start_ns": sums.c.start_ns,
        "end_ns": sums.c.end_ns,
        "duration_ns": greatest(0, sums.c.end_ns - sums.c.start_ns),
        "status": case((sums.c.root_failed == 1, "error"), else_=root.c.status),
        "status_message": root.c.status_message,
        "span_count": sums.c.span_count,
        "error_count": sums.c.error_count,
        "input_tokens": sums.c.input_tokens,
        "output_tokens": sums.c.output_tokens,
        "cost_usd": sums.c.cost_usd,
        "session_id": func.coalesce(root.c.session_id, sums.c.session_id),
        "user_id": func.coalesce(root.c.user_id, sums.c.user_id),
        "run_id": func.coalesce(root.c.run_id, sums.c.run_id),
        **{name: root.c[name] for name in _OF_ROOT},
        "state": case((sums.c.open == 2, "in flight"), (sums.c.open == 1, "lost"), else_="ended"),
    }
    same = and_(root.c.trace_id == sums.c.trace_id, root.c.project == sums.c.project)
    # SQLite takes ON CONFLICT for a part of the join unless a WHERE stands between.
    computed = select(*values.values()).select_from(root.join(sums, same)).where(root.c.place == 1)
    computed = computed.order_by(root.c.trace_id, root.c.project)  # their numbers decide which of equals comes first
    return _replacing(insert(dialect, TRACES).from_select(list(values), computed), TRACES, list(values))


@cache
def _unfinished_run(dialect: str) -> Upsert:
    """Return the statement that notes a run of which only rows are known; one that ended is left alone."""
    statement = insert(dialect, RUNS).values(
        run_id=bindparam("run_id"),
        project=bindparam("project"),
        start_ns=bindparam("start_ns"),
        status="unset",
    )
    return statement.on_conflict_do_update(
        index_elements=_KEYS[RUNS],
        set_={"start_ns": least(RUNS.c.start_ns, statement.excluded.start_ns)},
        where=RUNS.c.end_ns.is_(None),
    )


@cache
def _newest(dialect: str, table: Table) -> Upsert:
    """Return the statement that writes one row, unless a later one is there."""
    names = [column.name for column in table.columns if column.name != "id"]
    statement = insert(dialect, table).values({name: bindparam(name) for name in names})
    new = statement.excluded
    key = _KEYS[table]
    values: dict[str, object] = {name: new[name] for name in names if name not in key}
    if "start_ns" in values:
        values["start_ns"] = least(table.c.start_ns, new.start_ns)
    return statement.on_conflict_do_update(
        index_elements=key, set_=values, where=func.coalesce(table.c.end_ns, 0) <= new.end_ns
    )


@cache
def _started_run(dialect: str) -> Upsert:
    names = [column.name for column in RUNS.columns if column.name != "id"]
    statement = insert(dialect, RUNS).values({name: bindparam(name) for name in names})
    new = statement.excluded
    values: dict[str, object] = {name: new[name] for name in names if name not in _KEYS[RUNS]}
    values["start_ns"] = least(RUNS.c.start_ns, new.start_ns)
    return statement.on_conflict_do_update(
        index_elements=_KEYS[RUNS], set_=values, where=func.coalesce(RUNS.c.end_ns, 0) < new.start_ns
    )


def _replacing(statement: Upsert, table: Table, names: Sequence[str]) -> Upsert:
    key = _KEYS[table]
    new = statement.excluded
    values: dict[str, ColumnElement[Any]] = {name: new[name] for name in names if name not in key}
    if table is SPANS:
        # A record that comes again must not undo a repricing; one that says something else is priced by what it says.
        same = (SPANS.c[name].is_not_distinct_from(new[name]) for name in _PRICED_BY)
        recorded = SPANS.c.recorded_cost_usd.is_not_distinct_from(new.cost_usd)
        is_kept = and_(SPANS.c.repricings.is_not(None), recorded, *same)
        values |= {name: case((is_kept, SPANS.c[name]), else_=new[name]) for name in _REPRICED}
    return statement.on_conflict_do_update(index_elements=key, set_=values)
