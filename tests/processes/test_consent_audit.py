"""Consents between two systems of which one is down: the audit names what is late, and nothing once it is told."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.processes.books import CustomerHub, customer_hub
from tests.processes.test_customer_change import OWNERSHIP, a_customer
from tests.stores import Stores

from crossdock.adapters.memory.simulator.faults import RefuseBeforeCommit
from crossdock.identity.golden.propagation import Place
from crossdock.kit.clock import MICROSECONDS
from crossdock.processes.consent_audit import ConsentAudit, LateConsent

pytestmark = pytest.mark.anyio

UNIT = "consents.email"
STATUS = f"{UNIT}.status"
IN, OUT = {STATUS: "opt_in"}, {STATUS: "opt_out"}
WITHIN_US = 900 * MICROSECONDS
DOWN = RefuseBeforeCommit(on="/partners/write", times=0)


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


def audit_of(hub: CustomerHub) -> ConsentAudit:
    return ConsentAudit(hub.store, hub.ownership, hub.clock)


async def late(hub: CustomerHub) -> tuple[int, list[LateConsent]]:
    """How many customers were looked at, and what is late of them."""
    pages = [page async for page in audit_of(hub).late(WITHIN_US)]
    return sum(page.looked_at for page in pages), [each for page in pages for each in page.late]


async def place(hub: CustomerHub) -> Place:
    consents = await audit_of(hub).of("P-1")
    assert consents is not None
    (found,) = [each for consent in consents for each in consent.places]
    return found


async def come_back(hub: CustomerHub) -> None:
    """The ERP is up again, and what waited for it goes on."""
    hub.books["erp"].surface.faults.clear()
    for _attempt in range(30):
        hub.clock.advance(400)
        await hub.pump()
        await hub.engine.settle()
        if (await place(hub)).state == "shows":
            return
    raise AssertionError("it is never told")


async def test_a_withdrawal_that_a_system_is_not_told_is_late_until_it_is_back(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm=IN, erp={"terms.code": "N30"})
    shown = await place(hub)
    assert (shown.system, shown.state, shown.status) == ("erp", "shows", "opt_in")
    hub.books["erp"].surface.faults.add(DOWN)
    hub.clock.advance(600)
    hub.books["crm"].edit(numbers["crm"], OUT)
    await hub.pump()
    withdrawn = hub.clock.now()
    owed = await place(hub)
    assert (owed.state, owed.status, owed.fields) == ("owed", "opt_in", (STATUS,))
    assert withdrawn - MICROSECONDS <= owed.since <= withdrawn
    assert await late(hub) == (1, []), "it is on time yet"
    hub.clock.advance(901)
    await hub.engine.settle()
    looked_at, (found,) = await late(hub)
    assert looked_at == 1
    assert (found.party_id, found.unit, found.status, found.place) == ("P-1", UNIT, "opt_out", owed)
    assert hub.books["erp"].card(numbers["erp"])[STATUS] == "opt_in"
    await come_back(hub)
    assert hub.books["erp"].card(numbers["erp"])[STATUS] == "opt_out"
    assert await late(hub) == (1, [])
    assert (await place(hub)).since > withdrawn


async def test_who_subscribes_again_before_the_system_is_back_is_owed_nothing(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm=IN, erp={"terms.code": "N30"})
    hub.books["erp"].surface.faults.add(DOWN)
    for said in (OUT, IN):
        hub.clock.advance(600)
        hub.books["crm"].edit(numbers["crm"], said)
        await hub.pump()
    hub.clock.advance(3_600)
    assert (await place(hub)).state == "shows"
    assert await late(hub) == (1, [])
    await come_back(hub)
    assert hub.books["erp"].card(numbers["erp"])[STATUS] == "opt_in"


async def test_a_merge_owes_its_records_what_holds_since_then_and_a_retired_customer_has_no_consents(
    hub: CustomerHub,
) -> None:
    first = await a_customer(hub, crm=IN, erp={"terms.code": "N30"})
    others = {name: books.make({"kind": "person", **OUT}) for name, books in hub.books.items()}
    await hub.link(others, "P-2")
    await hub.pump()
    hub.clock.advance(86_400)
    hub.books["erp"].surface.faults.add(DOWN)
    await hub.stewards.merge("P-1", "P-2", by="Ines", reason="the same passport")
    await hub.engine.settle()
    merged = hub.clock.now()
    assert await audit_of(hub).of("P-2") == []
    consents = await audit_of(hub).of("P-1")
    assert consents is not None
    (consent,) = consents
    (owed,) = [each for each in consent.places if each.state == "owed"]
    assert owed.record is not None
    assert owed.record.value in {first["erp"], others["erp"]}
    assert owed.since > merged - 60 * MICROSECONDS, "since the merge, not since the words of a day ago"
    assert await late(hub) == (1, [])


async def test_pages_go_over_all_customers_and_nobody_is_nobody(
    hub: CustomerHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossdock.processes.consent_audit.PAGE_ROWS_MAX", 2)
    hub.books["erp"].surface.faults.add(DOWN)
    for number in range(5):
        card = {"kind": "person", **(OUT if number % 2 else IN)}
        made = {
            name: books.make(card if name == "crm" else {"kind": "person"}) for name, books in hub.books.items()
        }
        await hub.link(made, f"P-{number}")
    await hub.pump()
    hub.clock.advance(901)
    looked_at, found = await late(hub)
    assert looked_at == 5
    assert [each.party_id for each in found] == [f"P-{number}" for number in range(5)]
    assert await audit_of(hub).of("nobody") is None
    assert await audit_of(hub).of("no\x00body") is None


async def test_a_record_that_is_not_made_yet_is_owed_and_never_late(stores: Stores) -> None:
    async with customer_hub(stores, replace(OWNERSHIP, creates=("erp",))) as hub:
        hub.books["erp"].surface.faults.add(DOWN)
        hub.books["crm"].make({"kind": "person", **IN})
        await hub.pump()
        hub.clock.advance(86_400)
        (party_id,) = await hub.store.list_parties()
        consents = await audit_of(hub).of(party_id)
        assert consents is not None
        assert [(each.system, each.state) for each in consents[0].places] == [("erp", "owed")]
        assert await late(hub) == (1, [])
