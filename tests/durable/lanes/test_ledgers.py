"""What lanes are promised by a ledger, kept by each of them: in memory, on SQLite, on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from crossdock.durable.lanes import LaneLedger, LaneRecord, MemoryLedger, SlotAsk, pause_lane, resume_lane
from crossdock.durable.lanes.ledger import amend
from crossdock.durable.lanes.rate import lead_max_us
from crossdock.kit.clock import MICROSECONDS, ManualClock
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sqlite import SqliteStore

pytestmark = pytest.mark.anyio
NOW = 1_767_225_600 * MICROSECONDS
PERMIT_US = 100_000

OpenLedger = Callable[[], Awaitable[LaneLedger]]
"""Opens one more end of the same ledger, as another worker would."""


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
)
async def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenLedger]:
    stores: list[SqliteStore | PostgresStore] = []
    memory = MemoryLedger()
    dsn = request.getfixturevalue("postgres_dsn") if request.param == "postgres" else ""

    async def open_one() -> LaneLedger:
        if request.param == "memory":
            return memory
        clock = ManualClock()
        store = PostgresStore(dsn, clock) if dsn else SqliteStore(tmp_path / "hub.db", clock, durable=False)
        await store.open()
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()


@pytest.fixture
async def ledger(open_ledger: OpenLedger) -> LaneLedger:
    return await open_ledger()


def ask(worker_id: str, wanted: int, in_use: int = 0, in_flight_max: int = 10) -> SlotAsk:
    return SlotAsk(
        lane="erp",
        worker_id=worker_id,
        wanted=wanted,
        in_use=in_use,
        in_flight_max=in_flight_max,
        lease_us=10 * MICROSECONDS,
    )


async def test_a_record_is_kept_as_it_was_written_for_everybody(open_ledger: OpenLedger) -> None:
    ledger = await open_ledger()
    assert await ledger.lane_load("erp") == LaneRecord()
    assert await ledger.lane_load_all() == {}
    record = LaneRecord(
        version=1,
        status="closed",
        reason="breaker",
        detail="5 calls in a row failed; größer % als ? 'erwartet'",
        since=NOW,
        reopens_at=NOW + 5,
        closings=3,
        probe_by="worker-1",
        probe_until=NOW + 60,
    )
    assert await ledger.lane_save("erp", record)
    other = await open_ledger()
    assert await other.lane_load("erp") == record
    assert await other.lane_load_all() == {"erp": record}
    assert await other.lane_load("crm") == LaneRecord()


async def test_a_record_is_written_only_over_the_version_before(ledger: LaneLedger) -> None:
    assert await ledger.lane_save("erp", LaneRecord(version=1, detail="first"))
    assert not await ledger.lane_save("erp", LaneRecord(version=1, detail="late"))
    assert not await ledger.lane_save("erp", LaneRecord(version=3, detail="early"))
    assert await ledger.lane_save("erp", LaneRecord(version=2, detail="second"))
    assert (await ledger.lane_load("erp")).detail == "second"


async def test_changes_made_at_once_are_all_made(open_ledger: OpenLedger) -> None:
    ends = [await open_ledger() for _ in range(3)]

    def count(record: LaneRecord) -> LaneRecord:
        return LaneRecord(version=record.version, closings=record.closings + 1)

    await asyncio.gather(*(amend(end, "erp", count) for end in ends for _ in range(5)))
    assert (await ends[0].lane_load("erp")).closings == 15


async def test_pausing_and_resuming_need_no_lane(ledger: LaneLedger) -> None:
    await pause_lane(ledger, "erp", NOW, actor="ops", reason="closing the month")
    assert (await ledger.lane_load("erp")).detail == "ops: closing the month"
    assert (await resume_lane(ledger, "erp", NOW, actor="ops")).status == "open"
    assert (await ledger.lane_load("erp")).version == 2


async def test_permits_follow_one_another_whoever_reserves_them(open_ledger: OpenLedger) -> None:
    ends = [await open_ledger() for _ in range(2)]
    firsts = [
        await end.lane_reserve_rate("erp", permits=3, interval_us=PERMIT_US, tolerance_us=0, now=NOW)
        for end in (*ends, *ends)
    ]
    assert firsts == [NOW + index * 3 * PERMIT_US for index in range(4)]


async def test_time_in_which_nobody_called_earns_no_more_than_the_tolerance(ledger: LaneLedger) -> None:
    facts = {"interval_us": PERMIT_US, "tolerance_us": 2 * PERMIT_US}
    await ledger.lane_reserve_rate("erp", permits=10, now=NOW, **facts)
    later = NOW + 100 * PERMIT_US
    assert await ledger.lane_reserve_rate("erp", permits=1, now=later, **facts) == later - 2 * PERMIT_US


async def test_a_reservation_by_a_clock_that_ran_ahead_is_not_believed(ledger: LaneLedger) -> None:
    facts = {"permits": 1, "interval_us": PERMIT_US, "tolerance_us": 0}
    await ledger.lane_reserve_rate("erp", now=NOW + 2 * lead_max_us(PERMIT_US), **facts)
    assert await ledger.lane_reserve_rate("erp", now=NOW, **facts) == NOW


async def test_permits_reserved_at_once_overlap_nowhere(open_ledger: OpenLedger) -> None:
    ends = [await open_ledger() for _ in range(3)]
    firsts = await asyncio.gather(
        *(
            end.lane_reserve_rate("erp", permits=2, interval_us=PERMIT_US, tolerance_us=0, now=NOW)
            for end in ends
            for _ in range(10)
        )
    )
    assert sorted(firsts) == [NOW + index * 2 * PERMIT_US for index in range(30)]


async def test_slots_are_leased_renewed_and_let_go(ledger: LaneLedger) -> None:
    assert (await ledger.lane_take_slots(ask("a", 8), NOW)).held == 8
    second = await ledger.lane_take_slots(ask("b", 8), NOW)
    assert (second.held, second.target) == (2, 2)
    renewed = await ledger.lane_take_slots(ask("a", 8, in_use=7), NOW + MICROSECONDS)
    assert (renewed.held, renewed.target, renewed.contended) == (7, 5, True)
    await ledger.lane_take_slots(ask("a", 0), NOW + MICROSECONDS)
    assert (await ledger.lane_take_slots(ask("b", 8), NOW + MICROSECONDS)).held == 8


async def test_slots_of_a_worker_that_fell_silent_lapse(ledger: LaneLedger) -> None:
    await ledger.lane_take_slots(ask("a", 10), NOW)
    assert (await ledger.lane_take_slots(ask("b", 10), NOW + 10 * MICROSECONDS - 1)).held == 0
    assert (await ledger.lane_take_slots(ask("b", 10), NOW + 10 * MICROSECONDS)).held == 10


async def test_slots_taken_at_once_never_exceed_the_limit(open_ledger: OpenLedger) -> None:
    ends = [await open_ledger() for _ in range(3)]
    for _ in range(5):
        shares = await asyncio.gather(
            *(
                end.lane_take_slots(ask(f"{index}-{number}", 4), NOW)
                for number, end in enumerate(ends)
                for index in range(4)
            )
        )
        assert sum(share.held for share in shares) <= 10


async def test_lanes_do_not_touch_each_other(ledger: LaneLedger) -> None:
    await ledger.lane_take_slots(ask("a", 10), NOW)
    other = SlotAsk(lane="crm", worker_id="b", wanted=10, in_use=0, in_flight_max=10, lease_us=MICROSECONDS)
    assert (await ledger.lane_take_slots(other, NOW)).held == 10
    await ledger.lane_take_budget("erp", day=1, wanted=10, daily_budget=10)
    assert (await ledger.lane_take_budget("crm", day=1, wanted=10, daily_budget=10)).granted == 10


async def test_a_budget_is_taken_returned_and_never_exceeded(ledger: LaneLedger) -> None:
    take = ledger.lane_take_budget
    grants = [await take("erp", day=1, wanted=4, daily_budget=10) for _ in range(4)]
    assert [(grant.granted, grant.used) for grant in grants] == [(4, 4), (4, 8), (2, 10), (0, 10)]
    await ledger.lane_return_budget("erp", day=1, calls=3)
    assert (await take("erp", day=1, wanted=4, daily_budget=10)).granted == 3
    assert (await take("erp", day=2, wanted=4, daily_budget=10)).granted == 4
    await ledger.lane_return_budget("erp", day=3, calls=3)
    assert (await take("erp", day=3, wanted=20, daily_budget=10)).granted == 10
    assert (await take("erp", day=3, wanted=20, daily_budget=5)).granted == 0  # lowered at noon


async def test_a_budget_taken_at_once_is_never_exceeded(open_ledger: OpenLedger) -> None:
    ends = [await open_ledger() for _ in range(3)]
    grants = await asyncio.gather(
        *(end.lane_take_budget("erp", day=1, wanted=7, daily_budget=100) for end in ends for _ in range(10))
    )
    assert sum(grant.granted for grant in grants) == 100
    assert max(grant.used for grant in grants) == 100


async def test_an_embedded_hub_that_crashed_finds_its_slots_free_when_it_starts(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hub.db", ManualClock(), durable=False)
    await store.open()
    try:
        await store.lane_take_slots(ask("crashed", 10), NOW)
        await store.register("worker-2", {}, NOW, NOW + MICROSECONDS)
        assert (await store.lane_take_slots(ask("lanes-2", 10), NOW)).held == 10
    finally:
        await store.close()
