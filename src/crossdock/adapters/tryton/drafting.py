"""Turns an order into a sale in draft: looks up whom and what it names, and lets Tryton fill in the rest.

The server runs no form logic for calls, so the form's answers (payment term, price list, methods, taxes by the
customer's tax rule) are asked for explicitly, just as Tryton's own clients do.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from crossdock.adapters.tryton import mapping
from crossdock.adapters.tryton.catalogue import CatalogueReader
from crossdock.adapters.tryton.client import EVEN_INACTIVE, TrytonClient, as_rows
from crossdock.adapters.tryton.mapping import SYSTEM, Catalogue
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.adapters.tryton.wire import Memo, PartyRow, ProductRow, WarehouseRow, fields_of
from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import Address
from crossdock.kit.clock import Clock, to_datetime
from crossdock.kit.errors import Finding, Invalid, Rejected
from crossdock.ports.order_gateway import LineResult

# What Tryton's form answers once the customer is chosen, as far as a sale is created with it.
_HEADER = (
    "company",
    "payment_term",
    "invoice_method",
    "shipment_method",
    "price_list",
    "invoice_party",
    "invoice_address",
    "shipment_party",
    "shipment_address",
    "warehouse",
)


class Sorted(msgspec.Struct, frozen=True):
    """An order's lines: those that Tryton sells, with the product, and refusals with their place in the order."""

    sold: tuple[tuple[OrderLine, ProductRow], ...]
    refused: tuple[tuple[int, LineResult], ...]


class Drafting:
    """Creates sales in draft."""

    def __init__(
        self, client: TrytonClient, catalogue: CatalogueReader, settings: TrytonSettings, clock: Clock
    ) -> None:
        self._client = client
        self._catalogue = catalogue
        self._settings = settings
        self._clock = clock

    async def create(self, order: Order, key: str, content: str, correlation_id: str, made: list[int]) -> None:
        """Create the sale under `key`; ids of addresses that had to be made for it are added to `made`.

        Raises Rejected (customer, currency, place, or all lines refused) or Invalid before anything is written.
        """
        mapping.check_prices(order, self._settings.price_decimals)
        catalogue = await self._catalogue.get()
        currency = catalogue.currencies.get(order.currency)
        if currency is None:
            raise _rejected("currency-unsold", "$.currency", f"the ERP does not sell in {order.currency}")
        warehouse = self._warehouse(order, catalogue)
        party, lines = await asyncio.gather(self._party(order), self._sort(order, catalogue))
        header = await self._header(party, warehouse)
        header |= await self._addresses(order, party, warehouse, catalogue, made)
        taxes = await self._taxes(party, [product for _, product in lines.sold], header)
        memo = Memo(
            crossdock=mapping.MEMO_VERSION,
            order_id=order.order_id,
            content=content,
            correlation_id=correlation_id,
            ordered_at=order.ordered_at,
            refused=lines.refused,
        )
        sale = header | {
            "party": party.id,
            "currency": currency,
            "reference": key,
            "description": order.order_id,
            "shipping_date": mapping.shipping_date(order, to_datetime(self._clock.now())),
            "lines": [["create", _lines(order, lines, catalogue, taxes)]],
            "notes": [["create", [{"message": mapping.memo_note(memo)}]]],
        }
        await self._client.create("sale.sale", [sale])

    def _warehouse(self, order: Order, catalogue: Catalogue) -> WarehouseRow | None:
        location = mapping.location_of(order) or self._settings.warehouse
        warehouse = catalogue.warehouses.get(location)
        if location and warehouse is None:
            raise _rejected("location-unknown", "$.fulfilment.location", f"the ERP has no warehouse {location}")
        pickup = order.fulfilment.method == "pickup"
        if pickup and (warehouse is None or not warehouse.allow_pickup or warehouse.address is None):
            raise _rejected("no-pickup", "$.fulfilment", "the ERP hands out no goods to customers there")
        return warehouse

    async def _party(self, order: Order) -> PartyRow:
        number = order.customer.number
        if not number:
            message = "the ERP needs the customer's number"
            findings = [Finding(code="customer-number-missing", path="$.customer.number", message=message)]
            raise Invalid(message, code="customer-number-missing", system=SYSTEM, findings=findings)
        rows = await self._client.search_read(
            "party.party", [("code", "=", number), EVEN_INACTIVE], fields_of(PartyRow)
        )
        if not rows:
            raise _rejected("customer-unknown", "$.customer.number", f"the ERP has no customer {number}")
        (party,) = as_rows(rows, PartyRow)
        if not party.active:
            raise _rejected("customer-closed", "$.customer", "the customer was closed in the ERP")
        return party

    async def _sort(self, order: Order, catalogue: Catalogue) -> Sorted:
        codes = sorted({line.product for line in order.lines})
        rows = await self._client.search_read(
            "product.product", [("code", "in", codes), EVEN_INACTIVE], fields_of(ProductRow)
        )
        products = {row.code: row for row in as_rows(rows, ProductRow)}
        sold: list[tuple[OrderLine, ProductRow]] = []
        refused: list[tuple[int, LineResult]] = []
        findings: list[Finding] = []
        for place, line in enumerate(order.lines):
            product = products.get(line.product)
            refusal = mapping.refuse(line, product, catalogue.units.get(line.quantity.unit))
            if refusal is None and product is not None:
                sold.append((line, product))
            elif refusal is not None:
                refused.append((place, refusal))
                findings.append(
                    Finding(code=refusal.reason_code, path=f"$.lines[{place}]", message=refusal.reason)
                )
        if refused and (not sold or not order.accepts_partial):
            whole = "every line" if not sold else "a line of an order that must be complete"
            message = f"the ERP refuses {whole}: {findings[0].message}"
            raise Rejected(message, code="lines-refused", system=SYSTEM, findings=findings)
        return Sorted(tuple(sold), tuple(refused))

    async def _header(self, party: PartyRow, warehouse: WarehouseRow | None) -> dict[str, Any]:
        form: dict[str, Any] = {"party": party.id, "lines": []}
        if warehouse is not None:
            form["warehouse"] = warehouse.id
        form["company"] = (await self._client.session()).preferences.get("company")
        answer = await self._client.query("model.sale.sale.on_change", form, ["party"])
        return {name: answer[name] for name in _HEADER if answer.get(name) is not None}

    async def _addresses(
        self, order: Order, party: PartyRow, warehouse: WarehouseRow | None, catalogue: Catalogue, made: list[int]
    ) -> dict[str, int]:
        wanted = {"invoice_address": order.billing_address, "shipment_address": order.shipping_address}
        found: dict[str, int] = {}
        if order.fulfilment.method == "pickup" and warehouse is not None and warehouse.address is not None:
            found["shipment_address"] = warehouse.address
            del wanted["shipment_address"]
        fresh: dict[Address, int] = {}
        for name, address in wanted.items():
            if address is None:
                continue
            known = mapping.find_address(address, party.name, party.addresses_)
            if known is None and address not in fresh:
                values = mapping.address_values(address, party.id, party.name, catalogue)
                (fresh[address],) = await self._client.create("party.address", [values])
                made.append(fresh[address])
            found[name] = known.id if known else fresh[address]
        return found

    async def _taxes(
        self, party: PartyRow, products: Iterable[ProductRow], header: Mapping[str, Any]
    ) -> Mapping[int, Sequence[int]]:
        """The taxes by product; the customer's tax rule is applied once per distinct set of taxes."""
        usual = {
            product.id: tuple(product.account_category_.customer_taxes_used) if product.account_category_ else ()
            for product in products
        }
        if party.customer_tax_rule is None:
            return usual
        ruled: dict[tuple[int, ...], Sequence[int]] = {}
        for product, taxes in usual.items():
            if taxes not in ruled:
                sale = {"party": party.id, "company": header.get("company")}
                form = {"type": "line", "product": product, "quantity": 1.0, "sale": sale}
                answer = await self._client.query("model.sale.line.on_change", form, ["product"])
                ruled[taxes] = [tax["id"] for _, tax in answer.get("taxes", {}).get("add", [])]
        return {product: ruled[taxes] for product, taxes in usual.items()}


def _lines(
    order: Order, lines: Sorted, catalogue: Catalogue, taxes: Mapping[int, Sequence[int]]
) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = []
    for line, product in lines.sold:
        values += mapping.line_values(line, product, catalogue.units[line.quantity.unit], taxes[product.id])
    # What concerns the whole order is taxed like its lines where they agree, and untaxed where they do not.
    kinds = {tuple(taxes[product.id]) for _, product in lines.sold}
    shared = kinds.pop() if len(kinds) == 1 else ()
    values += [mapping.adjustment_values(adjustment, shared) for adjustment in order.adjustments]
    return [{"sequence": place, **row} for place, row in enumerate(values, start=1)]


def _rejected(code: str, path: str, message: str) -> Rejected:
    findings = [Finding(code=code, path=path, message=message)]
    return Rejected(message, code=code, system=SYSTEM, findings=findings)
