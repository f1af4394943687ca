"""The hub's API as the programs of credit clerks and stewards call it: again and again, until it has answered."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from crossdock.kit.errors import Rejected, Unavailable

RETRY_SECONDS = 0.5
ATTEMPTS_MAX = 240
CALL_TIMEOUT_SECONDS = 15.0
READER = "demo"
"""Who reads, as the audit has it."""

_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


class HubApi:
    """What people ask and decide about customers. Raises Rejected for a no, Unavailable where nobody answers."""

    def __init__(self, address: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=address, timeout=CALL_TIMEOUT_SECONDS, headers={"x-actor": READER}, trust_env=False
        )

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def credit_reviews(self) -> list[Mapping[str, Any]]:
        """Companies whose credit waits for a decision."""
        return list((await self._call("GET", "/v1/credit-reviews"))["reviews"])

    async def approve_credit(self, customer_id: str, actor: str, terms: str) -> Mapping[str, Any]:
        """Approve what is asked for, on these terms of payment; the decision that holds."""
        word = {"actor": actor, "terms": terms}
        return dict(await self._call("POST", f"/v1/credit-reviews/{customer_id}/approve", word))

    async def find_customers(self, text: str) -> list[str]:
        """Ids of customers by a number, a name or an e-mail."""
        return list((await self._call("GET", "/v1/customers", params={"search": text}))["customers"])

    async def customer(self, customer_id: str) -> Mapping[str, Any]:
        """One customer, and why that holds of him."""
        return dict(await self._call("GET", f"/v1/customers/{customer_id}"))

    async def questions(self, customer_id: str) -> list[Mapping[str, Any]]:
        """What is open about a customer's values."""
        asked = (await self._call("GET", "/v1/customers/questions", params={"limit": "200"}))["questions"]
        return [question for question in asked if question["customer_id"] == customer_id]

    async def reviews(self) -> list[Mapping[str, Any]]:
        """Doubts about who a customer is."""
        return list((await self._call("GET", "/v1/customers/reviews", params={"limit": "200"}))["reviews"])

    async def review(self, number: int) -> Mapping[str, Any]:
        """One doubt, with the customers side by side."""
        return dict(await self._call("GET", f"/v1/customers/reviews/{number}"))

    async def decide(self, number: int, word: str, actor: str, reason: str) -> None:
        """A steward's word."""
        said = {"word": word, "actor": actor, "reason": reason}
        await self._call("POST", f"/v1/customers/reviews/{number}/word", said)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        for _attempt in range(ATTEMPTS_MAX):
            try:
                answer = await self._http.request(method, path, json=body, params=params)
            except httpx.TransportError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if answer.status_code in _AGAIN:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if answer.is_error:
                told = answer.json()
                raise Rejected(f"{method} {path}: {told.get('detail') or told.get('title')}", code="hub-refused")
            return answer.json()
        raise Unavailable("the hub's API stayed away", code="hub-away")
