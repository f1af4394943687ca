"""The promises of the roles that only read: customers, products, prices, stock."""

from collections import Counter
from decimal import Decimal
from typing import Any

from crossdock.kit.errors import Rejected
from crossdock.kit.money import Quantity
from crossdock.ports.manifest import Role
from crossdock.testing.bench import StockBench
from crossdock.testing.conformance.manners import ReadingManners
from crossdock.testing.conformance.suite import raised
from crossdock.testing.estate import Estate

MANY = 1_200
"""More than any system answers in one page."""


class CustomerDirectoryConformance(ReadingManners):
    """Everything a customer directory promises. The bench is a `FaultBench`."""

    role_name = Role.CUSTOMER_DIRECTORY.value
    role = Role.CUSTOMER_DIRECTORY

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Look the known customer up."""
        return await dock.find_customers([estate.customer])

    async def test_a_known_customer_is_found(self, dock: Any, estate: Estate) -> None:
        """A customer comes with their name as the system spells it, and may order."""
        found = await dock.find_customers([estate.customer])

        assert list(found) == [estate.customer]
        customer = found[estate.customer]
        assert (customer.number, customer.name, customer.blocked) == (
            estate.customer,
            estate.customer_name,
            False,
        )

    async def test_an_unknown_customer_is_absent(self, dock: Any, estate: Estate) -> None:
        """An unknown number is no error: it is not in the answer, and the others are."""
        found = await dock.find_customers([estate.unknown_customer, estate.customer, estate.customer])

        assert list(found) == [estate.customer]

    async def test_a_blocked_customer_says_why(self, dock: Any, estate: Estate) -> None:
        """A blocked customer is found, marked, and has a reason."""
        found = await dock.find_customers([estate.blocked_customer])

        customer = found[estate.blocked_customer]
        assert customer.blocked
        assert customer.block_reason

    async def test_many_customers_are_asked_for_at_once(self, dock: Any, estate: Estate) -> None:
        """More numbers than fit in one call are answered all the same."""
        numbers = [*(f"{estate.unknown_customer}-{index}" for index in range(MANY)), estate.customer]

        assert list(await dock.find_customers(numbers)) == [estate.customer]

    async def test_no_customers_are_none(self, dock: Any) -> None:
        """Asking for nothing answers nothing, not everything."""
        assert dict(await dock.find_customers([])) == {}


class ProductSourceConformance(ReadingManners):
    """Everything a product source promises. The bench is a `FaultBench`."""

    role_name = Role.PRODUCT_SOURCE.value
    role = Role.PRODUCT_SOURCE

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Look a known product up."""
        return await dock.find_products([estate.products[0]])

    async def test_known_products_are_found(self, dock: Any, estate: Estate) -> None:
        """Products come with name and unit, and are sold."""
        found = await dock.find_products(estate.products)

        assert set(found) == set(estate.products)
        for code, product in found.items():
            assert (product.code, product.unit, product.active) == (code, estate.unit, True)
            assert product.name

    async def test_an_unknown_product_is_absent(self, dock: Any, estate: Estate) -> None:
        """An unknown code is no error: it is not in the answer, and the others are."""
        found = await dock.find_products([estate.unknown_product, estate.products[0], estate.products[0]])

        assert list(found) == [estate.products[0]]

    async def test_a_product_not_sold_any_more_says_so(self, dock: Any, estate: Estate) -> None:
        """An inactive product is found and marked: orders on it need another answer than orders on nonsense."""
        found = await dock.find_products([estate.inactive_product])

        assert not found[estate.inactive_product].active

    async def test_many_products_are_asked_for_at_once(self, dock: Any, estate: Estate) -> None:
        """More codes than fit in one call are answered all the same."""
        codes = [*(f"{estate.unknown_product}-{index}" for index in range(MANY)), estate.products[0]]

        assert list(await dock.find_products(codes)) == [estate.products[0]]

    async def test_no_products_are_none(self, dock: Any) -> None:
        """Asking for nothing answers nothing, not everything."""
        assert dict(await dock.find_products([])) == {}

    async def test_the_list_of_products_is_whole(self, dock: Any, estate: Estate) -> None:
        """Every product is listed once, over however many pages, as it is found by its code."""
        listed = await dock.list_products()

        counts = Counter(product.code for product in listed)
        assert {code for code, count in counts.items() if count > 1} == set()
        assert set(counts) >= {*estate.products}
        assert len(listed) == (estate.products_count or len(listed))
        by_code = {product.code: product for product in listed}
        assert {code: by_code[code] for code in estate.products} == await dock.find_products(estate.products)


class PriceSourceConformance(ReadingManners):
    """Everything a price source promises. The bench is a `FaultBench`."""

    role_name = Role.PRICE_SOURCE.value
    role = Role.PRICE_SOURCE

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Ask for the known price."""
        wanted = [(estate.priced_product, Quantity("1", estate.unit))]
        return list(await dock.find_prices(estate.customer, estate.currency, wanted))

    async def test_a_price_is_quoted_to_its_last_digit(self, dock: Any, estate: Estate) -> None:
        """A price has the digits of the price list, not those of a float or of cents."""
        wanted = [(estate.priced_product, Quantity("1", estate.unit))]

        quotes = await dock.find_prices(estate.customer, estate.currency, wanted)

        assert [(quote.product, quote.price.currency) for quote in quotes] == [
            (estate.priced_product, estate.currency)
        ]
        assert quotes[0].price.decimal == Decimal(estate.price)

    async def test_a_product_without_price_is_absent(self, dock: Any, estate: Estate) -> None:
        """A product that the price list does not know is not quoted, least of all at zero; the others are."""
        one = Quantity("1", estate.unit)

        quotes = await dock.find_prices(
            estate.customer, estate.currency, [(estate.unknown_product, one), (estate.priced_product, one)]
        )

        assert [quote.product for quote in quotes] == [estate.priced_product]

    async def test_an_unsold_currency_is_rejected(self, dock: Any, estate: Estate) -> None:
        """A currency without price list is Rejected with a reason, not an empty answer."""
        wanted = [(estate.priced_product, Quantity("1", estate.unit))]

        error = await raised(Rejected, dock.find_prices(estate.customer, estate.unsold_currency, wanted))

        assert error.code

    async def test_no_prices_are_none(self, dock: Any, estate: Estate) -> None:
        """Asking for nothing answers nothing, not the whole price list."""
        assert list(await dock.find_prices(estate.customer, estate.currency, [])) == []


class StockSourceConformance(ReadingManners):
    """Everything a stock source promises. The bench is a `StockBench`."""

    role_name = Role.STOCK_SOURCE.value
    role = Role.STOCK_SOURCE

    async def prepare(self, dock: Any, bench: Any, estate: Estate) -> None:
        """Something on the shelf."""
        await bench.set_stock(estate.products[0], estate.location, on_hand=Decimal(7), promised=Decimal(2))

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Read it."""
        levels = await dock.read_stock([estate.products[0]])
        assert levels, "no stock of a product that has some"
        return sorted(levels, key=lambda level: str(level.location))

    async def _level(self, dock: Any, product: str, location: str) -> tuple[Decimal, Decimal, str]:
        found = [level for level in await dock.read_stock([product]) if level.location == location]
        assert len(found) == 1
        return found[0].on_hand.decimal, found[0].forecast.decimal, found[0].on_hand.unit

    async def test_stock_is_read_as_it_is_now(self, dock: Any, bench: StockBench, estate: Estate) -> None:
        """What is on the shelf, and what remains after all promises, to the last digit and without delay."""
        product, location = estate.products[0], estate.location
        await bench.set_stock(product, location, on_hand=Decimal(12), promised=Decimal(5))
        assert await self._level(dock, product, location) == (Decimal(12), Decimal(7), estate.unit)

        await bench.set_stock(product, location, on_hand=Decimal(11), promised=Decimal(5))
        assert await self._level(dock, product, location) == (Decimal(11), Decimal(6), estate.unit)

    async def test_too_many_promises_leave_nothing(self, dock: Any, bench: StockBench, estate: Estate) -> None:
        """A forecast below zero reads as zero: there is nothing to promise, not less than nothing."""
        product, location = estate.products[0], estate.location
        await bench.set_stock(product, location, on_hand=Decimal(3), promised=Decimal(9))

        assert await self._level(dock, product, location) == (Decimal(3), Decimal(0), estate.unit)

    async def test_an_unknown_product_has_no_levels(self, dock: Any, estate: Estate) -> None:
        """A product that the system does not know is absent, not at zero."""
        assert list(await dock.read_stock([estate.unknown_product])) == []

    async def test_all_products_are_read_when_none_is_named(
        self, dock: Any, bench: StockBench, estate: Estate
    ) -> None:
        """An empty question reads everything, each product and location once."""
        for product in estate.products[:2]:
            await bench.set_stock(product, estate.location, on_hand=Decimal(4), promised=Decimal(0))

        places = Counter((level.product, level.location) for level in await dock.read_stock([]))

        assert max(places.values()) == 1
        assert places.keys() >= {(product, estate.location) for product in estate.products[:2]}
