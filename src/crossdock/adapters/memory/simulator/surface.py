"""The memory ERP's HTTP surface, without the HTTP: a request in, a response out, faults on demand between.

The loopback server and the in-process dock call the very same function with the very same bytes.
"""

import asyncio
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from crossdock.adapters.memory import wire
from crossdock.adapters.memory.simulator.announcements import EventLog
from crossdock.adapters.memory.simulator.calls import CallLog
from crossdock.adapters.memory.simulator.channel import Board, Channel
from crossdock.adapters.memory.simulator.estate import STANDARD_ESTATE, Estate
from crossdock.adapters.memory.simulator.faults import (
    AddFields,
    AnswerState,
    BreakRead,
    CommitLate,
    DropField,
    FaultScript,
    Latency,
    LoseAnswer,
    RefuseBeforeCommit,
    RejectOrder,
    RejectPosition,
    StaySilent,
    StopHalfway,
    Throttle,
    spread_unknown_fields,
    strip_field,
)
from crossdock.adapters.memory.simulator.ledger import DRAFT, Ledger, Refusal
from crossdock.adapters.memory.simulator.partners import PartnerBook, handlers
from crossdock.kit.clock import MICROSECONDS, Clock, SystemClock
from crossdock.transport.loopback import Request, Response, json_response
from crossdock.transport.payload import finding_of

VERSION = "1.0"
ARTICLES_PAGE = 25
LIMIT_MAX = 1_000
WAIT_SECONDS_MAX = 60.0
_JSON = {"content-type": "application/json"}
_DROPPED = Response(drop=True)

T = TypeVar("T")


class Surface:
    """A whole memory ERP: books, channel, status board, event log, credentials, faults.

    With a `secret`, callers sign in as `client` and show their token; without one everybody may do everything.
    `in_flight_peak` is the largest number of calls that were being answered at once.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        estate: Estate = STANDARD_ESTATE,
        unique_reference: bool = True,
        client: str = "hub",
        secret: str = "",
        session_seconds: float = 3600.0,
    ) -> None:
        self.clock = clock or SystemClock()
        self.ledger = Ledger(self.clock, estate=estate, unique_reference=unique_reference)
        self.channel = Channel(self.clock)
        self.partners = PartnerBook(self.clock)
        self.board = Board()
        self.events = EventLog()
        self.faults = FaultScript()
        self.log = CallLog()
        self.down = False
        self.in_flight_peak = 0
        self._client, self._secret, self._session_seconds = client, secret, session_seconds
        self._revoked = False
        self._sessions: dict[str, int] = {}
        self._in_flight = 0
        self._late: set[asyncio.Task[None]] = set()
        self._routes: dict[tuple[str, str], Callable[[Request], bytes]] = {
            ("POST", "/orders"): self._place,
            ("POST", "/orders/find"): self._find,
            ("POST", "/orders/confirm"): self._confirm,
            ("POST", "/orders/cancel"): self._cancel,
            ("POST", "/changes"): self._changes,
            ("POST", "/debtors/find"): self._debtors,
            ("POST", "/articles/find"): self._articles,
            ("POST", "/articles/list"): self._articles_page,
            ("POST", "/prices"): self._prices,
            ("POST", "/stock"): self._stock,
            ("POST", "/statuses"): self._statuses,
            ("POST", "/announcements"): self._announcements,
            ("POST", "/messages/changed"): self._changed,
            ("POST", "/messages/count"): self._count,
            ("GET", "/about"): self._about,
            **handlers(self.partners, _read),
        }

    def open_accounts(self) -> None:
        """From now on a new partner is a debtor, too: it may order under the number on its card."""
        self.partners.opens = lambda debtor: self.ledger.seed(Estate(debtors=(debtor,)))

    def expire_sessions(self) -> None:
        """Every token handed out so far is too old; signing in again helps."""
        self._sessions.clear()

    def revoke_credential(self) -> None:
        """The client may not sign in any more, and its tokens are void."""
        self._revoked = True
        self._sessions.clear()

    def restore_credential(self) -> None:
        """The client may sign in again."""
        self._revoked = False

    async def settle(self) -> None:
        """Return when every late commit has happened."""
        while self._late:
            await asyncio.gather(*self._late)

    async def respond(self, request: Request) -> Response:
        """Answer one request; a response with `drop` is one whose connection is to be cut."""
        self._in_flight += 1
        call = self.log.begin(request.path, request.headers.get("authorization", ""), self.clock.now())
        self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
        try:
            if self.faults:
                return await self._respond_faulty(request)
            return await self._answer(request)
        finally:
            call.until = self.clock.now()
            self._in_flight -= 1

    async def _respond_faulty(self, request: Request) -> Response:
        path = request.path
        counts = path != "/session"
        writes = path in WRITES
        latency = self.faults.take(Latency, path, default=counts)
        if latency:
            await self.clock.sleep(latency.seconds)
        refused = self.faults.take(RefuseBeforeCommit, path, default=counts)
        if refused:
            return _problem("MAINTENANCE", "come back later", refused.status)
        throttled = self.faults.take(Throttle, path, default=counts)
        if throttled:
            wait = {**_JSON, "retry-after": f"{throttled.wait_seconds:g}"}
            return Response(status=429, headers=wait, body=msgspec.json.encode(wire.Problem("TOO_MANY")))
        if self.faults.take(BreakRead, path, default=counts and not writes):
            return _DROPPED
        late = self.faults.take(CommitLate, path, default=writes)
        if late:
            self._commit_late(request, late.seconds)
            return _DROPPED
        if self.faults.take(StopHalfway, path, default=path == "/orders"):
            await self._answer(request, self._place_draft)
            return _DROPPED
        response = await self._answer(request)
        if response.status < HTTPStatus.MULTIPLE_CHOICES:
            response = self._spoil(response, path)
            if self.faults.take(LoseAnswer, path, default=writes):
                return _DROPPED
            silent = self.faults.take(StaySilent, path, default=writes)
            if silent:
                return Response(drop=True, delay_seconds=silent.seconds)
        return response

    def _spoil(self, response: Response, path: str) -> Response:
        added = self.faults.take(AddFields, path, default=path != "/session")
        dropped = self.faults.take(DropField, path, default=path != "/session")
        if added is None and dropped is None:
            return response
        value = msgspec.json.decode(response.body)
        if added:
            spread_unknown_fields(value)
        if dropped:
            strip_field(value, dropped.path)
        return msgspec.structs.replace(response, body=msgspec.json.encode(value))

    def _commit_late(self, request: Request, seconds: float) -> None:
        async def commit() -> None:
            await self.clock.sleep(seconds)
            await self._answer(request)

        task = asyncio.create_task(commit())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _answer(self, request: Request, handler: Callable[[Request], bytes] | None = None) -> Response:
        try:
            if request.path == "/session":
                return self._sign_in(request)
            self._authorise(request)
            if request.path in _STREAMS:
                stream = self.channel if request.path == "/messages" else self.partners.stream
                return await self._messages(request, stream)
            handler = handler or self._routes.get((request.method, request.path))
            if handler is None:
                return _problem("NO_SUCH_PLACE", "not a place of this ERP", 404)
            return Response(body=handler(request), headers=_JSON)
        except Refusal as refusal:
            return _problem(refusal.code, refusal.text, refusal.status, refusal.field)

    def _sign_in(self, request: Request) -> Response:
        asked = _read(request, wire.SignIn)
        good = (
            secrets.compare_digest(asked.secret.encode(), self._secret.encode()) and asked.client == self._client
        )
        if self._revoked or not good:
            raise Refusal("CREDENTIAL_REVOKED", "the credential is not good (any more)", status=403)
        token = secrets.token_urlsafe(24)
        self._sessions[token] = self.clock.now() + round(self._session_seconds * MICROSECONDS)
        return json_response(wire.Session(token, self._session_seconds))

    def _authorise(self, request: Request) -> None:
        if not self._secret:
            return
        until = self._sessions.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if until is None or until <= self.clock.now():
            raise Refusal("SESSION_EXPIRED", "sign in again", status=401)

    def _about(self, _request: Request) -> bytes:
        return msgspec.json.encode(wire.About("Memory ERP", VERSION))

    def _place(self, request: Request) -> bytes:
        order = _read(request, wire.SalesOrder)
        correlation = request.headers.get("x-correlation-id", "")
        if not self.faults:
            return _submitted(self.ledger.place(order, correlation=correlation))
        rejected = self.faults.take(RejectOrder, request.path)
        if rejected:
            raise Refusal(rejected.code, f"{order.debtor.name}: {rejected.code}")
        refused: dict[str, str] = {}
        while position := self.faults.take(RejectPosition, request.path):
            refused[position.position] = position.code
        state = self.faults.take(AnswerState, request.path)
        ends_in = state.state if state else ""
        return _submitted(self.ledger.place(order, correlation=correlation, refused=refused, state=ends_in))

    def _place_draft(self, request: Request) -> bytes:
        correlation = request.headers.get("x-correlation-id", "")
        return _submitted(self.ledger.place(_read(request, wire.SalesOrder), correlation=correlation, state=DRAFT))

    def _find(self, request: Request) -> bytes:
        return msgspec.json.encode(
            wire.Documents(tuple(self.ledger.orders(_read(request, wire.ByReference).reference)))
        )

    def _confirm(self, request: Request) -> bytes:
        return _submitted(self.ledger.confirm(_read(request, wire.ByNumber).number))

    def _cancel(self, request: Request) -> bytes:
        return _submitted(self.ledger.cancel(_read(request, wire.ByNumber).number))

    def _changes(self, request: Request) -> bytes:
        asked = _read(request, wire.ChangesAfter)
        return msgspec.json.encode(self.ledger.changes(asked.after, _limit(asked.limit)))

    def _debtors(self, request: Request) -> bytes:
        known = self.ledger.debtors
        return msgspec.json.encode(wire.Debtors(tuple(_pick(known, _read(request, wire.Numbers).numbers))))

    def _articles(self, request: Request) -> bytes:
        known = self.ledger.articles
        return msgspec.json.encode(wire.Articles(tuple(_pick(known, _read(request, wire.Numbers).numbers))))

    def _articles_page(self, request: Request) -> bytes:
        after = _read(request, wire.ArticlesPage).after
        rest = sorted(number for number in self.ledger.articles if number > after)
        page = tuple(self.ledger.articles[number] for number in rest[:ARTICLES_PAGE])
        return msgspec.json.encode(wire.Articles(page, page[-1].number if len(rest) > ARTICLES_PAGE else ""))

    def _prices(self, request: Request) -> bytes:
        asked = _read(request, wire.PriceQuestion)
        if asked.currency not in self.ledger.currencies:
            raise Refusal("CURRENCY_NOT_SOLD", f"no price list in {asked.currency}", field="$.currency")
        known = (self.ledger.prices.get((wanted.article, asked.currency)) for wanted in asked.wanted)
        found = tuple(wire.PriceLine(price.article, price.price, price.list) for price in known if price)
        return msgspec.json.encode(wire.Prices(found))

    def _stock(self, request: Request) -> bytes:
        return msgspec.json.encode(wire.Levels(tuple(self.ledger.levels(_read(request, wire.Numbers).numbers))))

    def _statuses(self, request: Request) -> bytes:
        rows = _read(request, wire.StatusRows).rows
        self.board.batches += 1
        return msgspec.json.encode(wire.RowResults(tuple(self.board.show(row) for row in rows)))

    def _announcements(self, request: Request) -> bytes:
        announcements = _read(request, wire.Announcements).announcements
        return msgspec.json.encode(wire.RowResults(tuple(self.events.keep(announcements))))

    async def _messages(self, request: Request, stream: Channel) -> Response:
        asked = _read(request, wire.MessagesAfter)
        wait_seconds = min(max(asked.wait_seconds, 0.0), WAIT_SECONDS_MAX)
        return json_response(await stream.read(max(0, asked.after), _limit(asked.limit), wait_seconds))

    def _changed(self, request: Request) -> bytes:
        return msgspec.json.encode(wire.Changed(self.channel.changed(_read(request, wire.ChangedBetween))))

    def _count(self, request: Request) -> bytes:
        asked = _read(request, wire.ChangedBetween)
        return msgspec.json.encode(wire.Count(self.channel.count(asked.since, asked.until)))


WRITES = frozenset(
    {
        "/orders",
        "/orders/confirm",
        "/orders/cancel",
        "/statuses",
        "/announcements",
        "/partners/write",
        "/partners/join",
        "/partners/part",
    }
)
_STREAMS = frozenset({"/messages", "/partners/messages"})


def _limit(wanted: int) -> int:
    return min(max(wanted, 1), LIMIT_MAX)


def _pick(known: dict[str, T], numbers: tuple[str, ...]) -> list[T]:
    return [known[number] for number in dict.fromkeys(numbers) if number in known]


def _submitted(entry: Any) -> bytes:
    return msgspec.json.encode(wire.Submitted(number=entry.number, state=entry.state, results=entry.results))


def _problem(code: str, text: str, status: int, field: str = "") -> Response:
    return Response(status=status, headers=_JSON, body=msgspec.json.encode(wire.Problem(code, text, field)))


_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _read(request: Request, kind: type[T]) -> T:
    decoder = _decoders.get(kind) or _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        value: T = decoder.decode(request.body)
    except (msgspec.DecodeError, RecursionError) as error:
        found = finding_of(error)
        raise Refusal("FIELD", found.message, status=400, field=found.path) from None
    return value
