"""The conformance suite on the Acme dock and its simulator."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.canonical.party import Address
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.testing import conformance
from crossdock.testing.bench import GatewayBench, StoredLine, StoredOrder
from crossdock.testing.estate import Estate
from crossdock.transport.loopback import Request, Response, json_response
from crossdock_acme import ADAPTER, wire
from crossdock_acme.simulator import Acme, Fault, LocalAcme

ESTATE = Estate(
    customer="C-1001",
    blocked_customer="C-9001",
    products=("P-100", "P-110", "P-120"),
    refusals={"account_blocked": "customer-blocked", "never_heard_of": "refused"},
    line_refusals={"no_stock": "out-of-stock"},
)


class AcmeBench(GatewayBench):
    """What the suite may do to the simulator."""

    def __init__(self, local: LocalAcme, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self._local = local
        self._late: list[asyncio.Task[Any]] = []

    @property
    def _acme(self) -> Acme:
        return self._local.acme

    def _next(self, fault: Fault, method: str = "") -> None:
        self._acme.faults.append((method, fault))

    async def go_down(self) -> None:
        await self._local.stop()

    async def come_back(self) -> None:
        await self._local.come_back()

    async def refuse_next(self) -> None:
        async def refuse(_request: Request, _answer: Any) -> Response:
            return json_response(wire.Problem("maintenance"), status=503)

        self._next(refuse)

    async def throttle_next(self, wait_seconds: float) -> None:
        async def throttle(_request: Request, _answer: Any) -> Response:
            headers = {"retry-after": f"{wait_seconds:g}"}
            return json_response(wire.Problem("too_many"), status=429, headers=headers)

        self._next(throttle)

    async def break_next_read(self) -> None:
        async def cut(_request: Request, _answer: Any) -> Response:
            return Response(drop=True)

        self._next(cut, "GET")

    async def lose_next_answer(self) -> None:
        async def lose(_request: Request, answer: Any) -> Response:
            answer()
            return Response(drop=True)

        self._next(lose, "POST")

    async def stay_silent_next(self) -> None:
        async def stay_silent(_request: Request, answer: Any) -> Response:
            answer()
            return Response(drop=True, delay_seconds=30)

        self._next(stay_silent, "POST")

    async def commit_next_late(self) -> None:
        async def commit_late(_request: Request, answer: Any) -> Response:
            self._late.append(asyncio.create_task(_later(answer)))
            return Response(drop=True)

        self._next(commit_late, "POST")

    async def settle(self) -> None:
        await asyncio.gather(*self._late)

    async def revoke_credential(self) -> None:
        self._acme.revoked = True

    async def add_unknown_fields(self, role: Role) -> None:
        async def add(_request: Request, answer: Any) -> Response:
            value = msgspec.json.decode(answer().body)
            for order in value["orders"]:
                order["loyalty_points"] = 3
            return json_response(value | {"took_ms": 4})

        self._next(add, "GET")

    async def drop_field(self, role: Role) -> str:
        async def drop(_request: Request, answer: Any) -> Response:
            value = msgspec.json.decode(answer().body)
            del value["orders"][0]["status"]
            return json_response(value)

        self._next(drop, "GET")
        return "$.orders[0].status"

    async def slow_down(self, seconds: float) -> None:
        self._acme.delay_seconds = seconds

    async def in_flight_peak(self) -> int:
        return self._acme.in_flight_peak

    async def stored_orders(self, key: str) -> Sequence[StoredOrder]:
        answer = self._acme.orders.get(key)
        return [_stored(answer, self._acme.sent[key])] if answer else []

    async def reject_next_order(self, vendor_code: str) -> None:
        self._acme.refuse_next = vendor_code

    async def reject_line(self, line_id: str, vendor_code: str) -> None:
        self._acme.refuse_lines[line_id] = vendor_code

    async def set_unknown_status(self, key: str) -> str:
        return self._acme.set_status(key, "awaiting_moonrise").status

    async def ship(self, key: str) -> None:
        self._acme.set_status(key, "shipped", doc="D00001")

    async def cancel_in_system(self, key: str) -> None:
        self._acme.set_status(key, "cancelled")


async def _later(answer: Any) -> None:
    await asyncio.sleep(0.05)
    answer()


def _stored(answer: wire.OrderAnswer, sent: wire.SalesOrder) -> StoredOrder:
    place = sent.ship_to
    return StoredOrder(
        number=answer.id,
        cancelled=answer.status == "cancelled",
        customer=sent.account,
        currency=sent.currency,
        lines=tuple(
            StoredLine(
                line_id=line.no,
                product=line.sku,
                quantity=Decimal(line.qty),
                unit_price=Decimal(line.price),
                description=line.text,
            )
            for line in sent.lines
        ),
        ordered_at=sent.placed_at,
        shipping_address=Address(lines=place.street, city=place.city, country=place.country) if place else None,
        correlation_id=sent.trace,
    )


class OnAcme:
    """The fixtures of every suite below."""

    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        """The adapter."""
        return ADAPTER

    @pytest.fixture
    async def bench(self) -> AsyncIterator[AcmeBench]:
        """A new Acme for each test."""
        local = LocalAcme()
        yield AcmeBench(local, await local.start())
        await local.stop()

    @pytest.fixture
    def settings(self, bench: AcmeBench) -> Mapping[str, Any]:
        """Impatient, so that a silent Acme does not hold the tests up."""
        return {**bench.settings, "timeout_seconds": 0.5}

    @pytest.fixture
    def estate(self) -> Estate:
        """What the simulator knows."""
        return ESTATE


class TestDock(OnAcme, conformance.DockConformance):
    """What every dock promises."""


class TestOrderGateway(OnAcme, conformance.OrderGatewayConformance):
    """What an order gateway promises."""
