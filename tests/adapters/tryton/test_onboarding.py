"""A wholesale customer of Salesforce becomes one of a real Tryton, once, and Tryton's terms come back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import EXAMPLE, PATIENCE_SECONDS, Retailer, a_retailer
from tests.hubs import eventually

from crossdock.bootstrap.hub import Hub
from crossdock.contracts.customers import customer_subject
from crossdock.durable.records import RunState

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

COMPANY = {
    "Name": "Elbkontor Großhandel GmbH",
    "Email__c": "einkauf@elbkontor.example",
    "TaxId__c": "DE136695976",
    "BillingStreet": "Speicherstadt 4",
    "BillingPostalCode": "20457",
    "BillingCity": "Hamburg",
    "BillingCountry": "Germany",
}


@pytest.fixture
async def retailer(bench: TrytonBench, tmp_path: Path) -> AsyncIterator[Retailer]:
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        policies = yaml.safe_load((EXAMPLE / "policies.yaml").read_text("utf-8"))
        retailer._write("policies", policies)
        yield retailer
        made = [party["id"] for party in await retailer.parties(COMPANY["Name"])]
        await bench.admin.command("model.party.party.delete", made)


async def enter(retailer: Retailer, **fields: Any) -> str:
    """Somebody enters the company in Salesforce; the account."""
    (record,) = retailer.org.simulator.seed.rows("Account", [COMPANY | fields], announce=True)
    return record


async def shows(retailer: Retailer, record: str, **fields: object) -> None:
    """Wait until the account shows these."""

    async def shown() -> bool:
        account = retailer.account(record)
        return all(account[name] == value for name, value in fields.items())

    assert await eventually(shown, within_seconds=PATIENCE_SECONDS), retailer.account(record)


async def writes(hub: Hub, party_id: str) -> int:
    """How many writes to this customer's account the hub has made, once nothing is under way any more."""
    subject = f"{customer_subject(party_id)}/salesforce"

    async def at_rest() -> bool:
        runs = await hub.store.list_runs(subject=subject, limit=1_000)
        return all(run.state is RunState.DONE for run in runs)

    assert await eventually(at_rest, within_seconds=PATIENCE_SECONDS)
    runs = await hub.store.list_runs(subject=subject, limit=1_000)
    return sum(run.result == b'"told"' for run in runs)


async def test_a_wholesale_customer_is_numbered_provisional_approved_and_kept_up_to_date(
    retailer: Retailer,
) -> None:
    record = await enter(retailer)
    async with retailer.hub() as hub:
        await shows(retailer, record, AccountStatus__c="provisional", CreditStatus__c="pending")

        async def waits() -> bool:
            return bool(await hub.store.list_reviews())

        assert await eventually(waits, within_seconds=PATIENCE_SECONDS)
        (review,) = await hub.store.list_reviews()
        (party,) = await retailer.parties(COMPANY["Name"])
        assert party["code"] == review.erp_number
        await shows(retailer, record, ErpId__c=review.erp_number)
        assert await hub.store.find_standing([review.erp_number]) == {review.erp_number: "credit_pending"}
        assert retailer.account(record)["TaxId__c"] == COMPANY["TaxId__c"]

        assert hub.credit is not None
        await hub.credit.approve(review.party_id, actor="anna", terms="Net 30 days")
        await shows(
            retailer,
            record,
            AccountStatus__c="active",
            CreditStatus__c="approved",
            PaymentTerms__c="Net 30 days",
            PaymentDays__c=30,
        )
        assert await hub.store.find_standing([review.erp_number]) == {}
        before = await writes(hub, review.party_id)

        admin = retailer.tryton.admin
        (term, *_) = await admin.search_read("account.invoice.payment_term", [("name", "=", "Immediate")], ["id"])
        await admin.write("party.party", [party["id"]], {"customer_payment_term": term["id"]})
        await shows(retailer, record, PaymentTerms__c="Immediate")
        retailer.org.simulator.seed.update("Account", record, {"Phone": "+49 40 5550199"})

        async def told() -> bool:
            domain = [("party", "=", party["id"]), ("value_compact", "=", "+49405550199")]
            return bool(await admin.search_read("party.contact_mechanism", domain, ["id"]))

        assert await eventually(told, within_seconds=PATIENCE_SECONDS)
        assert await writes(hub, review.party_id) == before + 1, "one write for one change, none for its echo"
        stuck = await hub.store.list_runs(state=RunState.PARKED)
        assert not [run for run in stuck if review.party_id in run.subject]
    assert len(await retailer.parties(COMPANY["Name"])) == 1


async def test_terms_that_the_erp_does_not_know_wait_for_a_person_and_nothing_is_activated(
    retailer: Retailer,
) -> None:
    record = await enter(retailer)
    async with retailer.hub() as hub:

        async def waits() -> bool:
            return bool(await hub.store.list_reviews())

        assert await eventually(waits, within_seconds=PATIENCE_SECONDS)
        (review,) = await hub.store.list_reviews()
        assert hub.credit is not None
        await hub.credit.approve(review.party_id, actor="anna", terms="Net 7 years")

        async def parked() -> bool:
            return bool(await hub.store.list_runs(state=RunState.PARKED))

        assert await eventually(parked, within_seconds=PATIENCE_SECONDS)
        (run,) = await hub.store.list_runs(state=RunState.PARKED)
        assert run.parking is not None
        assert (run.parking.code, run.parking.owner) == ("payment-terms-unknown", "data-stewards")
        await shows(retailer, record, CreditStatus__c="pending")
        assert await hub.store.find_standing([review.erp_number]) == {review.erp_number: "credit_pending"}
