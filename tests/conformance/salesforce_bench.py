"""The simulated Salesforce org on a test bench: the simulator's own faults, and answers bent on their way."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec

from crossdock.adapters.salesforce import ADAPTER, party_mapping
from crossdock.adapters.salesforce.local import connection
from crossdock.adapters.salesforce.settings import CustomerFields
from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.api.front import Front
from crossdock.adapters.salesforce.simulator.directory import ConnectedApp
from crossdock.adapters.salesforce.simulator.faults import (
    DeliverTwice,
    DropAfterCommit,
    DropBeforeWork,
    Unavailable,
)
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.canonical.order import Order
from crossdock.canonical.party import Address, Customer, ExternalReference, Party
from crossdock.identity.golden.fields import FieldValue, fields_of
from crossdock.ports.manifest import Role
from crossdock.testing.bench import CustomerBench, Offered, ShownStatus, SinkBench, SourceBench
from crossdock.transport.loopback import LoopbackServer, Request, Response

DATA = "/services/data/"
FIELDS = CustomerFields()
COLLECTION = "/composite/sobjects"
PRODUCTS = ("P-100", "P-110", "P-120")
SETTINGS: Mapping[str, Any] = {
    "timeout_seconds": 5,
    "events": {
        "gather_max": 1,
        "gather_seconds": 0.05,
        "settle_seconds": 0.1,
        "retry_seconds_min": 0.05,
        "retry_seconds_max": 0.2,
        "overlap_seconds": 60,
    },
}

Bend = Callable[[Any], None]


class SalesforceBench(SourceBench, SinkBench, CustomerBench):
    """Everything the suite may ask for."""

    def __init__(self, simulator: SalesforceSimulator, port: int) -> None:
        self.simulator = simulator
        self._front = Front(simulator.org)
        self._server = simulator._http = LoopbackServer(self._respond, port=port)
        self._bends: list[tuple[str, Bend]] = []
        self._slow_seconds = 0.0
        self._in_flight = self._peak = self._writes = 0
        for code in PRODUCTS:
            simulator.seed.product(code, f"Product {code}", {"EUR": 9.9})

    @property
    def settings(self) -> dict[str, Any]:
        return {**connection(self.simulator), **SETTINGS}

    async def _respond(self, request: Request) -> Response:
        if not request.path.startswith(DATA):
            return await self._front.respond(request)
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        try:
            await asyncio.sleep(self._slow_seconds)
            self._writes += request.method in ("PATCH", "POST")
            return self._bent(request.path, await self._front.respond(request))
        finally:
            self._in_flight -= 1

    def _bent(self, path: str, response: Response) -> Response:
        for index, (part, bend) in enumerate(self._bends):
            if part in path:
                del self._bends[index]
                body = msgspec.json.decode(response.body)
                bend(body)
                return msgspec.structs.replace(response, body=msgspec.json.encode(body))
        return response

    async def go_down(self) -> None:
        await self._server.stop_here()

    async def come_back(self) -> None:
        self._server.bind()
        await self._server.start_here()

    async def refuse_next(self) -> None:
        self.simulator.faults.add(Unavailable(path=DATA))

    async def break_next_read(self) -> None:
        self.simulator.faults.add(DropBeforeWork(path=DATA, method="GET"))

    async def lose_next_answer(self) -> None:
        self.simulator.faults.add(DropAfterCommit(path="/composite|/Soap/"))

    async def expire_credential(self) -> None:
        self.simulator.expire_sessions()

    async def revoke_credential(self) -> None:
        client_id = self.simulator.credentials.client_id
        self.simulator.register_app(ConnectedApp(client_id=client_id, approved=False))
        self.simulator.expire_sessions()

    async def add_unknown_fields(self, role: Role) -> None:
        def bend(body: Any) -> None:
            for target in body if isinstance(body, list) else [body]:
                target["aFieldOfNextYear"] = {"deep": [1, None]}

        self._bends.append((self._path(role), bend))

    async def drop_field(self, role: Role) -> str:
        if role in (Role.ORDER_SOURCE, Role.CUSTOMER_SOURCE):
            self._bends.append((self._path(role), lambda body: body.pop("totalSize")))
            return "$.totalSize"
        self._bends.append((self._path(role), lambda body: body[0].pop("success")))
        return "$[0].success"

    def _path(self, role: Role) -> str:
        return "/query" if role in (Role.ORDER_SOURCE, Role.CUSTOMER_SOURCE) else COLLECTION

    async def slow_down(self, seconds: float) -> None:
        self._slow_seconds = seconds

    async def in_flight_peak(self) -> int:
        return self._peak

    async def offer(self, orders: Sequence[Order]) -> Sequence[Offered]:
        return [self._capture(order, announce=True) for order in orders]

    async def offer_untranslatable(self) -> str:
        account = self._account(Customer(number="C-7", name="Nobody"))
        fields = {"ShippingStreet": "1", "ShippingCity": "Poseidonis", "ShippingCountry": "Atlantis"}
        line = Line("P-100", 1)
        return self.simulator.seed.order(account, [line], announce=True, Submitted__c=True, **fields)

    async def redeliver(self, external_id: str) -> None:
        self.simulator.publish_gap("Order", "UPDATE", external_id)

    async def break_stream(self) -> None:
        self.simulator.drop_streams()

    async def lose_events(self, orders: Sequence[Order]) -> Sequence[Offered]:
        lost = [self._capture(order, announce=False) for order in orders]
        self.simulator.publish_overflow("Order")
        return lost

    async def delivered(self) -> int:
        return self.simulator.calls.event_deliveries

    def _capture(self, order: Order, *, announce: bool) -> Offered:
        """Enter an order as a user does; what the org numbers and stamps itself is part of what is offered."""
        account = self._account(order.customer)
        address = order.shipping_address
        record = self.simulator.seed.order(
            account,
            [
                Line(
                    line.product,
                    float(line.quantity.decimal),
                    float(line.unit_price.decimal),
                    {"Description": line.description or None},
                )
                for line in order.lines
            ],
            currency=order.currency,
            announce=announce,
            Submitted__c=True,
            **_shipping(address),
        )
        row = self._row("Order", record)
        items = [item["Id"] for item in self.simulator.rows("OrderItem") if item["OrderId"] == record]
        customer = Customer(
            number=order.customer.number,
            name=order.customer.name,
            kind="organisation",
            references=(ExternalReference("salesforce", "Account", account),),
        )
        return Offered(
            record,
            msgspec.structs.replace(
                order,
                order_id=f"SF-{row['OrderNumber']}",
                ordered_at=datetime.fromisoformat(str(row["CreatedDate"])),
                customer=customer,
                shipping_address=_as_kept(address, order.customer.name),
                lines=tuple(
                    msgspec.structs.replace(line, line_id=item)
                    for line, item in zip(order.lines, items, strict=True)
                ),
            ),
        )

    def _account(self, customer: Customer) -> str:
        for row in self.simulator.rows("Account"):
            if row["ErpId__c"] == customer.number:
                self.simulator.seed.update("Account", row["Id"], {"Name": customer.name}, announce=False)
                return str(row["Id"])
        return self.simulator.seed.account(customer.number, customer.name)

    async def new_record(self) -> str:
        account = self._account(Customer(number="C-7", name="Nobody"))
        return self.simulator.seed.order(account, [Line("P-100", 1)])

    async def missing_record(self) -> str:
        record = await self.new_record()
        self.simulator.seed.delete("Order", record)
        return record

    async def shown_status(self, record: str) -> ShownStatus | None:
        row = self._row("Order", record)
        label = row["Hub_Status__c"]
        if label is None:
            return None
        value = str(label).lower().replace(" ", "_")
        return ShownStatus(status=value, reason=row["Hub_Reason__c"], erp_number=row["ErpOrderNumber__c"])

    async def enter_customer(self, says: Party) -> ExternalReference:
        return self._enter(says, announce=True)

    def _enter(self, says: Party, *, announce: bool) -> ExternalReference:
        row = party_mapping.changes_row(says, FIELDS, person=says.kind == "person")
        (record,) = self.simulator.seed.rows("Account", [row], announce=announce)
        return party_mapping.reference_to(record)

    async def edit_customer(self, record: ExternalReference, says: Party) -> None:
        row = party_mapping.changes_row(says, FIELDS, person=False)
        self.simulator.seed.update("Account", record.value, row)

    async def remove_customer(self, record: ExternalReference) -> None:
        self.simulator.seed.delete("Account", record.value)

    async def restore_customer(self, record: ExternalReference) -> None:
        self.simulator.seed.undelete("Account", record.value)

    async def merge_customers(self, survivor: ExternalReference, absorbed: ExternalReference) -> None:
        self.simulator.seed.merge("Account", survivor.value, absorbed.value)

    async def enter_unreadable_customer(self) -> str:
        row = {"Name": "Nobody", "BillingCountry": "Atlantis"}
        return self.simulator.seed.rows("Account", [row], announce=True)[0]

    async def redeliver_customer(self, record: ExternalReference) -> None:
        self.simulator.faults.add(DeliverTwice())

    async def lose_customer_events(self, statements: Sequence[Party]) -> Sequence[ExternalReference]:
        lost = [self._enter(says, announce=False) for says in statements]
        self.simulator.publish_overflow("Account")
        return lost

    async def customers_under(self, key: str) -> Sequence[ExternalReference]:
        rows = self.simulator.rows("Account")
        return [party_mapping.reference_to(row["Id"]) for row in rows if row["Hub_Key__c"] == key]

    async def kept_fields(self, record: ExternalReference) -> Mapping[str, FieldValue] | None:
        rows = [row for row in self.simulator.rows("Account") if row["Id"] == record.value]
        settings = ADAPTER.load_settings(self.settings)
        return fields_of(party_mapping.says_of(rows[0], settings)) if rows else None

    async def write_calls(self) -> int:
        return self._writes

    def _row(self, sobject: str, record: str) -> dict[str, Any]:
        return next(row for row in self.simulator.rows(sobject) if row["Id"] == record)


def _shipping(address: Address | None) -> dict[str, Any]:
    if address is None:
        return {}
    return {
        "ShippingStreet": "\n".join(address.lines),
        "ShippingCity": address.city,
        "ShippingPostalCode": address.postal_code,
        "ShippingState": address.region,
        "ShippingCountry": address.country,
    }


def _as_kept(address: Address | None, name: str) -> Address | None:
    """An order of Salesforce has no name, phone or mail of its own beside its address."""
    return msgspec.structs.replace(address, name=name, phone="", email="") if address else None


@asynccontextmanager
async def salesforce_bench() -> AsyncIterator[SalesforceBench]:
    """A bench around a fresh org, on a port that it keeps while it is down."""
    simulator = SalesforceSimulator()
    bench = SalesforceBench(simulator, _free_port())
    await simulator.start()
    try:
        yield bench
    finally:
        await simulator.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
