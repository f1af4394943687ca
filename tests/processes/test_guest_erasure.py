"""What somebody ordered as a guest is forgotten with them; the same mailbox under another name is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.processes.books import CustomerHub, customer_hub
from tests.processes.test_customer_privacy import MARKED
from tests.processes.test_customer_storm import OWNERSHIP
from tests.processes.test_order_erasure import (
    HOME,
    NUMBER,
    ORDERING,
    UNDER_WAY,
    an_order_of,
    known_customer,
    order_in,
    ordered,
)
from tests.processes.test_party_erasure import erase, refusals
from tests.stores import KEYS, Stores

from crossdock.canonical.order import Order
from crossdock.contracts.customers import customer_subject
from crossdock.durable.codec import encode
from crossdock.durable.records import ERASED, RunState
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.identity.privacy.tracing import traces_of_order
from crossdock.kit.clock import ManualClock
from crossdock.kit.redaction import Secret
from crossdock.processes.order_capture import OrderCapture
from crossdock.storage.keyring import GivenKeys
from crossdock.storage.order_forgetting import forget_orders, personal_words, without_person
from crossdock.storage.resealing import SealingPlace
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.vault import Vault
from crossdock.testing.builders import a_customer, a_line, an_address, an_order

pytestmark = pytest.mark.anyio

EMAIL, PHONE = str(MARKED["contact.email"]), str(MARKED["contact.phone"])


@pytest.fixture
async def hub(databases: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(databases, OWNERSHIP) as hub:
        hub.engine.processes.append(ORDERING)
        await hub.restart()
        yield hub


def a_guest(order_id: str, name: str = "Z. Zyxwvsen", email: str = "", phone: str = "", **facts: Any) -> Order:
    home = an_address(name=name, phone=phone)
    customer = a_customer("", name=name, email=email)
    return an_order(order_id=order_id, customer=customer, billing_address=home, shipping_address=home, **facts)


async def captured(hub: CustomerHub, *orders: Order) -> None:
    """Orders as the hub takes them, carried out."""
    capture = OrderCapture(ORDERING, hub.engine.worker.commit, hub.clock)
    for order in orders:
        await capture.take(order)
    await hub.engine.settle()


async def test_orders_of_a_guest_are_found_by_email_and_telephone_and_forgotten(hub: CustomerHub) -> None:
    await known_customer(hub)
    by_mail = a_guest("G-1", email=EMAIL.upper())
    by_phone = a_guest("G-2", phone="0171 / 555-1234")
    await captured(hub, by_mail, by_phone, a_guest("G-3", email="somebody@else.example", phone="+49 30 123456"))
    assert await erase(hub) is RunState.DONE
    for order_id in ("G-1", "G-2"):
        left = await order_in(hub, order_id)
        assert (left.customer.name, left.customer.email, left.billing_address) == (NAME_LEFT, "", None)
    assert (await order_in(hub, "G-3")).customer.email == "somebody@else.example"
    rows = await hub.store._read(lambda tx: tx.execute("SELECT DISTINCT order_id FROM order_trace").fetchall())
    assert [row[0] for row in rows] == ["G-3"], "nor are their traces kept"


async def test_the_same_mailbox_under_another_name_stays_and_is_told(hub: CustomerHub) -> None:
    await known_customer(hub)
    other = a_guest("G-1", name="Otto Nachbar", email=EMAIL)
    await captured(hub, other)
    assert await erase(hub) is RunState.DONE
    assert await order_in(hub, "G-1") == other
    said = await hub.store.list_audit(run_id=customer_subject("P-1"))
    (told,) = [each.reason for each in said if each.verb == "erase-left"]
    assert told.startswith("G-1: ")


async def test_a_guests_order_that_is_at_work_puts_the_erasure_off(hub: CustomerHub) -> None:
    await known_customer(hub)
    await captured(hub, a_guest(UNDER_WAY, email=EMAIL))
    assert await erase(hub) is RunState.DONE
    assert await refusals(hub) == [("crossdock", "order-open")]


def test_only_keyed_hashes_of_what_a_guest_gave_are_kept_and_none_of_a_known_customers() -> None:
    assert traces_of_order(an_order_of(NUMBER, "O-1")) == ()
    assert traces_of_order(a_guest("G-1", email=" A@B.example", phone="12")) == ("email:a@b.example",)
    assert traces_of_order(a_guest("G-1", phone=PHONE)) == ("phone:715551234",)


async def test_no_trace_can_be_read(hub: CustomerHub) -> None:
    await captured(hub, a_guest("G-1", email=EMAIL, phone=PHONE))
    rows = await hub.store._read(lambda tx: tx.execute("SELECT trace FROM order_trace").fetchall())
    assert len(rows) == 2
    assert not any("zyxwv" in row[0] or "5551234" in row[0] for row in rows)


async def test_guests_from_before_are_found_once_the_rows_were_sealed(hub: CustomerHub) -> None:
    await known_customer(hub)
    await ordered(hub, a_guest("G-1", email=EMAIL))
    place: SealingPlace | None = SealingPlace()
    while place is not None:
        place = (await hub.store.seal_page(place, hub.clock.now())).place
    assert await erase(hub) is RunState.DONE
    assert (await order_in(hub, "G-1")).customer.name == NAME_LEFT


# ── free text ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_persons_words_go_from_the_free_text_of_their_orders(hub: CustomerHub) -> None:
    await known_customer(hub)
    text = "For ZYXWVANNA, call +49 171 5551234 or zyxwv.anna@zyxwv.example; gate of Zyxwvgasse 12, Annaberg"
    order = an_order(
        order_id="O-1",
        customer=a_customer(NUMBER, name=HOME.name, email="zyxwv.anna@zyxwv.example"),
        lines=(a_line(description=text),),
        billing_address=HOME,
    )
    await ordered(hub, order)
    assert await erase(hub) is RunState.DONE
    (line,) = (await order_in(hub, "O-1")).lines
    assert line.description == "For erased, call erased or erased; gate of erased, Annaberg"
    assert line.product == order.lines[0].product


def test_what_is_no_free_text_is_left_as_it_is() -> None:
    said = {"customer": {"name": "Rose X"}, "lines": [{"product": "Rose", "description": "a Rose X, Roses"}]}
    content = encode(said)
    left = without_person(content, personal_words([content]))
    assert b'"product":"Rose"' in left
    assert b'"description":"a erased, Roses"' in left


# ── orders that are sealed ──────────────────────────────────────────────────────────────────────────


async def test_earlier_copies_of_a_sealed_order_open_no_more_once_it_was_forgotten(tmp_path: Path) -> None:
    clock = ManualClock()
    sealed = Vault(GivenKeys(Secret(KEYS)), clock, seals_orders=True)
    store = SqliteStore(tmp_path / "hub.sqlite", clock, durable=False, vault=sealed)
    await store.open()
    start = ORDERING.start("G-1", a_guest("G-1", email=EMAIL))

    def write(tx: Any) -> bytes:
        columns = (
            "id process version subject turn state rank epoch priority correlation_id created_at updated_at "
            "input result"
        )
        facts = (0, "done", 0, 0, 5, "G-1", 0, 0, start.input, b'"so"')
        tx.insert("run", columns.split(), [(start.run_id, start.process, 1, start.subject, *facts)])
        step = (start.run_id, "a", "done", b"7", 1, 0)
        tx.insert("journal", "run_id step state payload attempts at".split(), [step])
        return bytes(tx._inner.execute("SELECT input FROM run").fetchone()[0])

    before = await store._write(write)
    await store._write(lambda tx: forget_orders(tx, ["G-1"]))
    view = await store.find_run(start.run_id)
    assert view is not None
    assert (NAME_LEFT.encode() in view.input, view.result, view.journal[0].payload) == (True, b'"so"', b"7")

    def read_copy(tx: Any) -> bytes:
        (row,) = tx.opened([(before,)])
        return bytes(row[0])

    assert await store._read(read_copy) == ERASED
    await store.close()
