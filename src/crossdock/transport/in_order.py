"""Sending many messages at once, each subject's one after another: what adapters of brokers have in common."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.errors import CrossdockError, Invalid, Unavailable

Send = Callable[[CloudEvent], Awaitable[None]]


async def send_in_order(
    events: Sequence[CloudEvent], send: Send, *, system: str
) -> Sequence[CrossdockError | None]:
    """`send` each event, those of one `partitionkey` in turn and different ones at once; an outcome for each.

    Behind one that failed none of its key is sent. Raises the fault where not one event got through and it is
    the broker's, as `EventSink` asks.
    """
    outcomes: list[CrossdockError | None] = [None] * len(events)
    chains: dict[str, list[int]] = {}
    for index, event in enumerate(events):
        chains.setdefault(event.partitionkey, []).append(index)

    async def send_chain(indices: Sequence[int]) -> None:
        for place, index in enumerate(indices):
            try:
                await send(events[index])
            except CrossdockError as error:
                outcomes[index] = error
                for later in indices[place + 1 :]:
                    outcomes[later] = _behind(system)
                return

    await asyncio.gather(*(send_chain(indices) for indices in chains.values()))
    fault = next((each for each in outcomes if each is not None and not isinstance(each, Invalid)), None)
    if fault is not None and all(outcomes) and not any(isinstance(each, Invalid) for each in outcomes):
        raise fault
    return outcomes


def _behind(system: str) -> Unavailable:
    words = "An earlier event of this subject was not taken"
    return Unavailable(words, code="behind-another", system=system)
