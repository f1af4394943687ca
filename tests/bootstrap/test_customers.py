"""A deployment with an ownership keeps its systems in agreement about customers; one without leaves them alone."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.hubs import a_hub, eventually

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import HubSettings, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 200
"""Whoever meets another's write waits a minute for what that one has to say, and may meet one more."""

OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", initial=True, readers=("crm", "erp"))),
    marks=("crossdock",),
    creates=("erp",),
)


@asynccontextmanager
async def a_hub_between(folder: Path) -> AsyncIterator[tuple[Hub, Mapping[str, Surface]]]:
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
        "ownership": OWNERSHIP,
    }
    try:
        async with Hub(check_deployment(parts, find_manifests(), folder)) as hub:
            await hub.run()
            yield hub, surfaces
    finally:
        for ledger in ledgers.values():
            share_surface(ledger, None)


async def test_a_customer_goes_from_one_system_to_the_other_and_what_is_said_there_comes_back(
    tmp_path: Path,
) -> None:
    async with a_hub_between(tmp_path) as (hub, surfaces):
        crm, erp = surfaces["crm"].partners, surfaces["erp"].partners
        number = crm.write(PartnerWrite(write="1", card={"contact.email": "a@x.org"})).number
        record = ExternalReference("crm", "partner", number)

        async def made() -> str:
            party_id = (await hub.store.find_parties([record])).get(record)
            found = await hub.store.read_party(party_id) if party_id else None
            other = found.record_of("erp") if found else None
            return other.reference.value if other else ""

        there = await eventually(made, within_seconds=PATIENCE_SECONDS)
        (partner,) = erp.read([there])
        assert partner is not None
        assert partner.card == {"contact.email": "a@x.org"}

        erp.write(PartnerWrite(write="2", number=there, card={"terms.code": "N30"}))

        async def shown() -> bool:
            (card,) = crm.read([number])
            return card is not None and card.card.get("terms.code") == "N30"

        assert await eventually(shown, within_seconds=PATIENCE_SECONDS)


async def test_without_an_ownership_no_customer_is_read(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, _):
        assert hub.customers is None
        assert hub.intakes == {}
