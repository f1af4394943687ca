"""When a record was deleted, merged away or brought back, by its own clock: a late word about it is known by that."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    moved_at = sa.Column("moved_at", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("cross_reference", moved_at)
