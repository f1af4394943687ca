"""Channels without an adapter tell of their customers over HTTP: taken once, recognised, and told who they are."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.entrypoints.doors import client_of
from tests.hubs import eventually
from tests.processes.companies import OWNERSHIP

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import HubSettings, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import make_app
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.kit.errors import Misconfigured

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 60
EVERYBODY = Rule(rule="newest_valid", writers=("erp", "webshop", "till"), readers=("erp",))
SHARED = replace(
    OWNERSHIP,
    domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp"))
    | dict.fromkeys((Domain.IDENTITY, Domain.CONTACT, Domain.LOCATION), EVERYBODY),
    creates=("erp",),
)
ANNA = {
    "kind": "person",
    "person": {"name": {"given": "Anna", "family": "Berg"}, "birth_date": "1980-02-03"},
    "contact": {"email": "anna@mail.example.net", "email_verified": True},
}


def a_parts(ledger: str, ownership: Ownership | None = SHARED, **routes: Any) -> dict[str, Any]:
    return {
        "hub": HubSettings(store="sqlite:hub.sqlite"),
        "systems": {
            "erp": SystemEntry(adapter="memory", settings={"ledger": ledger, "arrivals_wait_seconds": 0.05})
        },
        "routes": Routes(**({"erp": "erp", "customer_channels": ("webshop", "till")} | routes)),
        "ownership": ownership,
    }


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Hub, Surface]]:
    """A client of a hub between an ERP and two channels."""
    ledger, surface = uuid.uuid4().hex, Surface()
    share_surface(ledger, surface)
    try:
        async with Hub(check_deployment(a_parts(ledger), find_manifests(), tmp_path)) as hub:
            await hub.run()
            async with client_of(make_app(hub)) as client:
                yield client, hub, surface
    finally:
        share_surface(ledger, None)


def told(record_id: str, at: str = "2026-03-01T10:00:00Z", **more: Any) -> dict[str, Any]:
    return {"record_id": record_id, "changed_at": at, **more}


async def tell(client: httpx.AsyncClient, channel: str, body: object, **headers: str) -> httpx.Response:
    return await client.post(f"/v1/channels/{channel}/customers", json=body, headers=headers)


async def who_is(client: httpx.AsyncClient, location: str) -> str:
    """The customer's id, as soon as he is recognised."""

    async def ask() -> str:
        answer = await client.get(location)
        return str(answer.json()["customer_id"]) if answer.status_code == 200 else ""

    found = await eventually(ask, within_seconds=PATIENCE_SECONDS)
    assert found
    return found


async def test_one_person_at_two_channels_is_one_customer_and_comes_once_into_the_erp(
    shop: tuple[httpx.AsyncClient, Hub, Surface],
) -> None:
    client, _, surface = shop
    bodies = [("webshop", told("W#1", says=ANNA)), ("till", told("T-1", says=ANNA))]
    answers = await asyncio.gather(*(tell(client, channel, body) for channel, body in bodies))
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].headers["location"] == "/v1/channels/webshop/customers/W%231"
    numbers = {await who_is(client, answer.json()["location"]) for answer in answers}
    assert len(numbers) == 1
    assert await eventually(lambda: _one_in(surface), within_seconds=PATIENCE_SECONDS)
    again = await tell(client, *bodies[0])
    assert (again.status_code, again.json()["fate"]) == (200, "known")


async def _one_in(surface: Surface) -> bool:
    return [card.card["contact.email"] for card in surface.partners.present()] == ["anna@mail.example.net"]


async def test_what_is_not_mentioned_stays_and_null_clears(shop: tuple[httpx.AsyncClient, Hub, Surface]) -> None:
    client, hub, _ = shop
    full = {**ANNA, "contact": {"email": "anna@mail.example.net", "phone": "+49 30 123456"}}
    first = await tell(client, "webshop", told("W1", says=full))
    customer = await who_is(client, first.json()["location"])
    cleared = told("W1", "2026-03-02T10:00:00Z", says={"contact": {"phone": None}})
    assert (await tell(client, "webshop", cleared)).status_code == 202

    async def phone_is_gone() -> bool:
        file = await hub.store.read_party(customer)
        record = file and file.record_of("webshop")
        assert record
        said = {name: held.shown for name, held in record.fields.items()}
        return said["contact.phone"] is None and said["contact.email"] == "anna@mail.example.net"

    assert await eventually(phone_is_gone, within_seconds=PATIENCE_SECONDS)


async def test_a_record_that_was_deleted_says_nothing_else(shop: tuple[httpx.AsyncClient, Hub, Surface]) -> None:
    client, hub, _ = shop
    first = await tell(client, "till", told("T1", says=ANNA))
    customer = await who_is(client, first.json()["location"])
    gone = told("T1", "2026-03-03T10:00:00Z", kind="deleted")
    assert (await tell(client, "till", gone)).status_code == 202

    async def is_gone() -> bool:
        file = await hub.store.read_party(customer)
        return file is not None and file.record_of("till") is None

    assert await eventually(is_gone, within_seconds=PATIENCE_SECONDS)
    refused = await tell(client, "till", {**gone, "says": ANNA})
    assert (refused.status_code, refused.json()["findings"][0]["path"]) == (422, "$.says")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"changed_at": "2026-03-01T10:00:00Z", "says": ANNA}, "$.record_id"),
        ({"record_id": "1", "says": ANNA}, "$.changed_at"),
        (told("1", "2026-03-01T10:00:00", says=ANNA), "$.changed_at"),
        (told("1"), "$.says"),
        (told("1 or 2", says=ANNA), "$.record_id"),
        (told("1", says={"person": {"name": {"given": 7}}}), "$.says.person.name.given"),
        (told("1", says={"nickname": "Anni"}), "$.says.nickname"),
        (told("1", kind="merged"), "$.into"),
        (told("1", kind="merged", into="1"), "$.into"),
        (told("1", says=ANNA, into="2"), "$.into"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_path(
    shop: tuple[httpx.AsyncClient, Hub, Surface], body: dict[str, Any], path: str
) -> None:
    client, hub, _ = shop
    answer = await tell(client, "webshop", body)
    assert answer.status_code == 422, answer.text
    assert {finding["path"] for finding in answer.json()["findings"]} == {path}
    assert not await hub.store.count_runs()


async def test_only_a_channel_speaks_here_and_for_no_system(shop: tuple[httpx.AsyncClient, Hub, Surface]) -> None:
    client, _, _ = shop
    for name in ("erp", "nowhere"):
        answer = await tell(client, name, told("1", says=ANNA))
        assert (answer.status_code, answer.json()["code"]) == (404, "channel-unknown")
        assert (await client.get(f"/v1/channels/{name}/customers/1")).json()["code"] == "channel-unknown"
    assert (await client.get("/v1/channels/till/customers/1")).json()["code"] == "customer-unknown"


async def test_a_key_belongs_to_one_statement(shop: tuple[httpx.AsyncClient, Hub, Surface]) -> None:
    client, _, _ = shop
    key = {"Idempotency-Key": "k-1"}
    assert (await tell(client, "till", told("1", says=ANNA), **key)).status_code == 202
    assert (await tell(client, "till", told("1", says=ANNA), **key)).status_code == 200
    other = await tell(client, "till", told("2", says=ANNA), **key)
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")


async def test_a_hub_without_customers_says_so(tmp_path: Path) -> None:
    parts = a_parts(uuid.uuid4().hex, None)
    async with (
        Hub(check_deployment(parts, find_manifests(), tmp_path)) as hub,
        client_of(make_app(hub)) as client,
    ):
        answer = await tell(client, "webshop", told("1", says=ANNA))
        assert (answer.status_code, answer.json()["code"]) == (404, "no-customers")
        assert (await client.get("/v1/channels/webshop/customers/1")).json()["code"] == "no-customers"


@pytest.mark.parametrize(
    ("ownership", "routes", "code", "path"),
    [
        (SHARED, {"customer_channels": ("webshop", "till", "erp")}, "channel-is-system", "customer_channels[2]"),
        (SHARED, {"customer_channels": ("till",)}, "system-unknown", "writers"),
        (replace(SHARED, creates=("till",)), {}, "role-missing", "creates"),
        (
            replace(SHARED, domains={**SHARED.domains, Domain.CONTACT: replace(EVERYBODY, readers=("till",))}),
            {},
            "role-missing",
            "readers",
        ),
    ],
)
def test_what_a_channel_cannot_be_is_said_before_anything_starts(
    tmp_path: Path, ownership: Ownership, routes: dict[str, Any], code: str, path: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        check_deployment(a_parts("none", ownership, **routes), find_manifests(), tmp_path)
    assert any(found.code == code and path in found.path for found in caught.value.findings), json.dumps(
        [(found.code, found.path) for found in caught.value.findings]
    )
