"""Customers over HTTP: credit is decided by who may, a till is answered at once, and freshness is told."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.entrypoints.doors import client_of
from tests.hubs import a_hub, eventually
from tests.processes.companies import BIKES, OWNERSHIP, RULES

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import make_app
from crossdock.identity.golden.fields import Domain

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 120
FRESH = replace(
    OWNERSHIP,
    domains={
        **OWNERSHIP.domains,
        Domain.CREDIT: replace(OWNERSHIP.domains[Domain.CREDIT], fresh_within_seconds=3_600),
    },
)


@pytest.fixture(scope="module")
async def desk(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[httpx.AsyncClient, Mapping[str, Surface]]]:
    """A client of a hub between a CRM and an ERP that makes customers of companies."""
    ledgers = {name: uuid.uuid4().hex for name in ("crm", "erp")}
    surfaces = {name: Surface() for name in ledgers}
    for name, surface in surfaces.items():
        share_surface(ledgers[name], surface)
    systems = {
        name: SystemEntry(adapter="memory", settings={"ledger": ledger, "arrivals_wait_seconds": 0.05})
        for name, ledger in ledgers.items()
    }
    parts = {
        "hub": HubSettings(store="sqlite:hub.sqlite"),
        "systems": systems,
        "routes": Routes(erp="erp"),
        "ownership": FRESH,
        "policies": Policies(onboarding=RULES),
    }
    folder = tmp_path_factory.mktemp("desk")
    try:
        async with Hub(check_deployment(parts, find_manifests(), folder)) as hub:
            await hub.run()
            async with client_of(make_app(hub)) as client:
                yield client, surfaces
    finally:
        for ledger in ledgers.values():
            share_surface(ledger, None)


async def review_of(client: httpx.AsyncClient, number: str) -> dict[str, Any]:
    """The review of the company with that number in the CRM, as soon as it waits."""

    async def ask() -> dict[str, Any] | None:
        told = (await client.get("/v1/credit-reviews")).json()["reviews"]
        for one in told:
            answer = await client.post("/v1/customers/validate", json=question(number))
            if answer.json()["known"]:
                found: dict[str, Any] = one
                return found
        return None

    found = await eventually(ask, within_seconds=PATIENCE_SECONDS)
    assert found is not None
    return found


def question(number: str, **more: Any) -> dict[str, Any]:
    return {"record": {"system": "crm", "kind": "partner", "value": number}, **more}


async def test_a_company_is_decided_on_by_who_may_and_a_till_knows_at_once(
    desk: tuple[httpx.AsyncClient, Mapping[str, Surface]],
) -> None:
    client, surfaces = desk
    number = surfaces["crm"].partners.write(PartnerWrite(write="1", card=dict(BIKES))).number
    review = await review_of(client, number)
    assert (review["asked"], review["currency"], review["owner"]) == ("5000", "EUR", "credit")
    told = (await client.post("/v1/customers/validate", json=question(number))).json()
    assert (told["status"], told["credit"], told["on_invoice"]) == ("provisional", "pending", False)
    assert not {"einkauf@radtat.example", "Rad & Tat GmbH"} & set(str(told).split("'")), "nothing personal"

    place = f"/v1/credit-reviews/{review['customer_id']}"
    answer = await client.post(f"{place}/approve", json={"actor": "mallory"})
    assert (answer.status_code, answer.json()["code"]) == (403, "approver-not-allowed")
    answer = await client.post(f"{place}/approve", json={"actor": "anna", "limit": "much"})
    assert (answer.status_code, answer.json()["findings"][0]["path"]) == (422, "$.limit")
    answer = await client.post(f"{place}/approve", json={"actor": "anna", "limit": "900"})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "approved")
    answer = await client.post(f"{place}/refuse", json={"actor": "carla", "reason": "no"})
    assert (answer.status_code, answer.json()["code"]) == (409, "decided-already")

    async def active() -> bool:
        told = (await client.post("/v1/customers/validate", json=question(number))).json()
        return (told["status"], told["credit"], told["on_invoice"]) == ("active", "approved", True)

    async def counted() -> bool:
        return 'crossdock_onboardings{state="active"} 1.0' in (await client.get("/metrics")).text

    assert await eventually(active, within_seconds=PATIENCE_SECONDS)
    assert await eventually(counted, within_seconds=PATIENCE_SECONDS)
    page = (await client.get("/metrics")).text
    assert 'crossdock_customer_freshness_limit_seconds{rule="domains.credit",system="erp"} 3600.0' in page
    assert 'crossdock_customer_matches_total{decision="new"} 1.0' in page
    fresh = (await client.get(f"/v1/freshness/{review['customer_id']}")).json()["fields"]
    assert {each["unit"] for each in fresh} == {"credit.status", "credit.limit"}
    assert all(each["fresh"] and each["system"] == "erp" for each in fresh)
    (feed,) = (await client.get("/v1/freshness")).json()["feeds"]
    assert (feed["rule"], feed["system"], feed["fresh"]) == ("domains.credit", "erp", True)


async def test_an_address_is_judged_without_a_customer(
    desk: tuple[httpx.AsyncClient, Mapping[str, Surface]],
) -> None:
    client, _ = desk
    address = {"lines": ["Hauptstr. 1"], "postal_code": "1", "city": "berlin", "country": "DE"}
    told = (await client.post("/v1/customers/validate", json=question("nobody", address=address))).json()
    assert (told["known"], told["deliverable"]) == (False, "undeliverable")
    assert [(each["path"], each["code"]) for each in told["findings"]] == [
        ("$.address.postal_code", "address-part-wrong")
    ]
    right = {**address, "postal_code": "10115"}
    told = (await client.post("/v1/customers/validate", json=question("nobody", address=right))).json()
    assert (told["deliverable"], told["address"]["city"]) == ("unknown", "Berlin")


async def test_what_is_not_there_is_404(desk: tuple[httpx.AsyncClient, Mapping[str, Surface]]) -> None:
    client, _ = desk
    assert (await client.get("/v1/freshness/nobody")).json()["code"] == "customer-unknown"
    answer = await client.post("/v1/credit-reviews/nobody/approve", json={"actor": "anna"})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-decide")


async def test_a_hub_without_customers_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with a_hub(tmp_path_factory.mktemp("none")) as (hub, _), client_of(make_app(hub)) as client:
        for way, code in (
            ("/v1/credit-reviews", "no-onboarding"),
            ("/v1/freshness", "no-customers"),
            ("/v1/freshness/x", "no-customers"),
        ):
            answer = await client.get(way)
            assert (answer.status_code, answer.json()["code"]) == (404, code)
        answer = await client.post("/v1/customers/validate", json=question("x"))
        assert answer.json()["code"] == "no-customers"
