"""What customers of a real Tryton owe, and what was last done for them, is heard of (CUS-08, FIN-06)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.adapters.tryton.bench import ESTATE, TrytonBench

from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.adapters.tryton.customers import Customers, Touch
from crossdock.adapters.tryton.dealings import is_worth_telling
from crossdock.adapters.tryton.party_mapping import reference_to
from crossdock.identity.golden.fields import Fields, fields_of
from crossdock.kit.clock import Instant
from crossdock.ports.customer_source import CustomerArrival
from crossdock.testing.conformance.customer_source import arrivals_of, changes_of, hear

pytestmark = [pytest.mark.anyio, pytest.mark.tryton]

KEY = "XDDEALS1"
CUSTOMER, OTHER = "C-1003", "C-1001"


def said_of(arrivals: Sequence[CustomerArrival], party: int) -> list[Fields]:
    """What was told of documents, each time."""
    told = [(change, fields_of(change.says)) for change in changes_of(arrivals, reference_to(party))]
    assert all(change.origin == "" for change, said in told if "receivables.balance.amount" in said)
    return [said for _, said in told if "receivables.balance.amount" in said]


def saying(party: int, name: str, value: str | None) -> Any:
    return lambda arrivals: any(said.get(name) == value for said in said_of(arrivals, party))


async def test_an_order_its_delivery_and_its_invoice_are_told_with_what_is_owed(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    party = await bench.party(CUSTOMER)
    position = at(bench.clock.now())
    result = await dock.submit_order(ESTATE.order(customer=CUSTOMER), key=KEY, correlation_id="c-1")
    number = result.number

    batches = await hear(dock, position, saying(party, "case_reference.last_order", number), 30)
    (ordered,) = [said for said in said_of(arrivals_of(batches), party) if said["case_reference.last_order"]]
    assert Decimal(str(ordered["credit.exposure.amount"])) > 0
    assert not [name for name in ordered if not name.startswith(("case_reference", "receivables", "credit.exp"))]
    owed = Decimal(str(ordered["receivables.balance.amount"]))

    await bench.ship(KEY)
    batches = await hear(
        dock, batches[-1].position, saying(party, "case_reference.last_delivery_status", "done"), 30
    )
    (sale,) = await bench.admin.search_read("sale.sale", [("reference", "=", KEY)], ["invoices", "total_amount"])
    await bench.admin.write("account.invoice", sale["invoices"], {"invoice_date": date.today()})  # noqa: DTZ011
    await bench.admin.button("account.invoice", "post", sale["invoices"])
    (invoice,) = await bench.admin.read("account.invoice", sale["invoices"], ["number", "total_amount"])
    batches = await hear(
        dock, batches[-1].position, saying(party, "case_reference.last_invoice", invoice["number"]), 30
    )
    billed = said_of(arrivals_of(batches), party)[-1]
    assert Decimal(str(billed["receivables.balance.amount"])) == owed + invoice["total_amount"]
    assert (billed["receivables.balance.currency"], billed["case_reference.last_order"]) == ("EUR", number)
    assert Decimal(str(billed["credit.exposure.amount"])) >= Decimal(str(billed["receivables.balance.amount"]))


async def test_who_bought_before_the_hub_came_is_told_of_with_the_first_read(
    bench: TrytonBench, dock: TrytonDock
) -> None:
    party = await bench.party(CUSTOMER)
    since = bench.clock.now()
    await bench.admin.write("party.party", [party], {"code": CUSTOMER})  # moves it
    result = await dock.submit_order(ESTATE.order(customer=CUSTOMER), key=f"{KEY[:-1]}2", correlation_id="c-2")

    batches = await hear(dock, at(since, 0), lambda arrivals: bool(said_of(arrivals, party)), 30)

    said = said_of(arrivals_of(batches), party)[0]
    assert said["case_reference.last_order"] == result.number


async def test_who_moved_after_everybodys_documents_or_while_he_was_read_is_told_of_with_the_first_read(
    bench: TrytonBench, dock: TrytonDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    party, since = await bench.party(CUSTOMER), bench.clock.now()
    bought = await dock.submit_order(ESTATE.order(customer=CUSTOMER), key=f"{KEY[:-1]}3", correlation_id="c-3")
    await dock.submit_order(ESTATE.order(customer=OTHER), key=f"{KEY[:-1]}4", correlation_id="c-4")
    await bench.admin.write("party.party", [party], {"code": CUSTOMER})  # moves it
    told, moves = Customers._told, 1

    async def moving(customers: Customers, touched: Sequence[Touch], *rest: Any) -> Any:
        nonlocal moves
        if moves and any(touch.party == party for touch in touched):
            moves -= 1
            await bench.admin.write("party.party", [party], {"code": CUSTOMER})
        return await told(customers, touched, *rest)

    monkeypatch.setattr(Customers, "_told", moving)
    batches = await hear(dock, at(since, 0), lambda arrivals: bool(said_of(arrivals, party)), 30)

    assert moves == 0
    said = said_of(arrivals_of(batches), party)[0]
    assert said["case_reference.last_order"] == bought.number


def at(moment: Instant, dealt: Instant | None = None) -> str:
    """A position of the stream."""
    return f"[{moment},[],{moment if dealt is None else dealt}]"


def test_nothing_owed_and_nothing_done_is_not_worth_telling() -> None:
    nothing = {"receivables.balance.amount": "0.00", "receivables.balance.currency": "EUR"}
    assert not is_worth_telling({**nothing, "case_reference.last_order": None})
    assert is_worth_telling({**nothing, "case_reference.last_order": "S1"})
    assert is_worth_telling({**nothing, "receivables.overdue.amount": "0.01"})
