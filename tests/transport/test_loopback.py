"""The server under every simulator: it routes, drops on demand, and stops at once."""

import asyncio
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from crossdock.transport.loopback import (
    LoopbackServer,
    MethodNotAllowed,
    NoRoute,
    Request,
    Response,
    Routes,
    json_response,
)


async def respond(request: Request) -> Response:
    if request.path == "/drop":
        return Response(drop=True)
    if request.path == "/slow":
        return Response(delay_seconds=60)
    return json_response({"path": request.path, "query": request.query, "bytes": len(request.body)})


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    server = LoopbackServer(respond)
    server.start()
    yield server
    server.stop()


def test_a_request_arrives_as_it_was_sent(server: LoopbackServer) -> None:
    answer = httpx.post(f"{server.url}/a%2Fb?x=1&x=2&empty=", content=b"12345")

    assert answer.json() == {"path": "/a%2Fb", "query": {"x": "2", "empty": ""}, "bytes": 5}


def test_a_dropped_request_gets_no_byte_of_answer(server: LoopbackServer) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        httpx.get(f"{server.url}/drop")


def test_the_next_request_after_a_drop_is_answered(server: LoopbackServer) -> None:
    with httpx.Client(base_url=server.url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/drop")
        assert client.get("/").status_code == 200


def test_stopping_cuts_what_is_in_flight_and_frees_the_port() -> None:
    server = LoopbackServer(respond)
    server.start()
    port = server.port
    failures: list[Exception] = []

    def call() -> None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/slow", timeout=50)
        except httpx.HTTPError as failure:
            failures.append(failure)

    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(0.2)
    server.stop()
    caller.join(20)

    assert len(failures) == 1
    assert not caller.is_alive()
    again = LoopbackServer(respond, port=port)
    again.start()
    assert httpx.get(again.url).status_code == 200
    again.stop()


@pytest.mark.anyio
async def test_it_serves_from_the_running_loop_too() -> None:
    server = LoopbackServer(respond)
    await server.start_here()
    async with httpx.AsyncClient(base_url=server.url) as client:
        answers = await asyncio.gather(*(client.get(f"/{number}") for number in range(5)))
    await server.stop_here()

    assert [answer.json()["path"] for answer in answers] == [f"/{number}" for number in range(5)]


def test_a_taken_port_is_refused_and_a_second_start_as_well(server: LoopbackServer) -> None:
    with pytest.raises(OSError, match="in use"):
        LoopbackServer(respond, port=server.port).start()
    with pytest.raises(RuntimeError, match="already"):
        server.start()
    with pytest.raises(RuntimeError, match="not started"):
        _ = LoopbackServer(respond).port


def test_routes_choose_by_method_and_path() -> None:
    routes: Routes[str] = Routes(ignore_case=True)
    routes.add("GET", "things/special")("special")
    routes.add("GET", "things/{name}")("one")
    routes.add("PATCH", "things/{name}")("change")
    routes.add("GET", "files/{rest:path}")("file")

    assert routes.find("GET", "Things/SPECIAL").handler == "special"
    found = routes.find("GET", "things/a%2Fb%20c/")
    assert (found.handler, found.variables, found.template) == ("one", {"name": "a/b c"}, "things/{name}")
    assert routes.find("GET", "files/a/b").variables == {"rest": "a/b"}
    with pytest.raises(MethodNotAllowed) as wrong:
        routes.find("DELETE", "things/x")
    assert wrong.value.allowed == ("GET", "PATCH")
    with pytest.raises(NoRoute):
        routes.find("GET", "things/a/b")
