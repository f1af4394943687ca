"""The console's pages: orders, one order, parked work, lanes."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from crossdock.durable.desk import Preview
from crossdock.durable.lanes import LaneState
from crossdock.durable.records import RunState
from crossdock.durable.store import RunView
from crossdock.entrypoints.console.alerts import find_alerts
from crossdock.entrypoints.console.assets import console_asset
from crossdock.entrypoints.console.credit_pages import ROUTES as CREDIT_ROUTES
from crossdock.entrypoints.console.customer_pages import ROUTES as CUSTOMER_ROUTES
from crossdock.entrypoints.console.customer_pages import page
from crossdock.entrypoints.console.rendering import SEE_OTHER
from crossdock.entrypoints.console.sessions import HOME, here_of
from crossdock.entrypoints.console.sessions import ROUTES as SESSION_ROUTES
from crossdock.entrypoints.console.timeline import draw
from crossdock.entrypoints.console.verbs import ROUTES as VERB_ROUTES
from crossdock.entrypoints.entrance.asking import find_journey, status_of
from crossdock.entrypoints.entrance.backlogs import read_backlogs
from crossdock.entrypoints.entrance.context import Asked, Entrance, Here
from crossdock.entrypoints.entrance.paging import cursor_of, position_of, text_of
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.entrypoints.entrance.stewarding import look_at_subject
from crossdock.insight.journey import Journey, ParkedWork
from crossdock.kit.errors import Invalid

PAGE_ROWS = 50
TICK_SECONDS = 1.0
RECONNECT_MS = 2_000
HEARTBEAT_TICKS = 15


class LaneDoor(msgspec.Struct, frozen=True, kw_only=True):
    """One system's lane as a door of the dock."""

    title: str
    state: LaneState


@get("/", name="console_home", sync_to_thread=False)
def console_home() -> Redirect:
    """The console begins with the orders."""
    return Redirect(HOME, status_code=SEE_OTHER)


@get(HOME, name="console_orders")
async def console_orders(request: Asked, entrance: Here) -> Response[Any]:
    """Orders: search, filter, page, and how the lanes stand."""
    query = request.query_params
    status, search = status_of(query.get("status") or None), text_of(query, "search", 120)
    behind, board = position_of(query), entrance.hub.board
    counts = await board.count_orders()
    rows = await board.list_orders(status=status, search=search, behind=behind, limit=PAGE_ROWS)
    kept = {"status": status.value if status else "", "search": search}
    older = cursor_of(HOME, kept, rows[-1].position) if len(rows) == PAGE_ROWS else ""
    return page(
        "orders.html",
        request,
        entrance,
        counts=counts,
        total=sum(counts.values()),
        rows=rows,
        status=status,
        search=search,
        older=older,
        newest=behind is None,
        here=here_of(request),
        doors=doors(entrance),
        alerts=await find_alerts(entrance.hub),
        now=entrance.hub.clock.now(),
    )


@get("/console/orders/{order_id:str}", name="console_order")
async def console_order(request: Asked, entrance: Here, order_id: FromPath[str]) -> Response[Any]:
    """One order: its journey, its lines, what is parked about it, and the raw facts."""
    return await orderpage(request, entrance, order_id)


async def orderpage(request: Asked, entrance: Entrance, order_id: str) -> Response[Any]:
    """The page of one order. Raises Problem where nobody heard of it."""
    journey = await find_journey(entrance, order_id)
    store, now = entrance.hub.store, entrance.hub.clock.now()
    runs = [run for run_id in journey.run_ids if (run := await store.find_run(run_id)) is not None]
    events = await store.read_events(0, 200, f"order/{order_id}")
    return page(
        "order.html",
        request,
        entrance,
        journey=journey,
        drawing=draw(journey, now),
        previews=await _previews(entrance, journey),
        runs=runs,
        events=events,
        here=here_of(request),
        now=now,
    )


@get("/console/parked", name="console_parked")
async def console_parked(request: Asked, entrance: Here) -> Response[Any]:
    """What stands still, newest first, equal causes side by side by their signature."""
    query = request.query_params
    signature, before = text_of(query, "signature", 80), text_of(query, "before", 400)
    runs = await entrance.hub.store.list_runs(
        state=RunState.PARKED, signature=signature, before=before, limit=PAGE_ROWS
    )
    return page(
        "parked.html",
        request,
        entrance,
        groups=_groups(runs),
        signature=signature,
        older=runs[-1].run_id if len(runs) == PAGE_ROWS else "",
        newest=not before,
        here="/console/parked",
        now=entrance.hub.clock.now(),
    )


@get("/console/parked/run", name="console_parked_run")
async def console_parked_run(request: Asked, entrance: Here) -> Response[Any]:
    """One run that stands still and is no order's: why, whose it is, and what may become of it."""
    hub = entrance.hub
    run = await hub.store.find_run(text_of(request.query_params, "id", 400))
    if run is None:
        raise Problem(HTTPStatus.NOT_FOUND, "run-unknown")
    parked, preview = None, None
    if run.state is RunState.PARKED and run.parking is not None:
        parked = ParkedWork(run_id=run.run_id, since=run.parked_at or run.updated_at, parking=run.parking)
        preview = await _preview(entrance, run.run_id)
    return page(
        "parked_run.html",
        request,
        entrance,
        run=run,
        runs=[run],
        parked=parked,
        previews={run.run_id: preview} if preview else {},
        customer_id=await look_at_subject(entrance, run.subject, "console"),
        here=here_of(request),
        now=hub.clock.now(),
    )


@get("/console/lanes", name="console_lanes")
async def console_lanes(request: Asked, entrance: Here) -> Response[Any]:
    """Every lane with its limits, and a hand on its gate; and how far behind those are who get events."""
    hub = entrance.hub
    now = hub.clock.now()
    return page(
        "lanes.html",
        request,
        entrance,
        doors=doors(entrance),
        backlogs=await read_backlogs(hub.store, now),
        troubles={relay.name: relay.trouble for relay in hub.relays},
        here="/console/lanes",
        now=now,
    )


@get("/console/stream", name="console_stream", sync_to_thread=False)
def console_stream(entrance: Here) -> Stream:
    """Tells an open page that something has changed; it then asks for what it shows."""
    entrance.tail.check_room()
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return Stream(_changes(entrance), media_type="text/event-stream", headers=headers)


ROUTES = (
    console_home,
    console_orders,
    console_order,
    console_parked,
    console_parked_run,
    console_lanes,
    console_stream,
    console_asset,
    *CUSTOMER_ROUTES,
    *CREDIT_ROUTES,
    *SESSION_ROUTES,
    *VERB_ROUTES,
)


def doors(entrance: Entrance) -> list[LaneDoor]:
    """The lanes as doors, in the order of the deployment."""
    deployment = entrance.hub.deployment
    return [
        LaneDoor(title=deployment.title_of(name), state=lane.state()) for name, lane in entrance.hub.lanes.items()
    ]


async def _changes(entrance: Entrance) -> AsyncIterator[bytes]:
    """At most one message a second, whatever happens; a sign of life now and then."""
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    told: object = None
    quiet = 0
    async for position in entrance.tail.board_changes(TICK_SECONDS):
        lanes = [(d.state.status, d.state.in_flight, d.state.waiting) for d in doors(entrance)]
        seen = (position, lanes)
        if told is not None and seen != told:
            quiet = 0
            yield b"event: changed\ndata: " + str(position).encode() + b"\n\n"
            await asyncio.sleep(TICK_SECONDS / 2)
        elif told is None or quiet >= HEARTBEAT_TICKS:
            quiet = 0
            yield b"event: alive\ndata: 1\n\n"
        quiet += 1
        told = seen


async def _previews(entrance: Entrance, journey: Journey) -> dict[str, Preview]:
    previews = {parked.run_id: await _preview(entrance, parked.run_id) for parked in journey.parked}
    return {run_id: preview for run_id, preview in previews.items() if preview is not None}


async def _preview(entrance: Entrance, run_id: str) -> Preview | None:
    """What a retry does, or None where somebody released it a moment ago."""
    try:
        return await entrance.hub.desk.preview(run_id)
    except Invalid:
        return None


def _groups(runs: list[RunView] | Any) -> dict[str, list[RunView]]:
    """Runs by the signature of their cause, in the order in which the causes are met."""
    groups: dict[str, list[RunView]] = {}
    for run in runs:
        if run.parking is not None:
            groups.setdefault(run.parking.signature, []).append(run)
    return groups
