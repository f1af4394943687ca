"""The faulty network does what it says, and the same to everybody who sends the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from bench.crash.proxy import HOST, FaultProxy, Kind, Rates, read_message

pytestmark = pytest.mark.anyio

ALWAYS = 1_000
REQUEST = b"POST /orders HTTP/1.1\r\nhost: erp\r\ncontent-length: 2\r\n\r\n{}"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone"
QUIET_SECONDS = 0.2


class System:
    """What the proxy leads to: counts what arrived."""

    def __init__(self) -> None:
        self.taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_message(reader):
            self.taken += 1
            writer.write(ANSWER)
        writer.close()


Ask = Callable[[], Awaitable[bytes]]


@asynccontextmanager
async def proxied(
    *, repeats: bool = True, lands_within_seconds: float = 60.0
) -> AsyncIterator[tuple[FaultProxy, System, Ask]]:
    system = System()
    server = await asyncio.start_server(system.serve, HOST, 0)
    proxy = FaultProxy(
        server.sockets[0].getsockname()[1],
        frozenset({"/orders"}),
        seed=1,
        late_seconds=0.05,
        lands_within_seconds=lands_within_seconds,
        repeats=repeats,
    )
    await proxy.start()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        try:
            writer.write(REQUEST)
            return await asyncio.wait_for(read_message(reader), QUIET_SECONDS)
        finally:
            writer.close()

    try:
        yield proxy, system, ask
    finally:
        await proxy.stop()
        await proxy.settle()
        server.close()


@pytest.mark.parametrize(
    ("kind", "fails", "taken"),
    [
        ("reset", ConnectionError, 0),
        ("half_open", TimeoutError, 0),
        ("truncated", asyncio.IncompleteReadError, 1),
        ("dropped", ConnectionError, 1),
        ("late", ConnectionError, 1),
    ],
)
async def test_an_answer_is_kept_back_and_the_system_did_or_did_not_hear(
    kind: Kind, fails: type[Exception], taken: int
) -> None:
    async with proxied() as (proxy, system, ask):
        proxy.rates = Rates(**{kind: ALWAYS})
        with pytest.raises(fails):
            await ask()
        await proxy.settle()
        assert system.taken == taken
        assert proxy.injected == {kind: 1}


async def test_a_late_write_lands_after_the_connection_was_cut() -> None:
    async with proxied() as (proxy, system, ask):
        proxy.rates = Rates(late=ALWAYS)
        with pytest.raises(ConnectionError):
            await ask()
        assert system.taken == 0
        await proxy.settle()
        assert system.taken == 1


@pytest.mark.parametrize("repeats", [True, False])
async def test_a_request_arrives_twice_only_where_that_is_allowed(repeats: bool) -> None:
    async with proxied(repeats=repeats) as (proxy, system, ask):
        proxy.rates = Rates(repeated=ALWAYS)
        assert await ask() == ANSWER
        assert system.taken == 1 + repeats
        assert proxy.injected["repeated"] == repeats


@pytest.mark.parametrize(("kind", "status"), [("failed", b"503"), ("throttled", b"429")])
async def test_the_network_answers_for_the_system_which_hears_nothing(kind: Kind, status: bytes) -> None:
    async with proxied() as (proxy, system, ask):
        proxy.rates = Rates(**{kind: ALWAYS})
        assert (await ask()).split()[1] == status
        assert system.taken == 0


@pytest.mark.parametrize(("direction", "taken"), [("requests", 0), ("answers", 1), ("both", 0)])
async def test_a_cut_is_silent_in_its_direction_and_over_when_it_is_mended(direction: str, taken: int) -> None:
    async with proxied() as (proxy, system, ask):
        await proxy.cut_off(direction)  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            await ask()
        assert system.taken == taken
        await proxy.mend()
        assert await ask() == ANSWER


async def test_where_nobody_is_there_connections_are_refused_and_the_address_stays() -> None:
    async with proxied() as (proxy, _system, ask):
        await proxy.cut_off("gone")
        with pytest.raises(ConnectionRefusedError):
            await ask()
        await proxy.mend()
        assert await ask() == ANSWER


async def test_equal_seeds_draw_equal_faults() -> None:
    async def fates() -> list[bool]:
        async with proxied() as (proxy, _system, ask):
            proxy.rates = Rates(failed=ALWAYS // 2)
            return [(await ask()) == ANSWER for _ in range(20)]

    first = await fates()
    assert first == await fates()
    assert {True, False} == set(first)


async def test_what_is_later_than_the_system_promises_never_lands() -> None:
    async with proxied(lands_within_seconds=0.0) as (proxy, system, ask):
        proxy.rates = Rates(late=ALWAYS)
        with pytest.raises(ConnectionError):
            await ask()
        await proxy.settle()
        assert system.taken == 0
        assert proxy.injected["never landed"] == 1
