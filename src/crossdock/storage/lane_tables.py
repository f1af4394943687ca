"""The tables of the lanes. Times are BIGINT microseconds (UTC); a day counts from 1970-01-01."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text


def lane_tables(metadata: MetaData) -> tuple[Table, ...]:
    """Attach the tables to `metadata`: the record, the rate, the slots each worker leases, the days' budgets."""
    return (
        Table(
            "lane",
            metadata,
            Column("lane", Text, primary_key=True),
            Column("version", BigInteger, nullable=False),
            Column("status", Text, nullable=False),
            Column("reason", Text, nullable=False),
            Column("detail", Text, nullable=False),
            Column("since", BigInteger, nullable=False),
            Column("reopens_at", BigInteger, nullable=False),
            Column("closings", Integer, nullable=False),
            Column("probe_by", Text, nullable=False),
            Column("probe_until", BigInteger, nullable=False),
        ),
        Table(
            "lane_rate",
            metadata,
            Column("lane", Text, primary_key=True),
            Column("used_up_at", BigInteger, nullable=False),
        ),
        Table(
            "lane_slot",
            metadata,
            Column("lane", Text, primary_key=True),
            Column("worker_id", Text, primary_key=True),
            Column("held", BigInteger, nullable=False),
            Column("wanted", BigInteger, nullable=False),
            Column("lease_until", BigInteger, nullable=False),
        ),
        Table(
            "lane_budget",
            metadata,
            Column("lane", Text, primary_key=True),
            Column("day", BigInteger, primary_key=True),
            Column("used", BigInteger, nullable=False),
        ),
    )
