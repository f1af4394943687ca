"""A real Tryton on the conformance suite's bench: clerks act as the administrator, trouble comes from a proxy.

The proxy stands between dock and Tryton and forwards every call; it can refuse, cut, delay, or hold one back.
What it reports as lost was carried out by Tryton all the same.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import msgspec
from tests.adapters.tryton.parties import PartyBench

from crossdock.adapters.tryton import ADAPTER, codec, mapping
from crossdock.adapters.tryton.client import TrytonClient, as_rows
from crossdock.adapters.tryton.local import LocalTryton
from crossdock.adapters.tryton.local.seed import HUB_USER
from crossdock.adapters.tryton.local.template import ADMIN_USER
from crossdock.adapters.tryton.wire import SaleRow, fields_of
from crossdock.canonical.party import Address
from crossdock.kit.clock import SystemClock
from crossdock.ports.manifest import Role
from crossdock.testing.bench import GatewayBench, StockBench, StoredLine, StoredOrder
from crossdock.testing.estate import Estate
from crossdock.transport.loopback import LoopbackServer, Request, Response

CREDIT_LIMIT = "account_credit_limit.msg_party_credit_limit_amount"
NOT_SALABLE = "product.product,salable"
ESTATE = Estate(
    customer="C-1001",
    customer_name="Alpenblick Sporthandel",
    blocked_customer="C-1059",
    unknown_customer="C-0000",
    products=("COFFEE-BEANS", "TEA-LEAVES", "SALT-SEA"),
    inactive_product="TENT-1P-2019",
    unknown_product="P-000",
    unit="KGM",
    location="LDN",
    currency="EUR",
    unsold_currency="JPY",
    priced_product="TEA-LEAVES",
    price="25.596",
    refusals={CREDIT_LIMIT: "credit-limit"},
    line_refusals={NOT_SALABLE: "product-not-for-sale"},
)

CREATE, QUOTE, CONFIRM = (f"model.sale.sale.{name}" for name in ("create", "quote", "confirm"))
PARTY_WRITES = frozenset({"model.party.party.create", "model.party.party.write", "wizard.party.replace.execute"})
_SIGN_IN = frozenset({"common.db.login", "model.res.user.get_preferences"})
_READS = ("search_read", "read", "on_change", "get_access")
_ASKED = {
    Role.ORDER_GATEWAY: ("model.sale.sale.search_read", "number"),
    Role.CUSTOMER_DIRECTORY: ("model.party.party.search_read", "name"),
    Role.PRODUCT_SOURCE: ("model.product.product.search_read", "name"),
    Role.PRICE_SOURCE: ("model.product.product.read", "sale_price_uom"),
    Role.STOCK_SOURCE: ("model.product.product.search_read", "forecast_quantity"),
    Role.CUSTOMER_SOURCE: ("model.party.party.search_read", "last_modified_at"),
    Role.CUSTOMER_SINK: ("model.party.party.search_read", "name"),
}
Alter = Callable[[Any], None]


def client_of(local: LocalTryton, user: str) -> TrytonClient:
    """A client past the proxy; open it."""
    return TrytonClient(ADAPTER.load_settings(local.settings(user)), SystemClock())


class Proxy:
    """Forwards JSON-RPC to a Tryton, and misbehaves once where it was told to."""

    def __init__(self, upstream: str) -> None:
        self._http = httpx.AsyncClient(base_url=upstream, timeout=60, trust_env=False)
        self._server = LoopbackServer(self._respond)
        self.behave()

    def behave(self) -> None:
        """Forget every trouble and every call."""
        self._in_flight = 0
        self._held: list[Request] = []
        self.in_flight_peak = 0
        self.delay_seconds = 0.0
        self.authorizations: set[str] = set()
        self.next_answer: Response | None = None
        self.cut_next_read = False
        self.cut_after: list[str] = []
        self.cut_next_of: frozenset[str] = frozenset()
        self.refuse(frozenset(), None)
        self.writes = 0
        self.silent_after = ""
        self.hold_at = ""
        self.alterations: list[tuple[str, Alter]] = []
        self.before_call: dict[str, Callable[[], Any]] = {}
        self.after_call: dict[str, Callable[[], Any]] = {}
        self.states: dict[str, str] = {}
        self.rows: Counter[str] = Counter()

    def refuse(self, methods: frozenset[str], times: int | None) -> None:
        """Answer these as while Tryton's database is down, so many times or until told otherwise."""
        self._refused, self._refusals_left = methods, times

    def _refuses(self, method: str) -> bool:
        if method not in self._refused:
            return False
        if self._refusals_left is not None:
            self._refusals_left -= 1
            self._refused = self._refused if self._refusals_left else frozenset()
        return True

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        await self._server.start_here()

    async def stop(self) -> None:
        await self._server.stop_here()

    async def restart(self, port: int) -> None:
        self._server = LoopbackServer(self._respond, port=port)
        await self._server.start_here()

    @property
    def port(self) -> int:
        return self._server.port

    async def close(self) -> None:
        await self.stop()
        await self._http.aclose()

    async def carry_out_held(self) -> None:
        held, self._held = self._held, []
        for request in held:
            await self._forward(request)

    async def _respond(self, request: Request) -> Response:
        self._in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
        try:
            await asyncio.sleep(self.delay_seconds)
            return await self._answer(request, codec.loads(request.body)["method"])
        finally:
            self._in_flight -= 1

    async def _answer(self, request: Request, method: str) -> Response:
        if method in _SIGN_IN:
            return await self._forward(request)
        self.authorizations.add(request.headers.get("authorization", ""))
        if self.next_answer is not None:
            answer, self.next_answer = self.next_answer, None
            return answer
        if self._refuses(method):
            return Response(status=404)
        if self.cut_next_read and method.endswith(_READS):
            self.cut_next_read = False
            return Response(drop=True)
        if self.hold_at == method:
            self.hold_at = ""
            self._held.append(request)
            return Response(drop=True)
        if method in self.before_call:
            await self.before_call.pop(method)()
        self.writes += method in PARTY_WRITES
        response = await self._forward(request)
        if method in self.rows:
            self.rows[method] += len(codec.loads(response.body)["result"])
        if method in self.cut_next_of:
            self.cut_next_of = frozenset()
            return Response(drop=True)
        if method in self.after_call:
            await self.after_call.pop(method)()
        if method in self.cut_after:
            self.cut_after.remove(method)
            return Response(drop=True)
        if self.silent_after == method:
            self.silent_after = ""
            return Response(drop=True, delay_seconds=30)
        return self._altered(response, method)

    async def _forward(self, request: Request) -> Response:
        passed = {"content-type", "authorization"}
        headers = {name: value for name, value in request.headers.items() if name in passed}
        try:
            answer = await self._http.post(request.path, content=request.body, headers=headers)
        except httpx.TransportError:
            return Response(drop=True)
        content_type = {"content-type": "application/json"}
        return Response(status=answer.status_code, body=answer.content, headers=content_type)

    def _altered(self, response: Response, method: str) -> Response:
        wanted = [alter for name, alter in self.alterations if name == method]
        if not wanted and not (self.states and method == "model.sale.sale.search_read"):
            return response
        answer = codec.loads(response.body)
        if not answer.get("result"):
            return response
        self.alterations = [(name, alter) for name, alter in self.alterations if name != method]
        for alter in wanted:
            alter(answer["result"])
        for row in answer["result"]:
            row["state"] = self.states.get(row.get("reference"), row.get("state"))
        return Response(status=response.status, body=codec.dumps(answer), headers=dict(response.headers))


class TrytonBench(GatewayBench, StockBench, PartyBench):
    """The suite's bench; `admin` is the administrator, past the proxy."""

    proxy: Proxy

    def __init__(self, local: LocalTryton, admin: TrytonClient, proxy: Proxy) -> None:
        self.local = local
        self.admin = admin
        self.proxy = proxy
        self._port = 0
        self.clock = SystemClock()
        self._promises: list[int] = []
        self._undo: list[tuple[str, int, dict[str, Any]]] = []

    @property
    def settings(self) -> Mapping[str, Any]:
        """The dock's settings: through the proxy."""
        return {**self.local.settings(HUB_USER), "base_url": self.proxy.url}

    async def reset(self) -> None:
        """As if nothing had happened."""
        marks = await self.admin.search_read("party.identifier", [("code", "like", "XD%")], ["id"])
        if marks:
            of_another = {"code": "of another test"}
            await self.admin.write("party.identifier", [row["id"] for row in marks], of_another)
        used = await self.admin.search_read("sale.sale", [("reference", "like", "XD%")], ["id"])
        if used:
            await self.admin.write("sale.sale", [row["id"] for row in used], {"reference": "of another test"})

    async def put_right(self) -> None:
        """Take back what this bench did to masters and users."""
        for model, row, values in reversed(self._undo):
            await self.admin.write(model, [row], values)
        self._undo.clear()
        await self._forget_promises()

    async def change(self, model: str, row: int, values: dict[str, Any], back: dict[str, Any]) -> None:
        """Change a master record until `put_right`."""
        self._undo.append((model, row, back))
        await self.admin.write(model, [row], values)

    async def go_down(self) -> None:
        self._port = self.proxy.port
        await self.proxy.stop()

    async def come_back(self) -> None:
        await self.proxy.restart(self._port)

    async def refuse_next(self) -> None:
        self.proxy.next_answer = Response(status=503)

    async def throttle_next(self, wait_seconds: float) -> None:
        self.proxy.next_answer = Response(status=429, headers={"retry-after": f"{wait_seconds:g}"})

    async def break_next_read(self) -> None:
        self.proxy.cut_next_read = True

    async def lose_next_answer(self) -> None:
        self.proxy.cut_next_of = PARTY_WRITES | {CONFIRM}

    async def stay_silent_next(self) -> None:
        self.proxy.silent_after = CONFIRM

    async def expire_credential(self) -> None:
        """End the hub's sessions in Tryton itself."""
        session = await client_session(self.proxy.url, self.local.name)
        for authorization in self.proxy.authorizations:
            await session(authorization)
        self.proxy.authorizations.clear()

    async def revoke_credential(self) -> None:
        """Give the hub's user another password, and end its sessions."""
        rows = await self.admin.search_read("res.user", [("login", "=", HUB_USER)], ["id"])
        password = self.local.settings(HUB_USER)["password"].reveal()
        await self.change("res.user", rows[0]["id"], {"password": f"not-{password}"}, {"password": password})
        await self.expire_credential()

    async def add_unknown_fields(self, role: Role) -> None:
        def add(rows: list[dict[str, Any]]) -> None:
            for row in rows:
                row["field_of_tomorrow"] = {"whatever": 1}

        self.proxy.alterations.append((_ASKED[role][0], add))

    async def drop_field(self, role: Role) -> str:
        method, field = _ASKED[role]

        def drop(rows: list[dict[str, Any]]) -> None:
            del rows[0][field]

        self.proxy.alterations.append((method, drop))
        return f"$[0].{field}"

    async def slow_down(self, seconds: float) -> None:
        self.proxy.delay_seconds = seconds

    async def in_flight_peak(self) -> int:
        return self.proxy.in_flight_peak

    async def stored_orders(self, key: str) -> Sequence[StoredOrder]:
        domain = ["OR", ("reference", "=", key), ("reference", "like", f"{key}/%")]
        fields = [
            *fields_of(SaleRow),
            "party.code",
            "currency.code",
            "lines.product.code",
            "lines.unit_price",
            "lines.description",
            *(f"shipment_address.{name}" for name in ("street", "city", "country.code")),
        ]
        return [_stored(row) for row in await self.admin.search_read("sale.sale", domain, fields)]

    async def reject_next_order(self, vendor_code: str) -> None:
        assert vendor_code == CREDIT_LIMIT
        party = await self.party(ESTATE.customer)
        await self.admin.write("party.party", [party], {"credit_limit_amount": Decimal(0)})

        async def give_credit() -> None:
            await self.admin.write("party.party", [party], {"credit_limit_amount": None})

        self.proxy.after_call[CONFIRM] = give_credit

    async def reject_line(self, line_id: str, vendor_code: str) -> None:
        assert vendor_code == NOT_SALABLE
        product = ESTATE.products[(int(line_id) - 1) % len(ESTATE.products)]
        rows = await self.admin.search_read("product.template", [("code", "=", product)], ["id"])
        await self.change("product.template", rows[0]["id"], {"salable": False}, {"salable": True})

    async def commit_next_late(self) -> None:
        self.proxy.hold_at = CONFIRM

    async def settle(self) -> None:
        await self.proxy.carry_out_held()

    async def stop_next_halfway(self) -> None:
        self.proxy.cut_after.append(QUOTE)  # a draft has no number yet

    async def set_unknown_status(self, key: str) -> str:
        self.proxy.states[key] = "quarantined"
        return "quarantined"

    async def ship(self, key: str) -> None:
        for shipment in await self.shipments(key):
            for button in ("assign_try", "pick", "pack", "do"):
                await self.admin.command(f"model.stock.shipment.out.{button}", [shipment])

    async def cancel_in_system(self, key: str) -> None:
        await self.admin.button("stock.shipment.out", "cancel", await self.shipments(key))

    async def shipments(self, key: str) -> list[int]:
        """The ids of the order's shipments."""
        (sale,) = await self.admin.search_read("sale.sale", [("reference", "=", key)], ["shipments"])
        return list(sale["shipments"])

    async def party(self, number: str) -> int:
        """The id of a customer."""
        rows = await self.admin.search_read("party.party", [("code", "=", number)], ["id"])
        return int(rows[0]["id"])

    async def set_stock(self, product: str, location: str, *, on_hand: Decimal, promised: Decimal) -> None:
        (item,) = await self.admin.search_read("product.product", [("code", "=", product)], ["id", "default_uom"])
        (place,) = await self.admin.search_read("stock.location", [("code", "=", location)], ["storage_location"])
        session = await self.admin.session()
        company = session.preferences["company"]
        inventory = {
            "location": place["storage_location"],
            "company": company,
            "empty_quantity": "keep",
            "lines": [["create", [{"product": item["id"], "quantity": float(on_hand)}]]],
        }
        (counted,) = await self.admin.create("stock.inventory", [inventory])
        await self.admin.button("stock.inventory", "confirm", [counted])
        await self._forget_promises()
        if promised:
            customer = await self.admin.search_read("stock.location", [("type", "=", "customer")], ["id"])
            currency = await self.admin.search_read("currency.currency", [("code", "=", "EUR")], ["id"])
            move = {
                "product": item["id"],
                "quantity": float(promised),
                "unit": item["default_uom"],
                "from_location": place["storage_location"],
                "to_location": customer[0]["id"],
                "planned_date": datetime.now(UTC).date(),
                "company": company,
                "unit_price": Decimal(1),
                "currency": currency[0]["id"],
            }
            self._promises = await self.admin.create("stock.move", [move])

    async def _forget_promises(self) -> None:
        if self._promises:
            await self.admin.command("model.stock.move.delete", self._promises)
            self._promises = []


async def client_session(url: str, database: str) -> Callable[[str], Any]:
    """Calls Tryton's own logout with somebody's authorization."""

    async def log_out(authorization: str) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            body = codec.dumps({"id": 1, "method": "common.db.logout", "params": []})
            headers = {"content-type": "application/json", "authorization": authorization}
            await http.post(f"/{database}/rpc/", content=body, headers=headers)

    return log_out


def _stored(row: dict[str, Any]) -> StoredOrder:
    memo = mapping.memo_of(as_rows([row], SaleRow)[0])
    address = row["shipment_address."]
    return StoredOrder(
        number=row["number"] or f"({row['id']})",
        cancelled=row["state"] == "cancelled" or "/" in row["reference"],
        customer=row["party."]["code"],
        currency=row["currency."]["code"],
        lines=tuple(
            StoredLine(
                line_id=line["note"],
                product=line["product."]["code"],
                quantity=line["quantity"],
                unit_price=line["unit_price"],
                description=line["description"],
            )
            for line in row["lines."]
            if line["product"] is not None
        ),
        ordered_at=memo.ordered_at if memo else None,
        shipping_address=Address(
            lines=tuple(address["street"].splitlines()),
            city=address["city"],
            country=address["country."]["code"],
        )
        if address
        else None,
        correlation_id=memo.correlation_id if memo else None,
    )


class Running(msgspec.Struct, frozen=True):
    """A Tryton that serves many tests, its administrator, signed in once, and the proxy before it."""

    local: LocalTryton
    admin: TrytonClient
    proxy: Proxy


@asynccontextmanager
async def running(local: LocalTryton) -> AsyncIterator[Running]:
    """Start it, sign the administrator in, and stop it."""
    await local.start()
    admin, proxy = client_of(local, ADMIN_USER), Proxy(local.server.url)
    await admin.open()
    await proxy.start()
    try:
        yield Running(local, admin, proxy)
    finally:
        await proxy.close()
        await admin.close()
        await local.stop()


@asynccontextmanager
async def on_the_bench(tryton: Running) -> AsyncIterator[TrytonBench]:
    """A bench around a running Tryton, as if nothing had happened on it before."""
    bench = TrytonBench(tryton.local, tryton.admin, tryton.proxy)
    tryton.proxy.behave()
    await bench.reset()
    try:
        yield bench
    finally:
        await bench.put_right()
