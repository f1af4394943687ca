"""The systems of the demo: a Salesforce simulator and an ERP, found by their manifests and started here."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec
import yaml

from crossdock.bootstrap.adapters import find_manifests
from crossdock.entrypoints.cli.demo.market import Market, read_market
from crossdock.entrypoints.cli.demo.proxy import Network
from crossdock.entrypoints.cli.demo.shop import SalesDesk
from crossdock.kit.clock import SystemClock
from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import AdapterManifest, Progress, resolve

ErpName = Literal["tryton", "memory"]

EVENTS = {"gather_seconds": 4.0, "settle_seconds": 0.5, "retry_seconds_max": 2.0, "overlap_seconds": 60}
"""A day in two minutes cannot wait as patiently for events as a real one."""

MEMORY_GONE = "P-490"
MEMORY_DEPOTS = ("W1", "W2")
PLENTY = "1000000"
STREAM_IN_FLIGHT = 8
"""Calls at once to the fast ERP: more would only make each one later."""

STATUS_LINGER_SECONDS = 8.0
_SECRET_NAMES = re.compile("password|secret|key|token")


class ErpKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a local ERP is handled: its address among its settings, and how calls that place orders look."""

    address: str
    writes: str
    decides: str
    stops: bool


ERPS: Mapping[ErpName, ErpKind] = {
    "tryton": ErpKind(
        address="base_url",
        writes=r'"model\.sale\.sale\.(create|quote|confirm|process)"',
        decides=r'"model\.sale\.sale\.confirm"',
        stops=True,
    ),
    "memory": ErpKind(
        address="url",
        writes=r"\A/orders(/confirm)?\n",
        decides=r"\A/orders\n",
        stops=False,
    ),
}


class Estate:
    """Salesforce, the ERP and the network before it. `start` brings them up, `stop` ends them; twice is fine."""

    def __init__(self, folder: Path, erp: ErpName, *, plenty: bool = False) -> None:
        self.folder = folder
        self._plenty = plenty
        self.erp_name = erp
        self.kind = ERPS[erp]
        self.manifests = find_manifests()
        self.salesforce: Any = resolve(self.manifests["salesforce"].local)()
        self.desk = SalesDesk(self.salesforce.simulator)
        self.network = Network(re.compile(self.kind.writes.encode()), re.compile(self.kind.decides.encode()))
        options = {"directory": folder / "tryton", "keep": True} if erp == "tryton" else {}
        self.erp: Any = resolve(self.erp_manifest.local)(**options)
        self.erp_settings: Mapping[str, Any] = {}

    @property
    def erp_manifest(self) -> AdapterManifest:
        """The ERP's manifest."""
        return self.manifests[self.erp_name]

    async def start(self, progress: Progress) -> Market:
        """Start everything, fill Salesforce with what the ERP sells, and say what that is."""
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
        progress("filling Salesforce", 1, 1)
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

    # ── the deployment ──────────────────────────────────────────────────────────────────────────────

    def _write_deployment(self, salesforce: Mapping[str, Any]) -> None:
        """A deployment like any other: four files, and credentials in files of their own."""
        # For speed there is no detour: the network before the ERP costs as much as the ERP itself.
        address = self.erp_settings[self.kind.address] if self._plenty else self.network.url
        erp = {**self.erp_settings, self.kind.address: address}
        limits = self.manifests["salesforce"].limits
        systems: dict[str, dict[str, Any]] = {
            "salesforce": {
                "adapter": "salesforce",
                "title": "Salesforce",
                "settings": {**self._by_reference("salesforce", salesforce), "events": EVENTS},
                "limits": {
                    "in_flight_max": limits.in_flight_max,
                    "daily_budget": 50_000,
                    "batch_max": limits.batch_max,
                    "linger_seconds": STATUS_LINGER_SECONDS,
                },
            },
            "erp": {
                "adapter": self.erp_name,
                "title": "Tryton" if self.erp_name == "tryton" else "Memory ERP",
                "settings": self._by_reference("erp", erp),
            },
        }
        if self._plenty:
            systems["erp"]["limits"] = {"in_flight_max": STREAM_IN_FLIGHT}
            systems["erp"]["settings"]["in_flight_max"] = STREAM_IN_FLIGHT
        routes = {"erp": "erp", "order_sources": ["salesforce"], "status_sinks": ["salesforce"]}
        policies = {"acceptance": {"price_tolerance_percent": "1"}, "reference_age_seconds": 60}
        hub = {"name": "demo", "store": "sqlite:.crossdock/hub.sqlite", "http": {"host": "127.0.0.1"}}
        for name, part in {"systems": systems, "routes": routes, "policies": policies, "hub": hub}.items():
            text = yaml.safe_dump(part, sort_keys=False, allow_unicode=True)
            (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")

    def _by_reference(self, system: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings with every credential moved to a file that only its owner reads."""
        written: dict[str, Any] = {}
        for name, value in settings.items():
            plain = value.reveal() if isinstance(value, Secret) else value
            secret = isinstance(value, Secret) or (isinstance(value, str) and _SECRET_NAMES.search(name))
            written[name] = {"file": self._keep_secret(f"{system}-{name}", str(plain))} if secret else plain
        return written

    def _keep_secret(self, name: str, value: str) -> str:
        folder = self.folder / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(value)
        return str(path.relative_to(self.folder))
