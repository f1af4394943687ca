"""A small Acme on loopback: its HTTP surface, its books, and faults on demand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.ports.manifest import Progress
from crossdock.transport.loopback import LoopbackServer, Request, Response, json_response
from crossdock_acme import wire

VERSION = "2.1"
API_KEY = "acme-key-to-nothing"
KNOWN_ACCOUNTS = {"C-1001": "", "C-9001": "account_blocked"}
KNOWN_SKUS = frozenset(f"P-{number}" for number in range(100, 200, 10))

Fault = Callable[[Request, Callable[[], Response]], Awaitable[Response]]
"""Stands between a request and its handler: may answer itself, or call the handler and spoil the answer."""


class Refused(Exception):
    """Acme's no."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


class Acme:
    """The books, and `respond`, its surface. A fault waits for a request of its method, if it names one."""

    def __init__(self) -> None:
        self.sent: dict[str, wire.SalesOrder] = {}
        self.orders: dict[str, wire.OrderAnswer] = {}
        self.changes: list[wire.Change] = []
        self.faults: list[tuple[str, Fault]] = []
        self.refuse_next = ""
        self.refuse_lines: dict[str, str] = {}
        self.revoked = False
        self.delay_seconds = 0.0
        self.in_flight_peak = 0
        self._in_flight = 0

    async def respond(self, request: Request) -> Response:
        """Answer one request, as badly as the next fault for its method wants."""
        self._in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
        try:
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            for index, (method, fault) in enumerate(self.faults):
                if method in {"", request.method}:
                    del self.faults[index]
                    return await fault(request, lambda: self.answer(request))
            return self.answer(request)
        finally:
            self._in_flight -= 1

    def answer(self, request: Request) -> Response:
        """Answer one request well."""
        try:
            return json_response(self._handle(request))
        except Refused as refused:
            return json_response(wire.Problem(refused.error, f"no: {refused.error}"), status=refused.status)
        except msgspec.DecodeError:
            return json_response(wire.Problem("unreadable"), status=400)

    def _handle(self, request: Request) -> Any:
        if self.revoked or request.headers.get("x-api-key") != API_KEY:
            raise Refused(401, "key_refused")
        place = request.path.removeprefix("/api/v2").strip("/").split("/")
        match (request.method, *place):
            case ("GET", "ping"):
                return wire.Ping("Acme", VERSION)
            case ("POST", "orders"):
                return self._place(msgspec.json.decode(request.body, type=wire.SalesOrder))
            case ("GET", "orders"):
                found = self.orders.get(request.query.get("ref", ""))
                return wire.Orders((found,) if found else ())
            case ("POST", "orders", number, "cancel"):
                return self._cancel(number)
            case ("GET", "changes"):
                return self._changes(int(request.query.get("after", "-1")), int(request.query.get("limit", "100")))
            case _:
                raise Refused(404, "no_such_place")

    def _place(self, order: wire.SalesOrder) -> wire.OrderAnswer:
        known = self.orders.get(order.ref)
        if known is not None and known.status != "cancelled":
            if msgspec.structs.replace(self.sent[order.ref], trace=order.trace) != order:
                raise Refused(409, "ref_used")
            return known
        refused, self.refuse_next = self.refuse_next, ""
        refused = refused or KNOWN_ACCOUNTS.get(order.account, "account_unknown")
        if refused:
            raise Refused(422, refused)
        lines = tuple(self._line(line) for line in order.lines)
        self.refuse_lines = {}
        in_part = any(line.reason for line in lines)
        answer = wire.OrderAnswer(
            id=f"A{len(self.orders) + 1:05d}",
            ref=order.ref,
            status="confirmed_in_part" if in_part else "confirmed",
            lines=lines,
        )
        self.sent[order.ref] = order
        self._store(answer, "order", answer.id)
        return answer

    def _line(self, line: wire.SalesLine) -> wire.LineAnswer:
        reason = self.refuse_lines.get(line.no) or ("" if line.sku in KNOWN_SKUS else "sku_unknown")
        if reason:
            return wire.LineAnswer(no=line.no, confirmed="0", rejected=line.qty, reason=reason)
        return wire.LineAnswer(no=line.no, confirmed=line.qty, rejected="0")

    def _cancel(self, number: str) -> wire.OrderAnswer:
        for answer in self.orders.values():
            if answer.id == number:
                if answer.status == "shipped":
                    raise Refused(409, "already_shipped")
                return self.set_status(answer.ref, "cancelled")
        raise Refused(404, "order_unknown")

    def set_status(self, ref: str, status: str, *, doc: str = "") -> wire.OrderAnswer:
        """Give an order a status, as a clerk or a warehouse would; a `doc` is a shipment's number."""
        answer = msgspec.structs.replace(self.orders[ref], status=status)
        self._store(answer, "shipment" if doc else "order", doc or answer.id)
        return answer

    def _store(self, answer: wire.OrderAnswer, kind: str, doc: str) -> None:
        self.orders[answer.ref] = answer
        self.changes.append(
            wire.Change(
                seq=len(self.changes) + 1,
                ref=answer.ref,
                id=answer.id,
                type=kind,
                doc=doc,
                status=answer.status,
                at=datetime.now(UTC),
            )
        )

    def _changes(self, after: int, limit: int) -> wire.Changes:
        if after < 0:
            return wire.Changes(changes=(), last=len(self.changes), more=False)
        page = tuple(self.changes[after : after + limit])
        last = after + len(page)
        return wire.Changes(changes=page, last=last, more=last < len(self.changes))


class LocalAcme:
    """Starts an Acme on this machine; it takes no arguments."""

    def __init__(self) -> None:
        self.acme = Acme()
        self._server = LoopbackServer(self.acme.respond)
        self._port = 0

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Start and return the dock's settings."""
        await self._server.start_here()
        self._port = self._server.port
        if progress is not None:
            progress("start Acme", 1, 1)
        return {"url": self._server.url, "api_key": API_KEY}

    async def stop(self) -> None:
        """Stop it; stopping twice is fine."""
        await self._server.stop_here()

    async def come_back(self) -> None:
        """Answer at the same address again."""
        self._server = LoopbackServer(self.acme.respond, port=self._port)
        await self._server.start_here()
