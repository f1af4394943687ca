"""The memory dock: every role of an ERP, each method maps, calls and maps back."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

import msgspec

from crossdock.adapters.memory import mapping, party_mapping, wire
from crossdock.adapters.memory.client import Client
from crossdock.adapters.memory.customers import Customers
from crossdock.adapters.memory.failures import SYSTEM, not_taken, rejection
from crossdock.adapters.memory.settings import MemorySettings
from crossdock.canonical.order import Order
from crossdock.canonical.party import ExternalReference
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.clock import MICROSECONDS, Clock, from_datetime, to_datetime
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    Transient,
    Unsupported,
)
from crossdock.kit.failpoints import failpoint
from crossdock.kit.money import Quantity
from crossdock.ports import customer_sink as sink
from crossdock.ports.customer_sink import CustomerMerge, CustomerWrite
from crossdock.ports.customer_source import CustomerBatch
from crossdock.ports.directories import CustomerRecord
from crossdock.ports.manifest import SystemCheck
from crossdock.ports.order_gateway import Acceptance, ChangePage
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.ports.status_sink import StatusUpdate
from crossdock.transport.payload import decode

_DRAFT, _CANCELLED = "DRAFT", "CANCELLED"
_RETRY_SECONDS = 0.2
_NUMBERS_MAX = 500


class MemoryDock:
    """All roles on one ERP. It keeps nothing but its connection and, per key being written, a turn to wait for."""

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client = Client(settings, clock)
        self._turns: dict[str, asyncio.Lock] = {}
        self._customers = Customers(self._client, settings, clock)

    async def open(self) -> None:
        """See `Dock.open`."""
        await self._client.open()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`."""
        try:
            about = await self._client.call("/about", None, wire.About)
        except CrossdockError as error:
            return SystemCheck(ok=False, product="Memory ERP", detail=error.message)
        return SystemCheck(ok=True, product=f"{about.product} {about.version}", detail="may read and write")

    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        """See `OrderGateway.submit_order`."""
        wanted = mapping.order_to_wire(order, key)
        if self._settings.unique_reference:
            return await self._place(wanted, correlation_id)
        async with self._turn(key):
            standing = await self._standing(key)
            if standing is None:
                return await self._place(wanted, correlation_id)
            if standing.content != wanted:
                raise Conflict(
                    "The key was used for an order with other content", code="key-reused", system=SYSTEM
                )
            return await self._settle(standing.number, standing.state, standing.results)

    async def find_order(self, *, key: str) -> Acceptance | None:
        """See `OrderGateway.find_order`."""
        found = await self._standing(key)
        if found is None or found.state == _DRAFT:
            return None
        return mapping.acceptance(found.number, found.state, found.results)

    async def cancel_order(self, *, key: str, reason: str) -> None:
        """See `OrderGateway.cancel_order`."""
        for document in await self._documents(key):
            if document.state != _CANCELLED:
                asked = wire.ByNumber(document.number, reason)
                await self._client.call("/orders/cancel", asked, wire.Submitted, writes=True)
                failpoint("memory.order_cancelled")

    async def read_changes(self, cursor: str, *, limit: int) -> ChangePage:
        """See `OrderGateway.read_changes`. The cursor is the last change's sequence number."""
        asked = wire.ChangesAfter(_sequence(cursor), limit)
        page = await self._client.call("/changes", asked, wire.Changes)
        ours = tuple(mapping.change(item) for item in page.changes if item.reference)
        return ChangePage(changes=ours, cursor=str(page.last), more=page.more)

    async def _place(self, wanted: wire.SalesOrder, correlation_id: str) -> Acceptance:
        placed = await self._client.call(
            "/orders", wanted, wire.Submitted, writes=True, correlation_id=correlation_id
        )
        failpoint("memory.order_placed")
        return await self._settle(placed.number, placed.state, placed.results)

    async def _settle(self, number: str, state: str, results: Sequence[wire.PositionResult]) -> Acceptance:
        """Finish what an earlier attempt left half-finished; what is finished is only mapped."""
        if state == _DRAFT:
            asked = wire.ByNumber(number)
            confirmed = await self._client.call("/orders/confirm", asked, wire.Submitted, writes=True)
            state, results = confirmed.state, confirmed.results
        return mapping.acceptance(number, state, results)

    async def _standing(self, key: str) -> wire.Document | None:
        documents = await self._documents(key)
        return next((document for document in documents if document.state != _CANCELLED), None)

    async def _documents(self, key: str) -> Sequence[wire.Document]:
        return (await self._client.call("/orders/find", wire.ByReference(key), wire.Documents)).orders

    @contextlib.asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        """One writer per key: an ERP that only looks up would take both of two that look at the same time."""
        lock = self._turns.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._turns.get(key) is lock:
                del self._turns[key]

    async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        """See `CustomerDirectory.find_customers`."""
        found: dict[str, CustomerRecord] = {}
        for part in _parts(numbers):
            answer = await self._client.call("/debtors/find", wire.Numbers(part), wire.Debtors)
            found.update({debtor.number: mapping.customer(debtor) for debtor in answer.debtors})
        return found

    async def find_products(self, codes: Sequence[str]) -> Mapping[str, Product]:
        """See `ProductSource.find_products`."""
        found: dict[str, Product] = {}
        for part in _parts(codes):
            answer = await self._client.call("/articles/find", wire.Numbers(part), wire.Articles)
            found.update({article.number: mapping.product(article) for article in answer.articles})
        return found

    async def list_products(self) -> Sequence[Product]:
        """See `ProductSource.list_products`."""
        products: list[Product] = []
        after = ""
        while True:
            page = await self._client.call("/articles/list", wire.ArticlesPage(after), wire.Articles)
            products.extend(mapping.product(article) for article in page.articles)
            if not page.next or page.next == after:
                return products
            after = page.next

    async def find_prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        """See `PriceSource.find_prices`."""
        asked = tuple(wire.Wanted(code, quantity.value, quantity.unit) for code, quantity in wanted)
        question = wire.PriceQuestion(customer_number, currency, asked)
        answer = await self._client.call("/prices", question, wire.Prices)
        return [mapping.price_quote(line, currency) for line in answer.prices]

    async def read_stock(self, products: Sequence[str]) -> Sequence[StockLevel]:
        """See `StockSource.read_stock`."""
        answer = await self._client.call("/stock", wire.Numbers(tuple(products)), wire.Levels)
        return [mapping.stock_level(level) for level in answer.levels]

    async def report_statuses(self, updates: Sequence[StatusUpdate]) -> Sequence[CrossdockError | None]:
        """See `StatusSink.report_statuses`."""
        if not updates:
            return []
        rows = wire.StatusRows(tuple(mapping.status_row(update) for update in updates))
        answer = await self._client.call("/statuses", rows, wire.RowResults, writes=True)
        _check_count(answer.results, updates)
        return [rejection(problem.code) if problem else None for problem in answer.results]

    async def publish_events(self, events: Sequence[CloudEvent]) -> Sequence[CrossdockError | None]:
        """See `EventSink.publish_events`."""
        if not events:
            return []
        asked = wire.Announcements(tuple(mapping.announcement(event) for event in events))
        answer = await self._client.call("/announcements", asked, wire.RowResults, writes=True)
        _check_count(answer.results, events)
        return [not_taken(problem.code) if problem else None for problem in answer.results]

    async def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.arrivals`. A position is a sequence number and the instant up to which all was seen."""
        after, seen = party_mapping.place_and_time(position)
        while True:
            try:
                question = wire.MessagesAfter(
                    after, self._settings.arrivals_max, self._settings.arrivals_wait_seconds
                )
                answer = await self._client.call("/messages", question, wire.Messages)
            except Transient as error:
                await self._clock.sleep(error.retry_after_seconds or _RETRY_SECONDS)
                continue
            if answer.last == after and answer.missed is None:
                continue
            gap = (
                party_mapping.gap(answer.missed, seen)
                if answer.missed and (position or answer.missed.since)
                else None
            )
            arrivals = tuple(_arrival(message) for message in answer.messages)
            seen = max(seen, *(arrival.received_at for arrival in arrivals)) if arrivals else seen
            seen = gap.until if gap else seen
            after = answer.last
            position = f"{after}@{seen}"
            yield ArrivalBatch(arrivals=arrivals, position=position, gap=gap)

    async def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.refill`. Its batches' positions lead nowhere: the stream's own position stays."""
        asked = self._between(gap)
        while True:
            page = await self._client.call("/messages/changed", asked, wire.Changed)
            if page.messages:
                yield ArrivalBatch(arrivals=tuple(_arrival(message) for message in page.messages), position="")
            if len(page.messages) < asked.limit:
                return
            last = page.messages[-1]
            asked = msgspec.structs.replace(asked, after=last.received, after_id=last.id)

    async def count_changed(self, gap: Gap) -> int:
        """See `OrderSource.count_changed`."""
        return (await self._client.call("/messages/count", self._between(gap), wire.Count)).count

    def customer_changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.customer_changes`."""
        return self._customers.changes(position)

    def refill_customers(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`."""
        return self._customers.refill(gap)

    async def count_changed_customers(self, gap: Gap) -> int:
        """See `CustomerSource.count_changed_customers`."""
        return await self._customers.count(gap)

    async def write_customers(
        self, writes: Sequence[CustomerWrite]
    ) -> Sequence[sink.CustomerRecord | CrossdockError]:
        """See `CustomerSink.write_customers`."""
        return await self._customers.write(writes)

    async def read_customers(self, records: Sequence[ExternalReference]) -> Sequence[sink.CustomerRecord | None]:
        """See `CustomerSink.read_customers`."""
        return await self._customers.read(records)

    async def find_customer(self, *, key: str) -> sink.CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        return await self._customers.find(key=key)

    async def join_customers(self, merge: CustomerMerge) -> sink.CustomerRecord:
        """See `CustomerSink.join_customers`."""
        return await self._customers.join(merge)

    async def part_customers(self, merge: CustomerMerge) -> sink.CustomerRecord:
        """See `CustomerSink.part_customers`."""
        return await self._customers.part(merge)

    async def erase_customer(
        self,
        erasure: sink.CustomerErasure,  # noqa: ARG002 - whoever it is
    ) -> None:
        """See `CustomerSink.erase_customer`."""
        raise Unsupported("a partner's card is all there is", code="erase-unsupported", system=SYSTEM)

    async def list_belongings(
        self,
        record: ExternalReference,  # noqa: ARG002 - whatever it is
    ) -> sink.Belongings:
        """See `CustomerSink.list_belongings`: what was merged here stays merged."""
        return sink.Belongings()

    async def return_belongings(
        self,
        merge: CustomerMerge,  # noqa: ARG002 - whatever it is
        records: Sequence[ExternalReference],  # noqa: ARG002 - the same
    ) -> Sequence[CrossdockError | None]:
        """See `CustomerSink.return_belongings`."""
        raise Unsupported("what was merged stays merged", code="merge-is-final", system=SYSTEM)

    def _between(self, gap: Gap) -> wire.ChangedBetween:
        overlap = round(self._settings.overlap_seconds * MICROSECONDS)
        return wire.ChangedBetween(
            since=to_datetime(gap.since - overlap),
            until=to_datetime(gap.until + overlap),
            limit=self._settings.arrivals_max,
        )


def _check_count(results: Sequence[object], asked: Sequence[object]) -> None:
    if len(results) != len(asked):
        finding = Finding(code="count", path="$.results", message="not one result per row")
        raise Invalid(finding.message, code="vendor-payload", system=SYSTEM, findings=[finding])


def _parts(numbers: Sequence[str]) -> Sequence[tuple[str, ...]]:
    """`numbers` once each, in parts that the ERP takes in one question."""
    unique = tuple(dict.fromkeys(numbers))
    return [unique[start : start + _NUMBERS_MAX] for start in range(0, len(unique), _NUMBERS_MAX)]


def _sequence(cursor: str) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit()):
        finding = Finding(code="cursor", path="$.cursor", message="not a cursor of this dock")
        raise Invalid(finding.message, code="cursor", system=SYSTEM, findings=[finding])
    return int(cursor)


def _arrival(message: wire.Message) -> Arrival:
    """A message as an order, or as the findings that say why it is none."""
    received_at = from_datetime(message.received)
    try:
        order = mapping.order_from_wire(decode(message.body, wire.SalesOrder, system=SYSTEM))
    except Invalid as error:
        return Arrival(
            external_id=message.id, received_at=received_at, findings=error.findings, raw=bytes(message.body)
        )
    return Arrival(external_id=message.id, received_at=received_at, order=order)
