"""What becomes of an order in a real Tryton, on both of its databases, whatever happens on the way."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.adapters.tryton.bench import (
    CONFIRM,
    CREATE,
    ESTATE,
    QUOTE,
    Running,
    TrytonBench,
    client_of,
    on_the_bench,
)

from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.adapters.tryton.local.seed import HUB_USER
from crossdock.canonical.order import Adjustment, Order
from crossdock.kit.errors import NotAuthorized, OutcomeUnknown, Rejected, Unavailable
from crossdock.kit.money import Money
from crossdock.testing.builders import an_address

pytestmark = [pytest.mark.anyio, pytest.mark.tryton]

KEY = "XDORDERS00000000000000000001"
CREATE_ADDRESS = "model.party.address.create"


@pytest.fixture(params=["tryton_on_sqlite", pytest.param("tryton_on_postgres", marks=pytest.mark.postgres)])
def tryton(request: pytest.FixtureRequest) -> Running:
    running: Running = request.getfixturevalue(request.param)
    return running


@pytest.fixture
async def bench(tryton: Running) -> AsyncIterator[TrytonBench]:
    async with on_the_bench(tryton) as bench:
        yield bench


async def submit(dock: TrytonDock, order: Order, key: str = KEY) -> Any:
    return await dock.submit_order(order, key=key, correlation_id="corr-1")


async def sale(bench: TrytonBench, *fields: str, key: str = KEY) -> dict[str, Any]:
    (row,) = await bench.admin.search_read("sale.sale", [("reference", "=", key)], ["state", *fields])
    return row


async def addresses(bench: TrytonBench, customer: str) -> Sequence[dict[str, Any]]:
    domain = [("party.code", "=", customer)]
    return await bench.admin.search_read("party.address", domain, ["street", "city", "party_name"])


@pytest.mark.parametrize("step", [CREATE_ADDRESS, CREATE, QUOTE, CONFIRM])
async def test_an_answer_lost_at_any_step_costs_no_second_order(
    dock: TrytonDock, bench: TrytonBench, step: str
) -> None:
    street = f"Verlorene Gasse {len(await addresses(bench, 'C-1002'))}"
    order = ESTATE.order(customer="C-1002", lines=2, shipping_address=an_address(lines=(street,)))
    bench.proxy.cut_after.append(step)

    with pytest.raises(OutcomeUnknown):
        await submit(dock, order)
    found = await dock.find_order(key=KEY)
    accepted = await submit(dock, order)

    assert (found is not None) == (step == CONFIRM)
    assert accepted.status == "accepted"
    assert (await sale(bench))["state"] == "processing"
    assert [row["street"] for row in await addresses(bench, "C-1002")].count(street) == 1


@pytest.mark.parametrize("seconds", [0.1, 0.25])
async def test_a_server_killed_while_it_confirms_leaves_one_order(
    tryton: Running, dock: TrytonDock, bench: TrytonBench, seconds: float
) -> None:
    killed: list[asyncio.Task[None]] = []

    async def kill() -> None:
        await asyncio.sleep(seconds)
        os.kill(tryton.local.server.pid, signal.SIGKILL)

    async def kill_soon() -> None:
        killed.append(asyncio.create_task(kill()))

    bench.proxy.before_call[CONFIRM] = kill_soon
    # How far Tryton came by then is left to chance: whatever it is, one order comes of it.
    with contextlib.suppress(OutcomeUnknown, Unavailable):
        await submit(dock, ESTATE.order(lines=3))
    await asyncio.gather(*killed)
    await tryton.local.come_back()

    accepted = await submit(dock, ESTATE.order(lines=3))

    assert accepted.status == "accepted"
    assert len((await sale(bench, "shipments"))["shipments"]) == 1


async def test_a_sale_left_confirmed_is_processed(dock: TrytonDock, bench: TrytonBench) -> None:
    order = ESTATE.order(lines=1)
    bench.proxy.cut_after.append(QUOTE)
    with pytest.raises(OutcomeUnknown):
        await submit(dock, order)
    row = await sale(bench)
    # As a server does that dies between its commit and its queue.
    await bench.admin.write(
        "sale.sale", [row["id"]], {"state": "confirmed", "sale_date": datetime.now(UTC).date()}
    )

    await submit(dock, order)

    assert (await sale(bench))["state"] == "processing"


async def test_a_twin_is_withdrawn(dock: TrytonDock, bench: TrytonBench) -> None:
    order = ESTATE.order(lines=1)
    bench.proxy.cut_after.append(CREATE)
    with pytest.raises(OutcomeUnknown):
        await submit(dock, order)
    row = await sale(bench)
    (twin,) = await bench.admin.command("model.sale.sale.copy", [row["id"]], {"reference": KEY})

    await submit(dock, order)

    standing = await sale(bench)
    assert (standing["id"], standing["state"]) == (row["id"], "processing")
    (withdrawn,) = await bench.admin.read("sale.sale", [twin], ["state", "reference"])
    assert (withdrawn["state"], withdrawn["reference"]) == ("cancelled", f"{KEY}/twin")


async def test_what_a_clerk_cancelled_is_not_made_again(dock: TrytonDock, bench: TrytonBench) -> None:
    bench.proxy.cut_after.append(CREATE)
    with pytest.raises(OutcomeUnknown):
        await submit(dock, ESTATE.order())
    await bench.admin.button("sale.sale", "cancel", [(await sale(bench))["id"]])

    with pytest.raises(Rejected) as refusal:
        await submit(dock, ESTATE.order())

    assert refusal.value.code == "cancelled-in-erp"


async def test_a_refused_order_leaves_no_address_behind(dock: TrytonDock, bench: TrytonBench) -> None:
    before = await addresses(bench, ESTATE.blocked_customer)

    with pytest.raises(Rejected) as refusal:
        await submit(dock, ESTATE.order(customer=ESTATE.blocked_customer, shipping_address=an_address()))

    assert refusal.value.code == "credit-limit"
    assert await addresses(bench, ESTATE.blocked_customer) == before


async def test_an_address_the_customer_has_is_used_again(dock: TrytonDock, bench: TrytonBench) -> None:
    before = len(await addresses(bench, "C-1003"))
    same = an_address(
        name="Bergkristall Versand", lines=("lange  gasse 7",), postal_code="1080", city="WIEN", country="AT"
    )
    other = an_address(
        name="Zoë Weiß", lines=("Hinterhaus", "Ring 3"), postal_code="1010", city="Wien", country="AT"
    )

    await submit(dock, ESTATE.order("O-1", customer="C-1003", shipping_address=same, billing_address=same))
    assert len(await addresses(bench, "C-1003")) == before
    for number in ("2", "3"):
        order = ESTATE.order(f"O-{number}", customer="C-1003", shipping_address=other)
        await submit(dock, order, f"{KEY[:-1]}{number}")

    assert len(await addresses(bench, "C-1003")) == before + 1


async def test_the_hubs_user_may_do_no_more_than_its_work(dock: TrytonDock, bench: TrytonBench) -> None:
    await submit(dock, ESTATE.order(adjustments=(Adjustment("shipping", Money("5.00", "EUR")),)))
    row = await sale(bench, "party", "shipments", "invoices", "shipment_address")
    hub = client_of(bench.local, HUB_USER)
    await hub.open()
    forbidden: list[tuple[str, Any]] = [
        ("model.party.party.delete", [[row["party"]]]),
        ("model.party.address.delete", [[row["shipment_address"]]]),
        ("model.sale.sale.delete", [[row["id"]]]),
        ("model.product.product.write", [[1], {"suffix_code": "x"}]),
        ("model.stock.shipment.out.pick", [row["shipments"]]),
        ("model.account.invoice.post", [row["invoices"]]),
        ("model.res.user.create", [[{"name": "x", "login": "x"}]]),
        ("model.ir.model.access.create", [[{"model": "party.party"}]]),
    ]
    try:
        for method, params in forbidden:
            with pytest.raises(NotAuthorized):
                await hub.command(method, *params)
    finally:
        await hub.close()


async def test_an_order_in_process_is_unwound(dock: TrytonDock, bench: TrytonBench) -> None:
    charges = (Adjustment("shipping", Money("5.00", "EUR"), "DHL"),)
    await submit(dock, ESTATE.order(lines=2, adjustments=charges))
    row = await sale(bench, "shipments", "invoices")

    await dock.cancel_order(key=KEY, reason="changed mind")

    fields = ["reference", "state", "shipments.state", "invoices.state", "moves.state"]
    (unwound,) = await bench.admin.read("sale.sale", [row["id"]], fields)
    assert unwound["reference"] == f"{KEY}/cancelled"
    states = {each["state"] for name in ("shipments.", "invoices.", "moves.") for each in unwound[name]}
    assert (len(unwound["shipments."]), len(unwound["invoices."]), states) == (1, 1, {"cancelled"})


async def test_shipment_and_invoice_are_heard_as_changes(dock: TrytonDock, bench: TrytonBench) -> None:
    start = await dock.read_changes("", limit=100)
    await submit(dock, ESTATE.order())
    await bench.ship(KEY)

    page = await dock.read_changes(start.cursor, limit=100)
    again = await dock.read_changes(page.cursor, limit=100)

    told = {(change.kind, change.vendor_status) for change in page.changes if change.key == KEY}
    assert told == {("order", "processing"), ("shipment", "done"), ("invoice", "draft")}
    assert again.changes == ()
