"""Spans that have not ended: in flight, or lost with their process."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final[str | None] = "0001"


def upgrade() -> None:
    op.add_column("spans", sa.Column("state", sa.String(), nullable=False, server_default="ended"))
    op.add_column("spans", sa.Column("pending_in", sa.String(), nullable=True))
    op.create_index("spans_in_flight", "spans", ["pending_in"], sqlite_where=sa.text("state = 'in flight'"))
    op.add_column("traces", sa.Column("state", sa.String(), nullable=False, server_default="ended"))
