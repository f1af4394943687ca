"""A deployment whose hub knows customers of two systems, and all that its database and the systems hold."""

import asyncio
import sqlite3
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import yaml
from psycopg import sql
from tests.hubs import eventually

from crossdock.adapters.memory.simulator.server import shared_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import RunState
from crossdock.identity.golden.fields import Domain
from crossdock.storage.schema import METADATA

SYSTEMS = ("crm", "erp")
SETTLED = {RunState.DONE.value}


class Past(NamedTuple):
    """The deployment's folder, its systems, and where its database is."""

    folder: Path
    systems: Mapping[str, Surface]
    database: str

    def write(self, system: str, card: Mapping[str, Any], *, number: str = "") -> str:
        """Somebody makes or changes a customer in a system; its number there."""
        asked = PartnerWrite(write=uuid.uuid4().hex, card=dict(card), number=number)
        return self.systems[system].partners.write(asked).number

    def own(self, name: str = "ownership.yaml", **owners: str) -> Path:
        """Write an ownership: the CRM owns everything but the domains that are named with their owner."""
        rules = {
            domain.value: {"rule": "owner", "owner": owners.get(domain.value, "crm"), "readers": list(SYSTEMS)}
            for domain in Domain
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump({"domains": rules, "marks": ["crossdock"]}))
        return path

    def work(self, *then: Callable[[Hub], Coroutine[Any, Any, object]], records: Sequence[str] = ()) -> list[Any]:
        """Let the hub work until it knows all of `records` and rests; what `then` says, with rest after each."""
        return asyncio.run(_work(self.folder, then, records))

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table."""
        if self.database.startswith("postgresql:"):
            with psycopg.connect(self.database) as connection:
                return {
                    name: sorted(
                        map(str, connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))))
                    )
                    for name in METADATA.tables
                }
        with closing(sqlite3.connect(self.database)) as connection:
            return {
                name: sorted(map(str, connection.execute(f"SELECT * FROM {name}"))) for name in METADATA.tables
            }

    def written(self) -> dict[str, str]:
        """Everything that each system holds of customers, with its versions."""
        return {
            name: str(surface.partners.read([f"BP-{n:05d}" for n in range(1, 50)]))
            for name, surface in self.systems.items()
        }


def a_past(folder: Path, database: str = "") -> Past:
    """A deployment with two systems and nobody in it."""
    folder.mkdir(exist_ok=True)
    ledgers = {name: f"{name}-{uuid.uuid4().hex[:12]}" for name in SYSTEMS}
    systems = {name: {"adapter": "memory", "settings": {"ledger": ledger}} for name, ledger in ledgers.items()}
    (folder / "systems.yaml").write_text(yaml.safe_dump(systems))
    (folder / "routes.yaml").write_text("erp: erp\n")
    (folder / "hub.yaml").write_text(f"store: {database or 'sqlite:hub.sqlite'}\n")
    past = Past(
        folder,
        {name: shared_surface(ledger) for name, ledger in ledgers.items()},
        database or str(folder / "hub.sqlite"),
    )
    past.own()
    return past


async def _work(
    folder: Path, then: Sequence[Callable[[Hub], Coroutine[Any, Any, object]]], records: Sequence[str]
) -> list[Any]:
    async with Hub(load_deployment(folder, find_manifests())) as hub:
        await hub.run()
        wanted = [ExternalReference(*record.split("/")) for record in records]

        async def rests() -> bool:
            known = await hub.store.find_parties(wanted)
            return len(known) == len(wanted) and set(await hub.store.count_runs()) <= SETTLED

        await eventually(rests)
        answers = []
        for step in then:
            answers.append(await step(hub))
            await eventually(rests)
        return answers
