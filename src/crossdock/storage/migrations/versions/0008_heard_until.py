"""Contributions: until when we know, by a record's own clock, what it said and what it showed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    for name in ("heard_until", "shown_until"):
        op.add_column("contribution", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE contribution SET heard_until = said_at, shown_until = said_at "
        "WHERE sequence > 0 AND said_at = counted_at"
    )
