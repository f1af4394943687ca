"""The control endpoints under `/_simulator/`: the same faults and looks as from Python, for other processes."""

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from crossdock.adapters.memory import wire
from crossdock.adapters.memory.simulator.estate import Estate, Stock
from crossdock.adapters.memory.simulator.faults import Fault
from crossdock.adapters.memory.simulator.ledger import Refusal
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.transport.loopback import (
    MethodNotAllowed,
    NoRoute,
    Request,
    Response,
    Routes,
    json_response,
)
from crossdock.transport.payload import finding_of

PREFIX = "/_simulator/"

Handler = Callable[[Request, dict[str, str]], Awaitable[Any]]


class StockWanted(msgspec.Struct, frozen=True):
    """What a depot should have of an article, as decimal text."""

    article: str
    depot: str
    on_hand: str
    promised: str = "0"


class Outage(msgspec.Struct, frozen=True):
    """For how long connections are refused."""

    seconds: float


class Control:
    """Answers control requests about whatever surface is served; `go_down_for` refuses connections for a while."""

    def __init__(self, served: Callable[[], Surface], go_down_for: Callable[[float], None]) -> None:
        self._served = served
        self._go_down_for = go_down_for
        self._routes: Routes[Handler] = Routes()
        for method, path, handler in (
            ("GET", "faults", self._waiting),
            ("POST", "faults", self._add),
            ("DELETE", "faults", self._clear),
            ("POST", "outage", self._outage),
            ("POST", "credential/{verb}", self._credential),
            ("GET", "orders", self._orders),
            ("POST", "orders/{number}/{verb}", self._move),
            ("POST", "stock", self._set_stock),
            ("POST", "messages", self._offer),
            ("GET", "partners", self._partners),
            ("POST", "partners", self._write_partner),
            ("GET", "partners/end", self._end_of_partners),
            ("GET", "statuses", self._statuses),
            ("GET", "calls", self._calls),
            ("POST", "records/{record}/{verb}", self._record),
        ):
            self._routes.add(method, PREFIX + path)(handler)

    async def respond(self, request: Request) -> Response:
        """Answer one control request."""
        try:
            match = self._routes.find(request.method, request.path)
            return json_response(await match.handler(request, match.variables))
        except (NoRoute, MethodNotAllowed):
            return json_response(wire.Problem("NO_SUCH_PLACE", "not a control endpoint"), status=404)
        except Refusal as refusal:
            return json_response(wire.Problem(refusal.code, refusal.text), status=refusal.status)
        except (msgspec.DecodeError, RecursionError) as error:
            found = finding_of(error)
            return json_response(wire.Problem("FIELD", found.message, found.path), status=400)

    async def _waiting(self, _request: Request, _variables: dict[str, str]) -> Any:
        return list(self._served().faults.waiting())

    async def _add(self, request: Request, _variables: dict[str, str]) -> Any:
        self._served().faults.add(msgspec.json.decode(request.body, type=Fault))
        return list(self._served().faults.waiting())

    async def _clear(self, _request: Request, _variables: dict[str, str]) -> Any:
        self._served().faults.clear()
        return []

    async def _outage(self, request: Request, _variables: dict[str, str]) -> Any:
        outage = msgspec.json.decode(request.body, type=Outage)
        self._go_down_for(outage.seconds)
        return outage

    async def _credential(self, _request: Request, variables: dict[str, str]) -> Any:
        verbs = {
            "expire": self._served().expire_sessions,
            "revoke": self._served().revoke_credential,
            "restore": self._served().restore_credential,
        }
        return _one_of(verbs, variables["verb"])()

    async def _orders(self, request: Request, _variables: dict[str, str]) -> Any:
        return list(self._served().ledger.orders(request.query.get("reference")))

    async def _move(self, _request: Request, variables: dict[str, str]) -> Any:
        ledger = self._served().ledger
        verbs = {
            "ship": ledger.ship,
            "invoice": ledger.invoice,
            "cancel": ledger.cancel,
            "confirm": ledger.confirm,
        }
        _one_of(verbs, variables["verb"])(variables["number"])
        return [document for document in ledger.orders() if document.number == variables["number"]]

    async def _set_stock(self, request: Request, _variables: dict[str, str]) -> Any:
        wanted = msgspec.json.decode(request.body, type=StockWanted)
        try:
            figures = [f"{Decimal(text):f}" for text in (wanted.on_hand, wanted.promised)]
        except (InvalidOperation, ValueError):
            raise Refusal("FIELD", "not decimal text", status=400) from None
        self._served().ledger.seed(Estate(stock=(Stock(wanted.article, wanted.depot, *figures),)))
        return wanted

    async def _offer(self, request: Request, _variables: dict[str, str]) -> Any:
        return self._served().channel.offer(msgspec.json.decode(request.body, type=wire.SalesOrder))

    async def _partners(self, _request: Request, _variables: dict[str, str]) -> Any:
        return self._served().partners.present()

    async def _write_partner(self, request: Request, _variables: dict[str, str]) -> Any:
        return self._served().partners.write(msgspec.json.decode(request.body, type=wire.PartnerWrite))

    async def _end_of_partners(self, _request: Request, _variables: dict[str, str]) -> Any:
        return wire.Count(self._served().partners.stream.end)

    async def _record(self, _request: Request, variables: dict[str, str]) -> Any:
        gone = self._served().board.gone
        return _one_of({"delete": gone.add, "restore": gone.discard}, variables["verb"])(variables["record"])

    async def _statuses(self, _request: Request, _variables: dict[str, str]) -> Any:
        return self._served().board.shown

    async def _calls(self, _request: Request, _variables: dict[str, str]) -> Any:
        return list(self._served().log.calls)


def _one_of(verbs: dict[str, Callable[..., Any]], verb: str) -> Callable[..., Any]:
    try:
        return verbs[verb]
    except KeyError:
        raise Refusal("NO_SUCH_VERB", f"one of {', '.join(verbs)}", status=404) from None
