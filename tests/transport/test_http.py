"""A request that was not sent, one that was answered, and one of which nobody knows: told apart by `send`."""

import socket
from collections.abc import AsyncIterator

import pytest

from crossdock.kit.clock import MICROSECONDS
from crossdock.kit.errors import OutcomeUnknown, Unavailable
from crossdock.transport.http import RETRY_AFTER_SECONDS_MAX, HttpClient, _environment_proxy, retry_after_seconds
from crossdock.transport.loopback import LoopbackServer, Request, Response

pytestmark = pytest.mark.anyio
CUT: list[str] = []


async def misbehave(request: Request) -> Response:
    match request.path:
        case "/cut":
            CUT.append(request.method)
            return Response(drop=True)
        case "/moved":
            return Response(status=302, headers={"location": "/elsewhere"})
        case path if path.startswith("/echo/"):
            told = " ".join(f"{name}={value}" for name, value in request.query.items())
            return Response(body=f"{request.path} {told}".encode())
        case "/silent":
            return Response(delay_seconds=30)
        case _:
            return Response(status=418, body=b"teapot")


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    server = LoopbackServer(misbehave)
    await server.start_here()
    client = HttpClient(server.url, timeout_seconds=0.2)
    yield client
    await client.close()
    await server.stop_here()


async def test_an_answer_is_returned_whatever_its_status(client: HttpClient) -> None:
    answer = await client.send("POST", "/", system="acme", writes=True, content=b"{}")

    assert (answer.status, answer.body) == (418, b"teapot")


@pytest.mark.parametrize("path", ["/cut", "/silent"])
async def test_a_write_without_an_answer_is_outcome_unknown(client: HttpClient, path: str) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        await client.send("POST", path, system="acme", writes=True)

    assert (caught.value.system, caught.value.code) == ("acme", "answer-lost")


async def test_nothing_is_sent_twice_when_a_used_connection_breaks(client: HttpClient) -> None:
    CUT.clear()
    await client.send("GET", "/", system="acme", writes=False)

    with pytest.raises(OutcomeUnknown):
        await client.send("DELETE", "/cut", system="acme", writes=True)

    assert CUT == ["DELETE"]


@pytest.mark.parametrize("path", ["/cut", "/silent"])
async def test_a_read_without_an_answer_is_unavailable(client: HttpClient, path: str) -> None:
    with pytest.raises(Unavailable, match="no answer"):
        await client.send("GET", path, system="acme", writes=False)


@pytest.mark.parametrize("writes", [True, False])
async def test_what_was_never_sent_is_unavailable_even_if_it_writes(writes: bool) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # taken, and not listening: connections are refused
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        client = HttpClient(url, timeout_seconds=1)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.send("POST", "/", system="acme", writes=writes)
        await client.close()


async def test_a_redirect_is_an_answer_like_any_other(client: HttpClient) -> None:
    answer = await client.send("GET", "/moved", system="acme", writes=False)

    assert (answer.status, answer.headers["LOCATION"]) == (302, "/elsewhere")


async def test_a_closed_client_connects_anew(client: HttpClient) -> None:
    await client.close()

    assert (await client.send("GET", "/", system="acme", writes=False)).status == 418


async def test_a_path_and_its_parameters_arrive_as_they_were_meant(client: HttpClient) -> None:
    answer = await client.send(
        "GET", "/echo/a%2Fb c", system="acme", writes=False, params={"q": "x = 'ü' & y+z", "n": 5}
    )

    assert answer.body.decode() == "/echo/a%2Fb%20c q=x = 'ü' & y+z n=5"


@pytest.mark.parametrize(
    ("base_url", "proxy"),
    [
        ("https://erp.example", "http://proxy.example:3128"),
        ("http://127.0.0.1:8000", None),
        ("http://inside.example", None),
    ],
)
def test_the_proxy_of_the_environment_is_used_where_it_has_a_way(
    base_url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")

    assert _environment_proxy(base_url) == proxy


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        (" 0.5 ", 0.5),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("999999999999", RETRY_AFTER_SECONDS_MAX),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("٣", None),
        (".", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header: str, seconds: float | None) -> None:
    noon = 1_767_268_800 * MICROSECONDS

    assert retry_after_seconds({"retry-after": header}, noon) == seconds
