"""The promises of a customer source: each change arrives as it was told, whatever breaks; nobody is flooded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from crossdock.canonical.party import Contact, ExternalReference, Party, PostalAddress, ShippingProfile
from crossdock.identity.golden.fields import fields_of
from crossdock.kit.clock import MICROSECONDS, Clock
from crossdock.kit.errors import CrossdockError, NotAuthorized
from crossdock.ports.customer_sink import CustomerWrite
from crossdock.ports.customer_source import ChangeKind, CustomerArrival, CustomerBatch, CustomerChange
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.ports.order_source import Gap
from crossdock.testing.bench import CustomerBench
from crossdock.testing.builders import a_company
from crossdock.testing.conformance.manners import PERSONAL, ReadingManners
from crossdock.testing.conformance.suite import Connect, raised
from crossdock.testing.estate import Estate

MARK = "crossdock"
PHONE = "+49 30 5550133"
Enough = Callable[[Sequence[CustomerArrival]], bool]


async def hear(dock: Any, position: str, enough: Enough, patience_seconds: float) -> list[CustomerBatch]:
    """The batches after `position` until there is enough."""
    batches: list[CustomerBatch] = []
    try:
        async with asyncio.timeout(patience_seconds), aclosing(dock.customer_changes(position)) as stream:
            async for batch in stream:
                batches.append(batch)
                if enough(arrivals_of(batches)):
                    break
    except TimeoutError:
        raise AssertionError(f"it did not arrive; what did: {_summary(arrivals_of(batches))}") from None
    return batches


def arrivals_of(batches: Iterable[CustomerBatch]) -> list[CustomerArrival]:
    """All arrivals of some batches."""
    return [arrival for batch in batches for arrival in batch.arrivals]


def changes_of(
    arrivals: Iterable[CustomerArrival], record: ExternalReference, kind: ChangeKind = "changed"
) -> list[CustomerChange]:
    """The changes of one kind to one record, in order."""
    changes = (arrival.change for arrival in arrivals if arrival.change is not None)
    return [change for change in changes if change.record == record and change.kind == kind]


def having(*records: ExternalReference, kind: ChangeKind = "changed") -> Enough:
    """Enough once a change of this kind to each of these has arrived."""
    return lambda arrivals: all(changes_of(arrivals, record, kind) for record in records)


def saying(record: ExternalReference, name: str, value: object) -> Enough:
    """Enough once a change says this of the record."""
    return lambda arrivals: any(
        name in said and said[name] == value
        for said in (fields_of(change.says) for change in changes_of(arrivals, record))
    )


def _summary(arrivals: Iterable[CustomerArrival]) -> list[tuple[str, str]]:
    return [(arrival.external_id, arrival.change.kind if arrival.change else "findings") for arrival in arrivals]


class SourceRules(ReadingManners):
    """The calls and steps that the source's rules share. `exchange` is the proof's question, a plain read."""

    role_name = Role.CUSTOMER_SOURCE.value
    role = Role.CUSTOMER_SOURCE

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Count what changed in an hour long ago."""
        since = 1_000_000_000 * MICROSECONDS
        return await dock.count_changed_customers(
            Gap(since=since, until=since + 3600 * MICROSECONDS, reason="test")
        )

    async def mishaps(self, dock: Any, bench: CustomerBench, estate: Estate) -> list[str]:
        """Let a customer with personal data arrive, besides what every role does."""
        name, mail, _, phone = PERSONAL
        position = await self.begun(dock)
        record = await bench.enter_customer(a_company(name, contact=Contact(email=mail, phone=phone)))
        batches = await hear(dock, position, having(record), 20)
        return [batch.position for batch in batches] + await super().mishaps(dock, bench, estate)

    async def begun(self, dock: Any) -> str:
        """A position from which everything that comes is heard. By default that is the beginning."""
        return ""

    @pytest.fixture
    async def start(self, dock: Any) -> str:
        """The same, before the rule does anything."""
        return await self.begun(dock)


class ArrivalRules(SourceRules):
    """What changed arrives, once or more, never less, and says no more than it knows."""

    async def test_a_new_customer_arrives_whole(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A customer that was entered arrives with every field, letters as they are, and its version."""
        says = a_company("Größe Œuvre Łódź 漢字")
        record = await bench.enter_customer(says)

        arrivals = arrivals_of(await hear(dock, start, having(record), patience_seconds))

        change = changes_of(arrivals, record)[0]
        said, told = fields_of(says), fields_of(change.says)
        assert {name: told.get(name) for name in said} == said
        assert not said.keys() & set(change.unset)
        assert record in change.says.references
        assert change.version

    async def test_a_change_says_what_changed(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """An edit arrives with the new value, and nothing beside it contradicts what the record holds."""
        record = await bench.enter_customer(a_company())
        await bench.edit_customer(record, Party(contact=Contact(phone=PHONE)))

        arrivals = arrivals_of(await hear(dock, start, saying(record, "contact.phone", PHONE), patience_seconds))

        told = fields_of(changes_of(arrivals, record)[-1].says)
        kept = await bench.kept_fields(record)
        assert kept is not None
        assert {name: kept.get(name) for name in told} == told

    async def test_a_part_of_an_address_arrives(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """An edit of a part of an address arrives, and leaves its other parts as they are."""
        record = await bench.enter_customer(a_company())
        position = (await hear(dock, start, having(record), patience_seconds))[-1].position
        moved = ShippingProfile(address=PostalAddress(city="Köln"))
        await bench.edit_customer(record, Party(shipping={"default": moved}))

        name = "shipping.default.address.city"
        arrivals = arrivals_of(await hear(dock, position, saying(record, name, "Köln"), patience_seconds))

        told = fields_of(changes_of(arrivals, record)[-1].says)
        kept = await bench.kept_fields(record)
        assert kept is not None
        assert {part: kept.get(part) for part in told} == told
        assert kept["shipping.default.address.lines"] == ("Größe Straße 1",)

    async def test_a_cleared_field_arrives_as_none(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A value that was emptied arrives as `None`, which is not the same as not being mentioned."""
        record = await bench.enter_customer(a_company())
        position = (await hear(dock, start, having(record), patience_seconds))[-1].position
        await bench.edit_customer(record, Party(contact=Contact(phone=None)))

        await hear(dock, position, saying(record, "contact.phone", None), patience_seconds)

    async def test_changes_of_a_record_keep_their_order(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """Whatever was last is told last."""
        record = await bench.enter_customer(a_company())
        for index in range(5):
            await bench.edit_customer(record, Party(contact=Contact(phone=f"{PHONE}{index}")))

        last = f"{PHONE}4"
        arrivals = arrivals_of(await hear(dock, start, saying(record, "contact.phone", last), patience_seconds))

        assert fields_of(changes_of(arrivals, record)[-1].says)["contact.phone"] == last

    async def test_deletes_arrive(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A deleted record is told of as deleted."""
        record = await bench.enter_customer(a_company())
        await bench.remove_customer(record)

        await hear(dock, start, having(record, kind="deleted"), patience_seconds)

    async def test_merges_arrive(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A record that was merged into another is told of as merged, and into which."""
        survivor, absorbed = [await bench.enter_customer(a_company(name)) for name in ("Anvil", "Anvill")]
        await bench.merge_customers(survivor, absorbed)

        arrivals = arrivals_of(await hear(dock, start, having(absorbed, kind="merged"), patience_seconds))

        assert changes_of(arrivals, absorbed, "merged")[-1].into == survivor

    async def test_undeletes_arrive(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A record that came back is told of as undeleted, with what it holds."""
        record = await bench.enter_customer(a_company())
        position = (await hear(dock, start, having(record), patience_seconds))[-1].position
        await bench.remove_customer(record)
        await bench.restore_customer(record)

        arrivals = arrivals_of(await hear(dock, position, having(record, kind="undeleted"), patience_seconds))

        told = fields_of(changes_of(arrivals, record, "undeleted")[-1].says)
        assert told["organisation.name"] == "Anvil & Söhne GmbH"

    async def test_our_own_writes_bear_our_mark(
        self, dock: Any, start: str, patience_seconds: float, manifest: AdapterManifest
    ) -> None:
        """A change that the hub wrote arrives with the origin mark it was written with, or does not arrive."""
        if Role.CUSTOMER_SINK not in manifest.roles:
            pytest.skip("this dock writes no customers")
        (outcome,) = await dock.write_customers([CustomerWrite(key="XDECHO1", says=a_company(), origin=MARK)])
        assert not isinstance(outcome, CrossdockError), outcome

        arrivals = arrivals_of(await hear(dock, start, having(outcome.record), patience_seconds))

        assert {change.origin for change in changes_of(arrivals, outcome.record)} == {MARK}

    async def test_arrivals_go_on_after_a_position(
        self, connect: Connect, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A later reader with the stored position hears what came since."""
        first = await bench.enter_customer(a_company("First"))
        position = (await hear(await connect(), start, having(first), patience_seconds))[-1].position
        second = await bench.enter_customer(a_company("Second"))

        await hear(await connect(), position, having(second), patience_seconds)

    async def test_a_crash_before_acknowledge_loses_nothing(
        self, connect: Connect, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """What was read and not stored with its position is read again, under the same external ids."""
        record = await bench.enter_customer(a_company())
        once = arrivals_of(await hear(await connect(), start, having(record), patience_seconds))

        again = arrivals_of(await hear(await connect(), start, having(record), patience_seconds))

        ids = [{arrival.external_id for arrival in heard if _about(arrival, record)} for heard in (once, again)]
        assert ids[0] & ids[1]

    async def test_a_redelivery_keeps_its_external_id(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """The same thing delivered twice is recognised by its external id."""
        record = await bench.enter_customer(a_company())
        await bench.redeliver_customer(record)

        heard = arrivals_of(
            await hear(dock, start, lambda found: len(changes_of(found, record)) > 1, patience_seconds)
        )

        assert len({arrival.external_id for arrival in heard if _about(arrival, record)}) == 1

    async def test_what_cannot_be_translated_arrives_as_findings(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """Something unreadable arrives with its findings and as it came, and holds nothing back."""
        unreadable = await bench.enter_unreadable_customer()
        good = await bench.enter_customer(a_company())

        arrivals = arrivals_of(await hear(dock, start, having(good), patience_seconds))

        found = [
            arrival for arrival in arrivals if arrival.external_id.startswith(unreadable) and arrival.findings
        ]
        assert found
        assert all(arrival.change is None and arrival.raw for arrival in found)
        assert all(finding.path.startswith("$") and finding.code for finding in found[0].findings)


class StreamRules(SourceRules):
    """The stream breaks and is mended; it waits for a slow hub and ends when told."""

    @pytest.fixture
    def ahead_max(self) -> int:
        """How many messages may be on their way while the hub is busy with the first batch."""
        return 200

    async def test_a_broken_stream_is_mended(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A cut connection is taken up again inside, and what came meanwhile arrives."""
        first = await bench.enter_customer(a_company("First"))
        second: ExternalReference | None = None
        heard: list[CustomerArrival] = []
        async with asyncio.timeout(patience_seconds), aclosing(dock.customer_changes(start)) as stream:
            async for batch in stream:
                heard += batch.arrivals
                if second is None and changes_of(heard, first):
                    await bench.break_stream()
                    second = await bench.enter_customer(a_company("Second"))
                if second is not None and changes_of(heard, second):
                    break

        assert second is not None

    async def test_a_slow_hub_is_not_flooded(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float, ahead_max: int
    ) -> None:
        """While the hub does not ask, no more than `ahead_max` leave the system; none is lost by waiting."""
        records = [await bench.enter_customer(a_company(f"Company {index}")) for index in range(ahead_max * 2)]
        heard: list[CustomerArrival] = []
        paused = False

        async with asyncio.timeout(patience_seconds * 2), aclosing(dock.customer_changes(start)) as stream:
            async for batch in stream:
                heard += batch.arrivals
                if heard and not paused:
                    paused = True
                    await asyncio.sleep(0.3)  # a slow commit
                    assert await bench.delivered() <= ahead_max
                if {arrival.change.record for arrival in heard if arrival.change} >= set(records):
                    break

    async def test_a_stream_ends_when_told(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A reader that waits for the next batch can be cancelled at once, and nothing stays behind."""
        record = await bench.enter_customer(a_company())
        stream = dock.customer_changes(start)
        heard: list[CustomerArrival] = []
        async with asyncio.timeout(patience_seconds):
            while not changes_of(heard, record):
                heard += (await anext(stream)).arrivals

        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.05)
        waiting.cancel()
        done, _ = await asyncio.wait({waiting}, timeout=5)

        assert done, "cancelling the reader did not end it"
        await stream.aclose()

    async def test_a_revoked_credential_ends_the_stream(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float
    ) -> None:
        """A refused credential is raised as NotAuthorized instead of being tried for ever."""
        await bench.revoke_credential()

        async with asyncio.timeout(patience_seconds), aclosing(dock.customer_changes(start)) as stream:
            await raised(NotAuthorized, _to_the_end(stream))


class GapRules(SourceRules):
    """What the stream lost is told, refilled by query, and proved by counting."""

    async def test_a_gap_is_told_refilled_and_proved(
        self, dock: Any, bench: CustomerBench, start: str, patience_seconds: float, clock: Clock
    ) -> None:
        """Lost events come as a gap that covers them; the refill has every record, and the count says so."""
        before = await bench.enter_customer(a_company("Before"))
        position = (await hear(dock, start, having(before), patience_seconds))[-1].position
        lost = await bench.lose_customer_events([a_company(f"Lost {index}") for index in range(12)])
        after = await bench.enter_customer(a_company("After"))

        batches = await hear(dock, position, having(after), patience_seconds)

        gaps = [batch.gap for batch in batches if batch.gap is not None]
        assert gaps, "events were lost and nobody was told"
        known: set[ExternalReference] = set()
        for gap in gaps:
            assert gap.since <= gap.until <= clock.now() + 60 * MICROSECONDS
            assert gap.reason
            found = arrivals_of([batch async for batch in dock.refill_customers(gap)])
            assert await dock.count_changed_customers(gap) == len({arrival.external_id for arrival in found})
            known |= {arrival.change.record for arrival in found if arrival.change}
        assert known >= set(lost)

    async def test_a_refill_reads_records_whole(self, dock: Any, bench: CustomerBench, clock: Clock) -> None:
        """A refilled record says all that it holds, and its count is what the system counts."""
        since = clock.now()
        record = await bench.enter_customer(a_company())
        gap = Gap(since=since, until=clock.now(), reason="test")

        found = arrivals_of([batch async for batch in dock.refill_customers(gap)])

        told = fields_of(changes_of(found, record)[-1].says)
        kept = await bench.kept_fields(record)
        assert kept is not None
        assert {name: told.get(name) for name in kept} == kept
        assert await dock.count_changed_customers(gap) == len({arrival.external_id for arrival in found})

    async def test_a_quiet_time_refills_to_nothing(self, dock: Any) -> None:
        """Where nothing changed, the refill is empty and the count is zero."""
        since = 1_000_000_000 * MICROSECONDS
        gap = Gap(since=since, until=since + MICROSECONDS, reason="test")

        assert arrivals_of([batch async for batch in dock.refill_customers(gap)]) == []
        assert await dock.count_changed_customers(gap) == 0


class CustomerSourceConformance(ArrivalRules, StreamRules, GapRules):
    """Everything a customer source promises. The bench is a `CustomerBench`."""


async def _to_the_end(stream: AsyncIterator[CustomerBatch]) -> list[CustomerBatch]:
    """What it still hands out, such as a position before it has asked for anything."""
    return [batch async for batch in stream]


def _about(arrival: CustomerArrival, record: ExternalReference) -> bool:
    return arrival.change is not None and arrival.change.record == record
