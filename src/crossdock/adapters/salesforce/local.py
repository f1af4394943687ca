"""An org on this machine, for the demo and for tests: the simulator, with the settings that lead to it."""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.kit.clock import Clock
from crossdock.ports.manifest import Progress


class LocalSalesforce:
    """See `LocalSystem`. `simulator` is there to be seeded, troubled and looked into."""

    def __init__(
        self, *, org: OrgSettings | None = None, clock: Clock | None = None, port: int = 0, pubsub_port: int = 0
    ) -> None:
        self.simulator = SalesforceSimulator(org, clock=clock, port=port, pubsub_port=pubsub_port)
        self._running = False

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """See `LocalSystem.start`."""
        if not self._running:
            await self.simulator.start()
            self._running = True
        if progress is not None:
            progress("Salesforce simulator", 1, 1)
        return connection(self.simulator)

    async def stop(self) -> None:
        """See `LocalSystem.stop`."""
        if self._running:
            self._running = False
            await self.simulator.stop()


def connection(simulator: SalesforceSimulator) -> dict[str, Any]:
    """The settings with which the dock connects to a running simulator, by JWT bearer."""
    credentials = simulator.credentials
    return {
        "login_url": simulator.instance_url,
        "client_id": credentials.client_id,
        "username": credentials.username,
        "private_key": credentials.private_key,
        "pubsub_target": simulator.pubsub_target,
        "pubsub_plaintext": simulator.certificate is None,
        "certificate_file": str(simulator.certificate or ""),
    }
