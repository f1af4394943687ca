"""Customers by the command line: what holds and why, whom to look at, and words that a hub carries out."""

import asyncio
from pathlib import Path

import pytest
import yaml
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.customers import ALMOST_ANNA, ANNA, a_customer, a_review
from tests.hubs import eventually

from crossdock.adapters.memory.simulator.server import shared_surface
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.durable.records import RunState
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.identity.golden.fields import Domain

EMAIL = "contact.email"


@pytest.fixture
def owned(deployment: Path) -> Path:
    """The deployment says who owns what."""
    rule = {"rule": "newest_valid", "writers": ["erp"], "readers": ["erp"]}
    text = yaml.safe_dump({"domains": {domain.value: rule for domain in Domain}, "marks": ["crossdock"]})
    (deployment / "ownership.yaml").write_text(text)
    return deployment


async def _meet(folder: Path) -> tuple[str, str, int]:
    async with Hub(load_deployment(folder, find_manifests())) as hub:
        await hub.run()
        ledger = str(yaml.safe_load((folder / "systems.yaml").read_text())["erp"]["settings"]["ledger"])
        erp = shared_surface(ledger)
        anna = await a_customer(hub, erp, ANNA, "w-1")
        almost = await a_customer(hub, erp, ALMOST_ANNA, "w-2")
        return anna, almost, await a_review(hub)


async def _carry_out(folder: Path) -> None:
    async with Hub(load_deployment(folder, find_manifests())) as hub:
        await hub.run()

        async def rests() -> bool:
            counts = await hub.store.count_runs()
            return set(counts) <= {RunState.DONE.value}

        await eventually(rests)


def test_a_doubt_is_seen_decided_and_carried_out(owned: Path, cli: Cli) -> None:
    anna, almost, number = asyncio.run(_meet(owned))
    told = cli("customers", "reviews")
    for words in (str(number), "Small ERP BP-00001", "Small ERP BP-00002", "data-stewards"):
        assert words in told.out
    assert "Seidl" not in told.out, "in lists nobody looked up, people have no names"
    assert cli("customers", "reviews", "--json").json[0]["customer_id"] == almost
    side = cli("customers", "reviews", str(number))
    for words in (
        f"  {almost}  A. Seidl",
        f"  {anna}  Anna Seidl",
        "person.name.family",
        "given name: the same initial",
        "bits",
    ):
        assert words in side.out
    assert "would have made it" in side.err
    why = cli("customers", "why", anna, EMAIL)
    assert "by rule newest_valid" in why.out
    shown = cli("customers", "show", anna).out
    assert shown.splitlines()[:2] == ["Anna Seidl", anna]
    assert ANNA[EMAIL] in shown
    assert cli("customers", "find", ANNA[EMAIL], "--json").json == [anna]
    merge_id = cli("customers", "decide", "same", str(number), "--reason", "called her", "--json").json["merge_id"]
    asyncio.run(_carry_out(owned))
    assert f"the customer is {anna} now" in cli("customers", "show", almost).err
    assert "stands" in cli("customers", "unmerge", merge_id).out
    cli("customers", "unmerge", merge_id, "--reason", "sisters")
    asyncio.run(_carry_out(owned))
    assert "belongs to its own customer again" in cli("customers", "unmerge", merge_id).out
    again = cli("customers", "merge", anna, almost, "--reason", "sure")
    assert (again.code, "not the same" in again.err) == (ExitCode.REFUSED, True)


def test_who_is_found_is_told_with_place_and_a_shortened_address(owned: Path, cli: Cli) -> None:
    anna, almost, _ = asyncio.run(_meet(owned))
    found = cli("customers", "find", ANNA[EMAIL])
    (line,) = [line for line in found.out.splitlines() if anna in line]
    for words in ("Anna Seidl", "München, DE", "a…@mail.example.net", "Small ERP BP-00001"):
        assert words in line
    assert ANNA[EMAIL] not in found.out
    assert ANNA[EMAIL] in cli("customers", "find", ANNA[EMAIL], "--show-values").out
    assert almost not in found.out
    nobody = cli("customers", "find", "Nobody Atall")
    assert nobody.code == ExitCode.NOT_FOUND
    assert "a whole name" in nobody.err

    async def looks() -> list[str]:
        async with Hub(load_deployment(owned, find_manifests())) as hub:
            return [each.verb for each in await hub.store.list_audit(run_id=f"customer/{anna}")]

    assert "read" in asyncio.run(looks())


def test_why_tells_the_moment_in_the_readers_own_time(owned: Path, cli: Cli) -> None:
    anna, _, _ = asyncio.run(_meet(owned))
    told = cli("customers", "why", anna, EMAIL)
    assert " UTC" not in told.out
    assert "T" not in told.out.split("said so on ")[1].split(",")[0]
    assert " UTC, by rule" in cli("customers", "why", anna, EMAIL, "--json").json["why"]


def test_values_are_pinned_and_given_back(owned: Path, cli: Cli) -> None:
    anna, _, number = asyncio.run(_meet(owned))
    assert cli("customers", "pin", anna, f"{EMAIL}=a@new.example", "--reason", "rang her").code == ExitCode.OK
    assert "a@new.example" in cli("customers", "show", anna).out
    assert "rang her" in cli("customers", "why", anna, EMAIL).out
    assert cli("customers", "unpin", anna, EMAIL, "--reason", "no more").code == ExitCode.OK
    record = cli("customers", "show", anna, "--json").json["records"][0]["record"]
    assert cli("customers", "accept", anna, EMAIL, record, "--reason", "it is right").code == ExitCode.OK
    assert cli("customers", "questions").code == ExitCode.OK
    signature = cli("customers", "reviews", "--json").json[0]["signature"]
    decided = cli("customers", "decide", "not-same", "--all-alike", signature, "--reason", "household")
    assert decided.code == ExitCode.OK, decided.err
    assert cli("customers", "reviews", "--json").json == []
    late = cli("customers", "decide", "same", str(number), "--reason", "late")
    assert late.code == ExitCode.REFUSED
    assert cli("customers", "show", "nobody").code == ExitCode.NOT_FOUND


@pytest.mark.usefixtures("deployment")
def test_a_hub_without_ownership_says_so(cli: Cli) -> None:
    told = cli("customers", "reviews")
    assert told.code == ExitCode.MISCONFIGURED
    assert "ownership.yaml" in told.err
