"""Talking to AvaTax: its licence key, a limit on calls in flight, failures named; no retries."""

import asyncio
import base64
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from crossdock.adapters.avatax import wire
from crossdock.adapters.avatax.failures import SYSTEM, failure
from crossdock.adapters.avatax.settings import AvataxSettings
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Unavailable
from crossdock.transport.http import HttpClient
from crossdock.transport.payload import decode

CLIENT = "Crossdock; 0; Custom; 1.0"
"""Avalara asks every client to say which software it is."""

T = TypeVar("T")


class AvataxClient:
    """Raises what `failures.failure` names, besides Unavailable. It only reads."""

    def __init__(self, settings: AvataxSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._places = asyncio.Semaphore(settings.in_flight_max)
        self._http: HttpClient | None = None

    async def open(self) -> None:
        """Get ready; opening what is open does nothing. Who is away is met by the first call."""
        if self._http is None:
            pair = f"{self._settings.account}:{self._settings.license_key.reveal()}"
            self._http = HttpClient(
                self._settings.base_url,
                timeout_seconds=self._settings.timeout_seconds,
                connect_seconds=self._settings.connect_timeout_seconds,
                connections_max=self._settings.in_flight_max,
                headers={
                    "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                    "x-avalara-client": CLIENT,
                    "accept": "application/json",
                },
            )

    async def close(self) -> None:
        """Let go of connections; closing twice is fine."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def ping(self) -> wire.PingResultModel:
        """Who answers. It answers strangers, too."""
        return await self._call("GET", "/utilities/ping", wire.PingResultModel)

    async def resolve(self, question: wire.AddressAsked) -> wire.AddressResolutionModel:
        """Look an address up. It travels in the body: what stands in a URL stands in everybody's logs."""
        return await self._call(
            "POST",
            "/addresses/resolve",
            wire.AddressResolutionModel,
            content=msgspec.json.encode(question),
            headers={"content-type": "application/json"},
        )

    async def _call(self, method: str, path: str, answer: type[T], **request: Any) -> T:
        if self._http is None:
            raise Unavailable("the dock is not open", code="not-open", system=SYSTEM)
        async with self._places:
            response = await self._http.send(method, f"/api/v2{path}", system=SYSTEM, writes=False, **request)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise failure(response.status, response.headers, response.body, now=self._clock.now())
        return decode(response.body, answer, system=SYSTEM)
