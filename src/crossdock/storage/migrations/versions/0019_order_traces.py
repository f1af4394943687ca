"""By what orders of guests are found: keyed hashes of e-mails and telephones."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.create_table(
        "order_trace",
        sa.Column("trace", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
