"""The AvaTax dock: it maps, asks and maps back."""

from collections.abc import Sequence

from crossdock.adapters.avatax import mapping
from crossdock.adapters.avatax.client import AvataxClient
from crossdock.adapters.avatax.failures import SYSTEM
from crossdock.adapters.avatax.settings import AvataxSettings
from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError
from crossdock.ports.address_validator import AddressVerdict
from crossdock.ports.manifest import SystemCheck


class AvataxDock:
    """An address validator. It keeps nothing but its connection."""

    def __init__(self, settings: AvataxSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client = AvataxClient(settings, clock)

    async def open(self) -> None:
        """See `Dock.open`."""
        await self._client.open()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`."""
        try:
            ping = await self._client.ping()
        except CrossdockError as error:
            return SystemCheck(ok=False, product="AvaTax", detail=error.message)
        detail = "the licence key is accepted" if ping.authenticated else "it does not accept the licence key"
        return SystemCheck(ok=ping.authenticated, product=f"AvaTax {ping.version}", detail=detail)

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        """See `AddressValidator`. AvaTax takes one at a time."""
        return [await self._validate(address) for address in addresses]

    async def _validate(self, address: PostalAddress) -> AddressVerdict:
        if not mapping.is_covered(address, self._settings.countries):
            return mapping.not_covered(address, self._clock.now())
        answer = await self._client.resolve(mapping.question(address))
        return mapping.verdict_of(address, answer, self._clock.now())

    def __repr__(self) -> str:
        return f"{SYSTEM} at {self._settings.base_url}"
