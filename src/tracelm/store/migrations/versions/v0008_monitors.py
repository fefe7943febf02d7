"""Which monitor gave a score, for how many spans it stands, and how far each monitor has come."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final[str | None] = "0007"


def upgrade() -> None:
    op.add_column("scores", sa.Column("monitor", sa.String(), nullable=True))
    op.add_column("scores", sa.Column("weight", sa.Float(), nullable=True))
    only = sa.text("monitor IS NOT NULL")
    op.create_index("scores_by_monitor", "scores", ["monitor", "name"], sqlite_where=only, postgresql_where=only)
    op.create_table(
        "monitors",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "monitor_waits",
        sa.Column("monitor", sa.String(), nullable=False),
        sa.Column("span", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", "span"),
    )
