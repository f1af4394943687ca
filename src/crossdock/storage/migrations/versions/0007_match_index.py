"""Matching: the index of keys and features, decisions, what people said of pairs, models."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIGINT_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False) for name in names]


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """Additive only."""
    op.create_table(
        "match_party",
        sa.Column("number", BIGINT_KEY, autoincrement=True, nullable=False),
        *_texts("party_id"),
        *_numbers("version"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("party_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "match_face",
        *_numbers("party"),
        *_texts("record"),
        _bytes("features"),
        _bytes("keys"),
        sa.PrimaryKeyConstraint("party", "record"),
        sqlite_with_rowid=False,
    )
    op.create_index("match_face_by_record", "match_face", ["record"], unique=True)
    op.create_table(
        "match_key",
        *_numbers("hash", "party"),
        sa.PrimaryKeyConstraint("hash", "party"),
        sqlite_with_rowid=False,
    )
    _decisions()


def _decisions() -> None:
    op.create_table(
        "match_decision",
        sa.Column("number", BIGINT_KEY, autoincrement=True, nullable=False),
        *_texts("record", "party_id", "other", "band", "rule"),
        *_numbers("weight_milli"),
        *_texts("model_version", "decided_by"),
        *_numbers("at"),
        _flag("open"),
        _bytes("facts"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("match_decision_by_record", "match_decision", ["record", "number"])
    op.create_index(
        "match_decision_open",
        "match_decision",
        ["number"],
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open = 1"),
    )
    op.create_table(
        "match_edge",
        *_texts("one", "other", "verdict", "decided_by", "reason"),
        *_numbers("at"),
        sa.PrimaryKeyConstraint("one", "other"),
        sqlite_with_rowid=False,
    )
    op.create_index("match_edge_by_other", "match_edge", ["other", "one"])
    op.create_table(
        "match_model",
        *_texts("version"),
        _bytes("content"),
        *_texts("note"),
        *_numbers("at"),
        _flag("active"),
        sa.PrimaryKeyConstraint("version"),
    )
