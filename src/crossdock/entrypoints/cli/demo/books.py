"""What the ERP itself has, asked over its own API by a reader that shares nothing with the hub's adapter."""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import httpx
import msgspec

from crossdock.kit.errors import Unavailable
from crossdock.kit.redaction import Secret

TIMEOUT_SECONDS = 60.0
TOTAL_DECIMALS = Decimal("0.01")


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """An order in the ERP's books that is in force."""

    reference: str
    number: str
    currency: str
    net: Decimal


class Books(Protocol):
    """Reads the ERP's books."""

    async def orders(self) -> Sequence[Booked]:
        """Every order in force, however it came there. Raises Unavailable."""
        ...


def books_of(erp: str, settings: Mapping[str, Any]) -> Books:
    """The reader for that ERP."""
    return TrytonBooks(settings) if erp == "tryton" else MemoryBooks(settings)


class TrytonBooks:
    """Tryton's sales, by JSON-RPC."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def orders(self) -> Sequence[Booked]:
        """See Books. Drafts and quotations count: what stands under a reference twice is a duplicate."""
        async with httpx.AsyncClient(
            base_url=self._settings["base_url"], timeout=TIMEOUT_SECONDS, trust_env=False
        ) as client:
            password: Secret = self._settings["password"]
            signed_in = await self._ask(
                client, "common.db.login", [self._settings["user"], {"password": password.reveal()}, "en"]
            )
            user = f"{self._settings['user']}:{signed_in[0]}:{signed_in[1]}"
            fields = ["reference", "number", "state", "currency.code", "untaxed_amount"]
            params = [[["state", "!=", "cancelled"]], 0, None, None, fields, {}]
            rows = await self._ask(client, "model.sale.sale.search_read", params, user)
        return [
            Booked(
                reference=row["reference"] or "",
                number=row["number"] or "",
                currency=row["currency."]["code"],
                net=_decimal(row["untaxed_amount"]),
            )
            for row in rows
        ]

    async def _ask(self, client: httpx.AsyncClient, method: str, params: list[Any], user: str = "") -> Any:
        headers = {"authorization": "Session " + base64.b64encode(user.encode()).decode()} if user else {}
        question = {"id": 1, "method": method, "params": params}
        answer = await client.post(f"/{self._settings['database']}/rpc/", json=question, headers=headers)
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the ERP's books cannot be read: HTTP {answer.status_code}", code="books")
        told = msgspec.json.decode(answer.content)
        if isinstance(told, dict) and told.get("error"):
            raise Unavailable("the ERP does not let its books be read", code="books")
        return told["result"] if isinstance(told, dict) else told


class MemoryBooks:
    """The memory ERP's orders, by its control endpoints."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def orders(self) -> Sequence[Booked]:
        """See Books."""
        async with httpx.AsyncClient(
            base_url=self._settings["url"], timeout=TIMEOUT_SECONDS, trust_env=False
        ) as client:
            answer = await client.get("/_simulator/orders")
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the ERP's books cannot be read: HTTP {answer.status_code}", code="books")
        return [self._booked(document) for document in answer.json() if document["state"] != "CANCELLED"]

    def _booked(self, document: Mapping[str, Any]) -> Booked:
        confirmed = {result["position"]: Decimal(result["confirmed"]) for result in document["results"]}
        content = document["content"]
        net = sum(
            (
                (confirmed[position["position"]] * Decimal(position["price"])).quantize(TOTAL_DECIMALS)
                for position in content["positions"]
            ),
            Decimal(0),
        )
        return Booked(
            reference=content["reference"], number=document["number"], currency=content["currency"], net=net
        )


def _decimal(value: Any) -> Decimal:
    return Decimal(value["decimal"]) if isinstance(value, dict) else Decimal(str(value))
