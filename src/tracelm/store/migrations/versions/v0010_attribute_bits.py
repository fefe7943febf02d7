"""Attributes in bits, beside what else spans are filtered by; spans from before have none, and are read."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final[str | None] = "0009"

_FILTERED: Final = (
    *("project", "start_ns", "duration_ns", "status", "op", "operation", "model", "cost_usd", "input_tokens"),
    *("output_tokens", "error_type", "session_id", "user_id", "parent_span_id"),
    *("attribute_bits_low", "attribute_bits_high"),
)


def upgrade() -> None:
    for name in ("attribute_bits_low", "attribute_bits_high"):
        op.add_column("spans", sa.Column(name, sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("spans_by_project", "spans")
        op.create_index("spans_by_project", "spans", list(_FILTERED))
