"""Talking to Acme: its key, a limit on calls in flight, failures named; no retries."""

import asyncio
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from crossdock.kit.clock import Clock
from crossdock.kit.errors import Unavailable
from crossdock.transport.http import HttpClient
from crossdock.transport.payload import decode
from crossdock_acme.failures import SYSTEM, failure
from crossdock_acme.settings import AcmeSettings

T = TypeVar("T")


class AcmeClient:
    """Raises what `failures.failure` names, besides Unavailable and OutcomeUnknown."""

    def __init__(self, settings: AcmeSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._places = asyncio.Semaphore(settings.in_flight_max)
        self._http: HttpClient | None = None

    async def open(self) -> None:
        """Connect; opening what is open does nothing."""
        if self._http is None:
            self._http = HttpClient(
                self._settings.url,
                timeout_seconds=self._settings.timeout_seconds,
                connections_max=self._settings.in_flight_max,
                headers={"x-api-key": self._settings.api_key.reveal(), "content-type": "application/json"},
            )

    async def close(self) -> None:
        """Let go of connections; closing twice is fine."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def read(self, path: str, answer: type[T], **params: Any) -> T:
        """Ask with GET."""
        return await self._call("GET", path, answer, writes=False, params=params)

    async def write(self, path: str, body: msgspec.Struct, answer: type[T]) -> T:
        """Change something with POST."""
        return await self._call("POST", path, answer, writes=True, content=msgspec.json.encode(body))

    async def _call(self, method: str, path: str, answer: type[T], *, writes: bool, **request: Any) -> T:
        if self._http is None:
            raise Unavailable("the dock is not open", code="not-open", system=SYSTEM)
        async with self._places:
            response = await self._http.send(method, f"/api/v2{path}", system=SYSTEM, writes=writes, **request)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise failure(response.status, response.headers, response.body, writes=writes, now=self._clock.now())
        return decode(response.body, answer, system=SYSTEM)
