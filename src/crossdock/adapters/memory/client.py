"""Talking to the memory ERP: sign-in, one call at a time per place in flight, failures named.

The same bytes go to a server on loopback or straight into a surface in this process.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec

from crossdock.adapters.memory import wire
from crossdock.adapters.memory.failures import SYSTEM, failure
from crossdock.adapters.memory.settings import MemorySettings
from crossdock.adapters.memory.simulator.server import shared_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.durable.lease import check_lease
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Misconfigured, NotAuthorized, Unavailable
from crossdock.kit.failpoints import failpoint
from crossdock.transport.http import HttpClient, unheard
from crossdock.transport.loopback import Request, Response
from crossdock.transport.payload import decode

T = TypeVar("T")


class Carrier(Protocol):
    """Brings one request to the ERP and its answer back."""

    async def carry(self, request: Request, *, writes: bool) -> Response:
        """The answer, whatever its status. Raises Unavailable or OutcomeUnknown."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class HttpCarrier:
    """Over HTTP."""

    def __init__(self, settings: MemorySettings) -> None:
        self._http = HttpClient(
            settings.url, timeout_seconds=settings.timeout_seconds, connections_max=settings.in_flight_max
        )

    async def carry(self, request: Request, *, writes: bool) -> Response:
        """See `Carrier.carry`."""
        answer = await self._http.send(
            request.method,
            request.path,
            system=SYSTEM,
            writes=writes,
            headers=request.headers,
            content=request.body,
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status, headers=headers, body=answer.body)

    async def close(self) -> None:
        """See `Carrier.close`."""
        await self._http.close()


class InProcessCarrier:
    """Straight into a surface that lives in this process."""

    def __init__(self, surface: Surface, timeout_seconds: float) -> None:
        self._surface = surface
        self._timeout_seconds = timeout_seconds

    async def carry(self, request: Request, *, writes: bool) -> Response:
        """See `Carrier.carry`."""
        if writes:
            check_lease(SYSTEM)
        if self._surface.down:
            raise Unavailable(f"{SYSTEM} cannot be reached", code="unreachable", system=SYSTEM)
        response = await self._surface.respond(request)
        if response.delay_seconds > 0:
            await self._surface.clock.sleep(min(response.delay_seconds, self._timeout_seconds))
        if response.drop or response.delay_seconds > self._timeout_seconds:
            raise unheard(SYSTEM, writes=writes)
        return response

    async def close(self) -> None:
        """See `Carrier.close`."""


class Client:
    """A signed-in client. Raises what `failures.failure` names, besides Unavailable and OutcomeUnknown."""

    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        if settings.url and settings.secret is None:
            raise Misconfigured("the memory ERP is reached by url, but no secret is set", code="secret-missing")
        self._settings = settings
        self._clock = clock
        self._places = asyncio.Semaphore(settings.in_flight_max)
        self._signing_in = asyncio.Lock()
        self._token = ""
        self._carrier: Carrier | None = None

    async def open(self) -> None:
        """Connect and sign in; opening what is open does nothing."""
        if self._carrier is None:
            self._carrier = self._connect()
            try:
                await self._sign_in("")
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """Let go of connections and token; closing twice is fine."""
        carrier, self._carrier, self._token = self._carrier, None, ""
        if carrier is not None:
            await carrier.close()

    async def call(
        self,
        path: str,
        question: msgspec.Struct | None,
        answer: type[T],
        *,
        writes: bool = False,
        correlation_id: str = "",
    ) -> T:
        """Ask at `path` and read the answer as `answer`; an expired session is renewed once."""
        method = "GET" if question is None else "POST"
        body = b"" if question is None else msgspec.json.encode(question)
        async with self._places:
            token = self._token
            response = await self._carry(method, path, body, token, writes=writes, correlation_id=correlation_id)
            if response.status == HTTPStatus.UNAUTHORIZED:
                await self._sign_in(token)
                token = self._token
                response = await self._carry(
                    method, path, body, token, writes=writes, correlation_id=correlation_id
                )
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            failpoint("memory.refused")
            raise failure(response.status, response.headers, response.body, writes=writes, now=self._clock.now())
        return decode(response.body, answer, system=SYSTEM)

    def _connect(self) -> Carrier:
        if self._settings.url:
            return HttpCarrier(self._settings)
        return InProcessCarrier(shared_surface(self._settings.ledger), self._settings.timeout_seconds)

    async def _carry(
        self, method: str, path: str, body: bytes, token: str, *, writes: bool, correlation_id: str = ""
    ) -> Response:
        if self._carrier is None:
            raise Unavailable("the dock is not open", code="not-open", system=SYSTEM)
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if correlation_id:
            headers["x-correlation-id"] = correlation_id
        request = Request(method=method, path=path, headers=headers, body=body)
        return await self._carrier.carry(request, writes=writes)

    async def _sign_in(self, stale: str) -> None:
        """Get a token in place of `stale`; many who find it stale at once sign in once."""
        if self._settings.secret is None:
            if stale or self._token:
                raise NotAuthorized(
                    "the ERP wants a secret, and none is set", code="secret-missing", system=SYSTEM
                )
            return
        async with self._signing_in:
            if self._token != stale:
                return
            asked = wire.SignIn(self._settings.client, self._settings.secret.reveal())
            response = await self._carry("POST", "/session", msgspec.json.encode(asked), "", writes=False)
            if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                headers: dict[str, Any] = response.headers
                raise failure(response.status, headers, response.body, writes=False, now=self._clock.now())
            failpoint("memory.signed_in")
            self._token = decode(response.body, wire.Session, system=SYSTEM).token
