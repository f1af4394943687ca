"""A canary timed end to end on the systems that there are: from Salesforce's API to what a real Tryton shows."""

from pathlib import Path

import pytest
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import PATIENCE_SECONDS, Retailer, a_retailer
from tests.hubs import eventually

from crossdock.adapters.salesforce import party_mapping
from crossdock.canonical.party import ExternalReference

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

CANARY = {"Name": "Kanarienvogel Messtechnik GmbH", "Phone": "+49 30 5550300"}
FIRST, SECOND = "+49 30 5550301", "+49 30 5550302"


async def numbered(retailer: Retailer) -> ExternalReference:
    """The canary's record in Salesforce, once the ERP has the customer, too."""
    (account,) = retailer.org.simulator.seed.rows("Account", [CANARY], announce=True)
    async with retailer.hub():

        async def is_known() -> bool:
            return bool(retailer.account(account)["ErpId__c"])

        assert await eventually(is_known, within_seconds=PATIENCE_SECONDS)
    return ExternalReference("salesforce", party_mapping.SOBJECT, account)


async def phones(retailer: Retailer) -> set[str]:
    """What the party shows in Tryton."""
    (party,) = await retailer.parties(CANARY["Name"])
    return {one["value"] for one in party["contact_mechanisms."]}


async def test_an_edit_is_timed_from_salesforce_to_a_real_tryton(bench: TrytonBench, tmp_path: Path) -> None:
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        customer = await numbered(retailer)
        retailer.watches(
            way={
                "customer": {"system": customer.system, "kind": customer.kind, "value": customer.value},
                "source": "salesforce",
                "reader": "erp",
                "field": "contact.phone",
                "values": [FIRST, SECOND],
                "every_seconds": 3_600,
                "within_seconds": PATIENCE_SECONDS,
            }
        )
        async with retailer.hub() as hub:

            async def timed() -> bool:
                (told,) = await hub.canaries.freshness()
                return told.seconds is not None

            assert await eventually(timed, within_seconds=PATIENCE_SECONDS)
            (told,) = await hub.canaries.freshness()
            assert told.state == "fresh"
            assert told.seconds is not None
            assert 0 < told.seconds < PATIENCE_SECONDS
        assert retailer.account(customer.value)["Phone"] == FIRST
        assert await phones(retailer) == {FIRST}
