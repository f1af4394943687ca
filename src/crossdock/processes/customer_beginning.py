"""Since when this hub keeps customers: what bears its mark from before is no echo, but what a system has to say.

A new hub often comes to systems to which another one wrote in its name, under the same user. It knows nothing of
that, so nothing of it can be its own. The moment is kept once and for all, before the first customer is read.

Requirements: CUS-03, CUS-19.
"""

from collections.abc import Awaitable, Callable

import structlog

from crossdock.durable.records import Commit, CursorWrite, Fate, Outcome
from crossdock.durable.store import Positions
from crossdock.identity.golden.ledger import PartyLedger
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.errors import CrossdockError

CURSOR = "customers-began"
UNKNOWN = "0"
"""A hub of before there was this had customers already."""
LOOK_SECONDS = 2.0

log = structlog.get_logger("customers")


class Beginning:
    """When the hub began to keep customers; by all workers of a hub the same moment."""

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
        self.at: Instant = 0

    async def settle(self) -> None:
        """Return once `at` is known: from then on it stays. A database that fails is asked again."""
        while True:
            try:
                if position := (await self._positions.read_cursors()).get(CURSOR, ""):
                    self.at = int(position)
                    return
                if await self._keep():
                    continue
            except CrossdockError as fault:
                log.warning("it is not known yet since when customers are kept", code=fault.code)
            await self._clock.sleep(LOOK_SECONDS)

    async def _keep(self) -> bool:
        """Keep this moment; False where another worker is about to."""
        if await self._positions.hold_cursor(CURSOR, self._worker_id()) is None:
            return False
        has_customers = bool(await self._parties.list_parties(limit=1))
        position = UNKNOWN if has_customers else str(self._clock.now())
        outcome = await self._commit(Commit(cursor=CursorWrite(CURSOR, position, self._worker_id())))
        return outcome.fate is Fate.APPLIED
