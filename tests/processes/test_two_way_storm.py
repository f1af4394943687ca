"""Salesforce and an ERP, edited on both sides in a storm: in the end all agree, or a person is asked and told why.

`make storm` makes ten thousand edits and prints what came of them; with `ERP=tryton` the ERP is a real one
(`tests/adapters/tryton/test_two_way_storm.py`).
"""

import random

import pytest
from tests.processes.books import SYSTEMS, Books
from tests.processes.clerks import BooksClerk, Clerk, OrgClerk
from tests.processes.orgs import Org, two_way_hub
from tests.processes.weather import CARDS, SKEWS, Weather, ownership, report, storm
from tests.stores import Stores

FEW = 240
pytestmark = pytest.mark.anyio


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(len(SKEWS)))
async def test_edits_on_both_sides_in_a_storm_end_in_agreement_and_every_conflict_is_explained(
    memory_only: Stores, seed: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    edits = int(request.config.getoption("--storm-edits") or FEW) // len(SKEWS)
    async with two_way_hub(memory_only, ownership(final=seed == 1), off_seconds=SKEWS[seed]) as hub:
        org, books = hub.books["crm"], hub.books["erp"]
        assert isinstance(org, Org)
        assert isinstance(books, Books)
        chance = random.Random(seed)
        clerks: dict[str, Clerk] = {"crm": OrgClerk(org, chance), "erp": BooksClerk(books, chance)}
        weather = Weather(hub, clerks, dict.fromkeys(SYSTEMS, CARDS), seed, edits)
        explained = await storm(weather, people=max(5, edits // 40))
        with capsys.disabled():
            print(report(SKEWS[seed], edits, weather, explained))  # noqa: T201 - asked for
