"""The order board: found by any number, counted at once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    with op.batch_alter_table("order_board", schema=None) as board:
        board.add_column(sa.Column("region", sa.Text(), nullable=False, server_default=""))
        board.add_column(sa.Column("erp", sa.Text(), nullable=False, server_default=""))
        board.add_column(sa.Column("decided_at", sa.BigInteger(), nullable=False, server_default="0"))
    searched = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "order_number",
        sa.Column("number", searched, nullable=False),
        sa.Column("captured_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "captured_at", "order_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_count",
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("status"),
    )
