"""The example deployment on this machine: its own files, with a simulated Salesforce org and a real Tryton.

Only addresses, credentials and paces differ from what is delivered; and that customers are created in the ERP,
those of companies without the process of their own.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog
import yaml
from tests.adapters.salesforce.orgs import QUICK, TestOrg, running_org
from tests.adapters.tryton.bench import TrytonBench

from crossdock.adapters.salesforce import party_mapping
from crossdock.adapters.salesforce.local import connection
from crossdock.adapters.salesforce.settings import CONTACT_TOPIC
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import Deployment, load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.identity.golden.fields import fields_of
from crossdock.kit import failpoints
from crossdock.kit.clock import seconds_to_us
from crossdock.kit.redaction import Secret
from crossdock.processes import order_intake

EXAMPLE = Path(__file__).parents[3] / "deployments" / "example"
SETTLES_SECONDS = 1.0
"""Here nothing lands later than its answer is lost: what is not there then never will be."""

LEASE_SECONDS = 2.0
LEFT_OVER = 3
PROCESSES = multiprocessing.get_context("forkserver")
PATIENCE_SECONDS = 240.0
"""Whoever meets another's write waits a minute for what that one has to say, and may meet one more."""


Until = Callable[[Hub, str], Awaitable[bool]]
"""Whether what was waited for has come, as to a record, a merge, a run."""


class Retailer:
    """Both systems, and the folder of the deployment that connects them."""

    def __init__(self, org: TestOrg, tryton: TrytonBench, folder: Path, store: str) -> None:
        self.org = org
        self.tryton = tryton
        self.folder = folder
        self._write_files(store)

    def merges(self, **systems: Mapping[str, str]) -> None:
        """Say what becomes of the records of customers who are one, by system."""
        ownership = yaml.safe_load((self.folder / "ownership.yaml").read_text("utf-8"))
        self._write("ownership", ownership | {"merging": systems})

    def opens(self, doors: Mapping[str, Any], *channels: str) -> None:
        """Let further systems and channels bring customers: heard after Salesforce, and the ERP is told."""
        systems = yaml.safe_load((self.folder / "systems.yaml").read_text("utf-8"))
        self._write("systems", systems | doors)
        routes = yaml.safe_load((self.folder / "routes.yaml").read_text("utf-8"))
        self._write("routes", routes | {"customer_channels": list(channels)})
        ownership = yaml.safe_load((self.folder / "ownership.yaml").read_text("utf-8"))
        heard = {"rule": "precedence", "precedence": ["salesforce", *channels, *doors, "erp"], "readers": ["erp"]}
        domains = {"identity": heard, "contact": heard}
        self._write("ownership", ownership | {"domains": ownership["domains"] | domains})

    def watches(self, **canaries: Mapping[str, Any]) -> None:
        """Say which customers are edited on purpose, to time how long that takes."""
        policies = yaml.safe_load((self.folder / "policies.yaml").read_text("utf-8"))
        self._write("policies", policies | {"canaries": canaries})

    def knows_contacts(self, *topics: str, **rules: Mapping[str, Any]) -> None:
        """Let contacts be customers, and the ERP get a record of each; `rules` are of domains of fields."""
        systems = yaml.safe_load((self.folder / "systems.yaml").read_text("utf-8"))
        customers = {"topics": ["/data/AccountChangeEvent", CONTACT_TOPIC, *topics]}
        systems["salesforce"]["settings"]["customers"] = customers
        self._write("systems", systems)
        ownership = yaml.safe_load((self.folder / "ownership.yaml").read_text("utf-8"))
        domains = ownership["domains"] | rules
        self._write("ownership", ownership | {"creates_contacts": ["erp"], "domains": domains})

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        """A hub at work."""
        async with Hub(deployment_in(self.folder)) as hub:
            await hub.run()
            yield hub

    def account(self, record: str) -> dict[str, Any]:
        """An account as the org has it."""
        return self.org.row(record, "Account")

    async def parties(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Every party of that name that Tryton has."""
        fields = ["code", "active", "write_date", "addresses.city", "contact_mechanisms.value", "categories.name"]
        domain = [("name", "=", name), ("active", "in", [True, False])]
        return await self.tryton.admin.search_read("party.party", domain, fields)

    def _write_files(self, store: str) -> None:
        self._write("routes", yaml.safe_load((EXAMPLE / "routes.yaml").read_text("utf-8")))
        policies = yaml.safe_load((EXAMPLE / "policies.yaml").read_text("utf-8"))
        self._write("policies", {name: part for name, part in policies.items() if name != "onboarding"})
        ownership = yaml.safe_load((EXAMPLE / "ownership.yaml").read_text("utf-8"))
        systems = yaml.safe_load((EXAMPLE / "systems.yaml").read_text("utf-8"))
        systems["salesforce"]["settings"] |= self._by_file(connection(self.org.simulator)) | {"events": QUICK}
        systems["salesforce"]["limits"]["linger_seconds"] = 0.05
        tryton = {"customer_poll_seconds": 0.3, "change_overlap_seconds": 2.0, **self.tryton.settings}
        systems["erp"]["settings"] |= self._by_file(tryton)
        self._write("systems", systems)
        self._write("ownership", ownership | {"creates": ["erp"]})
        self._write("hub", {"name": "example", "store": store})

    def _write(self, name: str, content: object) -> None:
        (self.folder / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")

    def _by_file(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings with each credential in a file of its own, as a deployment has it."""
        written: dict[str, Any] = {}
        for name, value in settings.items():
            plain = value.reveal() if isinstance(value, Secret) else value
            if isinstance(value, Secret) or name in ("private_key", "client_id", "username"):
                (self.folder / name).write_text(str(plain), "utf-8")
                written[name] = {"file": name}
            else:
                written[name] = plain
        return written


def deployment_in(folder: Path) -> Deployment:
    """The deployment of a folder, with lost answers settled at once."""
    manifests = {
        name: msgspec.structs.replace(manifest, outcome_settles_seconds=SETTLES_SECONDS)
        for name, manifest in find_manifests().items()
    }
    return load_deployment(folder, manifests)


@asynccontextmanager
async def a_retailer(tryton: TrytonBench, folder: Path, store: str) -> AsyncIterator[Retailer]:
    """An org without customers of its own, beside a Tryton that has the estate's."""
    async with running_org() as org:
        org.simulator.seed.delete("Account", org.account, announce=False)
        yield Retailer(org, tryton, folder, store)


# ── hubs that die ───────────────────────────────────────────────────────────────────────────────────────


async def is_numbered(hub: Hub, record: str) -> bool:
    """Whether the account shows the ERP's number."""
    (found,) = await hub.docks["salesforce"].read_customers([party_mapping.reference_to(record)])
    return bool(found and fields_of(found.says).get("account.number"))


def died(folder: Path, point: str, visits: int, what: str, until: Until = is_numbered) -> bool:
    """Let a hub of its own process work until it passes a place so many times, or what is waited for has come."""
    facts = (folder, point, visits, what, until)
    process = PROCESSES.Process(target=_work, args=facts, name=f"a hub, to die at {point}")
    process.start()
    process.join(PATIENCE_SECONDS)
    assert process.exitcode in {0, -signal.SIGKILL}, f"{process.name} ended with {process.exitcode}"
    return process.exitcode != 0


def _work(folder: Path, point: str, visits: int, what: str, until: Until) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=Path(os.devnull).open("w")))  # noqa: SIM115
    order_intake.STANDBY_SECONDS = 0.05
    left = visits

    def passing(name: str) -> None:
        nonlocal left
        left -= name == point
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.arm(passing)
    sys.exit(asyncio.run(_until(folder, what, until)))


async def _until(folder: Path, what: str, until: Until) -> int:
    async with Hub(deployment_in(folder)) as hub:
        hub.worker._lease_us = seconds_to_us(LEASE_SECONDS)
        hub.worker._beat_seconds = LEASE_SECONDS / 3
        await hub.run()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await until(hub, what):  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return LEFT_OVER
    return 0
