"""Whose turn comes next in a subject, without a look at all the runs it ever had."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STANDS_BEHIND = sa.text("state IN ('queued', 'parked')")


def upgrade() -> None:
    """Additive only."""
    op.create_index(
        "run_by_turn",
        "run",
        ["subject", "turn", "created_at"],
        sqlite_where=STANDS_BEHIND,
        postgresql_where=STANDS_BEHIND,
    )
