"""Parties: cross-references, what records said, questions, decisions, history."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIGINT_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    """Additive only."""
    op.create_table(
        "party",
        *_texts("party_id"),
        *_numbers("sequence"),
        _bytes("golden"),
        *_numbers("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("party_id"),
    )
    op.create_table(
        "cross_reference",
        *_texts("record", "party_id", "system", "kind", "number", "state", "version"),
        *_numbers("at"),
        sa.PrimaryKeyConstraint("record"),
    )
    op.create_index("cross_reference_by_party", "cross_reference", ["party_id", "record"])
    op.create_table(
        "contribution",
        *_texts("record", "field"),
        _bytes("said"),
        *_numbers("said_at", "counted_at", "arrived_at", "sequence", "saw"),
        *_texts("correlation_id", "origin"),
        _bytes("shown"),
        *_numbers("told"),
        sa.PrimaryKeyConstraint("record", "field"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "party_history",
        sa.Column("number", BIGINT_KEY, autoincrement=True, nullable=False),
        *_texts("party_id"),
        *_numbers("at"),
        *_texts("what", "record"),
        _bytes("fields"),
        *_texts("correlation_id"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("party_history_by_party", "party_history", ["party_id", "number"])
    op.create_table(
        "party_pin",
        *_texts("party_id", "unit"),
        _bytes("facts"),
        sa.PrimaryKeyConstraint("party_id", "unit"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "party_question",
        *_texts("party_id", "unit", "kind", "record"),
        *_numbers("since"),
        _bytes("facts"),
        sa.PrimaryKeyConstraint("party_id", "unit", "kind", "record"),
        sqlite_with_rowid=False,
    )
    op.create_index("party_question_by_age", "party_question", ["since", "party_id", "unit"])
