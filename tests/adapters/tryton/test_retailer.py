"""The example deployment with customers: a Salesforce org and a real Tryton kept in agreement, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.tryton.bench import ESTATE, TrytonBench
from tests.adapters.tryton.retailer import PATIENCE_SECONDS, Retailer, a_retailer, died
from tests.hubs import eventually

from crossdock.adapters.salesforce.simulator.faults import DropAfterCommit
from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import customer_subject
from crossdock.durable.records import RunState
from crossdock.identity.golden.ledger import PartyFile
from crossdock.identity.golden.survivorship import golden
from crossdock.kit.ids import new_id
from crossdock.testing.builders import an_address

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

# Tryton writes telephone numbers and domains in its own way, and knows no such region.
NEW = {
    "Name": "Nordlicht Ausstattung GmbH",
    "Phone": "+49305550142",
    "Email__c": "einkauf@Nordlicht.Example",
    "ShippingStreet": "Hafenstraße 7",
    "ShippingPostalCode": "20457",
    "ShippingCity": "Hamburg",
    "ShippingState": "Hansestadt",
    "ShippingCountry": "Germany",
}
PHONE = "+49305550199"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def retailer(
    request: pytest.FixtureRequest,
    bench: TrytonBench,
    tmp_path: Path,
    new_postgres_database: Callable[[], str],
) -> AsyncIterator[Retailer]:
    store = "sqlite:hub.sqlite" if request.param == "sqlite" else new_postgres_database()
    async with a_retailer(bench, tmp_path, store) as retailer:
        yield retailer
        # Else the next test's customer would be recognised as this one.
        made = [party["id"] for party in await retailer.parties(NEW["Name"])]
        await bench.admin.command("model.party.party.delete", made)


async def a_customer(retailer: Retailer, **fields: Any) -> str:
    """Somebody enters a customer in Salesforce; the account."""
    (record,) = retailer.org.simulator.seed.rows("Account", [NEW | fields], announce=True)
    return record


async def shows(retailer: Retailer, record: str, field: str, value: object) -> None:
    """Wait until the account shows it."""

    async def shown() -> bool:
        return bool(retailer.account(record)[field] == value)

    assert await eventually(shown, within_seconds=PATIENCE_SECONDS)


async def numbered(retailer: Retailer, record: str) -> int:
    """The customer's party in Tryton, the only one, once the account shows its number."""

    async def number() -> str:
        return str(retailer.account(record)["ErpId__c"] or "")

    code = await eventually(number, within_seconds=PATIENCE_SECONDS)
    (party,) = await retailer.parties(NEW["Name"])
    assert party["code"] == code
    return int(party["id"])


async def keeps(retailer: Retailer, party: int, kind: str, value: str) -> None:
    """Wait until the party has this contact mechanism."""
    domain = [("party", "=", party), ("type", "=", kind), ("value_compact", "=", value.replace(" ", ""))]

    async def kept() -> bool:
        return bool(await retailer.tryton.admin.search_read("party.contact_mechanism", domain, ["id"]))

    assert await eventually(kept, within_seconds=PATIENCE_SECONDS)


async def give_terms(retailer: Retailer, party: int, name: str) -> None:
    """Finance gives a customer other payment terms."""
    admin = retailer.tryton.admin
    (term, *_) = await admin.search_read("account.invoice.payment_term", [("name", "=", name)], ["id"])
    await admin.write("party.party", [party], {"customer_payment_term": term["id"]})


async def party_of(hub: Hub, record: str) -> PartyFile:
    """All that the hub knows of an account's customer."""
    reference = ExternalReference("salesforce", "Account", record)
    party_id = (await hub.store.find_parties([reference]))[reference]
    found = await hub.store.read_party(party_id)
    assert found is not None
    return found


async def holds(hub: Hub, record: str, unit: str) -> Mapping[str, object]:
    """The golden value of one field or group."""
    found, ownership = await party_of(hub, record), hub.deployment.ownership
    assert ownership is not None
    values = golden(found.records, ownership, hub.clock.now(), found.pins)
    return values[unit].values if unit in values else {}


async def tellings(hub: Hub, record: str) -> int:
    """How many writes about the account's customer the hub has begun; to look and find nothing to tell is none."""
    subject = customer_subject((await party_of(hub, record)).party_id)
    runs = await hub.store.list_runs(limit=5_000)
    about = [run for run in runs if run.process == "customer_telling" and run.subject.startswith(f"{subject}/")]
    return sum(run.result != b'"nothing to tell"' for run in about)


async def parked(hub: Hub) -> list[str]:
    """Writes that wait for a person."""
    runs = await hub.store.list_runs(state=RunState.PARKED)
    return [run.run_id for run in runs if run.process == "customer_telling"]


async def test_a_customer_of_salesforce_reaches_tryton_once_and_its_number_comes_back(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    async with retailer.hub():
        party = await numbered(retailer, record)

    (found,) = await retailer.parties(NEW["Name"])
    assert found["id"] == party
    assert [place["city"] for place in found["addresses."]] == ["Hamburg"]


async def test_edits_go_both_ways_and_no_echo_is_answered(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    async with retailer.hub() as hub:
        party = await numbered(retailer, record)
        await give_terms(retailer, party, "Net 30 days")
        await shows(retailer, record, "PaymentTerms__c", "Net 30 days")
        assert retailer.account(record)["PaymentDays__c"] == 30
        retailer.org.simulator.seed.update("Account", record, {"Phone": PHONE})
        await keeps(retailer, party, "phone", PHONE)
        before = await tellings(hub, record)
        assert before == 4, "made, numbered, its terms and its telephone number"

        # Both streams have told the echoes of all this before what comes now.
        await give_terms(retailer, party, "Immediate")
        await shows(retailer, record, "PaymentTerms__c", "Immediate")
        retailer.org.simulator.seed.update("Account", record, {"Phone": None})

        async def cleared() -> bool:
            (found,) = await retailer.parties(NEW["Name"])
            return all(one["value"].replace(" ", "") != PHONE for one in found["contact_mechanisms."])

        assert await eventually(cleared, within_seconds=PATIENCE_SECONDS)
        assert await tellings(hub, record) == before + 2
        assert not await parked(hub)


async def test_what_is_not_theirs_to_say_is_put_right_and_asked_about(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    async with retailer.hub() as hub:
        party = await numbered(retailer, record)
        await give_terms(retailer, party, "Net 30 days")
        await shows(retailer, record, "PaymentTerms__c", "Net 30 days")

        retailer.org.simulator.seed.update("Account", record, {"PaymentTerms__c": "Net 90 days"})

        async def refused() -> bool:
            asked = await hub.store.list_questions()
            return any(one.question.kind == "refused" and one.question.unit == "terms.code" for one in asked)

        assert await eventually(refused, within_seconds=PATIENCE_SECONDS)
        await shows(retailer, record, "PaymentTerms__c", "Net 30 days")


async def test_two_addresses_at_once_wait_for_a_person_and_neither_is_overwritten(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    async with retailer.hub() as hub:
        party = await numbered(retailer, record)
        (place,) = await retailer.tryton.admin.search_read("party.address", [("party", "=", party)], ["id"])
    # While the hub is away, both sides move the customer: neither can have known of the other.
    retailer.org.simulator.seed.update("Account", record, {"ShippingStreet": "Elbchaussee 1"})
    moved = {"street_unstructured": "Domplatz 3", "city": "Bremen", "postal_code": "28195"}
    await retailer.tryton.admin.write("party.address", [place["id"]], moved)
    async with retailer.hub() as hub:

        async def asked() -> bool:
            open_ = await hub.store.list_questions()
            return any(one.question.kind == "cannot_know" for one in open_)

        assert await eventually(asked, within_seconds=PATIENCE_SECONDS)

    assert retailer.account(record)["ShippingStreet"] == "Elbchaussee 1"
    (kept,) = await retailer.tryton.admin.search_read("party.address", [("party", "=", party)], ["city"])
    assert kept["city"] == "Bremen"


async def test_consent_is_the_word_of_salesforce_alone(retailer: Retailer) -> None:
    record = await a_customer(retailer, EmailConsent__c="opt_in")
    async with retailer.hub() as hub:
        await numbered(retailer, record)
        assert (await holds(hub, record, "consents.email-marketing"))[
            "consents.email-marketing.status"
        ] == "opt_in"

        retailer.org.simulator.seed.update("Account", record, {"EmailConsent__c": "opt_out"})

        async def withdrawn() -> bool:
            value = await holds(hub, record, "consents.email-marketing")
            return value["consents.email-marketing.status"] == "opt_out"

        assert await eventually(withdrawn, within_seconds=PATIENCE_SECONDS)


async def test_a_deleted_account_leaves_the_party_alone_and_is_told_all_when_it_is_back(
    retailer: Retailer,
) -> None:
    record = await a_customer(retailer)
    async with retailer.hub() as hub:
        party = await numbered(retailer, record)
        retailer.org.simulator.seed.delete("Account", record)

        async def gone() -> bool:
            return (await party_of(hub, record)).record_of("salesforce") is None

        assert await eventually(gone, within_seconds=PATIENCE_SECONDS)
        await give_terms(retailer, party, "Net 30 days")

        async def heard() -> bool:
            return (await holds(hub, record, "terms.code")).get("terms.code") == "Net 30 days"

        assert await eventually(heard, within_seconds=PATIENCE_SECONDS)
        retailer.org.simulator.seed.undelete("Account", record)
        await shows(retailer, record, "PaymentTerms__c", "Net 30 days")
        (found,) = await retailer.parties(NEW["Name"])
        assert (found["id"], found["active"]) == (party, True)


async def test_a_party_that_finance_closes_is_shown_as_closed_and_as_open_again(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    async with retailer.hub():
        party = await numbered(retailer, record)
        await retailer.tryton.admin.write("party.party", [party], {"active": False})
        await shows(retailer, record, "AccountStatus__c", "closed")
        await retailer.tryton.admin.write("party.party", [party], {"active": True})
        await shows(retailer, record, "AccountStatus__c", "active")


async def test_what_an_order_adds_to_a_customers_credit_is_shown_to_the_service_desk(
    retailer: Retailer, dock: TrytonDock
) -> None:
    # Nobody whom another test would be recognised as: who has bought cannot be deleted.
    name = f"Buyer {new_id()}"
    nowhere = dict.fromkeys(field for field in NEW if field.startswith("Shipping"))
    record = await a_customer(retailer, **nowhere, Name=name, Phone=None, Email__c=f"{new_id()}@shop.example")
    async with retailer.hub() as hub:
        number = await eventually(partial(_number, retailer, record), within_seconds=PATIENCE_SECONDS)
        order = ESTATE.order(customer=number, billing_address=an_address(name=name))
        bought = await dock.submit_order(order, key=f"XD{number}", correlation_id="c-1")
        await shows(retailer, record, "LastErpOrder__c", bought.number)

        await shows(retailer, record, "LastDeliveryStatus__c", "waiting")

        account = retailer.account(record)
        assert (account["CreditExposure__c"] > 0, account["CreditExposureCurrency__c"]) == (True, "EUR")
        assert (account["Receivables__c"], account["Overdue__c"], account["LastInvoice__c"]) == (0, 0, None)
        before = await tellings(hub, record)

        # By the time that this has come and gone, the streams have told the echoes of all that.
        retailer.org.simulator.seed.update("Account", record, {"Phone": PHONE})
        (party,) = await retailer.parties(name)
        await keeps(retailer, party["id"], "phone", PHONE)
        await give_terms(retailer, party["id"], "Immediate")
        await shows(retailer, record, "PaymentTerms__c", "Immediate")
        assert await tellings(hub, record) == before + 2


async def _number(retailer: Retailer, record: str) -> str:
    return str(retailer.account(record)["ErpId__c"] or "")


async def test_answers_that_are_lost_after_the_commit_make_no_second_customer(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    await retailer.tryton.lose_next_answer()
    retailer.org.trouble(DropAfterCommit(path="/composite"))
    async with retailer.hub() as hub:
        await numbered(retailer, record)
        assert not await parked(hub)


async def test_a_hub_that_is_killed_between_any_two_calls_makes_one_customer(retailer: Retailer) -> None:
    record = await a_customer(retailer)
    deaths = 0
    while await asyncio.to_thread(died, retailer.folder, "lane.call_answered", deaths + 1, record):
        deaths += 1

    assert deaths, "each hub dies one answer later than the last, before that is committed"
    await numbered(retailer, record)
