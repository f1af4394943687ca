"""The lane ledger in SQL: the same text on SQLite (3.35 and later) and PostgreSQL (13 and later).

Each function is one method of LaneLedger and runs within the caller's transaction. On PostgreSQL READ COMMITTED
suffices: every function begins by locking the one row that all contenders write.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from crossdock.durable.lanes.ledger import BudgetGrant
from crossdock.durable.lanes.rate import lead_max_us
from crossdock.durable.lanes.record import LaneRecord
from crossdock.durable.lanes.slots import SlotAsk, SlotHolding, SlotShare, share_slots
from crossdock.kit.clock import Instant

_RECORD = "version, status, reason, detail, since, reopens_at, closings, probe_by, probe_until"
_LOAD = f"SELECT {_RECORD} FROM lane WHERE lane = ?"
_LOAD_ALL = f"SELECT lane, {_RECORD} FROM lane"
_SAVE = f"""
    INSERT INTO lane (lane, {_RECORD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (lane) DO UPDATE SET
        version = excluded.version, status = excluded.status, reason = excluded.reason, detail = excluded.detail,
        since = excluded.since, reopens_at = excluded.reopens_at, closings = excluded.closings,
        probe_by = excluded.probe_by, probe_until = excluded.probe_until
    WHERE lane.version = excluded.version - 1
    RETURNING version
"""
_LOCK = f"""
    INSERT INTO lane (lane, {_RECORD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (lane) DO UPDATE SET version = lane.version
"""
_RESERVE = """
    INSERT INTO lane_rate (lane, used_up_at) VALUES (?, ?)
    ON CONFLICT (lane) DO UPDATE SET used_up_at = CASE
        WHEN lane_rate.used_up_at > ? AND lane_rate.used_up_at <= ? THEN lane_rate.used_up_at + ?
        ELSE excluded.used_up_at
    END
    RETURNING used_up_at
"""
_HOLDINGS = "SELECT worker_id, held, wanted, lease_until FROM lane_slot WHERE lane = ? AND worker_id <> ?"
_LET_GO = "DELETE FROM lane_slot WHERE lane = ? AND (worker_id = ? OR lease_until <= ?)"
_HOLD = """
    INSERT INTO lane_slot (lane, worker_id, held, wanted, lease_until) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (lane, worker_id) DO UPDATE SET
        held = excluded.held, wanted = excluded.wanted, lease_until = excluded.lease_until
"""
_OPEN_BUDGET = """
    INSERT INTO lane_budget (lane, day, used) VALUES (?, ?, 0)
    ON CONFLICT (lane, day) DO UPDATE SET used = lane_budget.used
    RETURNING used
"""
_SPEND = "UPDATE lane_budget SET used = used + ? WHERE lane = ? AND day = ?"
_GIVE_BACK = """
    UPDATE lane_budget SET used = CASE WHEN used > ? THEN used - ? ELSE 0 END WHERE lane = ? AND day = ?
"""


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any:
        """The next row or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows."""
        ...


class Execution(Protocol):
    """An open transaction that takes SQL with `?` placeholders."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...


def load(tx: Execution, lane: str) -> LaneRecord:
    """See LaneLedger.lane_load."""
    row = tx.execute(_LOAD, (lane,)).fetchone()
    return _record(row) if row is not None else LaneRecord()


def load_all(tx: Execution) -> Mapping[str, LaneRecord]:
    """See LaneLedger.lane_load_all."""
    return {lane: _record(columns) for lane, *columns in tx.execute(_LOAD_ALL).fetchall()}


def save(tx: Execution, lane: str, record: LaneRecord) -> bool:
    """See LaneLedger.lane_save."""
    return tx.execute(_SAVE, (lane, *msgspec.structs.astuple(record))).fetchone() is not None


def reserve_rate(
    tx: Execution, lane: str, *, permits: int, interval_us: int, tolerance_us: int, now: Instant
) -> Instant:
    """See LaneLedger.lane_reserve_rate; the arithmetic is `rate.reserve`."""
    length_us = permits * interval_us
    row = tx.execute(_RESERVE, (lane, now + length_us, now, now + lead_max_us(interval_us), length_us)).fetchone()
    return int(row[0]) - length_us - tolerance_us


def take_slots(tx: Execution, ask: SlotAsk, now: Instant) -> SlotShare:
    """See LaneLedger.lane_take_slots."""
    tx.execute(_LOCK, (ask.lane, *msgspec.structs.astuple(LaneRecord())))
    rows = tx.execute(_HOLDINGS, (ask.lane, ask.worker_id)).fetchall()
    share = share_slots(ask, [SlotHolding(*row) for row in rows], now)
    if ask.wanted or share.held:
        tx.execute(_HOLD, (ask.lane, ask.worker_id, share.held, ask.wanted, now + ask.lease_us))
    else:
        tx.execute(_LET_GO, (ask.lane, ask.worker_id, now))
    return share


def release_slots(tx: Execution) -> None:
    """Let go of all slots of all workers: for a database that one process uses, when that process starts."""
    tx.execute("DELETE FROM lane_slot")


def take_budget(tx: Execution, lane: str, *, day: int, wanted: int, daily_budget: int) -> BudgetGrant:
    """See LaneLedger.lane_take_budget."""
    used = int(tx.execute(_OPEN_BUDGET, (lane, day)).fetchone()[0])
    granted = max(0, min(wanted, daily_budget - used))
    if granted:
        tx.execute(_SPEND, (granted, lane, day))
    return BudgetGrant(granted=granted, used=used + granted)


def return_budget(tx: Execution, lane: str, *, day: int, calls: int) -> None:
    """See LaneLedger.lane_return_budget."""
    tx.execute(_GIVE_BACK, (calls, calls, lane, day))


def _record(columns: Sequence[Any]) -> LaneRecord:
    return msgspec.convert(dict(zip(LaneRecord.__struct_fields__, columns, strict=True)), LaneRecord)
