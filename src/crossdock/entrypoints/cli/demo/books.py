"""What the ERP itself has, asked over its own API by a reader that shares nothing with the hub's adapter."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Protocol

import httpx
import msgspec

from crossdock.kit.errors import Unavailable
from crossdock.kit.redaction import Secret

TIMEOUT_SECONDS = 60.0
TOTAL_DECIMALS = Decimal("0.01")
DAYS: Mapping[str, int] = {"Net 30 days": 30, "Immediate": 0}
"""The terms of payment that the local ERPs know, and their days."""


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """An order in the ERP's books that is in force."""

    reference: str
    number: str
    currency: str
    net: Decimal


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A customer whom the ERP has, with `terms` of payment by their name and the `street` that invoices go to.

    `days` of these terms are None where the ERP keeps none.
    """

    number: str
    name: str
    emails: tuple[str, ...] = ()
    phone: str = ""
    terms: str = ""
    days: int | None = None
    street: str = ""


class Books(Protocol):
    """Reads the ERP's books."""

    async def orders(self) -> Sequence[Booked]:
        """Every order in force, however it came there. Raises Unavailable."""
        ...

    async def customers(self) -> Sequence[Listed]:
        """Every customer, however he came there. Raises Unavailable."""
        ...


def books_of(erp: str, settings: Mapping[str, Any]) -> Books:
    """The reader for that ERP."""
    return TrytonBooks(settings) if erp == "tryton" else MemoryBooks(settings)


class TrytonSession:
    """A user's calls to Tryton by JSON-RPC, each with what that user prefers (the company above all)."""

    def __init__(self, client: httpx.AsyncClient, database: str, user: str) -> None:
        self._client, self._path = client, f"/{database}/rpc/"
        self._headers = {"authorization": "Session " + base64.b64encode(user.encode()).decode()} if user else {}
        self._context: Mapping[str, Any] = {}

    async def ask(self, method: str, *params: Any) -> Any:
        """Call a model's method. Raises Unavailable."""
        return await self.call(f"model.{method}", [*params, self._context])

    async def call(self, method: str, params: list[Any]) -> Any:
        """Call any method. Raises Unavailable."""
        question = {"id": 1, "method": method, "params": params}
        try:
            answer = await self._client.post(self._path, json=question, headers=self._headers)
        except httpx.TransportError as error:
            raise Unavailable("the ERP's books cannot be read now", code="books") from error
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the ERP's books cannot be read: HTTP {answer.status_code}", code="books")
        told = msgspec.json.decode(answer.content)
        if isinstance(told, dict) and told.get("error"):
            raise Unavailable("the ERP does not let its books be read", code="books")
        return told["result"] if isinstance(told, dict) else told

    async def prefer(self) -> None:
        """Learn what the user prefers."""
        self._context = await self.ask("res.user.get_preferences", True)


@asynccontextmanager
async def tryton_session(settings: Mapping[str, Any]) -> AsyncIterator[TrytonSession]:
    """Sign in. Raises Unavailable."""
    async with httpx.AsyncClient(
        base_url=settings["base_url"], timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        password: Secret = settings["password"]
        stranger = TrytonSession(client, settings["database"], "")
        sign_in = [settings["user"], {"password": password.reveal()}, "en"]
        signed_in = await stranger.call("common.db.login", sign_in)
        session = TrytonSession(client, settings["database"], f"{settings['user']}:{signed_in[0]}:{signed_in[1]}")
        await session.prefer()
        yield session


class TrytonBooks:
    """Tryton's sales and parties, by JSON-RPC."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def orders(self) -> Sequence[Booked]:
        """See Books. Drafts and quotations count: what stands under a reference twice is a duplicate."""
        fields = ["reference", "number", "state", "currency.code", "untaxed_amount"]
        async with tryton_session(self._settings) as tryton:
            domain = [["state", "!=", "cancelled"]]
            rows = await tryton.ask("sale.sale.search_read", domain, 0, None, None, fields)
        return [
            Booked(
                reference=row["reference"] or "",
                number=row["number"] or "",
                currency=row["currency."]["code"],
                net=_decimal(row["untaxed_amount"]),
            )
            for row in rows
        ]

    async def customers(self) -> Sequence[Listed]:
        """See Books. Closed parties count: whoever was made twice and closed again was made twice."""
        fields = ["code", "name", "contact_mechanisms.type", "contact_mechanisms.value"]
        fields += ["customer_payment_term.name", "addresses.street", "addresses.invoice"]
        async with tryton_session(self._settings) as tryton:
            domain = [["active", "in", [True, False]]]
            rows = await tryton.ask("party.party.search_read", domain, 0, None, None, fields)
        return [
            Listed(
                number=row["code"] or "",
                name=row["name"] or "",
                emails=tuple(one["value"] for one in row["contact_mechanisms."] if one["type"] == "email"),
                phone=next((one["value"] for one in row["contact_mechanisms."] if one["type"] == "phone"), ""),
                terms=(row["customer_payment_term."] or {}).get("name") or "",
                days=DAYS.get((row["customer_payment_term."] or {}).get("name") or ""),
                street=next((one["street"] or "" for one in row["addresses."] if one["invoice"]), ""),
            )
            for row in rows
        ]


class MemoryBooks:
    """The memory ERP's orders and partners, by its control endpoints."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def orders(self) -> Sequence[Booked]:
        """See Books."""
        return [
            self._booked(document) for document in await self._read("orders") if document["state"] != "CANCELLED"
        ]

    async def customers(self) -> Sequence[Listed]:
        """See Books."""
        return [self._listed(partner["card"]) for partner in await self._read("partners")]

    async def _read(self, place: str) -> Any:
        async with httpx.AsyncClient(
            base_url=self._settings["url"], timeout=TIMEOUT_SECONDS, trust_env=False
        ) as client:
            answer = await client.get(f"/_simulator/{place}")
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the ERP's books cannot be read: HTTP {answer.status_code}", code="books")
        return answer.json()

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

    def _listed(self, card: Mapping[str, Any]) -> Listed:
        parts = ("organisation.name", "person.name.given", "person.name.family")
        return Listed(
            number=card.get("account.number", ""),
            name=" ".join(card[part] for part in parts if card.get(part)),
            emails=tuple(filter(None, [card.get("contact.email")])),
            terms=card.get("terms.code") or "",
            days=card.get("terms.days_net"),
            street="\n".join(card.get("billing.address.lines") or ()),
        )


def _decimal(value: Any) -> Decimal:
    return Decimal(value["decimal"]) if isinstance(value, dict) else Decimal(str(value))
