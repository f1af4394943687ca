"""Where people see how far each consent has got, of one customer or of all (CUS-31). It changes nothing.

Requirements: CUS-31.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyFile, PartyLedger
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.propagation import Consent, Place, consents_of
from crossdock.identity.recognition.index import Doubts
from crossdock.kit.clock import Clock, Instant


class ConsentStore(PartyLedger, Doubts, Protocol):
    """Where customers and doubts about them are kept."""


class LateConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A record that shows another consent than holds, for too long; `status` is what holds."""

    party_id: str
    unit: str
    status: FieldValue
    place: Place


class LatePage(msgspec.Struct, frozen=True, kw_only=True):
    """So many customers were looked at, and this is late of them."""

    looked_at: int
    late: tuple[LateConsent, ...]


class ConsentAudit:
    """Reads how far consents have got. Every method raises StoreUnavailable."""

    def __init__(self, store: ConsentStore, ownership: Ownership, clock: Clock) -> None:
        self._store, self._ownership, self._clock = store, ownership, clock

    def now(self) -> Instant:
        """The time by which everything here is judged."""
        return self._clock.now()

    async def of(self, party_id: str) -> list[Consent] | None:
        """The consents of a customer; none of a retired one, None for nobody."""
        file = await self._store.read_party(party_id) if "\x00" not in party_id else None
        return await self._look(file) if file is not None else None

    async def late(self, within_us: int) -> AsyncIterator[LatePage]:
        """What is not propagated within that time, page by page over all customers."""
        behind = ""
        while party_ids := await self._store.list_parties(behind=behind, limit=PAGE_ROWS_MAX):
            behind = party_ids[-1]
            late: list[LateConsent] = []
            for party_id in party_ids:
                late += await self._late_of(party_id, within_us)
            yield LatePage(looked_at=len(party_ids), late=tuple(late))

    async def _late_of(self, party_id: str, within_us: int) -> list[LateConsent]:
        """History and doubts are read only of a customer who seems to be late: they can make nobody later."""
        file = await self._store.read_party(party_id)
        now = self._clock.now()
        if file is None or not _late(file.party_id, consents_of(file, self._ownership, now), now, within_us):
            return []
        return _late(file.party_id, await self._look(file), now, within_us)

    async def _look(self, file: PartyFile) -> list[Consent]:
        return consents_of(
            file,
            self._ownership,
            self._clock.now(),
            in_doubt=await self._store.is_in_doubt(file.party_id),
            history=await self._store.read_history(file.party_id, limit=PAGE_ROWS_MAX),
        )


def _late(party_id: str, consents: Sequence[Consent], now: Instant, within_us: int) -> list[LateConsent]:
    return [
        LateConsent(
            party_id=party_id,
            unit=consent.unit,
            status=consent.status,
            place=place,
        )
        for consent in consents
        for place in consent.places
        if place.is_late(now, within_us)
    ]
