"""All lanes of one worker, kept in step with the ledger."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Iterator, Mapping

from crossdock.durable.lanes.lane import Lane, log, log_alert
from crossdock.durable.lanes.ledger import LaneLedger
from crossdock.durable.lanes.limits import LaneLimits
from crossdock.durable.lanes.record import LaneAlert, LaneRecord
from crossdock.durable.news import ANYTHING, LANES, News
from crossdock.kit.clock import Clock, Instant, seconds_to_us
from crossdock.kit.errors import Misconfigured

TICK_SECONDS = 1.0


class Lanes(Mapping[str, Lane]):
    """The lanes of a worker by name. Add them, then `start`; `close` when the worker's runs have ended.

    They follow what other workers and operators do: by `news`, where they tell of lanes, else by one question a
    second to the ledger.
    """

    def __init__(
        self,
        ledger: LaneLedger,
        clock: Clock,
        worker_id: str,
        *,
        on_alert: Callable[[LaneAlert], None] = log_alert,
        jitter: Callable[[], float] = random.random,
        news: News | None = None,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._worker_id = worker_id
        self._on_alert = on_alert
        self._jitter = jitter
        self._lanes: dict[str, Lane] = {}
        self._news = news or News()
        self._news.on(self._hear)
        self._records: Mapping[str, LaneRecord] = {}
        self._load_at: Instant = 0
        self._watching: asyncio.Task[None] | None = None

    def add(self, name: str, limits: LaneLimits) -> Lane:
        """Open a lane. Raises Misconfigured where there is one of that name: a system has one set of limits."""
        if name in self._lanes:
            raise Misconfigured(f"there are two lanes named {name}", code="lane-twice", system=name)
        lane = Lane(
            name,
            limits,
            self._ledger,
            self._clock,
            self._worker_id,
            on_alert=self._on_alert,
            jitter=self._jitter,
        )
        self._lanes[name] = lane
        return lane

    def __getitem__(self, name: str) -> Lane:
        return self._lanes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lanes)

    def __len__(self) -> int:
        return len(self._lanes)

    async def start(self) -> None:
        """See how all lanes stand, and follow them from now on. Raises what the ledger raises."""
        await self._tick()
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="lanes-watch")

    async def close(self) -> None:
        """Stop following, and return what the lanes hold."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        for lane in self._lanes.values():
            await lane.close()

    async def _tick(self) -> None:
        now = self._clock.now()
        if now >= self._load_at:
            self._load_at = now + seconds_to_us(self._news.pause_seconds(0.0))
            try:
                self._records = await self._ledger.lane_load_all()
            except BaseException:
                self._load_at = 0
                raise
        for name, lane in self._lanes.items():
            lane.tick(self._records.get(name, LaneRecord()))

    def _hear(self, topics: Collection[str]) -> None:
        if LANES in topics or ANYTHING in topics:
            self._load_at = 0

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            try:
                await self._tick()
            except Exception as error:  # noqa: BLE001 - the lanes go on with what they know until it answers
                log.warning("lane ledger does not answer", exc_type=type(error).__name__)
