"""The tables of parties: whose a record is, what it said, what is asked, what was decided, what happened."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text


def party_tables(metadata: MetaData) -> None:
    """Declare them."""
    _records(metadata)
    _decisions(metadata)
    _merges(metadata)


def _records(metadata: MetaData) -> None:
    Table(
        "party",
        metadata,
        Column("party_id", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
        Column("golden", LargeBinary, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("into_party", Text, nullable=False, server_default=""),
    )
    reference = Table(
        "cross_reference",
        metadata,
        Column("record", Text, primary_key=True),
        Column("party_id", Text, nullable=False),
        Column("system", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("number", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("version", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("moved_at", BigInteger, nullable=False, server_default="0"),
    )
    Index("cross_reference_by_party", reference.c.party_id, reference.c.record)
    Index("cross_reference_by_number", reference.c.number, reference.c.record)
    Table(
        "contribution",
        metadata,
        Column("record", Text, primary_key=True),
        Column("field", Text, primary_key=True),
        Column("said", LargeBinary, nullable=False),
        Column("said_at", BigInteger, nullable=False),
        Column("counted_at", BigInteger, nullable=False),
        Column("arrived_at", BigInteger, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("saw", BigInteger, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("shown", LargeBinary, nullable=False),
        Column("told", BigInteger, nullable=False),
        Column("told_by", Text, nullable=False, server_default=""),
        Column("heard_until", BigInteger, nullable=False, server_default="0"),
        Column("shown_until", BigInteger, nullable=False, server_default="0"),
        Column("kept", LargeBinary),
        sqlite_with_rowid=False,
    )


def _decisions(metadata: MetaData) -> None:
    history = Table(
        "party_history",
        metadata,
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("party_id", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("what", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("fields", LargeBinary, nullable=False),
        Column("correlation_id", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    Index("party_history_by_party", history.c.party_id, history.c.number)
    Table(
        "party_pin",
        metadata,
        Column("party_id", Text, primary_key=True),
        Column("unit", Text, primary_key=True),
        Column("facts", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    question = Table(
        "party_question",
        metadata,
        Column("party_id", Text, primary_key=True),
        Column("unit", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("record", Text, primary_key=True),
        Column("since", BigInteger, nullable=False),
        Column("facts", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    Index("party_question_by_record", question.c.record)
    Index("party_question_by_age", question.c.since, question.c.party_id, question.c.unit)


def _merges(metadata: MetaData) -> None:
    merge = Table(
        "party_merge",
        metadata,
        Column("merge_id", Text, primary_key=True),
        Column("survivor", Text, nullable=False),
        Column("absorbed", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("parted_at", BigInteger, nullable=False),
        Column("facts", LargeBinary, nullable=False),
    )
    Index("party_merge_by_survivor", merge.c.survivor, merge.c.at)
    Index("party_merge_by_absorbed", merge.c.absorbed, merge.c.at)
