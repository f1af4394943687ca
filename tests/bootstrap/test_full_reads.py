"""All customers of an org, page by page, each page a call of the org's lane; after a passing fault anew."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from tests.adapters.salesforce.orgs import QUICK, TestOrg, running_org

from crossdock.adapters.salesforce.local import connection
from crossdock.adapters.salesforce.simulator.faults import Unavailable
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.full_reads import all_customers, count_customers, reading
from crossdock.bootstrap.hub import Hub
from crossdock.kit.errors import CrossdockError
from crossdock.ports.customer_source import CustomerArrival
from crossdock.ports.manifest import Limits

pytestmark = pytest.mark.anyio

ACCOUNTS = 450
"""With the org's own, three pages."""


@pytest.fixture
async def org() -> AsyncIterator[TestOrg]:
    async with running_org() as org:
        rows = [{"Name": f"Customer {number}"} for number in range(ACCOUNTS)]
        org.simulator.seed.rows("Account", rows, announce=False)
        yield org


def a_hub_for(org: TestOrg, folder: Path, **limits: int) -> Hub:
    settings = {**connection(org.simulator), "events": QUICK}
    parts = {
        "hub": HubSettings(store="sqlite:hub.sqlite"),
        "systems": {
            "erp": SystemEntry(adapter="memory", settings={"ledger": folder.name}),
            "crm": SystemEntry(adapter="salesforce", settings=settings, limits=Limits(**limits)),
        },
        "routes": Routes(erp="erp"),
        "policies": Policies(),
    }
    return Hub(check_deployment(parts, find_manifests(), folder))


async def read(hub: Hub, after_first: Callable[[], None] = lambda: None) -> list[int]:
    """The sizes of all pages, in which every record is."""
    async with hub, reading(hub, ["crm"]):
        assert await count_customers(hub, "crm") == ACCOUNTS + 1
        pages: list[Sequence[CustomerArrival]] = []
        async for page in all_customers(hub, "crm"):
            pages.append(page)
            if len(pages) == 1:
                after_first()
        records = {arrival.change.record.value for page in pages for arrival in page if arrival.change}
        assert len(records) == ACCOUNTS + 1
        assert hub.lanes["crm"].state().in_flight == 0
        return [len(page) for page in pages]


async def test_everything_comes_in_pages(org: TestOrg, tmp_path: Path) -> None:
    assert await read(a_hub_for(org, tmp_path)) == [200, 200, 51]


async def test_a_passing_fault_begins_anew(org: TestOrg, tmp_path: Path) -> None:
    fault = Unavailable(path="query", times=1)
    pages = await read(a_hub_for(org, tmp_path), lambda: org.trouble(fault))
    assert pages == [200, 200, 200, 51]


async def test_the_days_budget_is_kept(org: TestOrg, tmp_path: Path) -> None:
    with pytest.raises(CrossdockError) as told:
        await read(a_hub_for(org, tmp_path, daily_budget=3))
    assert told.value.code == "lane-closed"
