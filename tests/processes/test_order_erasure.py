"""Orders of somebody who was erased tell of nobody, while what was ordered, counted and paid is as it was."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.processes.books import SYSTEMS, CustomerHub, customer_hub
from tests.processes.test_customer_privacy import MARKED, everything_in_files, everything_in_postgres
from tests.processes.test_customer_storm import OWNERSHIP, come_to_rest
from tests.processes.test_party_erasure import erase
from tests.stores import Stores

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
from crossdock.storage.order_forgetting import without_person
from crossdock.storage.transaction import Transaction
from crossdock.testing.builders import a_customer, a_line, an_address, an_order

pytestmark = pytest.mark.anyio

NUMBER = "C-4711"
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


def test_what_tells_of_nobody_stays_to_the_letter_and_what_is_no_json_does_not() -> None:
    for content in (b"", b'{"price": 19.9900, "lines":[{"line_id":"1"}]}', b'"accepted"'):
        assert without_person(content) == content
    assert without_person(b"Zyxwvanna;Zyxwvgasse") == b"null"
    assert without_person(b'{"price":19.990000000000000001,"customer":{"name":"A"}}') == (
        b'{"price":19.990000000000000001,"customer":{"name":"erased"}}'
    )
