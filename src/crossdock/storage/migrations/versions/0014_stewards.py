"""What stewards need: reviews by evidence and owner, put off, and records by their number alone."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    for name in ("signature", "owner"):
        op.add_column("match_decision", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    column = sa.Column("later_until", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("match_decision", column)
    op.create_index(
        "match_decision_alike",
        "match_decision",
        ["signature", "number"],
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open = 1"),
    )
    op.create_index("cross_reference_by_number", "cross_reference", ["number", "record"])
