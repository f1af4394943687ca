"""The tables. Times are BIGINT microseconds (UTC), payloads JSON bytes, quantities BIGINT millionths."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from crossdock.storage.lane_tables import lane_tables
from crossdock.storage.match_tables import match_tables
from crossdock.storage.onboarding_tables import onboarding_tables
from crossdock.storage.party_tables import party_tables
from crossdock.storage.vault_tables import vault_tables

METADATA = MetaData()
BIGINT_KEY = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only by INTEGER

run = Table(
    "run",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("process", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("turn", BigInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("queue", Text),
    Column("rank", BigInteger, nullable=False),
    Column("wake_at", BigInteger),
    Column("worker", Text),
    Column("epoch", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("told", Text, nullable=False, server_default=""),
    Column("waiting_on", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("input", LargeBinary, nullable=False),
    Column("result", LargeBinary, nullable=False),
)
Index(
    "run_by_queue",
    run.c.queue,
    run.c.rank,
    sqlite_where=run.c.queue.isnot(None),
    postgresql_where=run.c.queue.isnot(None),
)
Index(
    "run_by_wake",
    run.c.wake_at,
    sqlite_where=run.c.wake_at.isnot(None),
    postgresql_where=run.c.wake_at.isnot(None),
)
Index(
    "run_by_version",
    run.c.process,
    run.c.version,
    sqlite_where=run.c.queue.isnot(None),
    postgresql_where=run.c.queue.isnot(None),
)
Index(
    "run_by_worker", run.c.worker, sqlite_where=run.c.worker.isnot(None), postgresql_where=run.c.worker.isnot(None)
)
Index("run_by_subject", run.c.subject, run.c.created_at)
STANDS_BEHIND = text("state IN ('queued', 'parked')")
Index(
    "run_by_turn",
    run.c.subject,
    run.c.turn,
    run.c.created_at,
    sqlite_where=STANDS_BEHIND,
    postgresql_where=STANDS_BEHIND,
)
Index("run_by_age", run.c.created_at, run.c.id)

journal = Table(
    "journal",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

subject = Table(
    "subject",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("head", Text, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("turns", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

signal = Table(
    "signal",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

parked = Table(
    "parked",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("facts", LargeBinary, nullable=False),
)
Index("parked_by_signature", parked.c.signature, parked.c.at)

inbox = Table(
    "inbox",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    METADATA,
    Column("sequence", BIGINT_KEY, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
Index("event_by_subject", event.c.subject, event.c.sequence)

cursor = Table(
    "cursor",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("position", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

worker = Table(
    "worker",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("recipes", Text, nullable=False, server_default="[]"),
)

stock_level = Table(
    "stock_level",
    METADATA,
    Column("product", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    CheckConstraint("held >= 0", name="held_is_never_negative"),
    sqlite_with_rowid=False,
)

reservation = Table(
    "reservation",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("product", Text, nullable=False),
    Column("micro", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    METADATA,
    Column("sequence", BIGINT_KEY, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("audit_by_run", audit.c.run_id, audit.c.sequence)

order_board = Table(
    "order_board",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("region", Text, nullable=False, server_default=""),
    Column("customer", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("erp", Text, nullable=False, server_default=""),
    Column("erp_number", Text, nullable=False),
    Column("net", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("captured_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger, nullable=False, server_default="0"),
)
Index("order_board_by_age", order_board.c.captured_at, order_board.c.order_id)
Index("order_board_by_status", order_board.c.status, order_board.c.captured_at)

# Found by the beginning of a number, so bytes are compared, not the words of some language.
SEARCHED = Text().with_variant(Text(collation="C"), "postgresql")

order_number = Table(
    "order_number",
    METADATA,
    Column("number", SEARCHED, primary_key=True),
    Column("captured_at", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)

order_count = Table(
    "order_count",
    METADATA,
    Column("status", Text, primary_key=True),
    Column("orders", BigInteger, nullable=False),
)

lane_tables(METADATA)
party_tables(METADATA)
match_tables(METADATA)
onboarding_tables(METADATA)
vault_tables(METADATA)
