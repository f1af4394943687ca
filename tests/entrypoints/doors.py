"""What tests of the entrance share: a client in this process, orders on the wire, waiting for a status."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import msgspec
from litestar import Litestar
from tests.hubs import eventually

from crossdock.canonical.order import Order
from crossdock.testing.builders import an_order

BASE = "http://127.0.0.1"


def transport_to(app: Litestar, caller: str = "127.0.0.1") -> httpx.ASGITransport:
    """The way to an application in this process."""
    return httpx.ASGITransport(cast("Any", app), client=(caller, 1))


@asynccontextmanager
async def client_of(app: Litestar, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks to the application without a socket; what the application raises is raised here."""
    async with httpx.AsyncClient(
        transport=transport_to(app), base_url=BASE, headers=headers, timeout=30
    ) as client:
        yield client


def on_the_wire(order: Order) -> dict[str, Any]:
    """An order as plain values, to be spoiled."""
    wire: dict[str, Any] = json.loads(msgspec.json.encode(order))
    return wire


def an_order_on_the_wire(order_id: str, **changes: Any) -> dict[str, Any]:
    """`an_order`, as plain values."""
    return on_the_wire(an_order(order_id, **changes))


async def until_status(client: httpx.AsyncClient, order_id: str, *statuses: str) -> dict[str, Any]:
    """The order's state as soon as it has one of these statuses."""

    async def ask() -> dict[str, Any] | None:
        answer = await client.get(f"/v1/orders/{order_id}")
        if answer.status_code != 200 or answer.json()["status"]["value"] not in statuses:
            return None
        state: dict[str, Any] = answer.json()
        return state

    found = await eventually(ask)
    assert found is not None
    return found
