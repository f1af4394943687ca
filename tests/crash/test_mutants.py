"""The test of the tests: with any one guarantee switched off, a crash run says that something is wrong.

What a storm meets only by chance is done by hand in `test_mutants_by_hand`.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from bench.crash.plan import Plan
from bench.crash.proxy import Rates
from bench.crash.run import Outcome, run
from bench.crash.server import NoServer

pytestmark = [pytest.mark.crash, pytest.mark.mutants, pytest.mark.timeout(300)]

SMALL = Plan(
    store="sqlite",
    orders=30,
    hubs=1,
    deaths=4,
    deaths_each=4,
    places_min=0,
    ailments=False,
    rates=Rates(),
    converge_seconds_max=15,
    spared_max=0,
    patient=True,
)
"""Every hub dies at its place, the first time it comes by, however long that takes."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account may enter."""
    with tempfile.TemporaryDirectory(prefix="crossdock-mutant-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def outcome_of(folder: Path, **changes: object) -> Outcome:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    try:
        return asyncio.run(run(msgspec.structs.replace(SMALL, **changes), folder, lambda *_: None))
    except NoServer as missing:
        if os.environ.get("CROSSDOCK_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(str(missing))


def test_whole_the_hub_comes_through(folder: Path) -> None:
    """What the others are compared with: the very same storm."""
    outcome = outcome_of(folder, places=("memory.order_placed",))
    assert outcome.holds, outcome.amiss
    assert outcome.deaths.total() >= 1
    assert outcome.reckoning.accepted


def test_a_hub_that_takes_everything_anew_is_found_out(folder: Path) -> None:
    outcome = outcome_of(folder, mutant="dedupe", deaths=1, places=("intake.batch_taken",))
    assert outcome.reckoning.told_wrongly


def test_a_hub_that_does_not_ask_before_it_repeats_is_found_out(folder: Path) -> None:
    outcome = outcome_of(folder, mutant="recall", places=("memory.order_placed",))
    assert outcome.reckoning.doubled
    assert outcome.reckoning.money_difference
    assert outcome.reckoning.stock_difference
