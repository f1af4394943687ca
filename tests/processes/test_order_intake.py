"""Orders come in once, whatever the source repeats, changes, garbles or loses."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.processes.stage import HubStage

from crossdock.adapters.memory import mapping
from crossdock.adapters.memory.simulator.channel import Channel
from crossdock.adapters.memory.simulator.faults import RefuseBeforeCommit
from crossdock.adapters.memory.wire import SalesOrder
from crossdock.canonical.order import Order
from crossdock.contracts.sources import SourceGap
from crossdock.durable.codec import decode
from crossdock.durable.records import RunState
from crossdock.kit.errors import Invalid
from crossdock.processes.order_capture import Captured
from crossdock.testing.builders import a_line, an_order

pytestmark = pytest.mark.anyio


def wire(order: Order) -> SalesOrder:
    return mapping.order_to_wire(order, "")


def offer(stage: HubStage, *orders: Order) -> None:
    for order in orders:
        stage.shop.channel.offer(wire(order))


async def arrived(stage: HubStage, count: int) -> None:
    """Let time pass until the intake has taken so many arrivals, and everything that follows has happened."""
    intake = stage.hub.intakes["shop"]
    await stage.eventually(lambda: sum(intake.taken.values()) >= count, tick_seconds=0.05)


async def next_position(stage: HubStage, wanted: str) -> None:
    """Let time pass until the source was read so far."""
    positions: set[str] = set()

    async def look() -> None:
        while True:
            positions.add((await position(stage)).partition("@")[0])
            await asyncio.sleep(0.002)

    looking = asyncio.create_task(look())
    await stage.eventually(lambda: wanted in positions)
    looking.cancel()


async def gaps(stage: HubStage, count: int) -> list[SourceGap]:
    """What was told of gaps, once so much was told: a gap closes some time after its last order was taken."""

    async def told() -> bool:
        stage.clock.advance(0.05)
        return len(await stage.store.read_events(0, 1_000, "source/shop")) >= count

    await stage._wait(told)
    return [decode(event.data, SourceGap) for event in await stage.store.read_events(0, 1_000, "source/shop")]


def taken(stage: HubStage) -> dict[str, int]:
    return dict(stage.hub.intakes["shop"].taken)


# ── capture ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_order_again_is_the_same_order(stage: HubStage) -> None:
    order = an_order()
    assert await stage.take(order, order) == [Captured.TAKEN, Captured.KNOWN]
    assert len(stage.in_erp("O-1001")) == 1
    assert (await stage.told("O-1001")).count("OrderCaptured") == 1


async def test_other_content_under_a_taken_number_is_seen_by_a_person_and_changes_nothing(stage: HubStage) -> None:
    before = await stage.stock()
    first, second = an_order(), an_order(lines=[a_line("1", quantity="7")])
    offer(stage, first, second, second)
    await arrived(stage, 3)
    assert taken(stage) == {"taken": 1, "changed": 2}
    (parked,) = await stage.store.list_runs(state=RunState.PARKED)
    assert parked.parking is not None
    assert parked.parking.code == "changed-after-submission"
    assert (await stage.result_of("O-1001"))["outcome"] == "accepted"
    assert [each.quantity for each in stage.in_erp("O-1001")[0].content.positions] == ["1"]
    # Whoever lets it go on all the same is stopped by the ERP, and nothing stays held.
    await stage.hub.desk.retry([parked.run_id], actor="ann", reason="try")
    await stage.flow()
    view = await stage.view(parked.run_id)
    assert view.parking is not None
    assert view.parking.code == "key-reused"
    await stage.hub.desk.skip([parked.run_id], actor="ann", reason="the first one counts")
    assert len(stage.in_erp("O-1001")) == 1
    after = await stage.stock()
    assert sum(each for each, _ in after.values()) == sum(each for each, _ in before.values()) - 1
    assert {held for _, held in after.values()} == {0}


@pytest.mark.parametrize("number", ["", "../etc", "two words", "x" * 121, "nul\x00"])
async def test_an_order_without_a_usable_number_is_refused_at_the_door(stage: HubStage, number: str) -> None:
    with pytest.raises(Invalid) as caught:
        await stage.hub.capture.take(an_order(number))
    assert caught.value.findings[0].path == "$.order_id"
    assert await stage.store.count_runs() == {}


async def test_amounts_that_no_money_can_express_are_refused_at_the_door(stage: HubStage) -> None:
    lines = [a_line("1", quantity="999999999999", price="999999999999999")]
    with pytest.raises(Invalid, match="more than money"):
        await stage.hub.capture.take(an_order(lines=lines))


# ── arrivals ────────────────────────────────────────────────────────────────────────────────────────


async def test_every_arrival_is_taken_once_in_the_order_of_the_stream(stage: HubStage) -> None:
    orders = [an_order(f"O-{number}", products=("P-300",)) for number in range(10)]
    offer(stage, *orders)
    for number in (2, 5, 5):
        stage.shop.channel.redeliver(f"O-{number}")
    await arrived(stage, 13)
    assert taken(stage) == {"taken": 10, "known": 3}
    assert await stage.store.count_runs() == {"done": 10}
    assert all(len(stage.in_erp(order.order_id)) == 1 for order in orders)


UNREADABLE = b'{"external":"M-7","channel":"web","currency":"EUR","positions":[{"position":1}]}'


async def test_what_nobody_can_read_is_parked_with_the_paths_and_can_be_repaired(stage: HubStage) -> None:
    stage.shop.channel.offer_raw("M-7", UNREADABLE)
    offer(stage, an_order("O-2"))
    await arrived(stage, 2)
    assert taken(stage) == {"parked": 1, "taken": 1}
    (parked,) = await stage.store.list_runs(state=RunState.PARKED)
    assert parked.parking is not None
    assert (parked.parking.category, parked.parking.code) == ("repair", "untranslatable")
    assert parked.parking.findings[0].path.startswith("$")
    assert parked.input == UNREADABLE, "kept as it came"
    shown = stage.shown("M-7")
    assert shown is not None
    assert shown.status == "needs_attention"
    stage.shop.channel.redeliver("M-7")
    await arrived(stage, 3)
    assert len(await stage.store.list_runs(state=RunState.PARKED)) == 1
    repaired = msgspec.json.encode(an_order("O-7"))
    await stage.hub.desk.repair(parked.run_id, actor="ann", reason="typed in", new_input=repaired)
    await stage.flow()
    assert (await stage.view(parked.run_id)).state is RunState.DONE
    assert len(stage.in_erp("O-7")) == 1


async def test_a_repaired_arrival_is_known_when_its_order_arrives(stage: HubStage) -> None:
    stage.shop.channel.offer_raw("M-7", UNREADABLE)
    await arrived(stage, 1)
    (parked,) = await stage.store.list_runs(state=RunState.PARKED)
    repaired = msgspec.json.encode(an_order("O-7"))
    await stage.hub.desk.repair(parked.run_id, actor="ann", reason="typed in", new_input=repaired)
    await stage.flow()

    again = await stage.take(an_order("O-7"), an_order("O-7", lines=[a_line("1", quantity="9")]))

    assert again == [Captured.KNOWN, Captured.CHANGED]
    assert await stage.store.count_runs() == {"done": 1}
    assert len(stage.in_erp("O-7")) == 1


async def test_an_arrival_is_not_repaired_into_an_order_that_arrived_by_itself(stage: HubStage) -> None:
    stage.shop.channel.offer_raw("M-7", UNREADABLE)
    offer(stage, an_order("O-7"))
    await arrived(stage, 2)
    (parked,) = await stage.store.list_runs(state=RunState.PARKED)
    repaired = msgspec.json.encode(an_order("O-7"))

    with pytest.raises(Invalid) as refused:
        await stage.hub.desk.repair(parked.run_id, actor="ann", reason="typed in", new_input=repaired)

    assert refused.value.code == "already-taken"
    assert (await stage.view(parked.run_id)).state is RunState.PARKED
    assert await stage.store.list_audit() == []
    other = msgspec.json.encode(an_order("O-8"))
    assert await stage.hub.desk.repair(parked.run_id, actor="ann", reason="its own number", new_input=other)
    await stage.flow()
    assert (len(stage.in_erp("O-7")), len(stage.in_erp("O-8"))) == (1, 1)


AWKWARD: dict[str, dict[str, Any]] = {
    "a NUL in its number": {"external": "nul\x00"},
    "a number that is too long": {"external": "x" * 64, "channel": "y" * 64},
    "a number no URL holds": {"external": "two words/ü"},
    "a currency nobody has": {"currency": "ZZZ"},
    "an amount beyond all bounds": {"positions": "huge"},
}


@pytest.mark.parametrize("kind", AWKWARD)
async def test_one_awkward_arrival_does_not_stop_the_stream(stage: HubStage, kind: str) -> None:
    content = msgspec.to_builtins(wire(an_order("O-1"))) | AWKWARD[kind]
    if content["positions"] == "huge":
        position = msgspec.to_builtins(wire(an_order("O-1")))["positions"][0]
        content["positions"] = [position | {"quantity": "999999999999", "price": "999999999999999"}]
    stage.shop.channel.offer_raw(content["external"], msgspec.json.encode(content))
    offer(stage, an_order("O-2"))
    await arrived(stage, 2)
    assert len(stage.in_erp("O-2")) == 1
    counts = await stage.store.count_runs()
    assert sum(counts.values()) == 2, "neither is lost"
    stage.shop.channel.redeliver(content["external"])
    await arrived(stage, 3)
    assert sum((await stage.store.count_runs()).values()) == 2


async def test_an_external_number_of_any_shape_can_be_parked(stage: HubStage) -> None:
    stage.shop.channel.offer_raw("\x00" * 9_000, b"[7]")
    offer(stage, an_order("O-2"))
    await arrived(stage, 2)
    assert taken(stage) == {"parked": 1, "taken": 1}


# ── positions and gaps ──────────────────────────────────────────────────────────────────────────────


async def position(stage: HubStage) -> str:
    return (await stage.store.read_cursors()).get("source:shop", "")


async def test_the_position_moves_with_what_was_taken_and_reading_goes_on_from_there(stage: HubStage) -> None:
    offer(stage, *(an_order(f"O-{number}") for number in range(3)))
    await next_position(stage, "3")
    delivered = stage.shop.channel.delivered
    await stage.hub._stop_tasks()
    offer(stage, an_order("O-9"))
    stage.hub._start_intake("shop")
    await arrived(stage, 1)
    assert stage.shop.channel.delivered == delivered + 1
    assert len(stage.in_erp("O-9")) == 1


async def test_a_worker_that_begins_again_goes_on_reading(stage: HubStage) -> None:
    offer(stage, an_order("O-1"))
    await arrived(stage, 1)
    before = stage.worker.worker_id
    await stage.store.retire(before, stage.clock.now())
    await stage.eventually(lambda: stage.worker.worker_id != before)
    offer(stage, an_order("O-2"))
    await arrived(stage, 2)
    offer(stage, an_order("O-3"))
    await next_position(stage, "3")


async def test_what_the_stream_lost_is_refilled_and_the_gap_is_proved_closed(stage: HubStage) -> None:
    offer(stage, an_order("O-1"))
    stage.shop.channel.lose(wire(an_order("O-2")))
    stage.shop.channel.lose(wire(an_order("O-3")))
    offer(stage, an_order("O-4"))
    await arrived(stage, 4)
    assert await stage.store.count_runs() == {"done": 4}
    told = await gaps(stage, 4)
    assert [gap.state for gap in told] == ["open", "closed"] * 2
    for gap in told[1::2]:
        assert gap.seen + gap.refilled == gap.changed
    assert sum(gap.refilled for gap in told) == 3, "O-2, O-3, and O-4 that came with them"


async def test_what_is_no_longer_retained_is_refilled(stage: HubStage) -> None:
    offer(stage, an_order("O-1"))
    await arrived(stage, 1)
    await stage.hub._stop_tasks()
    offer(stage, *(an_order(f"O-{number}") for number in (2, 3)))
    stage.shop.channel.forget()
    stage.clock.advance(600)
    offer(stage, an_order("O-4"))
    stage.hub._start_intake("shop")
    await arrived(stage, 4)
    assert await stage.store.count_runs() == {"done": 4}
    (opened, closed) = await gaps(stage, 2)
    assert (opened.state, opened.reason, closed.state) == ("open", "retention", "closed")


async def test_a_count_that_does_not_match_yet_is_asked_for_again(
    stage: HubStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems show a row only some seconds after the moment it bears."""
    late = [1, 1]
    counted = Channel.count

    def count(channel: Channel, *window: Any) -> int:
        return counted(channel, *window) + (late.pop() if late else 0)

    monkeypatch.setattr(Channel, "count", count)
    stage.shop.channel.lose(wire(an_order("O-1")))
    await next_position(stage, "1")
    (_opened, closed) = await gaps(stage, 2)
    assert (closed.state, closed.seen, closed.refilled, closed.changed) == ("closed", 0, 1, 1)


async def test_a_gap_that_cannot_be_proved_closed_is_said_to_be_so(
    stage: HubStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Channel.count
    monkeypatch.setattr(Channel, "count", lambda channel, *window: counted(channel, *window) + 1)
    stage.shop.channel.lose(wire(an_order("O-1")))
    offer(stage, an_order("O-2"))
    await next_position(stage, "2")
    assert await stage.store.count_runs() == {"done": 2}
    (_opened, ended) = await gaps(stage, 2)
    assert (ended.state, ended.changed - ended.seen - ended.refilled) == ("not_proved", 1)


async def test_a_source_that_fails_is_asked_less_and_less_and_at_once_when_it_is_back(stage: HubStage) -> None:
    stage.shop.faults.add(RefuseBeforeCommit(on="/messages", status=400, times=0))
    intake = stage.hub.intakes["shop"]
    await stage.until(lambda: intake.trouble != "")
    stage.shop.calls.clear()
    await stage.pass_time(300, steps=300)
    assert stage.shop.calls["/messages"] <= 12
    stage.shop.faults.clear()
    offer(stage, an_order("O-1"))
    await arrived(stage, 1)
    assert intake.trouble == ""
    stage.shop.faults.add(RefuseBeforeCommit(on="/messages", status=400))
    offer(stage, an_order("O-2"))
    began = stage.clock.now()
    await arrived(stage, 2)
    assert stage.clock.now() - began < 10_000_000
