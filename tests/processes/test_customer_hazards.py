"""What others change without telling us stops one customer at most, and its owner sees which part of it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.processes.companies import BIKES, CompanyHub, company_hub
from tests.stores import Stores

from crossdock.durable.records import RunState
from crossdock.durable.store import RunView
from crossdock.identity.golden.fields import Fields
from crossdock.kit.errors import CrossdockError, Finding, Invalid, Rejected

pytestmark = pytest.mark.anyio

OTHER: Fields = {
    **BIKES,
    "organisation.name": "Kaffee Contor",
    "tax.number": "DE129273398",
    "contact.email": "post@contor.example",
    "billing.address.lines": ("Am Markt 7",),
    "billing.address.postal_code": "28195",
    "billing.address.city": "Bremen",
}


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CompanyHub]:
    async with company_hub(stores) as hub:
        yield hub


def refuses(hub: CompanyHub, monkeypatch: pytest.MonkeyPatch, system: str, error: CrossdockError) -> None:
    """From now on the system refuses the first customer it is given, for this reason, and takes all others."""
    take = hub.docks[system].write_customers
    first: list[str] = []

    async def write_customers(writes: Sequence[Any]) -> Sequence[Any]:
        first[:] = first or [writes[0].key]
        return [error if write.key in first else (await take([write]))[0] for write in writes]

    monkeypatch.setattr(hub.docks[system], "write_customers", write_customers)


async def parked(hub: CompanyHub) -> RunView:
    (view,) = await hub.store.list_runs(state=RunState.PARKED)
    assert view.parking is not None
    return view


async def test_a_new_required_field_of_the_crm(hub: CompanyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("missing", "$.Segment__c", "required fields are missing")
    code = "salesforce-required-field-missing"
    refuses(hub, monkeypatch, "crm", Invalid("refused", code=code, system="crm", findings=[finding]))
    number = await hub.arrive(BIKES)
    view = await parked(hub)
    assert view.parking is not None
    assert (view.parking.system, view.parking.owner) == ("crm", "data-stewards")
    assert [each.path for each in view.parking.findings] == ["$.Segment__c"]
    assert (await hub.onboarding(number)).state == "under_review", "the ERP has its customer nevertheless"
    other = await hub.arrive(OTHER)
    assert hub.books["crm"].card(other)["credit.status"] == "pending", "others are told"
    monkeypatch.undo()
    await hub.engine.desk.retry([view.run_id], actor="jo", reason="the field has a default now")
    await hub.engine.settle()
    await hub.engine.advance(240, steps=4)
    await hub.pump()
    assert hub.books["crm"].card(number)["credit.status"] == "pending"


async def test_a_modified_rule_of_the_erp(hub: CompanyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rejected(
        "customers of this trade need a guarantor", code="refused", system="erp", vendor_code="RULE_77"
    )
    refuses(hub, monkeypatch, "erp", rule)
    number = await hub.arrive(BIKES)
    view = await parked(hub)
    assert view.parking is not None
    assert (view.parking.step, view.parking.owner) == ("make_in_erp", "data-stewards")
    assert (view.parking.vendor_code, view.parking.domain) == ("RULE_77", "billing")
    assert (await hub.onboarding(await hub.arrive(OTHER))).state == "under_review"
    monkeypatch.undo()
    await hub.engine.desk.retry([view.run_id], actor="jo", reason="the rule was changed")
    await hub.engine.settle()
    assert (await hub.onboarding(number)).state == "under_review"
    assert len(hub.in_erp()) == 2


async def test_a_malformed_address_of_the_shop(hub: CompanyHub) -> None:
    address: Fields = {
        "shipping.default.address.lines": ("c/o",),
        "shipping.default.address.postal_code": "ABC",
        "shipping.default.address.city": "Berlin",
        "shipping.default.address.country": "DE",
    }
    await hub.arrive({**BIKES, **address})
    view = await parked(hub)
    assert view.parking is not None
    assert view.parking.owner == "data-stewards"
    assert [(each.path, each.code) for each in view.parking.findings] == [
        ("$.shipping.default.address.postal_code", "address-part-wrong")
    ]
    assert (await hub.onboarding(await hub.arrive(OTHER))).state == "under_review"
