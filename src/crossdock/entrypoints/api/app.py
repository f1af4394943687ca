"""The application: API and console over one hub, every route behind the same gate."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api import (
    channels,
    contracts,
    customers,
    events,
    health,
    lanes,
    metrics,
    openapi,
    orders,
    parked,
    rehearsals,
    stewards,
)
from crossdock.entrypoints.api.serving import serve_app
from crossdock.entrypoints.console import pages
from crossdock.entrypoints.console.faults import show_fault
from crossdock.entrypoints.entrance.context import Entrance, open_entrance
from crossdock.entrypoints.entrance.gate import Gate, stamp
from crossdock.entrypoints.entrance.governance import BODY_BYTES_MAX, POLICIES, RoutePolicy
from crossdock.entrypoints.entrance.problems import handle
from crossdock.entrypoints.entrance.taking import WAIT_SECONDS
from crossdock.kit.errors import Misconfigured

PROBE_ROUTES: tuple[HTTPRouteHandler, ...] = (*health.ROUTES, *metrics.ROUTES)
API_ROUTES: tuple[HTTPRouteHandler, ...] = (
    *orders.ROUTES,
    *parked.ROUTES,
    *stewards.ROUTES,
    *rehearsals.ROUTES,
    *lanes.ROUTES,
    *customers.ROUTES,
    *channels.ROUTES,
    *events.ROUTES,
    *contracts.ROUTES,
    *PROBE_ROUTES,
)


def make_app(
    hub: Hub,
    *,
    policies: Mapping[str, RoutePolicy] = POLICIES,
    store_wait_seconds: float = WAIT_SECONDS,
    only_probes: bool = False,
) -> Litestar:
    """The application over an open hub; it neither opens nor closes the hub.

    An order whose commit takes longer than `store_wait_seconds` is answered with 503, and may be sent again. With
    `only_probes` there is nothing but what a supervisor asks: health, readiness, metrics.
    """
    entrance = open_entrance(hub, policies, store_wait_seconds)
    reference = openapi.reference_routes(API_ROUTES, policies)

    @asynccontextmanager
    async def ending_streams(_app: Litestar) -> Any:
        yield
        await entrance.tail.close()

    console = Router("/", route_handlers=pages.ROUTES, exception_handlers={Exception: show_fault})
    app = Litestar(
        route_handlers=list(PROBE_ROUTES) if only_probes else [*API_ROUTES, *reference, console],
        dependencies={"entrance": Provide(lambda: entrance, use_cache=True, sync_to_thread=False)},
        middleware=[Gate(entrance)],
        before_send=[stamp],
        exception_handlers={Exception: handle},
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
        lifespan=[ending_streams],
    )
    app.state.entrance = entrance
    return app


async def serve(
    hub: Hub,
    host: str,
    port: int,
    *,
    stop: asyncio.Event | None = None,
    started: Callable[[str], None] = lambda _address: None,
    only_probes: bool = False,
) -> None:
    """Serve API and console until `stop` is set or the task is cancelled; `started` is told the address.

    Port 0 takes a free one. Raises Misconfigured where the port is not free, or where the hub would listen beyond
    this machine without asking for a token.
    """
    if hub.deployment.hub.http.token is None and not _is_loopback(host):
        raise Misconfigured(
            f"listening on {host} without a token would let everybody in: set http.token in hub.yaml",
            code="token-missing",
        )
    app = make_app(hub, only_probes=only_probes)
    entrance: Entrance = app.state.entrance
    await serve_app(app, entrance.tail.close, host, port, stop=stop or asyncio.Event(), started=started)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
