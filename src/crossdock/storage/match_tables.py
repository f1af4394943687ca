"""The tables of matching: the index, what was decided, what people said, the models."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def match_tables(metadata: MetaData) -> None:
    """Declare them."""
    _index(metadata)
    _decisions(metadata)


def _index(metadata: MetaData) -> None:
    Table(
        "match_party",
        metadata,
        Column("number", _NUMBER, primary_key=True, autoincrement=True),
        Column("party_id", Text, nullable=False, unique=True),
        Column("version", BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    face = Table(
        "match_face",
        metadata,
        Column("party", BigInteger, primary_key=True, autoincrement=False),
        Column("record", Text, primary_key=True),
        Column("features", LargeBinary, nullable=False),
        Column("keys", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    Index("match_face_by_record", face.c.record, unique=True)
    # The primary key is the whole row: a look-up by hash reads nothing else. A party goes by its number here,
    # since its id would make the table, which has dozens of rows per party, twice as large.
    Table(
        "match_key",
        metadata,
        Column("hash", BigInteger, primary_key=True, autoincrement=False),
        Column("party", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _decisions(metadata: MetaData) -> None:
    decision = Table(
        "match_decision",
        metadata,
        Column("number", _NUMBER, primary_key=True, autoincrement=True),
        Column("record", Text, nullable=False),
        Column("party_id", Text, nullable=False),
        Column("other", Text, nullable=False),
        Column("band", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("weight_milli", BigInteger, nullable=False),
        Column("model_version", Text, nullable=False),
        Column("decided_by", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("open", Integer, nullable=False),
        Column("facts", LargeBinary, nullable=False),
        Column("signature", Text, nullable=False, server_default=""),
        Column("owner", Text, nullable=False, server_default=""),
        Column("later_until", BigInteger, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )
    Index("match_decision_by_record", decision.c.record, decision.c.number)
    Index(
        "match_decision_open",
        decision.c.number,
        sqlite_where=decision.c.open == 1,
        postgresql_where=decision.c.open == 1,
    )
    Index(
        "match_decision_in_doubt",
        decision.c.party_id,
        sqlite_where=decision.c.open == 1,
        postgresql_where=decision.c.open == 1,
    )
    Index(
        "match_decision_alike",
        decision.c.signature,
        decision.c.number,
        sqlite_where=decision.c.open == 1,
        postgresql_where=decision.c.open == 1,
    )
    edge = Table(
        "match_edge",
        metadata,
        Column("one", Text, primary_key=True),
        Column("other", Text, primary_key=True),
        Column("verdict", Text, nullable=False),
        Column("decided_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    Index("match_edge_by_other", edge.c.other, edge.c.one)
    Table(
        "match_model",
        metadata,
        Column("version", Text, primary_key=True),
        Column("content", LargeBinary, nullable=False),
        Column("note", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("active", Integer, nullable=False),
    )
