"""An order's way into the ERP: once, explained, and undone where it was refused."""

from typing import Any

import msgspec
import pytest
from tests.processes.stage import HubStage, record

from crossdock.adapters.memory.simulator.faults import (
    AnswerState,
    CommitLate,
    LoseAnswer,
    RefuseBeforeCommit,
    RejectOrder,
    RejectPosition,
    StopHalfway,
    Throttle,
)
from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.order import RequestedFulfilment
from crossdock.durable.records import RunState
from crossdock.kit.clock import seconds_to_us
from crossdock.processes.order_capture import Captured
from crossdock.testing.builders import a_customer, a_line, an_order

pytestmark = pytest.mark.anyio
PIECE = 1_000_000


async def test_an_accepted_order_is_in_the_erp_once_and_its_stock_is_the_erps(stage: HubStage) -> None:
    before = await stage.stock()
    order = an_order(lines=2, references=record("R-1"))
    assert await stage.take(order) == [Captured.TAKEN]
    assert await stage.result_of("O-1001") == {"outcome": "accepted", "erp_number": "SO-000001"}
    (document,) = stage.in_erp("O-1001")
    assert [position.article for position in document.content.positions] == ["P-100", "P-110"]
    assert document.correlation == "O-1001"
    assert await stage.told("O-1001") == ["OrderCaptured", "StockHeld", "OrderAccepted"]
    after = await stage.stock()
    assert sum(available for available, _ in after.values()) == sum(level for level, _ in before.values()) - 2
    assert {held for _, held in after.values()} == {0}


async def test_the_events_carry_every_quantity_the_ledger_needs(stage: HubStage) -> None:
    await stage.take(an_order(lines=[a_line("1", quantity="2.5")]))
    captured, held, accepted = await stage.events_of("O-1001")
    moved = (LineMovement("1", 2_500_000),)
    assert (captured.lines, held.lines, accepted.lines, accepted.refused) == (moved, moved, moved, ())
    assert (captured.net, captured.currency) == ("25.00", "EUR")


# ── what is wrong with the order itself ─────────────────────────────────────────────────────────────


async def test_all_findings_are_told_at_once_with_their_paths(stage: HubStage) -> None:
    lines = [a_line("1", quantity="0"), a_line("1", price="-1"), a_line("3", price="1", currency="USD")]
    await stage.take(an_order(lines=lines, customer=a_customer(""), shipping_address=None))
    view = await stage.run_of("O-1001")
    assert view.parking is not None
    assert (view.state, view.parking.category, view.parking.code) == (RunState.PARKED, "repair", "incomplete")
    assert {(finding.code, finding.path) for finding in view.parking.findings} == {
        ("zero-quantity", "$.lines[0].quantity.value"),
        ("duplicate-line", "$.lines[1].line_id"),
        ("negative-price", "$.lines[1].unit_price.amount"),
        ("wrong-currency", "$.lines[2].unit_price.currency"),
        ("customer-missing", "$.customer"),
        ("address-missing", "$.shipping_address"),
    }
    assert stage.erp.calls["/orders"] == 0
    assert await stage.told("O-1001") == ["OrderCaptured", "OrderNeedsAttention"]


async def test_a_repaired_order_is_the_one_that_is_submitted(stage: HubStage) -> None:
    wrong = an_order(lines=[a_line("1", quantity="0")], references=record("R-1"))
    await stage.take(wrong)
    shown = stage.shown("R-1")
    assert shown is not None
    assert shown.status == "needs_attention"
    repaired = msgspec.structs.replace(wrong, lines=(a_line("1", product="P-120", quantity="3"),))
    await stage.hub.desk.repair(
        "order_submission/O-1001", actor="ann", reason="asked", new_input=msgspec.json.encode(repaired)
    )
    await stage.flow()
    (document,) = stage.in_erp("O-1001")
    assert [(each.article, each.quantity) for each in document.content.positions] == [("P-120", "3")]
    shown = stage.shown("R-1")
    assert shown is not None
    assert shown.status == "accepted"


async def test_an_order_repaired_after_it_was_checked_is_checked_and_held_anew(stage: HubStage) -> None:
    before = await stage.stock()
    stage.erp.faults.add(RefuseBeforeCommit(on="/orders", status=400))
    order = an_order(lines=[a_line("1", quantity="4")])
    await stage.take(order)
    assert (await stage.run_of("O-1001")).state is RunState.PARKED
    repaired = msgspec.structs.replace(order, lines=(a_line("1", product="P-130", quantity="6"),))
    await stage.hub.desk.repair(
        "order_submission/O-1001", actor="ann", reason="asked", new_input=msgspec.json.encode(repaired)
    )
    await stage.pass_time(20, steps=4)
    assert (await stage.result_of("O-1001"))["outcome"] == "accepted"
    (document,) = stage.in_erp("O-1001")
    assert [(each.article, each.quantity) for each in document.content.positions] == [("P-130", "6")]
    after = await stage.stock()
    moved = {
        key: (available - before[key][0], held)
        for key, (available, held) in after.items()
        if after[key] != before[key]
    }
    assert [(product, change) for (product, _), change in moved.items()] == [("P-130", (-6, 0))]


# ── what the masters say ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("customer", "code", "words"),
    [
        ("C-0000", "customer-unknown", "The ERP knows no customer C-0000."),
        ("C-9001", "customer-blocked", "Customer C-9001 is blocked: credit-hold."),
    ],
)
async def test_an_unknown_or_blocked_customer_is_refused_in_words(
    stage: HubStage, customer: str, code: str, words: str
) -> None:
    await stage.take(an_order(customer=customer, references=record("R-1")))
    assert await stage.result_of("O-1001") == {"outcome": "refused", "reason": words}
    refused = (await stage.events_of("O-1001"))[-1]
    assert (refused.code, refused.reason, refused.findings[0].path) == (code, words, "$.customer.number")
    shown = stage.shown("R-1")
    assert shown is not None
    assert (shown.status, shown.reason) == ("refused", words)
    assert stage.in_erp("O-1001") == []


async def test_a_line_nobody_sells_is_refused_and_the_others_go_on(stage: HubStage) -> None:
    lines = [a_line("1"), a_line("2", product="P-000"), a_line("3", product="P-900")]
    await stage.take(an_order(lines=lines))
    result = await stage.result_of("O-1001")
    assert result["outcome"] == "partly_accepted"
    assert result["reason"] == "The ERP knows no product P-000. Product P-900 is no longer sold."
    accepted = (await stage.events_of("O-1001"))[-1]
    assert accepted.lines == (LineMovement("1", PIECE),)
    assert accepted.refused == (
        LineMovement("2", PIECE, "product-unknown"),
        LineMovement("3", PIECE, "product-inactive"),
    )
    assert [len(document.content.positions) for document in stage.in_erp("O-1001")] == [1]


async def test_an_order_that_must_be_whole_is_refused_whole(stage: HubStage) -> None:
    lines = [a_line("1"), a_line("2", product="P-000")]
    await stage.take(an_order(lines=lines, accepts_partial=False))
    refused = (await stage.events_of("O-1001"))[-1]
    assert refused.lines == tuple(LineMovement(line, PIECE, "product-unknown") for line in ("1", "2"))
    assert stage.in_erp("O-1001") == []


async def test_a_wrong_price_is_for_the_order_desk_and_a_tolerable_one_is_not(strict: HubStage) -> None:
    listed = a_line("1", product="P-110", price="2.015")
    close = a_line("2", product="P-110", price="2.0")
    await strict.take(an_order("O-1", lines=[listed, close]))
    assert (await strict.result_of("O-1"))["outcome"] == "accepted"
    await strict.take(an_order("O-2", lines=[a_line("1", product="P-110", price="1.90")]))
    view = await strict.run_of("O-2")
    assert view.parking is not None
    assert (view.parking.category, view.parking.code) == ("repair", "price-mismatch")
    assert view.parking.findings[0].path == "$.lines[0].unit_price.amount"
    repaired = an_order("O-2", lines=[a_line("1", product="P-110", price="2.015")])
    await strict.hub.desk.repair(
        "order_submission/O-2", actor="ann", reason="typo", new_input=msgspec.json.encode(repaired)
    )
    await strict.flow()
    assert (await strict.result_of("O-2"))["outcome"] == "accepted"


# ── stock ───────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_short_is_left_out_and_said(stage: HubStage) -> None:
    lines = [a_line("1", product="P-100", quantity="25"), a_line("2", product="P-110", quantity="1")]
    await stage.take(an_order(lines=lines))
    result = await stage.result_of("O-1001")
    assert result["outcome"] == "partly_accepted"
    assert result["reason"] == "Of P-100 only 20 of 25 EA can be promised."
    (document,) = stage.in_erp("O-1001")
    assert [each.quantity for each in document.content.positions] == ["20", "1"]
    accepted = (await stage.events_of("O-1001"))[-1]
    assert accepted.refused == (LineMovement("1", 5 * PIECE, "out-of-stock"),)
    assert (await stage.stock())["P-100", "W1"] == (0, 0)


async def test_with_nothing_to_promise_the_order_is_refused_and_no_stock_stays_held(stage: HubStage) -> None:
    await stage.take(an_order("O-1", lines=[a_line("1", quantity="20")]))
    await stage.take(an_order("O-2", lines=[a_line("1", quantity="1")]))
    assert (await stage.result_of("O-2"))["outcome"] == "refused"
    assert (await stage.events_of("O-2"))[-1].code == "out-of-stock"
    assert (await stage.stock())["P-100", "W1"] == (0, 0)


async def test_an_order_that_must_be_whole_gives_back_what_it_held(stage: HubStage) -> None:
    before = await stage.stock()
    lines = [a_line("1", product="P-110", quantity="2"), a_line("2", product="P-100", quantity="99")]
    await stage.take(an_order(lines=lines, accepts_partial=False))
    assert (await stage.result_of("O-1001"))["outcome"] == "refused"
    assert await stage.stock() == before


async def test_a_pickup_takes_only_what_lies_in_its_store(stage: HubStage) -> None:
    pickup = RequestedFulfilment(method="pickup", location="W2")
    await stage.take(an_order(lines=[a_line("1", quantity="15")], fulfilment=pickup))
    assert (await stage.result_of("O-1001"))["reason"] == "Of P-100 only 10 of 15 EA can be promised."
    stock = await stage.stock()
    assert (stock["P-100", "W1"], stock["P-100", "W2"]) == ((10, 0), (0, 0))


# ── what the ERP says ───────────────────────────────────────────────────────────────────────────────


async def test_a_line_the_erp_refuses_gives_its_stock_back(stage: HubStage) -> None:
    before = await stage.stock()
    stage.erp.faults.add(RejectPosition(position="2", code="OUT_OF_STOCK"))
    await stage.take(an_order(lines=2))
    assert (await stage.result_of("O-1001"))["outcome"] == "partly_accepted"
    accepted = (await stage.events_of("O-1001"))[-1]
    assert accepted.refused == (LineMovement("2", PIECE, "out-of-stock"),)
    after = await stage.stock()
    assert sum(available for available, _ in after.values()) == sum(level for level, _ in before.values()) - 1
    assert {held for _, held in after.values()} == {0}


async def test_an_order_the_erp_refuses_is_undone_with_the_reason(stage: HubStage) -> None:
    before = await stage.stock()
    stage.erp.faults.add(RejectOrder(code="PERIOD_CLOSED"))
    lines = [a_line("1"), a_line("2", product="P-000"), a_line("3", product="P-110", quantity="99")]
    await stage.take(an_order(lines=lines, references=record("R-1")))
    assert await stage.result_of("O-1001") == {"outcome": "refused", "reason": "The books of that time are closed"}
    assert await stage.stock() == before
    refused = (await stage.events_of("O-1001"))[-1]
    assert {line.line_id: line.micro for line in refused.lines} == {"1": PIECE, "2": PIECE, "3": 99 * PIECE}
    shown = stage.shown("R-1")
    assert shown is not None
    assert (shown.status, shown.reason) == ("refused", "The books of that time are closed")
    assert stage.in_erp("O-1001") == []


async def test_an_answer_lost_after_the_erp_committed_makes_no_second_order(stage: HubStage) -> None:
    stage.erp.faults.add(LoseAnswer(on="/orders"))
    await stage.take(an_order())
    assert (await stage.result_of("O-1001"))["outcome"] == "accepted"
    assert len(stage.in_erp("O-1001")) == 1
    assert stage.erp.calls["/orders"] == 1


async def test_an_order_that_lands_late_is_found_and_not_sent_again(stage: HubStage) -> None:
    stage.erp.faults.add(CommitLate(seconds=3, on="/orders"))
    await stage.take(an_order())
    assert (await stage.run_of("O-1001")).state is RunState.WAITING
    await stage.pass_time(10, steps=10)
    assert (await stage.result_of("O-1001"))["outcome"] == "accepted"
    assert (len(stage.in_erp("O-1001")), stage.erp.calls["/orders"]) == (1, 1)


async def test_an_order_left_half_finished_is_finished_not_doubled(stage: HubStage) -> None:
    stage.erp.faults.add(StopHalfway())
    await stage.take(an_order())
    await stage.pass_time(10)
    assert (await stage.result_of("O-1001"))["outcome"] == "accepted"
    assert [document.state for document in stage.in_erp("O-1001")] == ["CONFIRMED"]


async def test_a_status_nobody_knows_is_pending_and_never_success(stage: HubStage) -> None:
    stage.erp.faults.add(AnswerState(state="IN_REVIEW_2"))
    await stage.take(an_order(references=record("R-1")))
    assert (await stage.result_of("O-1001"))["outcome"] == "pending"
    accepted = (await stage.events_of("O-1001"))[-1]
    assert (accepted.pending, accepted.lines) == (True, ())
    shown = stage.shown("R-1")
    assert shown is not None
    assert (shown.status, shown.reason) == ("waiting", "Books has it as SO-000001 and has not decided yet")
    assert sum(held for _, held in (await stage.stock()).values()) == 1, "its stock stays held"


async def test_a_throttled_erp_is_left_alone_for_as_long_as_it_asks(stage: HubStage) -> None:
    stage.erp.faults.add(Throttle(wait_seconds=60, on="/orders"))
    await stage.take(an_order("O-1"), an_order("O-2"), an_order("O-3"))
    called = stage.erp.calls["/orders"]
    await stage.pass_time(55)
    assert stage.erp.calls["/orders"] == called
    await stage.pass_time(30, steps=6)
    assert await stage.store.count_runs() == {"done": 3}
    assert [len(stage.in_erp(f"O-{number}")) for number in (1, 2, 3)] == [1, 1, 1]


# ── the ERP is down ─────────────────────────────────────────────────────────────────────────────────


async def test_while_the_erp_is_down_orders_are_taken_wait_and_say_so_once(stage: HubStage) -> None:
    await stage.take(an_order("O-warm", products=("P-200",)))  # the masters are remembered
    stage.erp.faults.add(RefuseBeforeCommit(on="/orders", times=0))
    orders: list[Any] = [
        an_order(f"O-{number:02}", products=("P-200",), references=record(f"R-{number:02}"))
        for number in range(20)
    ]
    stage.erp.calls.clear()
    assert await stage.take(*orders) == [Captured.TAKEN] * 20
    await stage.eventually(lambda: stage.lanes["erp"].state().status in {"closed", "half_open"})
    assert stage.erp.calls["/orders"] <= 40, "those that were under way when the lane closed"
    stage.erp.calls.clear()
    began = stage.clock.now()
    await stage.pass_time(600, steps=100)
    assert await stage.store.count_runs() == {"done": 1, "waiting": 20}, await stage.picture()
    minutes = (stage.clock.now() - began) / seconds_to_us(60)  # the slower the machine, the more pass
    assert stage.erp.calls["/orders"] <= 10 + minutes * 4 / 3, "a probe a minute, not a hammer"
    await stage.eventually(lambda: stage.status("R-19") == "waiting")
    shown = stage.shown("R-19")
    assert shown is not None
    assert shown.reason.startswith("Accepted here and waiting for Books: ")
    stage.erp.faults.clear()
    await stage.eventually(lambda: len(stage.erp.ledger.orders()) == 21)
    assert await stage.store.count_runs() == {"done": 21}
    for order in orders:
        assert len(stage.in_erp(order.order_id)) == 1
        told = await stage.told(order.order_id)
        assert told.count("OrderWaiting") <= 1
        assert told[-1] == "OrderAccepted"
    await stage.eventually(lambda: stage.status("R-19") == "accepted")


async def test_a_refused_credential_stops_the_lane_and_is_not_tried_again(stage: HubStage) -> None:
    stage.erp.faults.add(RefuseBeforeCommit(on="/orders", status=403))
    await stage.take(*(an_order(f"O-{number}") for number in range(5)))
    await stage.pass_time(3_600, steps=3)
    assert stage.lanes["erp"].state().status == "paused"
    assert stage.erp.calls["/orders"] <= 5
    counts = await stage.store.count_runs()
    assert counts.get("done", 0) == 0
    await stage.lanes["erp"].resume(actor="ops")
    await stage.pass_time(5)
    parked = [view.run_id for view in await stage.store.list_runs(state=RunState.PARKED)]
    await stage.hub.desk.retry(parked, actor="ann", reason="new secret")
    await stage.pass_time(60, steps=6)
    assert await stage.store.count_runs() == {"done": 5}
    assert all(len(stage.in_erp(f"O-{number}")) == 1 for number in range(5))


# ── people ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_skipped_order_holds_no_stock_and_its_record_says_so(stage: HubStage) -> None:
    before = await stage.stock()
    stage.erp.faults.add(RefuseBeforeCommit(on="/orders", status=400))
    await stage.take(an_order(references=record("R-1")))
    await stage.hub.desk.skip(["order_submission/O-1001"], actor="ann", reason="ordered twice")
    await stage.flow()
    assert await stage.stock() == before
    shown = stage.shown("R-1")
    assert shown is not None
    assert (shown.status, shown.reason) == ("refused", "ordered twice")


async def test_an_order_told_to_turn_back_is_cancelled_wherever_it_got_to(stage: HubStage) -> None:
    before = await stage.stock()
    stage.erp.faults.add(StopHalfway())
    stage.erp.faults.add(RefuseBeforeCommit(on="/orders/find", status=400))
    await stage.take(an_order(references=record("R-1")))
    assert (await stage.run_of("O-1001")).state is RunState.PARKED
    await stage.hub.desk.compensate(["order_submission/O-1001"], actor="ann", reason="The customer cancelled.")
    await stage.pass_time(20, steps=4)
    assert await stage.result_of("O-1001") == {"outcome": "refused", "reason": "The customer cancelled."}
    assert [document.state for document in stage.in_erp("O-1001")] == ["CANCELLED"]
    assert await stage.stock() == before


async def test_orders_are_checked_with_few_questions(stage: HubStage) -> None:
    orders: list[Any] = [an_order(f"O-{number:03}", lines=3) for number in range(50)]
    await stage.take(*orders)
    assert await stage.store.count_runs() == {"done": 50}
    assert stage.erp.calls["/articles/find"] <= 2
    assert stage.erp.calls["/debtors/find"] <= 50
    assert stage.erp.calls["/orders"] == 50
