"""What each worker can carry out, and which versions of processes lie in the queues."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.add_column("worker", sa.Column("recipes", sa.Text(), nullable=False, server_default="[]"))
    queued = sa.text("queue IS NOT NULL")
    op.create_index("run_by_version", "run", ["process", "version"], sqlite_where=queued, postgresql_where=queued)
