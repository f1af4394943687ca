"""The shop's records show how each order stands: in few calls, each refusal by itself, nothing older on top."""

import pytest
from tests.processes.stage import HubStage, record

from crossdock.adapters.memory.simulator.faults import BreakRead, LoseAnswer, RefuseBeforeCommit
from crossdock.durable.records import RunState
from crossdock.kit.clock import from_datetime
from crossdock.testing.builders import an_order

pytestmark = pytest.mark.anyio


async def test_every_record_shows_its_orders_latest_status_in_few_calls(stage: HubStage) -> None:
    orders = [
        an_order(f"O-{number:03}", products=("P-400",), references=record(f"R-{number:03}"))
        for number in range(40)
    ]
    await stage.take(*orders)
    rows = stage.shop.board.shown
    assert {row.status for row in rows.values()} == {"accepted"}
    assert len(rows) == 40
    assert {row.erp_number for row in rows.values()} == {f"SO-{number:06}" for number in range(1, 41)}
    events = await stage.store.last_sequence()
    assert stage.shop.board.batches <= 40 / 5 + 16, "batches of five, and a few that came early"
    assert events >= 120


async def test_one_record_that_cannot_be_written_holds_back_no_other(stage: HubStage) -> None:
    stage.shop.board.gone = {"R-2"}
    await stage.take(*(an_order(f"O-{number}", references=record(f"R-{number}")) for number in range(5)))
    assert set(stage.shop.board.shown) == {"R-0", "R-1", "R-3", "R-4"}
    parked = await stage.store.list_runs(state=RunState.PARKED)
    assert {view.process for view in parked} == {"status_report"}
    assert {view.subject for view in await stage.store.list_runs() if view.process == "status_report"} == {
        "status/O-2"
    }
    assert parked[0].parking is not None
    assert (parked[0].parking.domain, parked[0].parking.vendor_code) == ("service", "RECORD_GONE")
    assert len(stage.in_erp("O-2")) == 1, "the order itself is not hurt"


async def test_a_status_that_comes_late_does_not_overwrite_a_newer_one(stage: HubStage) -> None:
    stage.shop.board.gone = {"R-1"}
    stage.erp.faults.add(RefuseBeforeCommit(on="/orders", times=0))
    await stage.take(an_order(references=record("R-1")))
    await stage.pass_time(60, steps=12)
    late = await stage.store.list_runs(state=RunState.PARKED)
    assert late, "the earlier statuses could not be written"
    stage.shop.board.gone = set()
    stage.erp.faults.clear()
    await stage.eventually(lambda: stage.status("R-1") == "accepted")
    shown = stage.shown("R-1")
    assert shown is not None
    await stage.hub.desk.retry([view.run_id for view in late], actor="ann", reason="the record is back")
    await stage.pass_time(30, steps=60)
    again = stage.shown("R-1")
    assert again is not None
    assert (again.status, again.as_of) == ("accepted", shown.as_of)
    assert from_datetime(again.as_of) == (await stage.events_of("O-1001"))[-1].at


async def test_a_shop_that_is_away_gets_everything_when_it_is_back(stage: HubStage) -> None:
    stage.shop.faults.add(RefuseBeforeCommit(on="/statuses", times=0))
    await stage.take(*(an_order(f"O-{number}", references=record(f"R-{number}")) for number in range(3)))
    await stage.pass_time(60, steps=20)
    assert stage.shop.board.shown == {}
    stage.shop.faults.clear()
    await stage.eventually(lambda: len(stage.shop.board.shown) == 3)
    assert {row.status for row in stage.shop.board.shown.values()} == {"accepted"}


async def test_a_lost_answer_only_means_that_the_same_is_written_again(stage: HubStage) -> None:
    stage.shop.faults.add(LoseAnswer(on="/statuses"), BreakRead(on="/statuses"))
    await stage.take(an_order(references=record("R-1")))
    await stage.eventually(lambda: stage.status("R-1") == "accepted")
    assert await stage.store.list_runs(state=RunState.PARKED) == []


async def test_orders_without_a_record_are_nobodys_news(stage: HubStage) -> None:
    await stage.take(an_order())
    assert stage.shop.calls["/statuses"] == 0
