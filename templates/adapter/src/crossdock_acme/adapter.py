"""The Acme dock: each method maps, calls and maps back."""

from crossdock.canonical.order import Order
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError, Finding, Invalid
from crossdock.ports.manifest import SystemCheck
from crossdock.ports.order_gateway import Acceptance, ChangePage
from crossdock_acme import mapping, wire
from crossdock_acme.client import AcmeClient
from crossdock_acme.failures import SYSTEM
from crossdock_acme.settings import AcmeSettings


class AcmeDock:
    """An order gateway. It keeps no state but its connection."""

    def __init__(self, settings: AcmeSettings, clock: Clock) -> None:
        self._client = AcmeClient(settings, clock)

    async def open(self) -> None:
        """See `Dock.open`."""
        await self._client.open()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`."""
        try:
            ping = await self._client.read("/ping", wire.Ping)
        except CrossdockError as error:
            return SystemCheck(ok=False, product="Acme", detail=error.message)
        return SystemCheck(ok=True, product=f"{ping.product} {ping.version}", detail="the key is accepted")

    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        """See `OrderGateway.submit_order`. A reference that Acme knows is answered with its order."""
        wanted = mapping.order_to_wire(order, key=key, correlation_id=correlation_id)
        return mapping.acceptance(await self._client.write("/orders", wanted, wire.OrderAnswer))

    async def find_order(self, *, key: str) -> Acceptance | None:
        """See `OrderGateway.find_order`."""
        found = await self._find(key)
        return None if found is None or found.status == mapping.CANCELLED else mapping.acceptance(found)

    async def cancel_order(self, *, key: str, reason: str) -> None:
        """See `OrderGateway.cancel_order`."""
        found = await self._find(key)
        if found is not None and found.status != mapping.CANCELLED:
            note = wire.Problem("cancelled_by_buyer", reason)
            await self._client.write(f"/orders/{found.id}/cancel", note, wire.OrderAnswer)

    async def read_changes(self, cursor: str, *, limit: int) -> ChangePage:
        """See `OrderGateway.read_changes`. The cursor is the last change's number; -1 asks for it alone."""
        if cursor and not (cursor.isascii() and cursor.isdigit()):
            finding = Finding(code="cursor", path="$.cursor", message="not a cursor of this dock")
            raise Invalid(finding.message, code="cursor", system=SYSTEM, findings=[finding])
        page = await self._client.read("/changes", wire.Changes, after=cursor or "-1", limit=limit)
        changes = tuple(mapping.change(item) for item in page.changes)
        return ChangePage(changes=changes, cursor=str(page.last), more=page.more)

    async def _find(self, key: str) -> wire.OrderAnswer | None:
        orders = (await self._client.read("/orders", wire.Orders, ref=key)).orders
        return orders[0] if orders else None
