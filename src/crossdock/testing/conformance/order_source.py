"""The promises of an order source: nothing captured is lost, whatever breaks, and nobody is flooded."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from crossdock.canonical.order import Order
from crossdock.kit.clock import MICROSECONDS, Clock
from crossdock.kit.errors import NotAuthorized
from crossdock.ports.manifest import Role
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.testing.bench import SourceBench
from crossdock.testing.conformance.manners import ReadingManners, a_persons_order
from crossdock.testing.conformance.suite import Connect, raised
from crossdock.testing.estate import Estate


async def read_until(
    dock: Any, position: str, wanted: Iterable[str], patience_seconds: float
) -> list[ArrivalBatch]:
    """The batches after `position` until every wanted external id was among them, as often as it is named."""
    missing = list(wanted)
    batches: list[ArrivalBatch] = []
    try:
        async with asyncio.timeout(patience_seconds), aclosing(dock.arrivals(position)) as stream:
            async for batch in stream:
                batches.append(batch)
                for arrival in batch.arrivals:
                    if arrival.external_id in missing:
                        missing.remove(arrival.external_id)
                if not missing:
                    break
    except TimeoutError:
        raise AssertionError(f"{len(missing)} did not arrive: {missing[:5]}") from None
    return batches


def arrivals_of(batches: Iterable[ArrivalBatch]) -> list[Arrival]:
    """All arrivals of some batches."""
    return [arrival for batch in batches for arrival in batch.arrivals]


class SourceRules(ReadingManners):
    """The calls and steps that the source's rules share. `exchange` is the proof's question, a plain read."""

    role_name = Role.ORDER_SOURCE.value
    role = Role.ORDER_SOURCE

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Count what changed in an hour long ago."""
        since = 1_000_000_000 * MICROSECONDS
        return await dock.count_changed(Gap(since=since, until=since + 3600 * MICROSECONDS, reason="test"))

    async def mishaps(self, dock: Any, bench: SourceBench, estate: Estate) -> list[str]:
        """Let a person's order and something unreadable arrive, besides what every role does."""
        offered = await bench.offer([a_persons_order(estate)])
        unreadable = await bench.offer_untranslatable()
        batches = await read_until(dock, "", [offered[0].external_id, unreadable], 20)
        told = [repr(arrival.findings) for arrival in arrivals_of(batches)]
        told += [batch.position for batch in batches]
        return told + await super().mishaps(dock, bench, estate)


class ArrivalRules(SourceRules):
    """What was captured arrives, once or more, never less."""

    async def test_an_order_arrives_whole(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """Lines, digits, letters and the instant arrive as they were captured."""
        order = estate.order(
            ordered_at=datetime(2026, 3, 29, 23, 30, tzinfo=timezone(timedelta(hours=-7))),
            lines=[
                estate.line("1", quantity="2.5", price="0.01"),
                estate.line("2", price="0", product=estate.products[1], description="Größe 漢字 🧦"),
            ],
        )
        offered = (await bench.offer([order]))[0]

        arrived = arrivals_of(await read_until(dock, "", [offered.external_id], patience_seconds))[-1]

        assert arrived.findings == ()
        assert arrived.order is not None
        assert arrived.order.ordered_at.astimezone(UTC) == offered.order.ordered_at.astimezone(UTC)
        for name in ("order_id", "currency", "customer", "lines", "shipping_address"):
            assert getattr(arrived.order, name) == getattr(offered.order, name), name

    async def test_arrivals_go_on_after_a_position(
        self, connect: Connect, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """A later reader with the stored position hears what came since."""
        first = await bench.offer([estate.order(f"O-1{index}") for index in range(3)])
        batches = await read_until(await connect(), "", _ids(first), patience_seconds)
        later = await bench.offer([estate.order(f"O-2{index}") for index in range(3)])

        heard = await read_until(await connect(), batches[-1].position, _ids(later), patience_seconds)

        assert {arrival.external_id for arrival in arrivals_of(heard)} >= set(_ids(later))

    async def test_a_crash_before_acknowledge_loses_nothing(
        self, connect: Connect, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """What was read and not stored with its position is read again."""
        first = await bench.offer([estate.order("O-11")])
        stored = (await read_until(await connect(), "", _ids(first), patience_seconds))[-1].position
        second = await bench.offer([estate.order(f"O-2{index}") for index in range(3)])
        await read_until(await connect(), stored, _ids(second), patience_seconds)

        again = await read_until(await connect(), stored, _ids(second), patience_seconds)

        assert {arrival.external_id for arrival in arrivals_of(again)} >= set(_ids(second))

    async def test_a_redelivery_keeps_its_external_id(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """The same thing delivered twice is recognised by its external id."""
        offered = (await bench.offer([estate.order()]))[0]
        await bench.redeliver(offered.external_id)

        twice = await read_until(dock, "", [offered.external_id] * 2, patience_seconds)

        orders = [arrival.order for arrival in arrivals_of(twice) if arrival.external_id == offered.external_id]
        assert len(orders) == 2
        assert orders[0] == orders[1]

    async def test_what_cannot_be_translated_arrives_as_findings(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """Something unreadable arrives with its findings and as it came, and holds nothing back."""
        unreadable = await bench.offer_untranslatable()
        good = (await bench.offer([estate.order()]))[0]

        batches = await read_until(dock, "", [unreadable, good.external_id], patience_seconds)

        found = {arrival.external_id: arrival for arrival in arrivals_of(batches)}
        assert found[unreadable].order is None
        assert found[unreadable].raw
        assert all(finding.path.startswith("$") and finding.code for finding in found[unreadable].findings)
        assert found[unreadable].findings
        assert found[good.external_id].order is not None


class StreamRules(SourceRules):
    """The stream breaks and is mended; it waits for a slow hub and ends when told."""

    async def test_a_broken_stream_is_mended(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """A cut connection is taken up again inside, and what came meanwhile arrives."""
        first = await bench.offer([estate.order("O-11")])
        second: Sequence[Any] = ()
        missing: set[str] = set(_ids(first))
        async with asyncio.timeout(patience_seconds), aclosing(dock.arrivals("")) as stream:
            async for batch in stream:
                missing -= {arrival.external_id for arrival in batch.arrivals}
                if not missing and not second:
                    await bench.break_stream()
                    second = await bench.offer([estate.order("O-21")])
                    missing = set(_ids(second))
                if not missing:
                    break

        assert second

    async def test_a_slow_hub_is_not_flooded(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float, ahead_max: int
    ) -> None:
        """While the hub does not ask, no more than `ahead_max` leave the system; and none is lost by waiting."""
        offered = await bench.offer(self._many(estate, ahead_max * 3))
        missing = set(_ids(offered))

        async with asyncio.timeout(patience_seconds), aclosing(dock.arrivals("")) as stream:
            async for batch in stream:
                if len(missing) == len(offered):
                    await asyncio.sleep(0.3)  # a slow commit
                    assert await bench.delivered() <= ahead_max
                missing -= {arrival.external_id for arrival in batch.arrivals}
                if not missing:
                    break

    @pytest.fixture
    def ahead_max(self) -> int:
        """How many messages may be on their way while the hub is busy with the first batch."""
        return 200

    def _many(self, estate: Estate, count: int) -> Sequence[Order]:
        return [estate.order(f"O-{index:05d}") for index in range(count)]

    async def test_a_stream_ends_when_told(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float
    ) -> None:
        """A reader that waits for the next batch can be cancelled at once, and nothing stays behind."""
        missing = set(_ids(await bench.offer([estate.order()])))
        stream = dock.arrivals("")
        async with asyncio.timeout(patience_seconds):
            while missing:
                missing -= {arrival.external_id for arrival in (await anext(stream)).arrivals}

        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.05)
        waiting.cancel()
        done, _ = await asyncio.wait({waiting}, timeout=5)

        assert done, "cancelling the reader did not end it"
        await stream.aclose()

    async def test_a_revoked_credential_ends_the_stream(
        self, dock: Any, bench: SourceBench, patience_seconds: float
    ) -> None:
        """A refused credential is raised as NotAuthorized instead of being tried for ever."""
        await bench.revoke_credential()

        async with asyncio.timeout(patience_seconds), aclosing(dock.arrivals("")) as stream:
            await raised(NotAuthorized, _to_the_end(stream))


class GapRules(SourceRules):
    """What the stream lost is told, refilled by query, and proved by counting."""

    async def test_a_gap_is_told_refilled_and_proved(
        self, dock: Any, bench: SourceBench, estate: Estate, patience_seconds: float, clock: Clock
    ) -> None:
        """Lost events come as a gap that covers them; the refill has every order, and the count says so."""
        before = await bench.offer([estate.order("O-11")])
        position = (await read_until(dock, "", _ids(before), patience_seconds))[-1].position
        lost = await bench.lose_events([estate.order(f"O-2{index:02d}") for index in range(12)])
        after = await bench.offer([estate.order("O-31")])

        batches = await read_until(dock, position, _ids(after), patience_seconds)

        gaps = [batch.gap for batch in batches if batch.gap is not None]
        assert gaps, "events were lost and nobody was told"
        refilled: dict[str, Arrival] = {}
        for gap in gaps:
            assert gap.since <= gap.until <= clock.now() + 60 * MICROSECONDS
            assert gap.reason
            found = arrivals_of([batch async for batch in dock.refill(gap)])
            assert await dock.count_changed(gap) == len({arrival.external_id for arrival in found})
            refilled |= {arrival.external_id: arrival for arrival in found}
        assert refilled.keys() >= set(_ids(lost))
        for offered in lost:
            order = refilled[offered.external_id].order
            assert order is not None
            assert (order.order_id, order.lines) == (offered.order.order_id, offered.order.lines)

    async def test_a_quiet_time_refills_to_nothing(self, dock: Any) -> None:
        """Where nothing changed, the refill is empty and the count is zero."""
        since = 1_000_000_000 * MICROSECONDS
        gap = Gap(since=since, until=since + MICROSECONDS, reason="test")

        assert arrivals_of([batch async for batch in dock.refill(gap)]) == []
        assert await dock.count_changed(gap) == 0


class OrderSourceConformance(ArrivalRules, StreamRules, GapRules):
    """Everything an order source promises. The bench is a `SourceBench`."""


async def _to_the_end(stream: AsyncIterator[ArrivalBatch]) -> list[ArrivalBatch]:
    """What it still hands out, such as a position before it has asked for anything."""
    return [batch async for batch in stream]


def _ids(offered: Iterable[Any]) -> list[str]:
    return [one.external_id for one in offered]
