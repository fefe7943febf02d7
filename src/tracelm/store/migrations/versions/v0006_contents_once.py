"""Long texts and chat messages once, resources and scopes once, more columns of spans.

The records are written anew: what was kept compressed as a whole is cut into its pieces.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final[str | None] = "0005"

_BATCH: Final = 500
_NEW_OF_SPANS: Final = (
    *(("cache_read_tokens", sa.BigInteger()), ("cache_write_tokens", sa.BigInteger())),
    *(("reasoning_tokens", sa.BigInteger()), ("release", sa.String()), ("environment", sa.String())),
    ("tags", sa.String()),
)
_FILTERED: Final = (
    *("project", "start_ns", "duration_ns", "status", "op", "operation", "model", "cost_usd", "input_tokens"),
    *("output_tokens", "error_type", "session_id", "user_id", "parent_span_id"),
)
_NEW_OF_TRACES: Final = ("release", "environment", "tags", "input_preview", "output_preview")


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    for table in ("resources", "scopes", "contents"):
        op.create_table(
            table,
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("digest", sa.LargeBinary(), nullable=False),
            sa.Column("content", sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("id"),
            sa.UniqueConstraint("digest"),
            sqlite_autoincrement=table == "contents",
        )
    op.create_table(
        "kept_digests",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    link = ("trace_id", "project", "span_id", "linked_trace_id", "linked_span_id")
    op.create_table(
        "links",
        *(sa.Column(name, sa.String(), nullable=False) for name in link),
        sa.PrimaryKeyConstraint(*link),
    )
    op.create_index("links_by_target", "links", ["linked_trace_id", "linked_span_id"])
    for name, kind in _NEW_OF_SPANS:
        op.add_column("spans", sa.Column(name, kind, nullable=True))
    for name in _NEW_OF_TRACES:
        op.add_column("traces", sa.Column(name, sa.String(), nullable=True))
    for table in ("spans", "log_records"):
        for name in ("resource_id", "scope_id"):
            op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    _write_anew()
    op.drop_index("spans_by_project", "spans")
    op.create_index("spans_by_project", "spans", list(_FILTERED))
    op.drop_index("scores_by_trace", "scores")
    op.create_index("scores_by_span", "scores", ["trace_id", "project", "span_id"])
    op.create_index("scores_by_name", "scores", ["name", "time_ns", "project", "passed", "value"])
    # Only a copy of the table can have numbers that are given once.
    with op.batch_alter_table("spans", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as spans:
        for name in ("resource_id", "scope_id"):
            spans.alter_column(name, server_default=None)


def _write_anew() -> None:
    from tracelm.otlp.decode import decode_logs, decode_spans
    from tracelm.store.ingest import log_rows, span_rows
    from tracelm.store.preview import preview_of
    from tracelm.store.rows import link_rows
    from tracelm.store.statements import add
    from tracelm.store.tables import LINKS, TRACES

    connection = op.get_bind()

    def spans(found: Sequence[Any]) -> list[dict[str, Any]]:
        records = [(decode_spans(zlib.decompress(row.record)).records[0], str(row.project)) for row in found]
        rows = span_rows(connection, records)
        add(connection, LINKS, [link for record in records for link in link_rows(*record)])
        names = ("release", "environment", "tags")
        for (record, project), row in zip(records, rows, strict=True):
            given, returned = preview_of(record)
            connection.execute(
                sa.update(TRACES)
                .where(
                    TRACES.c.trace_id == record.trace_id,
                    TRACES.c.project == project,
                    TRACES.c.root_span_id == record.span_id,
                )
                .values(input_preview=given, output_preview=returned, **{name: row[name] for name in names})
            )
        return [dict(row) for row in rows]

    def logs(found: Sequence[Any]) -> list[dict[str, Any]]:
        records = [(decode_logs(zlib.decompress(row.record)).records[0], str(row.project)) for row in found]
        return [dict(row) for row in log_rows(connection, records)]

    kept = ("record", "resource_id", "scope_id")
    _anew(connection, "spans", (*kept, *(name for name, _ in _NEW_OF_SPANS)), spans)
    _anew(connection, "log_records", kept, logs)


def _anew(
    connection: sa.Connection,
    table: str,
    names: Sequence[str],
    rows_of: Callable[[Sequence[Any]], list[dict[str, Any]]],
) -> None:
    page = sa.text(f"SELECT id, project, record FROM {table} WHERE id > :after ORDER BY id LIMIT {_BATCH}")  # noqa: S608
    change = sa.text(f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in names)} WHERE id = :id")  # noqa: S608
    after = 0
    while found := connection.execute(page, {"after": after}).all():
        rows = rows_of(found)
        changes = [{"id": old.id} | {name: row[name] for name in names} for old, row in zip(found, rows, strict=True)]
        connection.execute(change, changes)
        after = found[-1].id
