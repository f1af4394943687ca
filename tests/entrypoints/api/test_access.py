"""Who gets in: whoever shows the token where one is set, and loopback alone where none is."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from litestar import Litestar
from tests.entrypoints.doors import BASE, client_of, transport_to
from tests.hubs import a_hub

from crossdock.entrypoints.api.app import make_app
from crossdock.entrypoints.entrance.access import SESSION_COOKIE, Access
from crossdock.entrypoints.entrance.governance import POLICIES
from crossdock.kit.clock import ManualClock
from crossdock.kit.redaction import Secret

pytestmark = pytest.mark.anyio

TOKEN = "correct horse battery staple"
GUARDED = ["/v1/orders", "/v1/orders/x", "/v1/parked", "/v1/lanes", "/v1/events", "/v1/events/stream", "/metrics"]
OPEN = ["/healthz", "/readyz", "/openapi.json", "/docs", "/v1/contracts"]


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Litestar]:
    async with a_hub(tmp_path_factory.mktemp("guarded"), token=TOKEN, works=False) as (hub, _):
        yield make_app(hub)


@pytest.fixture
async def stranger(guarded: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(guarded) as client:
        yield client


@pytest.mark.parametrize("address", GUARDED)
@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        "Bearer \xe9\xe9",
    ],
)
async def test_without_the_token_nothing_is_told(
    stranger: httpx.AsyncClient, address: str, shown: str | None
) -> None:
    headers = {} if shown is None else {"Authorization": shown.encode("latin-1")}
    answer = await stranger.get(address, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("address", OPEN)
async def test_health_and_contracts_need_no_token(stranger: httpx.AsyncClient, address: str) -> None:
    assert (await stranger.get(address)).status_code in {200, 503}


async def test_with_the_token_everything_opens(guarded: Litestar) -> None:
    async with client_of(guarded, Authorization=f"bearer {TOKEN}") as client:
        assert (await client.get("/v1/orders")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/console")).status_code == 200


async def test_a_browser_is_asked_for_the_token_and_then_led_back(stranger: httpx.AsyncClient) -> None:
    asked = await stranger.get("/console/parked?signature=v1:ab")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/console/sign-in?next=%2Fconsole%2Fparked%3Fsignature%3Dv1%3Aab"
    assert 'value="/console/parked?signature=v1:ab"' in (await stranger.get(asked.headers["location"])).text
    wrong = await stranger.post("/console/sign-in", data={"token": "guess", "next": "/console/parked"})
    assert (wrong.status_code, SESSION_COOKIE in stranger.cookies) == (401, False)
    right = await stranger.post("/console/sign-in", data={"token": TOKEN, "next": "/console/parked"})
    assert (right.status_code, right.headers["location"]) == (303, "/console/parked")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await stranger.get("/console/parked")).status_code == 200


async def test_a_session_opens_the_console_and_not_the_api(stranger: httpx.AsyncClient) -> None:
    await stranger.post("/console/sign-in", data={"token": TOKEN})
    assert (await stranger.get("/console")).status_code == 200
    assert (await stranger.get("/v1/orders")).status_code == 401


async def test_a_part_of_a_page_is_not_replaced_by_the_sign_in_page(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/console", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["hx-redirect"].startswith("/console/sign-in")


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/console//evil", "javascript:x", ""],
)
async def test_after_signing_in_nobody_is_led_elsewhere(stranger: httpx.AsyncClient, elsewhere: str) -> None:
    answer = await stranger.post("/console/sign-in", data={"token": TOKEN, "next": elsewhere})
    assert answer.headers["location"] == "/console"


async def test_without_a_token_the_hub_answers_to_loopback_names_only(client: httpx.AsyncClient) -> None:
    for host in ("127.0.0.1", "127.0.0.1:8400", "localhost:8400", "[::1]:8400", "LOCALHOST"):
        assert (await client.get("/v1/orders", headers={"Host": host})).status_code == 200, host
    for host in ("evil.example", "evil.example:8400", "127.0.0.1.evil.example", "10.0.0.1", "[", ""):
        answer = await client.get("/v1/orders", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "wrong-host"), host


def test_sessions_end_and_cannot_be_made_up() -> None:
    clock = ManualClock()
    access = Access(Secret(TOKEN), "127.0.0.1", clock)
    session = access.new_session()
    assert access.is_session(session)
    name, _, signature = session.rpartition(".")
    ends, _, nonce = name.partition(".")
    forged = [f"{int(ends) + 1}.{nonce}.{signature}", f"{name}.{'0' * 64}", name, "", "..", f"{name}.é", "9" * 400]
    assert not any(access.is_session(other) for other in forged)
    assert not Access(Secret("another token"), "127.0.0.1", clock).is_session(session)
    assert Access(Secret(TOKEN), "127.0.0.1", clock).is_session(session)
    clock.advance(8 * 3_600 + 1)
    assert not access.is_session(session)


async def test_each_caller_has_a_limit_and_is_told_when_to_come_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    few = {
        name: msgspec.structs.replace(policy, limit=msgspec.structs.replace(policy.limit, requests=3))
        for name, policy in POLICIES.items()
    }
    async with a_hub(tmp_path_factory.mktemp("limited"), works=False) as (hub, _):
        app = make_app(hub, policies=few)
        async with client_of(app) as client:
            left = [(await client.get("/v1/orders")).headers["ratelimit"] for _ in range(3)]
            assert [part.split(";")[1] for part in left] == ["r=2", "r=1", "r=0"]
            answer = await client.get("/v1/orders")
            assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
            assert 0 < int(answer.headers["retry-after"]) <= 60
            assert answer.headers["ratelimit-policy"] == '"reading";q=3;w=60'
        other = transport_to(app, "127.0.0.9")
        async with httpx.AsyncClient(transport=other, base_url=BASE) as client:
            assert (await client.get("/v1/orders")).status_code == 200
