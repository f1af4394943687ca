"""Contributions: what a record made of what it was told."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.add_column("contribution", sa.Column("kept", sa.LargeBinary(), nullable=True))
