"""The tables of what seals personal data: a key per subject, and the secrets that have wrapped such keys."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text


def vault_tables(metadata: MetaData) -> None:
    """Declare them. A subject is a keyed hash of whose data it is; a key that was destroyed is empty.

    A trace is a keyed hash of an e-mail or a telephone that an order bears.
    """
    key = Table(
        "subject_key",
        metadata,
        Column("key_id", BigInteger, primary_key=True, autoincrement=False),
        Column("subject", Text, nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("wrapping", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    Index("subject_key_by_subject", key.c.subject)
    Table(
        "vault_secret",
        metadata,
        Column("fingerprint", Text, primary_key=True),
        Column("purpose", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
    )
    Table(
        "erasure",
        metadata,
        Column("erasure_id", Text, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("facts", Text, nullable=False),
    )
    Table(
        "order_trace",
        metadata,
        Column("trace", Text, primary_key=True),
        Column("order_id", Text, primary_key=True),
        sqlite_with_rowid=False,
    )
