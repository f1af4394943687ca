"""The turns of a subject's runs; the table of gaps goes, which nothing ever wrote to (gaps are events)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only, but for what was never used."""
    op.add_column("run", sa.Column("turn", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("subject", sa.Column("turns", sa.BigInteger(), nullable=False, server_default="0"))
    op.drop_table("gap")
