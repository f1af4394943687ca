"""Health, readiness, figures, and what happens at the door while the database does not write."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from prometheus_client.parser import text_string_to_metric_families
from tests.entrypoints.doors import an_order_on_the_wire, client_of, until_status
from tests.entrypoints.serving import served
from tests.hubs import a_hub, eventually

from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api import health
from crossdock.entrypoints.api.app import make_app, serve
from crossdock.entrypoints.api.serving import listen
from crossdock.kit.errors import Misconfigured

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[Hub, Litestar]]:
    async with a_hub(tmp_path) as (hub, _):
        yield hub, make_app(hub, store_wait_seconds=0.3)


async def test_a_hub_at_work_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["status"] == "ok"
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert [check["name"] for check in answer.json()["checks"]] == ["store", "worker", "backlog"]


async def test_a_hub_without_a_worker_says_so(tmp_path: Path) -> None:
    async with a_hub(tmp_path, works=False) as (hub, _), client_of(make_app(hub)) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        wrong = {check["name"]: check["detail"] for check in answer.json()["checks"] if not check["ok"]}
        assert wrong == {"worker": "the worker does not run"}


async def test_while_the_database_does_not_write_orders_are_sent_away_and_taken_once_afterwards(
    own: tuple[Hub, Litestar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, app = own
    monkeypatch.setattr(health, "STORE_SECONDS", 0.3)
    order = an_order_on_the_wire("W-1")
    async with client_of(app) as client:
        thief = sqlite3.connect(tmp_path / "hub.sqlite", isolation_level=None)
        thief.execute("BEGIN IMMEDIATE")
        try:
            async with asyncio.timeout(5):
                answer = await client.post("/v1/orders", json=order)
            assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
            assert int(answer.headers["retry-after"]) > 0
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert [check["name"] for check in ready.json()["checks"] if not check["ok"]] == ["store"]
            assert (await client.get("/healthz")).status_code == 200
        finally:
            thief.execute("ROLLBACK")
            thief.close()
        await until_status(client, "W-1", "accepted")
        again = await client.post("/v1/orders", json=order)
        assert (again.status_code, again.json()["known"]) == (200, True)
    assert hub.worker.alive


async def test_a_hub_that_cannot_keep_up_says_so_before_it_takes_more(
    own: tuple[Hub, Litestar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossdock.entrypoints.entrance.taking.BACKLOG_MAX", 0)
    async with client_of(own[1]) as client:
        answer = await client.post("/v1/orders", json=an_order_on_the_wire("W-2"))
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer.headers["retry-after"]


async def test_a_caller_who_hangs_up_does_not_lose_the_order(own: tuple[Hub, Litestar]) -> None:
    hub, app = own
    async with client_of(app) as client:
        sending = asyncio.ensure_future(client.post("/v1/orders", json=an_order_on_the_wire("W-3")))
        while hub.committer.backlog == 0 and not sending.done():  # noqa: ASYNC110 - the very next turn is wanted
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await until_status(client, "W-3", "accepted")


async def test_figures_can_be_read_and_name_no_order(client: httpx.AsyncClient) -> None:
    await client.post("/v1/orders", json=an_order_on_the_wire("F-1"))
    await until_status(client, "F-1", "accepted")

    async def counted() -> bool:
        return 'crossdock_orders{status="accepted"} 1.0' in (await client.get("/metrics")).text

    await eventually(counted)
    page = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert {
        "crossdock_orders",
        "crossdock_runs",
        "crossdock_ready_age_seconds",
        "crossdock_order_seconds",
        "crossdock_runs_cleared",
        "crossdock_retention_ended_timestamp_seconds",
        "crossdock_lane_open",
        "crossdock_lane_in_flight",
        "crossdock_lane_waiting",
        "crossdock_lane_closed_seconds",
        "crossdock_commit_batch",
        "crossdock_commits",
        "crossdock_transactions",
        "crossdock_outbox_lag",
        "crossdock_intake",
        "crossdock_http_answers",
        "crossdock_http_seconds",
    } <= set(families)
    consumers = {sample.labels["consumer"] for sample in families["crossdock_outbox_lag"].samples}
    assert consumers == {"order_board", "status:erp"}
    assert "F-1" not in page


async def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    async with a_hub(tmp_path, works=False) as (hub, _), served(hub) as (address, _, _):
        port = int(address.rpartition(":")[2])
        with pytest.raises(Misconfigured, match=f"cannot listen on 127.0.0.1:{port}") as caught:
            await serve(hub, "127.0.0.1", port)
        assert caught.value.code == "port-not-free"


async def test_an_answer_is_sent_at_once_and_not_held_back_for_more() -> None:
    accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = writer.get_extra_info("socket")
        accepted.set_result(bool(kept.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    with listen("127.0.0.1", 0) as listening:
        async with await asyncio.start_server(look, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            assert await accepted
            writer.close()


async def test_beyond_this_machine_nobody_listens_without_a_token(tmp_path: Path) -> None:
    async with a_hub(tmp_path, works=False) as (hub, _):
        with pytest.raises(Misconfigured) as caught:
            await serve(hub, "0.0.0.0", 0)
        assert caught.value.code == "token-missing"


async def test_over_a_real_socket_a_request_that_is_none_is_refused(tmp_path: Path) -> None:
    async with a_hub(tmp_path, works=False) as (hub, _), served(hub) as (address, _, _):
        host, port = address.removeprefix("http://").split(":")
        for nonsense in (
            b"\x16\x03\x01\x02\x00",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /v1/orders HTTP/1.1\r\n\xff\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(nonsense)
            await writer.drain()
            answer = await asyncio.wait_for(reader.read(64), 5)
            assert b" 5" not in answer[:13]
            writer.close()
        async with httpx.AsyncClient(base_url=address) as client:
            assert (await client.get("/healthz")).status_code == 200
