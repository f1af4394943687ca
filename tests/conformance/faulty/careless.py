"""A dock that reports success for every status, whatever became of it, and quotes what has no price at nothing."""

import contextlib
from collections.abc import Sequence

from tests.conformance.faulty.bench import Faulty

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.canonical.product import PriceQuote
from crossdock.kit.errors import CrossdockError, OutcomeUnknown
from crossdock.kit.money import Price, Quantity
from crossdock.ports.status_sink import StatusUpdate
from crossdock.testing.conformance import PriceSourceConformance, StatusSinkConformance


class CarelessDock(MemoryDock):
    async def report_statuses(self, updates: Sequence[StatusUpdate]) -> Sequence[CrossdockError | None]:
        with contextlib.suppress(OutcomeUnknown):
            await super().report_statuses(updates)
        return [None] * len(updates)

    async def find_prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        quotes = {quote.product: quote for quote in await super().find_prices(customer_number, currency, wanted)}
        nothing = Price("0", currency)
        return [quotes.get(code) or PriceQuote(product=code, price=nothing) for code, _ in wanted]


class TestStatusSink(Faulty, StatusSinkConformance):
    dock_class = CarelessDock


class TestPriceSource(Faulty, PriceSourceConformance):
    dock_class = CarelessDock
