"""Questions by the record that they are about: who waits for it."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive only."""
    op.create_index("party_question_by_record", "party_question", ["record"])
