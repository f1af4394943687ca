"""How far each consumer of the outbox is behind: in events, and in the age of the oldest it has not got."""

from collections.abc import Sequence

import msgspec

from crossdock.durable.store import Store
from crossdock.kit.clock import MICROSECONDS, Instant

PREFIX = "relay:"


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer: where it has got to, how many events lie behind that, and how long the first has waited."""

    consumer: str
    position: int
    behind: int
    oldest_seconds: float


async def read_backlogs(store: Store, now: Instant) -> Sequence[Backlog]:
    """Every consumer's, by name. Raises StoreUnavailable."""
    latest = await store.last_sequence()
    cursors = await store.read_cursors()
    return [
        await _backlog(store, name.removeprefix(PREFIX), int(position or 0), latest, now)
        for name, position in sorted(cursors.items())
        if name.startswith(PREFIX)
    ]


async def _backlog(store: Store, consumer: str, position: int, latest: int, now: Instant) -> Backlog:
    waiting = await store.read_events(position, 1) if latest > position else []
    return Backlog(
        consumer=consumer,
        position=position,
        behind=max(latest - position, 0),
        oldest_seconds=max(now - waiting[0].at, 0) / MICROSECONDS if waiting else 0.0,
    )
