"""Merges of parties, and where a retired id went."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.add_column("party", sa.Column("into_party", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "party_merge",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("merge_id", "survivor", "absorbed")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("at", "parted_at")),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("merge_id"),
    )
    op.create_index("party_merge_by_survivor", "party_merge", ["survivor", "at"])
    op.create_index("party_merge_by_absorbed", "party_merge", ["absorbed", "at"])
