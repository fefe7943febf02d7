"""Trials of evaluation runs, what a run was made of, and versioned objects (datasets)."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final[str | None] = "0004"

_NEW_OF_RUNS: Final = ("task", "task_version", "dataset_version", "provenance", "stopped")


def upgrade() -> None:
    for name in _NEW_OF_RUNS:
        op.add_column("runs", sa.Column(name, sa.String(), nullable=True))
    op.create_table(
        "trials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("row_index", sa.BigInteger(), nullable=False),
        sa.Column("trial", sa.BigInteger(), nullable=False),
        sa.Column("row_digest", sa.String(), nullable=True),
        sa.Column("trace_id", sa.String(), nullable=False),
        sa.Column("span_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("latency_s", sa.Float(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("is_exact", sa.Boolean(), nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "project", "row_index", "trial", name="trials_key"),
    )
    op.create_index("trials_by_row", "trials", ["row_digest", "trial"])
    op.create_table(
        "objects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "name", name="objects_key"),
    )
    op.create_table(
        "object_versions",
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"]),
        sa.PrimaryKeyConstraint("object_id", "version"),
    )
    op.create_table(
        "object_aliases",
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"]),
        sa.PrimaryKeyConstraint("object_id", "alias"),
    )
    op.create_table(
        "dataset_rows",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    _note_trials()


def _note_trials() -> None:
    """Fill `trials` from the rows of the runs that are here."""
    import zlib

    from tracelm.otlp.decode import decode_spans
    from tracelm.store.rows import trial_row
    from tracelm.store.tables import TRIALS

    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT project, record FROM spans WHERE run_id IS NOT NULL ORDER BY id"))
    newest = {
        (row["run_id"], project, row["row_index"], row["trial"]): row
        for project, record in found
        if (row := trial_row(decode_spans(zlib.decompress(record)).records[0], project)) is not None
    }
    if newest:
        connection.execute(sa.insert(TRIALS), list(newest.values()))
