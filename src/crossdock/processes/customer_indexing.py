"""Bringing into the match index what the hub knows already: from before there was one, or under other keys.

    living records in order ─ features and keys ─ each under the party that the ledger says ─ how far it got

One worker at a time does it, from where the last one got to. Until it is complete nobody can say of a new record
whose it is: customers are read when it is.

Requirements: CUS-04, CUS-05.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from crossdock.durable.records import Commit, CursorWrite, EffectStep, Fate, Outcome
from crossdock.durable.store import Positions
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyLedger, record_key
from crossdock.identity.matching.keys import KEYS_VERSION, keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.recognition.index import IndexKnown
from crossdock.identity.recognition.profiles import profile_held
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError, Invalid
from crossdock.kit.failpoints import failpoint

CURSOR = f"match-index:keys-{KEYS_VERSION}"
COMPLETE = "complete"
"""No record goes by this: they have slashes."""
LOOK_SECONDS = 2.0
RETRY_SECONDS_MAX = 60.0

log = structlog.get_logger("indexing")


class CustomerIndexing:
    """Fills the index, or waits until another worker has."""

    def __init__(
        self,
        parties: PartyLedger,
        positions: Positions,
        commit: Callable[[Commit], Awaitable[Outcome]],
        worker_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._parties = parties
        self._positions = positions
        self._commit = commit
        self._worker_id = worker_id
        self._clock = clock
        self._complete = asyncio.Event()

    async def fill(self) -> None:
        """Return once every record has its place. A database that fails is asked again."""
        wait_seconds = LOOK_SECONDS
        while True:
            try:
                await self._go_on()
                if (await self._positions.read_cursors()).get(CURSOR) == COMPLETE:
                    break
                wait_seconds = LOOK_SECONDS
            except CrossdockError as fault:
                log.warning("the match index is not complete yet", code=fault.code)
                wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)
            await self._clock.sleep(wait_seconds)
        self._complete.set()

    async def wait(self) -> None:
        """Return once every record has its place, whoever sees to that."""
        await self._complete.wait()

    async def _go_on(self) -> None:
        position = await self._positions.hold_cursor(CURSOR, self._worker_id())
        while position is not None and position != COMPLETE:
            position = await self._take_page(position)

    async def _take_page(self, position: str) -> str | None:
        """The next records, committed with the new position; None where another worker holds it by now."""
        records = await self._parties.list_records(behind=position, limit=PAGE_ROWS_MAX)
        effects = []
        for record in records:
            effects += _placing(record)
            await asyncio.sleep(0)  # a page takes long, and others are at work
        after = record_key(records[-1].reference) if records else COMPLETE
        moved = CursorWrite(CURSOR, after, self._worker_id())
        failpoint("indexing.page_read")
        outcome = await self._commit(Commit(effects=tuple(effects), cursor=moved))
        failpoint("indexing.page_committed")
        return after if outcome.fate is Fate.APPLIED else None


def _placing(record: HeldRecord) -> list[EffectStep]:
    """Its place; none for a record that fits no field any more, which must not hold up the rest."""
    key = record_key(record.reference)
    try:
        features = features_of(profile_held(record))
    except Invalid as fault:
        log.warning("nobody is recognised by this record", record=key, code=fault.code)
        return []
    return [EffectStep(key, IndexKnown(record=key, features=features, keys=keys_of(features)))]
