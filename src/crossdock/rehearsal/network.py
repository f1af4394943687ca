"""The way from a machine to an outside system: latency, and everything that can happen to a call.

A call that has left is out of the machine's hands: it may land after the caller gave up, after the machine died,
or after others took its work over.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from typing import Literal, TypeVar

import msgspec

from crossdock.durable.lease import check_lease
from crossdock.kit.errors import Throttled, Unavailable
from crossdock.rehearsal.chance import Chance
from crossdock.rehearsal.loop import Attempt, VirtualLoop, attempt
from crossdock.transport.http import unheard

T = TypeVar("T")

Trouble = Literal[
    "request_lost", "answer_lost", "answer_late", "lands_late", "lands_twice", "refused", "throttled", "slow"
]
"""What can happen to one call. `request_lost` and `answer_lost`: the caller waits until its time is over;
`answer_late`: so late that the caller does not hear it; `lands_late`: the caller gives up, the call is carried out
later; `lands_twice`: something on the way sends it again; `refused`: the system answers that it does not work now.
"""


class Weather(msgspec.Struct):
    """How the system and the way to it are at present. Set a field, and every call from now on meets it.

    `down`: connections are refused. `hung`: connections are taken and nothing is ever answered. `slowness`
    multiplies every latency. `rate_per_second`: what is more is answered with 429 (0: everything is taken).
    """

    down: bool = False
    hung: bool = False
    slowness: float = 1.0
    rate_per_second: float = 0.0


class Call(msgspec.Struct, frozen=True):
    """One call on its way: the `number`th of its method and key, so that a replay meets it again."""

    system: str
    method: str
    key: str
    number: int
    writes: bool


class Link:
    """The way to one system. `trouble_of` says what befalls a call, and for how many seconds where that matters.

    Latency is drawn between `latency_seconds` once each way; `watch` hears of everything that happened.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        world: Context,
        chance: Chance,
        system: str,
        *,
        trouble_of: Callable[[Call], tuple[Trouble, float] | None] = lambda _call: None,
        latency_seconds: tuple[float, float] = (0.01, 0.08),
        timeout_seconds: float = 5.0,
        watch: Callable[[Call, str], None] = lambda _call, _what: None,
    ) -> None:
        self.system = system
        self.weather = Weather()
        self.calls: Counter[str] = Counter()
        self._loop = loop
        self._world = world
        self._chance = chance
        self._trouble_of = trouble_of
        self._latency_seconds = latency_seconds
        self._timeout_seconds = timeout_seconds
        self._watch = watch
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._free_at = 0.0

    async def call(self, method: str, key: str, serve: Callable[[], T], *, writes: bool = False) -> T:
        """What `serve` returns or raises at the system.

        Raises Unavailable, Throttled or OutcomeUnknown as the network and the weather have it.
        """
        if writes:
            check_lease(self.system)
        self._numbers[method, key] += 1
        call = Call(self.system, method, key, self._numbers[method, key], writes)
        self.calls[method] += 1
        answer: asyncio.Future[T] = self._loop.create_future()
        trouble, seconds = self._trouble_of(call) or (None, 0.0)
        if self.weather.down:
            await asyncio.sleep(self._way(call, "back"))
            self._watch(call, "connection refused")
            raise Unavailable(f"{self.system} cannot be reached", code="unreachable", system=self.system)
        self._watch(call, trouble or "sent")
        if self.weather.hung or trouble == "request_lost":
            pass
        elif trouble in {"refused", "throttled"}:
            refusal: Attempt[T] = Attempt(None, self._refusal(trouble, seconds))
            self._later(self._way(call, "there") + self._way(call, "back"), refusal.tell, answer)
        else:
            there = self._way(call, "there") + (seconds if trouble in {"lands_late", "slow"} else 0.0)
            lost = trouble in {"answer_lost", "lands_late"}
            late = seconds if trouble == "answer_late" else 0.0
            self._later(there, self._land, call, serve, None if lost else answer, late)
            if trouble == "lands_twice":
                self._later(there + seconds, self._land, call, serve, None, 0.0)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await answer
        except TimeoutError:
            self._watch(call, "gave up")
            raise unheard(self.system, writes=writes) from None

    def _land(
        self, call: Call, serve: Callable[[], T], answer: asyncio.Future[T] | None, late_seconds: float
    ) -> None:
        """The call is there: the system does its work at once, or has no time for it."""
        now = self._loop.time()
        rate = self.weather.rate_per_second
        if rate and self._free_at > now + 1.0:
            done: Attempt[T] = Attempt(None, self._refusal("throttled", self._free_at - now))
        else:
            self._free_at = max(self._free_at, now) + (1.0 / rate if rate else 0.0)
            done = attempt(serve)
            self._watch(call, "landed")
        if answer is not None:
            self._later(self._way(call, "back") + late_seconds, done.tell, answer)

    def _refusal(self, trouble: str, seconds: float) -> Exception:
        if trouble == "throttled":
            return Throttled(
                f"{self.system} asks for less", code="throttled", system=self.system, retry_after_seconds=seconds
            )
        return Unavailable(f"{self.system} does not work now", code="unavailable", system=self.system)

    def _way(self, call: Call, way: str) -> float:
        least, most = self._latency_seconds
        unit = self._chance.unit(self.system, call.method, call.key, call.number, way)
        return (least + unit * (most - least)) * self.weather.slowness

    def _later(self, seconds: float, what: Callable[..., object], *args: object) -> None:
        self._loop.call_later(seconds, what, *args, context=self._world)
