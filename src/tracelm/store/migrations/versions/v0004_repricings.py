"""Costs that were computed anew."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final[str | None] = "0003"


def upgrade() -> None:
    op.add_column("spans", sa.Column("recorded_cost_usd", sa.Float(), nullable=True))
    op.add_column("spans", sa.Column("repricings", sa.String(), nullable=True))
