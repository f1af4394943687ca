"""Asking masters in batches and remembering what changes rarely, so that an ERP is not asked per order.

Products and prices may be remembered for a short time (GOV-22). Customers never are: a block is a financial
control, and must work at once; but questions of the same moment are asked together.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec.structs import replace

from crossdock.canonical.product import PriceQuote, Product
from crossdock.durable.lanes import CURRENT_PRIORITY, CURRENT_SINCE
from crossdock.identity.onboarding.ledger import Standing
from crossdock.kit.clock import Clock, Instant, seconds_to_us
from crossdock.kit.money import Quantity
from crossdock.ports.directories import CustomerDirectory, CustomerRecord, PriceSource, ProductSource

V = TypeVar("V")
REMEMBERED_MAX = 50_000
TOGETHER_MAX = 200

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, V]]]


class _Together(Generic[V]):
    """Gathers the keys that are asked for while a question is under way into the next one.

    A question stands in the lane where the work stands that asked it first: older or more urgent work does not
    wait for it and asks for itself.
    """

    def __init__(self, ask: Ask[V]) -> None:
        self._ask = ask
        self._waiting: dict[str, asyncio.Future[V | None]] = {}
        self._asking: dict[asyncio.Task[None], tuple[int, Instant]] = {}

    async def find(self, keys: Sequence[str]) -> dict[str, V]:
        """The known ones."""
        loop = asyncio.get_running_loop()
        futures = {key: self._waiting.setdefault(key, loop.create_future()) for key in keys}
        priority, since = CURRENT_PRIORITY.get(), CURRENT_SINCE.get() or 0
        under_way = [known for task, known in self._asking.items() if not task.done()]
        if not any(known[0] <= priority and known[1] <= since for known in under_way):
            task = loop.create_task(self._ask_all(), name="masters")
            self._asking[task] = (priority, since)
            task.add_done_callback(self._asking.pop)
        found = {key: await asyncio.shield(future) for key, future in futures.items()}
        return {key: value for key, value in found.items() if value is not None}

    async def _ask_all(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            keys = list(self._waiting)[:TOGETHER_MAX]
            futures = {key: self._waiting.pop(key) for key in keys}
            try:
                answers = await self._ask(keys)
            except BaseException as error:
                for future in futures.values():
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # somebody may have stopped waiting
                if isinstance(error, asyncio.CancelledError):
                    raise
            else:
                for key, future in futures.items():
                    if not future.done():
                        future.set_result(answers.get(key))


class _Remembered(Generic[V]):
    """Values with an age."""

    def __init__(self, age_seconds: float, clock: Clock) -> None:
        self._age_us = seconds_to_us(age_seconds)
        self._clock = clock
        self._known: OrderedDict[str, tuple[Instant, V]] = OrderedDict()

    def recall(self, keys: Sequence[str]) -> tuple[dict[str, V], list[str]]:
        """What is known and young enough, and the keys of what is not."""
        oldest = self._clock.now() - self._age_us
        found = {key: hit[1] for key in keys if (hit := self._known.get(key)) is not None and hit[0] >= oldest}
        return found, [key for key in keys if key not in found]

    def learn(self, values: Mapping[str, V]) -> None:
        """Remember from now on."""
        now = self._clock.now()
        for key, value in values.items():
            self._known[key] = (now, value)
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)


class Customers:
    """A CustomerDirectory that asks together and remembers nothing.

    `standing` says who may not order on invoice as far as the hub itself knows, which is asked each time as well.
    """

    def __init__(self, directory: CustomerDirectory, standing: Ask[Standing] | None = None) -> None:
        self._together: _Together[CustomerRecord] = _Together(directory.find_customers)
        self._standing: _Together[Standing] | None = _Together(standing) if standing else None

    async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        """See CustomerDirectory."""
        found = await self._together.find(numbers)
        if self._standing is None:
            return found
        standing = await self._standing.find(list(found))
        return {
            number: replace(record, standing=standing[number]) if number in standing else record
            for number, record in found.items()
        }


class Products:
    """A ProductSource that asks together and remembers for a while."""

    def __init__(self, source: ProductSource, age_seconds: float, clock: Clock) -> None:
        self._source = source
        self._remembered: _Remembered[Product] = _Remembered(age_seconds, clock)
        self._together: _Together[Product] = _Together(source.find_products)

    async def find_products(self, codes: Sequence[str]) -> Mapping[str, Product]:
        """See ProductSource."""
        found, missing = self._remembered.recall(codes)
        if missing:
            asked = await self._together.find(missing)
            self._remembered.learn(asked)
            found |= asked
        return found

    async def list_products(self) -> Sequence[Product]:
        """See ProductSource."""
        return await self._source.list_products()


class Prices:
    """A PriceSource that remembers quotes for one piece count for a while."""

    def __init__(self, source: PriceSource, age_seconds: float, clock: Clock) -> None:
        self._source = source
        self._remembered: _Remembered[PriceQuote] = _Remembered(age_seconds, clock)

    async def find_prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        """See PriceSource."""
        keys = {
            f"{customer_number}\x00{currency}\x00{product}\x00{quantity.value}": (product, quantity)
            for product, quantity in wanted
        }
        found, missing = self._remembered.recall(list(keys))
        if missing:
            quotes = await self._source.find_prices(customer_number, currency, [keys[key] for key in missing])
            by_product = {quote.product: quote for quote in quotes}
            asked = {key: by_product[keys[key][0]] for key in missing if keys[key][0] in by_product}
            self._remembered.learn(asked)
            found |= asked
        return list(found.values())
