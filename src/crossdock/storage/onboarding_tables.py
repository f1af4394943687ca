"""The table of onboardings."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text


def onboarding_tables(metadata: MetaData) -> None:
    """Declare it."""
    onboarding = Table(
        "onboarding",
        metadata,
        Column("party_id", Text, primary_key=True),
        Column("run_id", Text, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("started_at", BigInteger, nullable=False),
        Column("erp_number", Text, nullable=False),
        Column("asked", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("turn", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("numbered_at", BigInteger, nullable=False),
        Column("ended_at", BigInteger, nullable=False),
        Column("decision", LargeBinary, nullable=False),
    )
    Index("onboarding_by_due", onboarding.c.state, onboarding.c.due_at, onboarding.c.party_id)
    Index("onboarding_by_number", onboarding.c.erp_number)
