"""The doors orders come through: sales reps type them into Salesforce, channels send them to the hub's API.

A channel behaves as a good one does: it sends the same order again until it has been told that it is safe.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from crossdock.entrypoints.cli.demo.books import Listed
from crossdock.entrypoints.cli.demo.market import Buyer, Market, standing_of
from crossdock.entrypoints.cli.demo.trade import UNKNOWN_PRODUCT, Entry, as_order
from crossdock.kit.errors import Unavailable

RETRY_SECONDS = 0.5
ATTEMPTS_MAX = 240
CALL_TIMEOUT_SECONDS = 15.0
_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


class Line(msgspec.Struct, frozen=True):
    """A line as a sales rep types it."""

    product: str
    quantity: float
    unit_price: float | None
    fields: Mapping[str, Any] = {}


class SalesDesk:
    """Sales reps at the Salesforce simulator: customers and products are kept there, orders are typed in."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator
        self.records: dict[str, Entry] = {}

    def enter_buyers(self, market: Market, listed: Sequence[Listed], *, announce: bool) -> None:
        """Enter those of the ERP's customers who order through Salesforce, as the ERP has them.

        An account read whole says of each field that it lacks that there is nothing: it would be told to the ERP.
        """
        known = {one.number: one for one in listed}
        for buyer in (*market.traders, market.blocked):
            fields = _as_in_erp(buyer, known[buyer.number]) if buyer.number in known else {}
            if fields:
                fields |= dict(
                    zip(("AccountStatus__c", "CreditStatus__c"), standing_of(buyer, market), strict=True)
                )
            self._simulator.seed.account(buyer.number, buyer.name, announce=announce, **fields)

    def stock_the_org(self, market: Market) -> None:
        """Enter the ERP's products, and one that somebody made up."""
        seed = self._simulator.seed
        currencies = {currency for _, currency, _ in market.prices}
        for goods in (*market.goods, market.scarce, market.gone):
            listed = {
                currency: float(market.prices["organisation", currency, goods.code].decimal)
                for currency in currencies
                if ("organisation", currency, goods.code) in market.prices
            }
            seed.product(goods.code, goods.name, listed)
        seed.product(UNKNOWN_PRODUCT, "Sand lamp", dict.fromkeys(currencies, 99.0))

    async def enter(self, entry: Entry) -> None:
        """Type the order in and submit it."""
        self.records[await asyncio.to_thread(self._type_in, entry)] = entry

    def _type_in(self, entry: Entry) -> str:
        address = entry.buyer.address
        shipping = {
            "ShippingStreet": "\n".join(address.lines),
            "ShippingPostalCode": address.postal_code,
            "ShippingCity": address.city,
            "ShippingCountry": address.country,
        }
        record: str = self._simulator.seed.order(
            entry.buyer.number,
            [Line(want.product, want.pieces, float(want.price)) for want in entry.wants],
            currency=entry.buyer.currency,
            announce=True,
            Submitted__c=True,
            Channel__c=entry.channel,
            Brand__c=entry.brand,
            Region__c=entry.region,
            **({} if entry.tale == "no address" else shipping),
        )
        return record

    async def enter_customer(self, values: Mapping[str, Any]) -> str:
        """Type a new customer in; the account."""
        (record,) = await asyncio.to_thread(self._simulator.seed.rows, "Account", [values], announce=True)
        return str(record)

    async def edit_customer(self, record: str, values: Mapping[str, Any]) -> None:
        """Change an account by hand."""
        await asyncio.to_thread(self._simulator.seed.update, "Account", record, values)

    def account(self, record: str) -> Mapping[str, Any]:
        """An account as the reps see it; nothing where there is none."""
        return next((row for row in self._simulator.rows("Account") if row["Id"] == record), {})

    def account_of(self, number: str) -> Mapping[str, Any]:
        """The account that bears this number of the ERP; nothing where there is none."""
        return next((row for row in self._simulator.rows("Account") if row["ErpId__c"] == number), {})

    def rows(self) -> dict[str, dict[str, Any]]:
        """The org's orders by record id, as the reps see them."""
        return {row["Id"]: row for row in self._simulator.rows("Order")}


def _as_in_erp(buyer: Buyer, one: Listed) -> dict[str, Any]:
    """An account's fields with what the ERP has of that customer."""
    fields: dict[str, Any] = {"Phone": one.phone or None, "Email__c": one.emails[0] if one.emails else None}
    fields |= {"PaymentTerms__c": one.terms or None, "PaymentDays__c": one.days}
    if one.street:
        place = buyer.address
        parts = {
            "Street": one.street,
            "PostalCode": place.postal_code,
            "City": place.city,
            "Country": place.country,
        }
        fields |= {f"{use}{part}": value for use in ("Billing", "Shipping") for part, value in parts.items()}
    return fields


class Channels:
    """Web shop, stores and marketplace at the hub's API. `answers` counts what they were told, by status."""

    def __init__(self, address: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(
            base_url=address, timeout=CALL_TIMEOUT_SECONDS, headers=headers, trust_env=False
        )
        self.answers: Counter[int] = Counter()
        self.repeats = 0

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def send(self, entry: Entry) -> int:
        """Send the order until it is safe or turned away; the last HTTP status."""
        now = datetime.now(UTC).replace(microsecond=0)
        if entry.tale == "malformed message":
            return await self._post(b'{"order_id": "' + entry.order_id.encode() + b'", "lines": [{"quantity": NaN')
        order = msgspec.json.encode(as_order(entry, now))
        status = await self._post(order)
        if entry.tale == "same order twice":
            self.repeats += 1
            status = await self._post(order)
        elif entry.tale == "same number, other content":
            self.repeats += 1
            await self._post(msgspec.json.encode(as_order(entry, now, more=1)))
        return status

    async def _post(self, body: bytes) -> int:
        """Post until there is an answer that stands. Raises Unavailable when the hub stays away."""
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = await self._http.post(
                    "/v1/orders", content=body, headers={"content-type": "application/json"}
                )
            except httpx.TransportError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if answer.status_code not in _AGAIN:
                self.answers[answer.status_code] += 1
                return answer.status_code
            await asyncio.sleep(RETRY_SECONDS)
        raise Unavailable("the hub's API stayed away", code="hub-away")
