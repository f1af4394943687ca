"""Orders of somebody who was erased tell of nobody, while what was ordered, counted and paid is as it was."""

import json
import sqlite3
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.processes.books import SYSTEMS, CustomerHub, customer_hub
from tests.processes.test_customer_privacy import MARKED, everything_in_files, everything_in_postgres
from tests.processes.test_customer_storm import OWNERSHIP, come_to_rest
from tests.processes.test_party_erasure import erase, refusals
from tests.stores import Stores

from crossdock.bootstrap.customers import ORDERS_MAX
from crossdock.canonical.order import Order
from crossdock.canonical.party import Address
from crossdock.canonical.status import OrderStatus
from crossdock.contracts.orders import order_subject
from crossdock.durable.codec import decode, encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Commit, EffectStep, RunState
from crossdock.durable.run import Run
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.policies.order_acceptance import References
from crossdock.ports.directories import CustomerRecord
from crossdock.ports.order_board import BoardRow, WriteBoard
from crossdock.processes.order_submission import Submitted
from crossdock.processes.party_erasure import ASK_AGAIN_SECONDS, SWEEP_SECONDS
from crossdock.storage import erasing, order_forgetting
from crossdock.storage.order_forgetting import find_hashed, without_person
from crossdock.storage.transaction import Transaction
from crossdock.testing.builders import a_customer, a_line, an_address, an_order

pytestmark = pytest.mark.anyio

NUMBER, FORMER, UNDER_WAY = "C-4711", "C-0815", "O-W"
HOME = an_address(name="Zyxwvanna Zyxwvsen", lines=("Zyxwvgasse 12",), city="Zyxwvstadt", phone="+49 171 5551234")


@pytest.fixture
async def hub(databases: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(databases, OWNERSHIP) as hub:
        hub.engine.processes.append(ORDERING)
        await hub.restart()
        yield hub


async def _submitted(run: Run, order: Order) -> Submitted:
    async def known() -> References:
        name, home = order.customer.name, order.shipping_address
        record = CustomerRecord(number=NUMBER, name=name, addresses=(home,) if home else ())
        return References(customer=record)

    await run.step("enrich", lambda _key: known(), returns=References)
    if order.order_id == UNDER_WAY:
        await run.wait_for("word", returns=bool)
    return Submitted(outcome="accepted", erp_number="SO-1")


ORDERING: Process[Order] = Process(
    name="order_submission",
    version=1,
    input=Order,
    body=_submitted,
    subject=lambda order: order_subject(order.order_id),
    stake=lambda _order: Stake(domain="fulfilment", severity=1),
)


def an_order_of(number: str, order_id: str, home: Address = HOME) -> Order:
    customer = a_customer(number, name=home.name, email="zyxwv.anna@zyxwv.example")
    line = a_line(price="19.99", quantity="3")
    return an_order(
        order_id=order_id, customer=customer, lines=(line,), billing_address=home, shipping_address=home
    )


async def known_customer(hub: CustomerHub) -> None:
    """A customer on both sides, under the ERP's number."""
    cards = {"erp": {"kind": "person", **MARKED, "account.number": NUMBER}, "crm": {"kind": "person", **MARKED}}
    await hub.link({system: hub.books[system].make(cards[system]) for system in SYSTEMS})
    await come_to_rest(hub)


def on_the_board(hub: CustomerHub, order_id: str, status: OrderStatus, customer: str = NUMBER) -> BoardRow:
    now = hub.clock.now()
    return BoardRow(order_id=order_id, status=status, captured_at=now, updated_at=now, customer=customer)


async def ordered(hub: CustomerHub, *orders: Order) -> None:
    """Orders that came to their end."""
    rows = tuple(
        BoardRow(
            order_id=order.order_id,
            status=OrderStatus.INVOICED,
            captured_at=hub.clock.now(),
            updated_at=hub.clock.now(),
            customer=order.customer.number,
            net=str(order.net().decimal),
            currency=order.currency,
        )
        for order in orders
    )
    starts = tuple(ORDERING.start(order.order_id, order) for order in orders)
    await hub.engine.worker.commit(Commit(starts=starts, effects=(EffectStep("board", WriteBoard(rows)),)))
    await hub.engine.settle()


async def order_in(hub: CustomerHub, order_id: str) -> Order:
    return decode((await hub.engine.view(ORDERING.run_id(order_id))).input, Order)


async def test_finished_orders_of_an_erased_customer_tell_of_nobody_and_keep_what_was_ordered(
    hub: CustomerHub, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await known_customer(hub)
    neighbour = an_address(name="Otto Nachbar")
    first, other = an_order_of(NUMBER, "O-1"), an_order_of("C-9", "O-9", neighbour)
    await ordered(hub, first, an_order_of(NUMBER, "O-2"), other)
    counts = await hub.store.count_orders()
    assert await erase(hub) is RunState.DONE

    left = await order_in(hub, "O-1")
    assert (left.customer.number, left.customer.name) == (NUMBER, NAME_LEFT)
    assert (left.billing_address, left.shipping_address) == (None, None)
    assert (left.lines, left.net()) == (first.lines, first.net())
    view = await hub.engine.view(ORDERING.run_id("O-1"))
    assert decode(view.journal[0].payload, References).customer == CustomerRecord(number=NUMBER, name=NAME_LEFT)
    assert decode(view.result, Submitted).erp_number == "SO-1"
    assert await hub.store.count_orders() == counts
    assert (await order_in(hub, "O-9")).shipping_address == neighbour
    other_mail = b"zyxwv.anna@zyxwv.example"  # the neighbour's order bears the same one

    if hub.stores.kind == "postgres":
        stored = everything_in_postgres(request.getfixturevalue("migrated_postgres"))
    else:
        with sqlite3.connect(tmp_path / "hub.sqlite") as beside:
            beside.execute("VACUUM")
            beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        stored = everything_in_files(tmp_path)
    assert b"order_submission/O-1" in stored
    stored = stored.lower().replace(other_mail, b"")
    assert b"zyxwv" not in stored
    assert b"5551234" not in stored
    (line,) = hub.erasure_log
    assert len(line.orders) == 2
    assert "O-1" not in json.dumps(line.orders)


async def test_orders_of_an_older_backup_are_forgotten_again(hub: CustomerHub) -> None:
    await known_customer(hub)
    order = an_order_of(NUMBER, "O-1")
    await ordered(hub, order)
    await erase(hub)

    def restore(tx: Transaction) -> None:
        tx.update("run", ("input",), ("id",), [(encode(order), ORDERING.run_id("O-1"))])
        tx.execute("DELETE FROM erasure")

    await hub.store._write(restore)
    assert (await order_in(hub, "O-1")).customer.name == HOME.name
    assert await hub.store.replay_erasures(hub.erasure_log, hub.clock.now()) == 1
    assert (await order_in(hub, "O-1")).customer.name == NAME_LEFT


async def test_an_order_under_a_former_number_puts_an_erasure_off(hub: CustomerHub) -> None:
    cards = {
        "erp": {"kind": "person", **MARKED, "account.number": NUMBER},
        "crm": {"kind": "person", **MARKED, "account.number": FORMER},
    }
    await hub.link({system: hub.books[system].make(cards[system]) for system in SYSTEMS})
    await come_to_rest(hub)
    row = on_the_board(hub, "O-1", OrderStatus.WAITING, FORMER)
    await hub.engine.worker.commit(Commit(effects=(EffectStep("board", WriteBoard((row,))),)))
    assert await erase(hub) is RunState.DONE
    assert await refusals(hub) == [("crossdock", "order-open")]


async def test_an_open_order_behind_hundreds_of_later_ones_puts_an_erasure_off(hub: CustomerHub) -> None:
    await known_customer(hub)
    rows = [on_the_board(hub, "O-OPEN", OrderStatus.WAITING)]
    hub.clock.advance(1)
    rows += [on_the_board(hub, f"O-{number}", OrderStatus.INVOICED) for number in range(ORDERS_MAX)]
    await hub.engine.worker.commit(Commit(effects=(EffectStep("board", WriteBoard(tuple(rows))),)))
    assert await erase(hub) is RunState.DONE
    assert await refusals(hub) == [("crossdock", "order-open")]


async def test_an_order_whose_work_has_not_ended_is_waited_for_and_then_tells_of_nobody(hub: CustomerHub) -> None:
    await known_customer(hub)
    await ordered(hub, an_order_of(NUMBER, UNDER_WAY))
    assert await erase(hub) is RunState.DONE
    assert await refusals(hub) == [("crossdock", "order-open")]
    assert hub.erasure_log == []

    await hub.store.signal(ORDERING.run_id(UNDER_WAY), "word", b"true", hub.clock.now())
    await hub.engine.settle()
    hub.clock.advance(ASK_AGAIN_SECONDS)
    await come_to_rest(hub)
    hub.clock.advance(SWEEP_SECONDS)
    await come_to_rest(hub)
    assert (await order_in(hub, UNDER_WAY)).customer.name == NAME_LEFT


async def test_all_erasures_of_a_log_are_done_again_with_one_look_at_the_orders(
    hub: CustomerHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known_customer(hub)
    orders = [an_order_of(NUMBER, "O-1"), an_order_of("C-9", "O-9")]
    await ordered(hub, *orders)
    await erase(hub)
    (line,) = hub.erasure_log
    elsewhere = tuple(await hub.store.hashed_orders(["O-9"]))
    lines = [line, replace(line, erasure_id="E-P-9", subjects=(), orders=elsewhere)]

    def restore(tx: Transaction) -> None:
        tx.update("run", ("input",), ("id",), [(encode(one), ORDERING.run_id(one.order_id)) for one in orders])
        tx.execute("DELETE FROM erasure")

    await hub.store._write(restore)
    looks: list[int] = []

    def looked(tx: Transaction, hashes: Collection[str]) -> list[str]:
        looks.append(len(hashes))
        return find_hashed(tx, hashes)

    monkeypatch.setattr(erasing, "find_hashed", looked)
    monkeypatch.setattr(order_forgetting, "PAGE_ORDERS", 1)
    assert await hub.store.replay_erasures(lines, hub.clock.now()) == 2
    assert looks == [2]
    assert [(await order_in(hub, one)).customer.name for one in ("O-1", "O-9")] == [NAME_LEFT] * 2


def test_what_tells_of_nobody_stays_to_the_letter_and_what_is_no_json_does_not() -> None:
    for content in (b"", b'{"price": 19.9900, "lines":[{"line_id":"1"}]}', b'"accepted"'):
        assert without_person(content) == content
    assert without_person(b"Zyxwvanna;Zyxwvgasse") == b"null"
    assert without_person(b'{"price":19.990000000000000001,"customer":{"name":"A"}}') == (
        b'{"price":19.990000000000000001,"customer":{"name":"erased"}}'
    )
