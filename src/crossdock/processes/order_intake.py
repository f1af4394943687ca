"""Reading orders from a source without losing or doubling any, gaps included.

    arrivals ─ inbox ─ runs        the position moves in the wake of its arrivals
       └ gap ─ refill by query ─ count proof: seen + refilled = changed

Requirements: EVT-04, RES-01, RES-12, RES-18; pains 7, 9.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from crossdock.contracts.sources import SourceGap
from crossdock.durable.codec import encode
from crossdock.durable.lanes import LaneClosed
from crossdock.durable.records import Commit, CursorWrite, Fate, Outcome, Outgoing
from crossdock.durable.store import Positions
from crossdock.kit.clock import Clock, iso
from crossdock.kit.errors import CrossdockError
from crossdock.kit.failpoints import failpoint
from crossdock.ports.order_source import Arrival, Gap, OrderSource

PROOF_ATTEMPTS_MAX = 5
PROOF_WAIT_SECONDS = 2.0
STANDBY_SECONDS = 2.0
RETRY_SECONDS_FIRST = 1.0
RETRY_SECONDS_MAX = 60.0

log = structlog.get_logger("intake")

TakeArrival = Callable[[str, Arrival], Awaitable[str]]


class GapProof(msgspec.Struct, frozen=True, kw_only=True):
    """How a gap was closed, or by how much it was not."""

    seen: int
    refilled: int
    changed: int

    @property
    def closed(self) -> bool:
        """Everything that changed was seen before or refilled now."""
        return self.seen + self.refilled == self.changed


class OrderIntake:
    """Pumps one source into the hub. `name` is the source's name in inbox, cursor and events."""

    def __init__(
        self,
        name: str,
        source: OrderSource,
        take: TakeArrival,
        commit: Callable[[Commit], Awaitable[Outcome]],
        positions: Positions,
        worker_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._name = name
        self._source = source
        self._take = take
        self._commit = commit
        self._positions = positions
        self._worker_id = worker_id
        self._clock = clock
        self.taken: Counter[str] = Counter()
        self.trouble = ""
        self._batches = 0

    async def run_forever(self) -> None:
        """Read until cancelled. A source that fails is asked again, less and less often until it answers."""
        wait_seconds = RETRY_SECONDS_FIRST
        while True:
            batches_before = self._batches
            try:
                await self._read()
            except LaneClosed as closed:
                self.trouble = f"{closed.lane}: {closed.detail or closed.reason}"
            except CrossdockError as fault:
                self.trouble = fault.message
                log.warning("source failed", source=self._name, code=fault.code, vendor_code=fault.vendor_code)
            except Exception as error:
                self.trouble = type(error).__name__
                log.exception("source failed", source=self._name, exc_type=type(error).__name__)
            if self._batches > batches_before:
                wait_seconds = RETRY_SECONDS_FIRST
            await self._clock.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)

    async def _read(self) -> None:
        position = await self._positions.hold_cursor(self._cursor, self._worker_id())
        while position is None:
            await self._clock.sleep(STANDBY_SECONDS)
            position = await self._positions.hold_cursor(self._cursor, self._worker_id())
        failpoint("intake.source_held")
        async with contextlib.aclosing(self._source.arrivals(position)) as batches:
            async for batch in batches:
                self.trouble = ""
                if batch.gap is not None:
                    await self.close_gap(batch.gap)
                failpoint("intake.batch_read")
                await self._take_all(batch.arrivals)
                failpoint("intake.batch_taken")
                moved = CursorWrite(self._cursor, batch.position, self._worker_id())
                if (await self._commit(Commit(cursor=moved))).fate is not Fate.APPLIED:
                    return  # another worker reads now, from where we got to
                failpoint("intake.position_moved")
                self._batches += 1

    @property
    def _cursor(self) -> str:
        return f"source:{self._name}"

    async def _take_all(self, arrivals: Sequence[Arrival]) -> Counter[str]:
        """All at once: they share the transactions that make them durable."""
        taken = Counter(await asyncio.gather(*(self._take(self._name, arrival) for arrival in arrivals)))
        self.taken.update(taken)
        return taken

    async def close_gap(self, gap: Gap) -> GapProof:
        """Refill a gap by query and prove it closed; the operator sees both in the events."""
        await self._tell(gap, "open", GapProof(seen=0, refilled=0, changed=0))
        log.warning("gap", source=self._name, window=f"{iso(gap.since)}/{iso(gap.until)}")
        refilled = 0
        for _attempt in range(PROOF_ATTEMPTS_MAX):
            known, refilled_before = 0, refilled
            async for batch in self._source.refill(gap):
                taken = await self._take_all(batch.arrivals)
                known += taken["known"] + taken["changed"]
                refilled += len(batch.arrivals) - taken["known"] - taken["changed"]
            changed = await self._source.count_changed(gap)
            # What an earlier attempt refilled is known to the later ones: it counts once.
            proof = GapProof(seen=known - refilled_before, refilled=refilled, changed=changed)
            if proof.closed:
                break
            await self._clock.sleep(PROOF_WAIT_SECONDS)
        await self._tell(gap, "closed" if proof.closed else "not_proved", proof)
        return proof

    async def _tell(self, gap: Gap, state: str, proof: GapProof) -> None:
        event = SourceGap(
            source=self._name,
            since=gap.since,
            until=gap.until,
            reason=gap.reason,
            state=state,
            seen=proof.seen,
            refilled=proof.refilled,
            changed=proof.changed,
        )
        subject = f"source/{self._name}"
        await self._commit(Commit(events=(Outgoing(event.type, subject, encode(event), subject),)))
