"""Writes to customers share calls: to each its own outcome, and what befalls a call befalls all that travelled."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.bootstrap.test_customers import a_hub_between
from tests.hubs import eventually
from tests.stores import memory_stores

from crossdock.adapters.memory.simulator.faults import LoseAnswer
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.gathering import GatheredWrites
from crossdock.canonical.party import ExternalReference, Party
from crossdock.durable.lanes import LaneClosed, LaneLimits, Lanes
from crossdock.kit.errors import Conflict, CrossdockError, OutcomeUnknown, Rejected, Unavailable
from crossdock.ports.customer_sink import CustomerRecord, CustomerWrite
from crossdock.ports.manifest import Limits

pytestmark = pytest.mark.anyio
LIMITS = Limits(batch_max=3, linger_seconds=0)
PATIENCE_SECONDS = 120
PEOPLE = 60


class Sink:
    """A system that answers as it is told, by key, and remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.answers: dict[str, CrossdockError] = {}
        self.fault: CrossdockError | None = None

    async def write_customers(self, writes: Sequence[CustomerWrite]) -> Sequence[CustomerRecord | CrossdockError]:
        self.calls.append(len(writes))
        if self.fault is not None:
            raise self.fault
        return [self.answers.get(write.key) or a_record(write.key) for write in writes]


def a_record(key: str) -> CustomerRecord:
    return CustomerRecord(record=ExternalReference("erp", "partner", key))


def a_write(key: str) -> CustomerWrite:
    return CustomerWrite(key=key, says=Party())


@asynccontextmanager
async def gathering(sink: Sink, limits: LaneLimits | None = None) -> AsyncIterator[GatheredWrites]:
    stores = memory_stores()
    lanes = Lanes(await stores.open(), stores.clock, worker_id="w")
    lane = lanes.add("erp", limits or LaneLimits())
    await lanes.start()
    writes = GatheredWrites(lane, sink, sink, LIMITS)  # type: ignore[arg-type]
    try:
        yield writes
    finally:
        await writes.close()
        await lanes.close()
        await stores.close()


async def outcomes(writes: GatheredWrites, *keys: str) -> list[object]:
    """What so many runs are told that write at once."""
    told = await asyncio.gather(*(writes.write_customers([a_write(key)]) for key in keys), return_exceptions=True)
    return [one if isinstance(one, BaseException) else one[0] for one in told]


async def test_writes_at_once_share_calls_up_to_what_the_system_takes() -> None:
    sink = Sink()
    async with gathering(sink) as writes:
        assert await outcomes(writes, *"abcde") == [a_record(key) for key in "abcde"]
        assert sorted(sink.calls) == [2, 3]
        assert await writes.write_customers([a_write("x"), a_write("y")]) == [a_record("x"), a_record("y")]
        assert sink.calls[-1] == 2, "what somebody has gathered travels as it is"


async def test_each_write_has_its_own_outcome() -> None:
    sink = Sink()
    sink.answers = {"a": Conflict("moved", code="moved"), "c": OutcomeUnknown("unheard", code="unheard")}
    async with gathering(sink) as writes:
        assert await outcomes(writes, *"abc") == [sink.answers["a"], a_record("b"), sink.answers["c"]]
        sink.answers = {"d": Rejected("no", code="no")}
        assert await outcomes(writes, "d") == [sink.answers["d"]]
    assert sink.calls == [3, 1]


async def test_what_befalls_a_call_befalls_all_that_travelled_and_work_waits_for_a_closed_lane() -> None:
    sink = Sink()
    sink.fault = Unavailable("away", code="away")
    async with gathering(sink, LaneLimits(failures_max=2)) as writes:
        assert await outcomes(writes, *"abc") == [sink.fault] * 3
        assert [type(one) for one in await outcomes(writes, *"def")] == [LaneClosed] * 3
        assert [type(one) for one in await outcomes(writes, *"ghi")] == [LaneClosed] * 3
    assert sink.calls == [3, 3], "nothing travels on a closed lane"


async def test_a_hub_tells_many_customers_in_few_calls_and_each_once_though_an_answer_is_lost(
    tmp_path: Path,
) -> None:
    async with a_hub_between(tmp_path) as (hub, surfaces):
        erp = surfaces["erp"]
        erp.faults.add(LoseAnswer(on="/partners/write"))
        numbers = [
            surfaces["crm"]
            .partners.write(
                PartnerWrite(
                    write=str(number),
                    card={"contact.email": f"{chr(97 + number % 26) * 5}{number}@mail.example"},
                )
            )
            .number
            for number in range(PEOPLE)
        ]
        records = [ExternalReference("crm", "partner", number) for number in numbers]

        async def made() -> bool:
            parties = await hub.store.find_parties(records)
            files = [await hub.store.read_party(party_id) for party_id in parties.values()]
            return len(files) == PEOPLE and all(file is not None and file.record_of("erp") for file in files)

        assert await eventually(made, within_seconds=PATIENCE_SECONDS)
        assert len(erp.partners._records) == PEOPLE
        calls = sum(call.path == "/partners/write" for call in erp.log.calls)
        assert calls <= PEOPLE / 2, calls
