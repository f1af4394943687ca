"""Questions and verbs that the API and the console have in common."""

from http import HTTPStatus

from crossdock.canonical.status import OrderStatus
from crossdock.durable.lanes import Lane
from crossdock.entrypoints.entrance.context import Entrance
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.insight.journey import Journey, read_journey
from crossdock.kit.errors import Finding


async def find_journey(entrance: Entrance, order_id: str) -> Journey:
    """The journey of an order. Raises Problem (404) where nobody heard of it."""
    hub = entrance.hub
    told = None
    if "\x00" not in order_id:
        told = await read_journey(hub.store, order_id, hub.clock.now(), sinks=entrance.sinks)
    if told is None:
        raise Problem(HTTPStatus.NOT_FOUND, "order-unknown")
    return told


def status_of(text: str | None) -> OrderStatus | None:
    """The status that a parameter names; None where nothing was asked for. Raises Problem for anything else."""
    if text is None:
        return None
    try:
        return OrderStatus(text)
    except ValueError:
        finding = Finding("bad-parameter", "status", f"must be one of {', '.join(OrderStatus)}")
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-parameter", finding.message, findings=[finding]) from None


def lane_of(entrance: Entrance, name: str) -> Lane:
    """The lane of a system. Raises Problem (404) where there is none of that name."""
    lane = entrance.hub.lanes.get(name)
    if lane is None:
        raise Problem(HTTPStatus.NOT_FOUND, "lane-unknown")
    return lane


async def pause(entrance: Entrance, name: str, *, actor: str, reason: str) -> None:
    """Stop a lane on every worker. Raises Problem (404)."""
    await lane_of(entrance, name).pause(actor=actor, reason=reason)


async def resume(entrance: Entrance, name: str, *, actor: str, reason: str = "") -> None:
    """Free a lane. Raises Problem (404)."""
    await lane_of(entrance, name).resume(actor=actor, reason=reason)
