"""What goes wrong in the course of the day, in this order, and in words."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx

from crossdock.entrypoints.cli.demo.estate import Estate
from crossdock.entrypoints.cli.demo.hub_process import HubProcess

OUTAGE_SHARE, OUTAGE_SECONDS = 0.15, (2.0, 8.0)
ABSENCE_SHARE, ABSENCE_SECONDS = 0.06, (1.0, 4.0)
"""How much of the day each takes, and the least and the most of it in seconds."""

TWICE_BATCHES = 3
ANSWERS_LOST = 2
OVERFLOWS = 4
LOCKED_ROWS = 3


class Narrator(Protocol):
    """Tells whoever watches what is going wrong just now."""

    def tell(self, text: str, *, good: bool = False) -> None:
        """One sentence."""
        ...


@dataclass(frozen=True)
class Scene:
    """What the troubles happen to, on a day on which orders are handed in for so many seconds."""

    estate: Estate
    hub: HubProcess
    narrator: Narrator
    day_seconds: float

    def lasting(self, share: float, least_and_most: tuple[float, float]) -> float:
        """So much of the day, in seconds."""
        least, most = least_and_most
        return min(max(share * self.day_seconds, least), most)


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong once so much of the day is over (0 to 1)."""

    share: float
    name: str
    act: Callable[[Scene], Awaitable[None]]


async def deliver_twice(scene: Scene) -> None:
    """At least once means sometimes twice."""
    await _simulator(scene, {"fault": "deliver_twice", "times": TWICE_BATCHES})
    scene.narrator.tell("Salesforce delivers events twice. The inbox takes each order once.")


async def lose_answers(scene: Scene) -> None:
    """The ERP commits, and nobody hears of it."""
    scene.estate.network.lose_answers(ANSWERS_LOST)
    scene.narrator.tell(
        f"The ERP commits {ANSWERS_LOST} orders, and the connection breaks before its answer. "
        "The hub asks for them by key before it tries anything again."
    )


async def take_erp_down(scene: Scene) -> None:
    """The ERP is gone for a while; what it was doing is cut off."""
    title = "Tryton is stopped" if scene.estate.kind.stops else "The way to the ERP is cut"
    seconds = scene.lasting(OUTAGE_SHARE, OUTAGE_SECONDS)
    scene.narrator.tell(f"{title} for {seconds:.0f} s. Orders are taken all the same, and say that they wait.")
    await scene.estate.stop_erp()
    await asyncio.sleep(seconds)
    await scene.estate.bring_back_erp()
    scene.narrator.tell("The ERP is back. One call goes first; then the lane opens.", good=True)


async def lose_events(scene: Scene) -> None:
    """Salesforce says only that something changed, not what."""
    await _simulator(scene, {"fault": "overflow", "sobject": "Order", "times": OVERFLOWS})
    scene.narrator.tell(
        f"Salesforce is overrun: of {OVERFLOWS} orders it only says that there was something (GAP_OVERFLOW). "
        "The hub reads them by query and proves by count that none is missing."
    )


async def kill_hub(scene: Scene) -> None:
    """A power cut, while Salesforce forgets where we were."""
    await scene.hub.kill()
    scene.narrator.tell("The hub is killed (kill -9) in the middle of its work.")
    await asyncio.sleep(scene.lasting(ABSENCE_SHARE, ABSENCE_SECONDS))
    scene.estate.salesforce.simulator.age_out_events()
    scene.narrator.tell(
        "While it is away, Salesforce forgets its events: the position we stored is worth nothing."
    )
    await scene.hub.start()
    scene.narrator.tell("The hub is back: every run goes on behind its last finished step.", good=True)


async def lock_rows(scene: Scene) -> None:
    """Somebody else is writing on the same records."""
    for record in list(scene.estate.desk.records)[-LOCKED_ROWS:]:
        await _simulator(scene, {"fault": "lock_rows", "record": record})
    scene.narrator.tell(f"Somebody in Salesforce holds {LOCKED_ROWS} of the records whose status we write.")


TROUBLES: Sequence[Trouble] = (
    Trouble(0.05, "events twice", deliver_twice),
    Trouble(0.12, "answers lost", lose_answers),
    Trouble(0.20, "ERP down", take_erp_down),
    Trouble(0.55, "events missing", lose_events),
    Trouble(0.68, "hub killed", kill_hub),
    Trouble(0.92, "rows locked", lock_rows),
)


async def _simulator(scene: Scene, fault: dict[str, object]) -> None:
    """Switch a fault of the simulator on, by its control panel."""
    address = scene.estate.salesforce.simulator.instance_url
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        (await client.post("/_simulator/faults", json=fault)).raise_for_status()
