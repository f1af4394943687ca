"""What the hub looks up in Tryton before it promises anything: customers, products, prices, stock."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossdock.adapters.tryton import mapping
from crossdock.adapters.tryton.catalogue import CatalogueReader
from crossdock.adapters.tryton.client import EVEN_INACTIVE, PAGE_ROWS, TrytonClient, as_rows
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.adapters.tryton.wire import (
    CreditRow,
    CustomerRow,
    NameRow,
    PriceListRow,
    PriceRow,
    ProductRow,
    SoldRow,
    StockRow,
    fields_of,
)
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.kit.errors import Finding, Rejected
from crossdock.kit.money import Quantity
from crossdock.ports.directories import CustomerRecord

# Fields that exist only where their optional module is activated.
CREDIT_LIMIT = ("party.party", "credit_limit_amount")
_PRICE_LIST = ("party.party", "sale_price_list")


class Directories:
    """Reads only. An unknown code is absent from the answer, never an error."""

    def __init__(self, client: TrytonClient, catalogue: CatalogueReader, settings: TrytonSettings) -> None:
        self._client = client
        self._catalogue = catalogue
        self._settings = settings
        self._codes = {symbol: code for code, symbol in {**mapping.UNITS, **settings.units}.items()}

    async def customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        """See `CustomerDirectory.find_customers`."""
        records: dict[str, CustomerRecord] = {}
        for some in _chunks(numbers):
            domain = [("code", "in", some), EVEN_INACTIVE]
            rows = as_rows(
                await self._client.search_read("party.party", domain, fields_of(CustomerRow)), CustomerRow
            )
            credit: dict[int, CreditRow] = {}
            if rows and await self._client.has_field(*CREDIT_LIMIT):
                ids = [row.id for row in rows]
                limits = await self._client.read("party.party", ids, fields_of(CreditRow))
                credit = {row.id: row for row in as_rows(limits, CreditRow)}
            category = self._settings.person_category
            records |= {row.code: mapping.customer_of(row, credit.get(row.id), category) for row in rows}
        return records

    async def products(self, codes: Sequence[str]) -> Mapping[str, Product]:
        """See `ProductSource.find_products`."""
        products: dict[str, Product] = {}
        for some in _chunks(codes):
            rows = await self._client.search_read(
                "product.product", [("code", "in", some), EVEN_INACTIVE], fields_of(ProductRow)
            )
            found = (mapping.product_of(row, self._codes) for row in as_rows(rows, ProductRow))
            products |= {product.code: product for product in found}
        return products

    async def all_products(self) -> Sequence[Product]:
        """See `ProductSource.list_products`."""
        domain = [("code", "!=", None), EVEN_INACTIVE]
        return [
            mapping.product_of(row, self._codes)
            async for page in self._client.pages("product.product", domain, fields_of(ProductRow))
            for row in as_rows(page, ProductRow)
        ]

    async def prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        """See `PriceSource.find_prices`: one call per distinct quantity; no price in a unit that does not fit."""
        catalogue = await self._catalogue.get()
        if currency not in catalogue.currencies:
            message = f"the ERP does not sell in {currency}"
            finding = Finding(code="currency-unsold", path="$.currency", message=message)
            raise Rejected(message, code="currency-unsold", system=mapping.SYSTEM, findings=[finding])
        party, price_list = await self._price_list(customer_number)
        context: dict[str, Any] = {"currency": catalogue.currencies[currency], "customer": party}
        if price_list is not None:
            context["price_list"] = price_list.id
        sold = await self._sold([code for code, _ in wanted])
        asked: dict[Quantity, dict[int, str]] = defaultdict(dict)
        for code, quantity in wanted:
            product, unit = sold.get(code), catalogue.units.get(quantity.unit)
            if product and unit and unit.category == product.default_uom_category:
                asked[quantity][product.id] = code
        quotes: list[PriceQuote] = []
        for quantity, codes in asked.items():
            terms = {"quantity": float(quantity.decimal), "uom": catalogue.units[quantity.unit].id}
            rows = await self._client.read(
                "product.product", list(codes), fields_of(PriceRow), context=context | terms
            )
            name = (price_list.name or "") if price_list else ""
            for row in as_rows(rows, PriceRow):
                quote = mapping.quote_of(codes[row.id], row, currency, name)
                quotes += [quote] if quote else []
        return quotes

    async def stock(self, products: Sequence[str]) -> Sequence[StockLevel]:
        """See `StockSource.read_stock`: one call per warehouse and page of products."""
        catalogue = await self._catalogue.get()
        domain: list[Any] = [("code", "in", list(products))] if products else [("code", "!=", None)]
        levels: list[StockLevel] = []
        for location, warehouse in catalogue.warehouses.items():
            context = {"locations": [warehouse.id], "with_childs": True, "stock_skip_warehouse": True}
            async for page in self._client.pages(
                "product.product", [*domain, ("type", "=", "goods")], fields_of(StockRow), context=context
            ):
                levels += [mapping.stock_of(row, location, self._codes) for row in as_rows(page, StockRow)]
        return levels

    async def _price_list(self, customer_number: str) -> tuple[int | None, NameRow | None]:
        """The customer's id and the price list that applies to them, where there are any."""
        fields = fields_of(PriceListRow) if await self._client.has_field(*_PRICE_LIST) else ("id",)
        rows = await self._client.search_read("party.party", [("code", "=", customer_number)], fields)
        if not rows:
            return None, None
        listed = as_rows(rows, PriceListRow)[0].sale_price_list_ if "sale_price_list." in rows[0] else None
        return rows[0]["id"], listed

    async def _sold(self, codes: Sequence[str]) -> Mapping[str, SoldRow]:
        rows: list[SoldRow] = []
        for some in _chunks(sorted(set(codes))):
            domain = [("code", "in", some), ("salable", "=", True)]
            found = await self._client.search_read("product.product", domain, fields_of(SoldRow))
            rows += as_rows(found, SoldRow)
        return {row.code: row for row in rows}


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), PAGE_ROWS):
        yield list(values[start : start + PAGE_ROWS])
