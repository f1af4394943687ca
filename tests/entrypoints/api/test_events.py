"""Events over HTTP: CloudEvents in pages and as a stream that goes on where it ended, none lost, none twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.entrypoints.doors import an_order_on_the_wire, until_status
from tests.entrypoints.serving import served
from tests.hubs import a_hub, eventually

from crossdock.bootstrap.hub import Hub
from crossdock.testing.builders import an_order

pytestmark = pytest.mark.anyio


async def test_events_come_in_pages_in_the_order_of_commits(client: httpx.AsyncClient) -> None:
    await client.post("/v1/orders", json=an_order_on_the_wire("E-1"))
    await until_status(client, "E-1", "accepted")
    kinds: list[str] = []
    after, going = 0, True
    while going:
        page = (await client.get("/v1/events", params={"after": after, "limit": 1})).json()
        kinds += [event["type"] for event in page["events"]]
        after, going = page["next"], bool(page["events"])
    assert kinds == ["crossdock.order.captured.v1", "crossdock.stock.held.v1", "crossdock.order.accepted.v1"]
    mine = (await client.get("/v1/events", params={"subject": "order/E-1"})).json()["events"]
    assert {event["subject"] for event in mine} == {"order/E-1"}
    assert {event["specversion"] for event in mine} == {"1.0"}
    assert mine[0]["data"]["order_id"] == "E-1"


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=9223372036854775808", "limit=501", "subject=%00"])
async def test_a_place_that_is_none_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/v1/events?{query}")).status_code == 400


async def test_the_farthest_place_is_only_empty(client: httpx.AsyncClient) -> None:
    page = (await client.get("/v1/events", params={"after": 2**63 - 1})).json()
    assert page == {"events": [], "next": 2**63 - 1}


async def read_stream(lines: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
    """So many events of a stream, with the number each came under."""
    found: list[dict[str, Any]] = []
    number = ""
    async for line in lines:
        if line.startswith("id: "):
            number = line.removeprefix("id: ")
        if line.startswith("data: "):
            found.append({**json.loads(line.removeprefix("data: ")), "number": int(number)})
        if len(found) == count:
            break
    return found


@pytest.fixture
async def busy_hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with a_hub(tmp_path) as (hub, _):
        yield hub


async def test_a_stream_goes_on_where_it_ended(busy_hub: Hub) -> None:
    async with served(busy_hub) as (address, _, _), httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("GET", "/v1/events/stream", params={"after": 0}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            await busy_hub.capture.take(an_order("S-1"))
            first = await read_stream(stream.aiter_lines(), 2)
        await busy_hub.capture.take(an_order("S-2"))
        again = {"Last-Event-ID": str(first[-1]["number"])}
        async with client.stream("GET", "/v1/events/stream", headers=again) as stream:
            rest = await read_stream(stream.aiter_lines(), 4)
        assert [event["number"] for event in first + rest] == [1, 2, 3, 4, 5, 6]
        async with client.stream("GET", "/v1/events/stream") as stream:
            await busy_hub.capture.take(an_order("S-3"))
            (news,) = await read_stream(stream.aiter_lines(), 1)
        assert news["subject"] == "order/S-3"


async def test_a_follower_who_leaves_is_forgotten(busy_hub: Hub) -> None:
    async with served(busy_hub) as (address, _, _), httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("GET", "/v1/events/stream"):
            assert "crossdock_streams 1.0" in (await client.get("/metrics")).text

        async def forgotten() -> bool:
            return "crossdock_streams 0.0" in (await client.get("/metrics")).text

        await eventually(forgotten)


async def test_the_server_stops_within_seconds_although_streams_are_open(busy_hub: Hub) -> None:
    async with (
        served(busy_hub) as (address, stop, serving),
        httpx.AsyncClient(base_url=address, timeout=30) as client,
        client.stream("GET", "/v1/events/stream") as one,
        client.stream("GET", "/console/stream") as other,
    ):
        ends = asyncio.gather(*(_read_to_the_end(stream) for stream in (one, other)))
        stop.set()
        await asyncio.wait_for(serving, 4)
        await asyncio.wait_for(ends, 4)


async def _read_to_the_end(stream: httpx.Response) -> None:
    async for _ in stream.aiter_bytes():
        pass
