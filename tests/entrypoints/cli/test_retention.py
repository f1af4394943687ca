"""What ended long ago is shown before it is cleared, by the deployment's own days."""

import asyncio
from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.bootstrap.retention import PROCESSES
from crossdock.durable.records import Commit, RunStart
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Misconfigured

YEARS_AGO = ManualClock()
"""Its time is that of the first day of 2026, which is long ago for all who run this."""


def leave_old_runs(folder: Path) -> None:
    """A run of each kind that ended when 2026 began, and one of an order that is not cleared by default."""

    async def leave() -> None:
        hub = Hub(load_deployment(folder, find_manifests()), YEARS_AGO)
        await hub.store.open()
        names = ("customer_canary", "customer_telling", "order_submission")
        starts = tuple(
            RunStart(run_id=f"{name}/1", process=name, version=1, subject=name, input=b'{"a":1}') for name in names
        )
        await hub.store.apply([Commit(starts=starts)], YEARS_AGO.now())
        await hub.store._write(lambda tx: tx.execute("UPDATE run SET state = 'done', queue = NULL"))
        await hub.store._write(lambda tx: tx.execute("DELETE FROM subject"))
        await hub.store.close()

    asyncio.run(leave())


def test_what_is_due_is_counted_and_then_cleared(cli: Cli, deployment: Path) -> None:
    leave_old_runs(deployment)
    told = cli("retention", "--json").json
    assert {each["kind"]: (each["days"], each["runs"]) for each in told} == {
        "canaries": (7, 1),
        "tellings": (30, 1),
        "orders": (0, 0),
    }
    assert cli("retention", "--now").code == 0
    (deployment / "hub.yaml").write_text("retention: {orders_days: 10}\n")
    told = cli("retention", "--now", "--json").json
    assert {each["kind"]: each["runs"] for each in told} == {"canaries": 0, "tellings": 0, "orders": 1}


def test_beats_that_say_how_a_canary_does_must_be_kept(deployment: Path) -> None:
    (deployment / "hub.yaml").write_text("retention: {canaries_days: 0.02}\n")
    customer = "{system: erp, kind: party, value: BP-1}"
    canary = f"{{customer: {customer}, source: erp, reader: erp, field: x, values: [a, b], every_seconds: 3600}}"
    (deployment / "policies.yaml").write_text(f"canaries: {{slow: {canary}}}\n")
    with pytest.raises(Misconfigured, match=r"retention.canaries_days: the slowest canary"):
        load_deployment(deployment, find_manifests())


def test_only_processes_that_exist_are_cleared(deployment: Path) -> None:
    import crossdock.processes as room  # noqa: PLC0415 - its folder is wanted

    source = "".join(path.read_text() for path in Path(room.__path__[0]).glob("*.py"))
    for name in frozenset().union(*PROCESSES.values()):
        assert f'name="{name}"' in source
