"""Records that were moved out of the journal and wait for a collector."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final[str | None] = "0002"


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("trace_id", sa.String(), nullable=True),
        sa.Column("span_id", sa.String(), nullable=True),
        sa.Column("uid", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("segment", "signal", "end"),
    )
