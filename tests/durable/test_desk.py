"""What people do with parked work, and what becomes of it."""

from typing import Any

import msgspec
import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process, fault, told

from crossdock.durable.process import Happening, Process, Stake
from crossdock.durable.records import Commit, EffectStep, Outgoing, RunState
from crossdock.durable.run import Run
from crossdock.kit.errors import Finding, Invalid, Rejected, Unavailable
from crossdock.kit.ids import write_key
from crossdock.stock.holds import CountStock, Held, HoldStock, ReleaseStock, StockCount, Wanted

pytestmark = pytest.mark.anyio


class Parcel(msgspec.Struct, frozen=True):
    number: str
    grams: int = 1


def announce(parcel: Parcel | None, happening: Happening) -> list[Outgoing]:
    return [told(f"{parcel.number} {happening.kind}")] if parcel else []


def a_shipping(world: World) -> Process[Any]:
    """Asks, holds stock, writes, writes: each call may fail."""

    async def body(run: Run, parcel: Parcel) -> str:
        try:
            weight = await run.step("weigh", lambda _key: world.read(f"weigh {parcel.grams}"), returns=str)
            held = await run.record(
                "hold",
                HoldStock(key=run.run_id, wanted=(Wanted("1", "P", parcel.grams),)),
                returns=Held,
                undo=ReleaseStock(key=run.run_id),
            )
            label = await run.step(
                "label",
                lambda key: world.write("label", key),
                returns=str,
                undo=lambda key: world.undo("label", key),
                recall=lambda key: world.find("label", key),
            )
            await run.step("ship", lambda _key: world.read("ship"), returns=str)
        except Rejected as refusal:
            await run.compensate()
            return f"refused: {refusal.message}"
        return f"{weight}, {held.micro('1')} held, {label}"

    return Process(
        name="p",
        version=1,
        input=Parcel,
        body=body,
        subject=lambda parcel: parcel.number,
        stake=lambda parcel: Stake(domain="billing", severity=3, at_risk=f"{parcel.grams} g"),
        announce=announce,
        gives_back={"hold": lambda run_id: ReleaseStock(key=run_id)},
        asked_anew=("weigh", "hold"),
    )


async def parked(begin: Begin, world: World, *faults: BaseException | None) -> Any:
    engine = await begin(process := a_shipping(world))
    count = CountStock(counts=(StockCount("P", "W", 10),))
    await engine.worker.commit(Commit(effects=(EffectStep("count", count),)))
    world.faults = list(faults)
    view = await engine.go(process, "1", Parcel("X-1", 2))
    assert view.state is RunState.PARKED
    return engine


async def levels(engine: Any) -> list[tuple[int, int]]:
    rows = await engine.store._read(lambda tx: tx.execute("SELECT available, held FROM stock_level").fetchall())
    return [tuple(row) for row in rows]


INVALID = fault(Invalid, "bad-address", findings=[Finding("bad-address", "$.number", "no such street")])


async def test_parked_work_says_why_it_stands_whose_it_is_and_what_is_at_risk(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    parking = (await engine.view("p/1")).parking
    assert (parking.category, parking.code, parking.step, parking.system) == (
        "repair",
        "bad-address",
        "label",
        "world",
    )
    assert (parking.owner, parking.severity, parking.domain, parking.at_risk) == (
        "order-desk",
        3,
        "billing",
        "2 g",
    )
    assert parking.findings == INVALID.findings
    assert [event.type for event in await engine.store.read_events(0, 5)] == ["X-1 parked"]


async def test_equal_causes_have_one_signature_and_others_another(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    world.faults = [None, INVALID, None, fault(Invalid, "other")]
    for number in (2, 3):
        await engine.go(engine.processes[0], str(number), Parcel(f"X-{number}"))
    signatures = [(await engine.view(f"p/{number}")).parking.signature for number in (1, 2, 3)]
    assert signatures[0] == signatures[1] != signatures[2]
    assert len(await engine.store.list_runs(signature=signatures[0])) == 2


async def test_a_preview_says_what_a_retry_will_and_wont_do_again(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    preview = await engine.desk.preview("p/1")
    assert (set(preview.stays_done), preview.asked_first) == ({"weigh", "hold"}, ("label",))
    assert preview.done_again == "label"


async def test_a_retry_goes_on_where_it_stopped(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    assert await engine.desk.retry(["p/1", "p/none"], actor="ann", reason="fixed there") == {
        "p/1": True,
        "p/none": False,
    }
    await engine.settle()
    view = await engine.view("p/1")
    assert (view.state, view.parking) == (RunState.DONE, None)
    assert world.calls == ["weigh 2", "label", "find label", "label", "ship"]
    assert [event.type for event in await engine.store.read_events(0, 5)] == ["X-1 parked", "X-1 released"]


async def test_a_repaired_input_is_checked_anew_and_holds_what_it_wants(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    assert await levels(engine) == [(8, 2)]
    parcel = msgspec.json.encode(Parcel("X-1", 7))
    assert await engine.desk.repair("p/1", actor="ann", reason="asked the customer", new_input=parcel)
    await engine.settle()
    assert (await engine.view("p/1")).result == b'"weigh 7, 7 held, label"'
    assert await levels(engine) == [(3, 7)]


async def test_a_write_that_landed_before_its_input_was_repaired_goes_to_a_person(
    begin: Begin, world: World
) -> None:
    engine = await parked(begin, world, None, INVALID)
    world.done[write_key("p/1", "label")] = "of two grams"
    await engine.desk.repair("p/1", actor="ann", reason="x", new_input=msgspec.json.encode(Parcel("X-1", 7)))
    await engine.settle()
    view = await engine.view("p/1")
    assert (view.state, view.parking.category, view.parking.code) == (
        RunState.PARKED,
        "reread",
        "landed-before-repair",
    )
    await engine.desk.compensate(["p/1"], actor="ann", reason="order it anew")
    await engine.settle()
    assert (await engine.view("p/1")).result == b'"refused: order it anew"'
    assert (world.done, await levels(engine)) == ({}, [(10, 0)])


async def test_a_result_put_in_by_hand_is_not_done_again(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    await engine.desk.repair("p/1", actor="ann", reason="printed by hand", results={"label": b'"by hand"'})
    await engine.settle()
    assert (await engine.view("p/1")).result == b'"weigh 2, 2 held, by hand"'
    assert world.counts["label"] == 1


async def test_a_retry_asks_again_where_the_run_was_refused(begin: Begin, world: World) -> None:
    """The refusal is remembered for replays; a person who retries knows that something has changed."""

    async def body(run: Run, _value: Any) -> str:
        return await run.step("report", lambda key: world.write("report", key), returns=str, recall=world_find)

    async def world_find(key: str) -> str | None:
        found: str | None = await world.find("report", key)
        return found

    world.faults = [fault(Rejected)]
    engine = await begin(process := a_process(body))
    assert (await engine.go(process, "1", "1")).state is RunState.PARKED
    assert await engine.desk.retry(["p/1"], actor="ann", reason="the record is back") == {"p/1": True}
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["report", "report"]


async def test_a_repair_that_repairs_nothing_is_refused_with_the_path(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    with pytest.raises(Invalid) as caught:
        await engine.desk.repair("p/1", actor="ann", reason="x", new_input=b'{"number":"X","grams":"many"}')
    assert caught.value.findings[0].path == "$.grams"
    with pytest.raises(Invalid):
        await engine.desk.repair("p/1", actor="ann", reason="x", results={"label": b"{"})
    with pytest.raises(Invalid, match="not parked"):
        await engine.desk.repair("p/none", actor="ann", reason="x")
    assert await engine.store.list_audit() == []


async def test_a_skipped_run_holds_nothing_any_more_and_lets_others_go_on(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    await engine.start(engine.processes[0], "2", Parcel("X-1", 1))
    await engine.desk.skip(["p/1"], actor="ann", reason="ordered again by phone")
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.SKIPPED
    assert (await engine.view("p/2")).state is RunState.DONE
    assert await levels(engine) == [(9, 1)]
    assert [event.type for event in await engine.store.read_events(0, 5)] == ["X-1 parked", "X-1 skipped"]


async def test_a_skipped_run_gives_back_nothing_it_does_not_hold(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, INVALID)
    await engine.desk.skip(["p/1"], actor="ann", reason="never mind")
    assert await levels(engine) == [(10, 0)]


async def test_told_to_turn_back_a_run_undoes_what_was_done_and_gives_the_reason(
    begin: Begin, world: World
) -> None:
    engine = await parked(begin, world, None, None, INVALID)
    await engine.desk.compensate(["p/1"], actor="ann", reason="The customer cancelled.")
    await engine.settle()
    assert (await engine.view("p/1")).result == b'"refused: The customer cancelled."'
    assert world.calls[-1] == "undo label"
    assert (world.done, await levels(engine)) == ({}, [(10, 0)])


async def test_turning_back_survives_faults_and_crashes(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, None, INVALID)
    world.faults = [fault(Unavailable)]
    await engine.desk.compensate(["p/1"], actor="ann", reason="cancelled")
    await engine.settle()
    await engine.crash()
    await engine.begin()
    await engine.advance(5)
    assert (await engine.view("p/1")).result == b'"refused: cancelled"'
    assert await levels(engine) == [(10, 0)]


async def test_an_assigned_run_changes_hands_and_stays_parked(begin: Begin, world: World) -> None:
    engine = await parked(begin, world, None, INVALID)
    assert await engine.desk.assign(["p/1"], actor="ann", owner="bob") == {"p/1": True}
    view = await engine.view("p/1")
    assert (view.state, view.parking.owner) == (RunState.PARKED, "bob")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
async def test_whoever_skips_or_turns_back_says_why(begin: Begin, world: World, reason: str) -> None:
    engine = await parked(begin, world, None, INVALID)
    for verb in (engine.desk.skip, engine.desk.compensate):
        with pytest.raises(Invalid):
            await verb(["p/1"], actor="ann", reason=reason)
    assert (await engine.view("p/1")).state is RunState.PARKED


async def test_a_bug_is_parked_loudly_and_costs_nobody_else(
    begin: Begin, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def body(run: Run, value: Any) -> None:
        await run.step("work", lambda _key: world.read("work"), returns=str)
        if value == "bad":
            raise KeyError("no such thing")

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "bad")
    assert view.parking is not None
    assert (view.parking.category, view.parking.code) == ("bug", "bug")
    assert "KeyError" in view.parking.reason
    assert "KeyError" in capsys.readouterr().out
    assert (await engine.go(process, "2", "good")).state is RunState.DONE


async def test_personal_data_in_a_vendors_words_is_not_kept(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        raise Invalid("mail ada@shop.example or call +49 30 1234567", code="x")

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert view.parking is not None
    assert "ada@" not in view.parking.reason
    assert "1234567" not in view.parking.reason


async def test_work_of_a_process_nobody_knows_is_parked_and_not_lost(begin: Begin, world: World) -> None:
    engine = await begin(process := a_shipping(world))
    await engine.crash()
    engine.processes = []
    await engine.begin()
    view = await engine.go(process, "1", Parcel("X-1", 0))
    assert view.state is RunState.READY, "an upgrade may be under way: the worker that knows it may come yet"
    engine.clock.advance(700)
    assert await engine.store.park_strangers(engine.clock.now()) == 1
    view = await engine.view("p/1")
    assert view.parking is not None
    assert view.parking.code == "unknown-process"
    with pytest.raises(Invalid, match="no process"):
        await engine.desk.repair("p/1", actor="ann", reason="x", new_input=b"{}")
    await engine.crash()
    engine.processes = [process]
    await engine.begin()
    await engine.desk.retry(["p/1"], actor="ann")
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE


async def test_work_whose_input_does_not_fit_is_parked_for_repair(begin: Begin, world: World) -> None:
    engine = await begin(process := a_shipping(world))
    await engine.worker.commit(
        Commit(
            starts=(msgspec.structs.replace(process.start("1", Parcel("X")), input=b'{"number":7}', value=None),)
        )
    )
    await engine.settle()
    parking = (await engine.view("p/1")).parking
    assert parking is not None
    assert (parking.category, parking.findings[0].path) == ("repair", "$.number")
    assert await engine.desk.repair("p/1", actor="ann", reason="typo", new_input=b'{"number":"X-7"}')
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE


async def test_a_process_that_cannot_even_tell_of_its_trouble_is_parked_all_the_same(begin: Begin) -> None:
    async def body(_run: Run, _value: Any) -> None:
        raise Invalid("unreadable", code="x")

    def cannot_tell(_value: Any, _happening: Happening) -> list[Outgoing]:
        raise ZeroDivisionError

    engine = await begin(process := a_process(body, announce=cannot_tell))
    assert (await engine.go(process, "1", "1")).state is RunState.PARKED
