"""The systems of the demo: a Salesforce simulator, an ERP and a till, found by their manifests, started here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec

from crossdock.bootstrap.adapters import find_manifests
from crossdock.entrypoints.cli.demo.clerks import card_of
from crossdock.entrypoints.cli.demo.deployment import TILL, TILL_TITLE, write_deployment
from crossdock.entrypoints.cli.demo.market import Market, read_market
from crossdock.entrypoints.cli.demo.proxy import Network
from crossdock.entrypoints.cli.demo.shop import SalesDesk
from crossdock.kit.clock import SystemClock
from crossdock.ports.manifest import AdapterManifest, Progress, resolve

ErpName = Literal["tryton", "memory"]

EVENTS = {"gather_seconds": 4.0, "settle_seconds": 0.5, "retry_seconds_max": 2.0, "overlap_seconds": 60}
"""A day in two minutes cannot wait as patiently for events as a real one, nor rest so long between two looks."""

MEMORY_GONE = "P-490"
MEMORY_DEPOTS = ("W1", "W2")
PLENTY = "1000000"
STREAM_IN_FLIGHT = 8
"""Calls at once to the fast ERP: more would only make each one later."""


class ErpKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a local ERP is handled: its address among its settings, what calls look like that place orders.

    `creates` is what those look like that make customers. `over_soon`: it takes orders so fast that a day leaves
    customers no time before the power cut. `linger_seconds`: so long a write to Salesforce waits for others to
    travel with, less where more orders come in a second. `shows` says what it can show of all this, and what not.
    `settings` are what the demo sets besides.
    """

    title: str
    address: str
    writes: str
    decides: str
    creates: str
    stops: bool
    over_soon: bool
    linger_seconds: float
    shows: str
    settings: Mapping[str, Any] = {}


ERPS: Mapping[ErpName, ErpKind] = {
    "tryton": ErpKind(
        title="Tryton",
        address="base_url",
        writes=r'"model\.sale\.sale\.(create|quote|confirm|process)"',
        decides=r'"model\.sale\.sale\.confirm"',
        creates=r'"model\.party\.party\.create"',
        stops=True,
        over_soon=False,
        linger_seconds=8.0,
        shows=(
            "Tryton is a real one; Salesforce and the till are simulators. Tryton keeps terms of payment, but not "
            "whether a credit was approved: until it is, the hub holds orders on invoice back by itself."
        ),
        settings={"customer_poll_seconds": 10.0, "change_overlap_seconds": 20.0},
    ),
    "memory": ErpKind(
        title="Memory ERP",
        address="url",
        writes=r"\A/orders(/confirm)?\n",
        decides=r"\A/orders\n",
        creates=r"\A/partners/write\n",
        stops=False,
        over_soon=True,
        linger_seconds=3.0,
        shows=(
            "ERP, Salesforce and the till are simulators: how a real ERP numbers, keeps and refuses customers "
            "they cannot show. For that, play the day with Tryton."
        ),
    ),
}


class Estate:
    """Salesforce, the till, the ERP and the network before it.

    `start` brings them up, `stop` ends them; twice is fine. With `plenty` there is stock without end, and the
    day is not about customers.
    """

    def __init__(self, folder: Path, erp: ErpName, *, plenty: bool = False) -> None:
        self.folder = folder
        self._plenty = plenty
        self.erp_name = erp
        self.kind = ERPS[erp]
        self.manifests = find_manifests()
        self.salesforce: Any = resolve(self.manifests["salesforce"].local)()
        self.desk = SalesDesk(self.salesforce.simulator)
        self.network = Network(
            *(re.compile(each.encode()) for each in (self.kind.writes, self.kind.decides, self.kind.creates))
        )
        options = {"directory": folder / "tryton", "keep": True} if erp == "tryton" else {}
        self.erp: Any = resolve(self.erp_manifest.local)(**options)
        self.erp_settings: Mapping[str, Any] = {}
        self.till: Any = resolve(self.manifests["memory"].local)()
        self.till_settings: Mapping[str, Any] = {}

    @property
    def has_customers(self) -> bool:
        """Whether the day is about customers, too."""
        return not self._plenty

    @property
    def title(self) -> str:
        """What people call the ERP."""
        return self.kind.title

    @property
    def erp_manifest(self) -> AdapterManifest:
        """The ERP's manifest."""
        return self.manifests[self.erp_name]

    async def start(self, progress: Progress) -> Market:
        """Start everything, fill Salesforce with what the ERP sells, and say what that is.

        Where the day is about customers, those are not in Salesforce yet: the hub is to know the ERP's before.
        """
        salesforce = await self.salesforce.start(progress)
        await self.start_erp(progress)
        if self.erp_name == "memory":
            await self._set_memory_stock()
        dock = self.erp_manifest.make_dock(self.erp_manifest.load_settings(self.erp_settings), SystemClock())
        await dock.open()
        try:
            market = await read_market(dock, progress)
        finally:
            await dock.close()
        progress("filling Salesforce", 0, 1)
        self.desk.stock_the_org(market)
        if self._plenty:
            self.desk.enter_buyers(market, (), announce=False)
        progress("filling Salesforce", 1, 1)
        if self.has_customers:
            self.till_settings = await self.till.start()
            if self.erp_name == "memory":
                await self._open_memory_accounts(market)
        self._write_deployment(salesforce)
        return market

    async def start_erp(self, progress: Progress | None = None) -> None:
        """Start the ERP, or start it again, and let the network lead to where it is now."""
        self.erp_settings = await self.erp.start(progress)
        await self.network.open(self.erp_settings[self.kind.address])

    async def stop_erp(self) -> None:
        """The ERP goes down: connections are refused, what was under way is cut."""
        await self.network.cut()
        if self.kind.stops:
            await self.erp.stop()

    async def bring_back_erp(self) -> None:
        """The ERP comes back with all that it had committed."""
        if self.kind.stops:
            await self.start_erp()
        else:
            await self.network.open()

    async def stop(self) -> None:
        """End all of it."""
        await self.network.close()
        await self.till.stop()
        await self.erp.stop()
        await self.salesforce.stop()

    async def _set_memory_stock(self) -> None:
        """The memory ERP's estate has something of everything: let one product be out, and all others plenty."""
        wanted = {MEMORY_GONE: "0"}
        if self._plenty:
            wanted = {f"P-{number}": PLENTY for number in range(110, 490, 10)} | wanted
        async with httpx.AsyncClient(base_url=self.erp_settings["url"], trust_env=False) as client:
            for product, pieces in wanted.items():
                for depot in MEMORY_DEPOTS:
                    level = {"article": product, "depot": depot, "on_hand": pieces}
                    (await client.post("/_simulator/stock", json=level)).raise_for_status()

    async def _open_memory_accounts(self, market: Market) -> None:
        """The memory ERP's debtors have cards as partners, too, and whoever comes to be a partner may order."""
        async with httpx.AsyncClient(base_url=self.erp_settings["url"], trust_env=False) as client:
            for buyer in (*market.buyers, market.blocked):
                asked = {"write": f"opening/{buyer.number}", "card": card_of(buyer, market)}
                (await client.post("/_simulator/partners", json=asked)).raise_for_status()
        self.erp.surface.open_accounts()

    # ── the deployment ──────────────────────────────────────────────────────────────────────────────

    def _write_deployment(self, salesforce: Mapping[str, Any]) -> None:
        """A deployment like any other."""
        # For speed there is no detour: the network before the ERP costs as much as the ERP itself.
        address = self.erp_settings[self.kind.address] if self._plenty else self.network.url
        limits = self.manifests["salesforce"].limits
        systems: dict[str, dict[str, Any]] = {
            "salesforce": {
                "adapter": "salesforce",
                "title": "Salesforce",
                "settings": {**salesforce, "events": EVENTS},
                "limits": {
                    "in_flight_max": limits.in_flight_max,
                    "daily_budget": 50_000,
                    "batch_max": limits.batch_max,
                    "linger_seconds": self.kind.linger_seconds,
                },
            },
            "erp": {
                "adapter": self.erp_name,
                "title": self.title,
                "settings": {**self.erp_settings, self.kind.address: address, **self.kind.settings},
            },
        }
        if self._plenty:
            systems["erp"]["limits"] = {"in_flight_max": STREAM_IN_FLIGHT}
            systems["erp"]["settings"]["in_flight_max"] = STREAM_IN_FLIGHT
        else:
            systems[TILL] = {"adapter": "memory", "title": TILL_TITLE, "settings": self.till_settings}
        policies = {"acceptance": {"price_tolerance_percent": "1"}, "reference_age_seconds": 60}
        write_deployment(self.folder, systems, policies=policies, customers=not self._plenty)
