"""Customers in both directions: the stream of partners' changes, and writes name by name."""

from collections.abc import AsyncGenerator, Sequence

import msgspec

from crossdock.adapters.memory import party_mapping, wire
from crossdock.adapters.memory.client import Client
from crossdock.adapters.memory.failures import SYSTEM, rejection
from crossdock.adapters.memory.settings import MemorySettings
from crossdock.canonical.party import ExternalReference
from crossdock.kit.clock import MICROSECONDS, Clock, from_datetime, to_datetime
from crossdock.kit.errors import CrossdockError, Finding, Invalid, OutcomeUnknown, Transient, Unsupported
from crossdock.kit.failpoints import failpoint
from crossdock.ports.customer_sink import CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import CustomerArrival, CustomerBatch
from crossdock.ports.order_source import Gap
from crossdock.transport.payload import decode

_RETRY_SECONDS = 0.2
_NUMBERS_MAX = 500


class Customers:
    """The work of both customer roles; see the ports for what they promise."""

    def __init__(self, client: Client, settings: MemorySettings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock

    async def changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.customer_changes`. A position is as in `MemoryDock.arrivals`."""
        after, seen = party_mapping.place_and_time(position)
        while True:
            question = wire.MessagesAfter(after, self._settings.arrivals_max, self._settings.arrivals_wait_seconds)
            try:
                answer = await self._client.call("/partners/messages", question, wire.Messages)
            except Transient as error:
                await self._clock.sleep(error.retry_after_seconds or _RETRY_SECONDS)
                continue
            if answer.last == after and answer.missed is None:
                continue
            lost = answer.missed
            gap = party_mapping.gap(lost, seen) if lost and (position or lost.since) else None
            arrivals = tuple(_arrival(message) for message in answer.messages)
            seen = gap.until if gap else max([seen, *(arrival.received_at for arrival in arrivals)])
            after = answer.last
            position = f"{after}@{seen}"
            yield CustomerBatch(arrivals=arrivals, position=position, gap=gap)

    async def refill(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`."""
        asked = self._between(gap)
        while True:
            page = await self._client.call("/partners/changed", asked, wire.Changed)
            if page.messages:
                yield CustomerBatch(arrivals=tuple(_arrival(message) for message in page.messages), position="")
            if len(page.messages) < asked.limit:
                return
            last = page.messages[-1]
            asked = msgspec.structs.replace(asked, after=last.received, after_id=last.id)

    async def count(self, gap: Gap) -> int:
        """See `CustomerSource.count_changed_customers`."""
        return (await self._client.call("/partners/count", self._between(gap), wire.Count)).count

    async def write(self, writes: Sequence[CustomerWrite]) -> Sequence[CustomerRecord | CrossdockError]:
        """See `CustomerSink.write_customers`."""
        if not writes:
            return []
        asked = wire.PartnerWrites(tuple(party_mapping.partner_write(write) for write in writes))
        try:
            answer = await self._client.call("/partners/write", asked, wire.PartnerResults, writes=True)
        except (OutcomeUnknown, Invalid) as error:
            return [error] * len(writes)
        failpoint("memory.customers_written")
        if len(answer.results) == len(writes):
            return [_outcome(result) for result in answer.results]
        finding = Finding(code="count", path="$.results", message="not one result per write")
        unreadable = Invalid(finding.message, code="vendor-payload", system=SYSTEM, findings=[finding])
        return [unreadable] * len(writes)

    async def read(self, records: Sequence[ExternalReference]) -> Sequence[CustomerRecord | None]:
        """See `CustomerSink.read_customers`."""
        found: list[CustomerRecord | None] = []
        for start in range(0, len(records), _NUMBERS_MAX):
            numbers = tuple(record.value for record in records[start : start + _NUMBERS_MAX])
            answer = await self._client.call("/partners/read", wire.Numbers(numbers), wire.Partners)
            found += [party_mapping.customer_record(one) if one else None for one in answer.partners]
        return found

    async def find(self, *, key: str) -> CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        answer = await self._client.call("/partners/find", wire.ByReference(key), wire.Partners)
        return next((party_mapping.customer_record(one) for one in answer.partners if one), None)

    async def join(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.join_customers`."""
        asked = party_mapping.partner_join(merge)
        answer = await self._client.call("/partners/join", asked, wire.Partners, writes=True)
        (survivor,) = answer.partners
        if survivor is None:
            raise rejection("PARTNER_GONE")
        return party_mapping.customer_record(survivor)

    async def part(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.part_customers`."""
        if merge.how == "merge":
            raise Unsupported("a merged partner stays merged", code="merge-is-final", system=SYSTEM)
        asked = party_mapping.partner_join(merge)
        answer = await self._client.call("/partners/part", asked, wire.Partners, writes=True)
        (absorbed,) = answer.partners
        if absorbed is None:
            raise rejection("PARTNER_GONE")
        return party_mapping.customer_record(absorbed)

    def _between(self, gap: Gap) -> wire.ChangedBetween:
        overlap = round(self._settings.overlap_seconds * MICROSECONDS)
        return wire.ChangedBetween(
            since=to_datetime(gap.since - overlap),
            until=to_datetime(gap.until + overlap),
            limit=self._settings.arrivals_max,
        )


def _outcome(result: wire.PartnerResult) -> CustomerRecord | CrossdockError:
    if result.partner is not None:
        return party_mapping.customer_record(result.partner)
    return rejection(result.problem.code if result.problem else "")


def _arrival(message: wire.Message) -> CustomerArrival:
    """A message as a change, or as the findings that say why it is none."""
    received_at = from_datetime(message.received)
    try:
        change = party_mapping.customer_change(decode(message.body, wire.PartnerChange, system=SYSTEM))
    except Invalid as error:
        return CustomerArrival(
            external_id=message.id, received_at=received_at, findings=error.findings, raw=bytes(message.body)
        )
    return CustomerArrival(external_id=message.id, received_at=received_at, change=change)
