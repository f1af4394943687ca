"""Contributions: which other hub wrote what a record shows."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.add_column("contribution", sa.Column("told_by", sa.Text(), nullable=False, server_default=""))
