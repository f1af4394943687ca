"""Whoever brings orders, and whoever looks after parked ones: clients of the hubs' API that do not give up."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from bench.crash.erp import Erp
from bench.crash.orders import Book, Offer
from crossdock.durable.codec import encode

ANSWER_SECONDS = 6.0
AGAIN_SECONDS = 0.1
JSON = {"content-type": "application/json"}
LEFT_ALONE = {"repair", "reread"}
"""Categories that nobody but a person with the order before him can decide."""
TURNED_BACK = "order_submission/"
"""Only an order may be turned back: what a customer said stays said."""


class Shop:
    """Sends offers through their doors, each until somebody has taken it, and remembers what was acknowledged."""

    def __init__(self, book: Book, erp: Erp, hubs: Sequence[str], *, buyers: int, seed: int) -> None:
        self._book = book
        self._erp = erp
        self._hubs = hubs
        self._chance = random.Random(seed)
        self._buyers = asyncio.Semaphore(buyers)
        self._http = httpx.AsyncClient(timeout=ANSWER_SECONDS, limits=httpx.Limits(max_connections=buyers))
        self.acknowledged: set[str] = set()
        self.sent = 0
        self.answers: Counter[str] = Counter()

    async def send(self, offers: Sequence[Offer]) -> None:
        """Send all of them side by side; those of the stream in their order."""
        stream = [offer for offer in offers if offer.door == "stream"]
        await asyncio.gather(
            asyncio.to_thread(self._stream, stream),
            *(self._bring(offer) for offer in offers if offer.door == "api"),
        )
        self.sent += len(offers)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    def _stream(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            self._erp.offer(offer.on_the_wire())
            if not (offer.changed or offer.poison):
                self.acknowledged.add(offer.order.order_id)

    async def _bring(self, offer: Offer) -> None:
        """Until it is acknowledged. A key of its own makes every other sending idempotent by header as well."""
        body = encode(offer.order)
        headers = dict(JSON)
        if self._chance.random() < 0.5 and not offer.changed:
            headers["idempotency-key"] = f"key-{offer.order.order_id}"
        async with self._buyers:
            while not await self._is_taken(offer, body, headers):  # noqa: ASYNC110 - nobody tells us when to try again
                await asyncio.sleep(AGAIN_SECONDS)

    async def _is_taken(self, offer: Offer, body: bytes, headers: dict[str, str]) -> bool:
        hub = self._chance.choice(self._hubs)
        try:
            answer = await self._http.post(f"{hub}/v1/orders", content=body, headers=headers)
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            return False
        self.answers[str(answer.status_code)] += 1
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            self.acknowledged.add(offer.order.order_id)
            return True
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
            return True  # it is there with other content: that is an answer
        assert answer.status_code in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}, answer.text
        return False


class Operator:
    """Retries in bulk whatever is parked and may be retried, always twice; turns some of it back."""

    def __init__(self, hubs: Sequence[str], seed: int) -> None:
        self._hubs = hubs
        self._chance = random.Random(seed)
        self._http = httpx.AsyncClient(timeout=ANSWER_SECONDS)
        self.retried = 0
        self.turned_back = 0

    async def look(self) -> int:
        """Look once, and act; how many runs were released."""
        try:
            found = await self._parked()
            wanted = [run["run_id"] for run in found if run["category"] not in LEFT_ALONE]
            if not wanted:
                return 0
            turned = [run_id for run_id in wanted if run_id.startswith(TURNED_BACK)]
            if turned and self._chance.random() < 0.5:
                back = turned[-1]
                wanted.remove(back)
                self.turned_back += await self._tell("compensate", [back])
            twice = await asyncio.gather(self._tell("retry", wanted), self._tell("retry", wanted))
            self.retried += sum(twice)
            return sum(twice)
        except (httpx.TransportError, httpx.HTTPStatusError):
            return 0

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _parked(self) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{self._chance.choice(self._hubs)}/v1/parked?limit=100")
        found: list[dict[str, Any]] = answer.raise_for_status().json()["parked"]
        return found

    async def _tell(self, verb: str, run_ids: Sequence[str]) -> int:
        if not run_ids:
            return 0
        told = {"run_ids": list(run_ids), "actor": "crash run", "reason": "the storm is to blame"}
        hub = self._chance.choice(self._hubs)
        answer = await self._http.post(f"{hub}/v1/parked/{verb}", content=msgspec.json.encode(told), headers=JSON)
        return sum(answer.raise_for_status().json()["done"].values())
