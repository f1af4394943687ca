"""Matching: which parties wait for a steward's word is looked up before they are made anywhere else."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.create_index(
        "match_decision_in_doubt",
        "match_decision",
        ["party_id"],
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open = 1"),
    )
