"""Lanes over HTTP: how they stand, and that a paused one takes nothing until it is resumed."""

import httpx
import pytest
from tests.entrypoints.doors import an_order_on_the_wire, until_status
from tests.hubs import eventually

pytestmark = pytest.mark.anyio


async def lane(client: httpx.AsyncClient) -> dict[str, object]:
    (told,) = (await client.get("/v1/lanes")).json()["lanes"]
    found: dict[str, object] = told
    return found


async def test_a_paused_lane_holds_orders_back_until_it_is_resumed(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/v1/lanes/erp/pause", json={"actor": "ada", "reason": "stocktaking"})
    assert (answer.status_code, answer.json()["status"]) == (200, "paused")
    assert answer.json()["detail"] == "ada: stocktaking"
    assert (await client.post("/v1/orders", json=an_order_on_the_wire("H-1"))).status_code == 202
    state = (await client.get("/v1/orders/H-1")).json()

    async def waits() -> bool:
        nonlocal state
        state = (await client.get("/v1/orders/H-1")).json()
        return "stocktaking" in state["waiting"]

    await eventually(waits)
    assert state["status"]["value"] in {"captured", "waiting"}
    answer = await client.post("/v1/lanes/erp/resume", json={"actor": "ada", "reason": "done"})
    assert answer.status_code == 200
    await until_status(client, "H-1", "accepted")
    assert (await lane(client))["status"] == "open"


async def test_a_lane_of_no_system_is_404(client: httpx.AsyncClient) -> None:
    for verb in ("pause", "resume"):
        answer = await client.post(f"/v1/lanes/nobody/{verb}", json={"actor": "ada", "reason": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "lane-unknown")


async def test_a_lane_shows_its_limits(client: httpx.AsyncClient) -> None:
    told = await lane(client)
    assert (told["name"], told["title"], told["in_flight_max"]) == ("erp", "Memory ERP", 32)
