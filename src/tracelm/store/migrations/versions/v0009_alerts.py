"""Where alerts stand, what they have said, how often judges err; a monitor's scores by time, as alerts read them."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final[str | None] = "0008"


def _figures() -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float(), nullable=True) for name in ("value", "low", "high")]


def upgrade() -> None:
    op.create_table(
        "alerts",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("monitor", "alert", "score")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("condition", "severity", "status")),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("looked_ns", sa.BigInteger(), nullable=False),
        *_figures(),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("memory", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "alert", "score"),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alert_notices",
        sa.Column("id", number, nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("monitor", "alert", "condition", "score")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "severity")),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("window_s", sa.BigInteger(), nullable=False),
        *_figures(),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("deliveries", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_table(
        "calibrations",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("monitor", "score", "version")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("sensitivity", "specificity")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("true_labels", "false_labels")),
        sa.PrimaryKeyConstraint("monitor", "score", "version"),
    )
    op.create_index("alert_notices_by_time", "alert_notices", ["time_ns"])
    only = sa.text("monitor IS NOT NULL")
    op.drop_index("scores_by_monitor", "scores")
    op.create_index("scores_by_monitor", "scores", ["monitor", "time_ns"], sqlite_where=only, postgresql_where=only)
