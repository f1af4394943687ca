"""The memory ERP on a test bench: in process, or behind a server on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.adapters.memory import mapping, party_mapping, wire
from crossdock.adapters.memory.simulator.announcements import ENVELOPE_BYTES_MAX
from crossdock.adapters.memory.simulator.estate import Estate, Stock
from crossdock.adapters.memory.simulator.faults import (
    AddFields,
    BreakRead,
    CommitLate,
    DropField,
    Latency,
    LoseAnswer,
    RefuseBeforeCommit,
    RejectOrder,
    RejectPosition,
    StaySilent,
    StopHalfway,
    Throttle,
)
from crossdock.adapters.memory.simulator.server import MemoryErp, share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import Document, SalesOrder
from crossdock.canonical.order import Order
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden.fields import FieldValue, fields_of
from crossdock.ports.manifest import Role
from crossdock.testing.bench import (
    CustomerBench,
    EventBench,
    GatewayBench,
    KeptEvent,
    Offered,
    ShownStatus,
    SinkBench,
    SourceBench,
    StockBench,
    StoredLine,
    StoredOrder,
)

SECRET = "not-to-be-told-3f9c"
DROPPED = {
    Role.ORDER_GATEWAY: "$.orders[0].number",
    Role.ORDER_SOURCE: "$.count",
    Role.STATUS_SINK: "$.results",
    Role.EVENT_SINK: "$.results",
    Role.CUSTOMER_DIRECTORY: "$.debtors[0].name",
    Role.PRODUCT_SOURCE: "$.articles[0].name",
    Role.PRICE_SOURCE: "$.prices[0].price",
    Role.STOCK_SOURCE: "$.levels[0].forecast",
    Role.CUSTOMER_SOURCE: "$.count",
    Role.CUSTOMER_SINK: "$.results",
}


class MemoryBench(GatewayBench, SourceBench, SinkBench, EventBench, StockBench, CustomerBench):
    """Everything the suite may ask for."""

    def __init__(
        self,
        surface: Surface,
        settings: Mapping[str, Any],
        *,
        down: Callable[[], Awaitable[None]],
        back: Callable[[], Awaitable[None]],
    ) -> None:
        self.surface = surface
        self.settings = settings
        self._down, self._back = down, back
        self._records = 0

    async def go_down(self) -> None:
        await self._down()

    async def come_back(self) -> None:
        await self._back()

    async def refuse_next(self) -> None:
        self.surface.faults.add(RefuseBeforeCommit())

    async def throttle_next(self, wait_seconds: float) -> None:
        self.surface.faults.add(Throttle(wait_seconds=wait_seconds))

    async def break_next_read(self) -> None:
        self.surface.faults.add(BreakRead())

    async def lose_next_answer(self) -> None:
        self.surface.faults.add(LoseAnswer())

    async def stay_silent_next(self) -> None:
        self.surface.faults.add(StaySilent(seconds=30))

    async def expire_credential(self) -> None:
        self.surface.expire_sessions()

    async def revoke_credential(self) -> None:
        self.surface.revoke_credential()

    async def add_unknown_fields(self, role: Role) -> None:
        self.surface.faults.add(AddFields())

    async def drop_field(self, role: Role) -> str:
        self.surface.faults.add(DropField(path=DROPPED[role]))
        return DROPPED[role]

    async def slow_down(self, seconds: float) -> None:
        self.surface.faults.add(Latency(seconds=seconds, times=0))

    async def in_flight_peak(self) -> int:
        return self.surface.in_flight_peak

    async def stored_orders(self, key: str) -> Sequence[StoredOrder]:
        return [_stored(document) for document in self.surface.ledger.orders(key)]

    async def reject_next_order(self, vendor_code: str) -> None:
        self.surface.faults.add(RejectOrder(code=vendor_code))

    async def reject_line(self, line_id: str, vendor_code: str) -> None:
        self.surface.faults.add(RejectPosition(position=line_id, code=vendor_code))

    async def commit_next_late(self) -> None:
        self.surface.faults.add(CommitLate(seconds=0.1, on="/orders"))

    async def settle(self) -> None:
        await self.surface.settle()

    async def stop_next_halfway(self) -> None:
        self.surface.faults.add(StopHalfway())

    async def set_unknown_status(self, key: str) -> str:
        self.surface.ledger.set_state(self._number(key), "QUARANTINED")
        return "QUARANTINED"

    async def ship(self, key: str) -> None:
        self.surface.ledger.ship(self._number(key))

    async def cancel_in_system(self, key: str) -> None:
        self.surface.ledger.cancel(self._number(key))

    def _number(self, key: str) -> str:
        (document,) = self.surface.ledger.orders(key)
        return document.number

    async def offer(self, orders: Sequence[Order]) -> Sequence[Offered]:
        return [_offered(order, self.surface.channel.offer) for order in orders]

    async def offer_untranslatable(self) -> str:
        body = {"external": "UNREADABLE", "positions": [{"position": "1", "quantity": "zwei"}]}
        return self.surface.channel.offer_raw("UNREADABLE", msgspec.json.encode(body)).id

    async def redeliver(self, external_id: str) -> None:
        self.surface.channel.redeliver(external_id)

    async def break_stream(self) -> None:
        self.surface.faults.add(BreakRead(on="/messages"), BreakRead(on="/partners/messages"))

    async def lose_events(self, orders: Sequence[Order]) -> Sequence[Offered]:
        return [_offered(order, self.surface.channel.lose) for order in orders]

    async def delivered(self) -> int:
        return self.surface.channel.delivered + self.surface.partners.stream.delivered

    async def new_record(self) -> str:
        self._records += 1
        return f"R-{self._records}"

    async def missing_record(self) -> str:
        record = await self.new_record()
        self.surface.board.gone.add(record)
        return record

    async def shown_status(self, record: str) -> ShownStatus | None:
        row = self.surface.board.shown.get(record)
        return ShownStatus(status=row.status, reason=row.reason, erp_number=row.erp_number) if row else None

    async def write_calls(self) -> int:
        return self.surface.board.batches + self.surface.partners.calls

    async def enter_customer(self, says: Party) -> ExternalReference:
        self._records += 1
        made = self.surface.partners.write(wire.PartnerWrite(write=f"HAND-{self._records}", card=_card(says)))
        return party_mapping.reference_to(made.number)

    async def edit_customer(self, record: ExternalReference, says: Party) -> None:
        self._records += 1
        write = wire.PartnerWrite(write=f"HAND-{self._records}", number=record.value, card=_card(says))
        self.surface.partners.write(write)

    async def remove_customer(self, record: ExternalReference) -> None:
        self.surface.partners.delete(record.value)

    async def restore_customer(self, record: ExternalReference) -> None:
        self.surface.partners.undelete(record.value)

    async def merge_customers(self, survivor: ExternalReference, absorbed: ExternalReference) -> None:
        join = wire.PartnerJoin(write="HAND", survivor=survivor.value, absorbed=absorbed.value, how="merge")
        self.surface.partners.join(join)

    async def enter_unreadable_customer(self) -> str:
        made = self.surface.partners.write(wire.PartnerWrite(write="UNREADABLE", card={"kind": "a ghost"}))
        return made.number

    async def redeliver_customer(self, record: ExternalReference) -> None:
        (partner,) = self.surface.partners.read([record.value])
        assert partner is not None
        self.surface.partners.stream.redeliver(f"{partner.number}@{partner.revision}")

    async def lose_customer_events(self, statements: Sequence[Party]) -> Sequence[ExternalReference]:
        self.surface.partners.losing = "overflow"
        lost = [await self.enter_customer(says) for says in statements]
        self.surface.partners.losing = ""
        return lost

    async def customers_under(self, key: str) -> Sequence[ExternalReference]:
        return [party_mapping.reference_to(partner.number) for partner in self.surface.partners.find(key)]

    async def kept_fields(self, record: ExternalReference) -> Mapping[str, FieldValue] | None:
        (partner,) = self.surface.partners.read([record.value])
        if partner is None:
            return None
        return {name: tuple(value) if isinstance(value, list) else value for name, value in partner.card.items()}

    async def kept_events(self) -> Sequence[KeptEvent]:
        return [
            KeptEvent(id=one.id, partition_key=one.key, body=bytes(one.envelope))
            for one in self.surface.events.kept
        ]

    async def event_bytes_max(self) -> int:
        return ENVELOPE_BYTES_MAX

    async def set_stock(self, product: str, location: str, *, on_hand: Decimal, promised: Decimal) -> None:
        self.surface.ledger.seed(Estate(stock=(Stock(product, location, f"{on_hand:f}", f"{promised:f}"),)))


def _card(says: Party) -> dict[str, Any]:
    return dict(fields_of(says))


def _stored(document: Document) -> StoredOrder:
    content = document.content
    return StoredOrder(
        number=document.number,
        cancelled=document.state == "CANCELLED",
        customer=content.debtor.number,
        currency=content.currency,
        lines=tuple(
            StoredLine(
                line_id=position.position,
                product=position.article,
                quantity=Decimal(position.quantity),
                unit_price=Decimal(position.price),
                description=position.text,
            )
            for position in content.positions
        ),
        ordered_at=content.ordered,
        shipping_address=mapping.order_from_wire(content).shipping_address,
        correlation_id=document.correlation,
    )


def _offered(order: Order, capture: Callable[[SalesOrder], Any]) -> Offered:
    return Offered(capture(mapping.order_to_wire(order, "")).id, order)


SETTINGS: Mapping[str, Any] = {
    "secret": SECRET,
    "timeout_seconds": 0.5,
    "arrivals_max": 10,
    "arrivals_wait_seconds": 0.2,
}


@asynccontextmanager
async def in_process(name: str, *, unique_reference: bool = True) -> AsyncIterator[MemoryBench]:
    """A bench around a ledger of this process."""
    surface = Surface(secret=SECRET, unique_reference=unique_reference)
    share_surface(name, surface)

    async def down() -> None:
        surface.down = True

    async def back() -> None:
        surface.down = False

    settings = {**SETTINGS, "ledger": name, "unique_reference": unique_reference}
    yield MemoryBench(surface, settings, down=down, back=back)
    share_surface(name, None)


@asynccontextmanager
async def loopback_server() -> AsyncIterator[MemoryErp]:
    """A server on loopback, for many benches one after another."""
    server = MemoryErp(Surface())
    await server.start()
    yield server
    await server.stop()


def over_http(server: MemoryErp) -> MemoryBench:
    """A bench around that server, as if nothing had happened on it before."""
    server.surface = Surface(secret=SECRET)
    settings = {**SETTINGS, "url": server.url}
    return MemoryBench(server.surface, settings, down=server.go_down, back=server.come_back)
