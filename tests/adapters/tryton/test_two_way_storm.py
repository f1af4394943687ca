"""Salesforce and a real Tryton, edited on both sides in a storm: in the end all agree, or a person is asked.

What it is and what has to be true afterwards: `tests/processes/weather.py`. `make storm ERP=tryton EDITS=10000`.
"""

import random
from collections.abc import AsyncIterator

import pytest
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.both_ways import PartyClerk, ToldTime, both_ways
from tests.processes.clerks import OrgClerk
from tests.processes.orgs import Org
from tests.processes.weather import CARDS, CREDIT, SHARED, SKEWS, Weather, ownership, report, storm
from tests.stores import Stores, memory_stores

FEW = 120
pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

OF_TRYTON = [
    *SHARED,
    *CREDIT,
    {"terms.code": "Net 30 days"},
    {"terms.code": "Immediate"},
    {"terms.code": None},
    {"terms.code": "Immediate", "contact.phone": "+49 30 5550104"},
]
ENTERED = {"crm": CARDS, "erp": OF_TRYTON}


@pytest.fixture
async def stores() -> AsyncIterator[Stores]:
    """A database that the tests of storage hold to the same rules as the others, only faster."""
    stores = memory_stores(ToldTime())
    yield stores
    await stores.close()


@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("seed", range(len(SKEWS)))
async def test_edits_in_salesforce_and_in_tryton_in_a_storm_end_in_agreement_and_every_conflict_is_explained(
    stores: Stores,
    bench: TrytonBench,
    seed: int,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edits = int(request.config.getoption("--storm-edits") or FEW) // len(SKEWS)
    rules = ownership(consents=(), final=seed == 1)
    async with both_ways(stores, bench, rules, off_seconds=SKEWS[seed]) as hub:
        org, clerk = hub.books["crm"], PartyClerk(bench, random.Random(seed))
        assert isinstance(org, Org)
        await clerk.begin()
        weather = Weather(hub, {"crm": OrgClerk(org, random.Random(seed)), "erp": clerk}, ENTERED, seed, edits)
        explained = await storm(weather, people=max(5, edits // 40))
        await clerk.forget()
        with capsys.disabled():
            print(report(SKEWS[seed], edits, weather, explained))  # noqa: T201 - asked for
