"""The whole order process on one worker: capture, check, enrich, hold, submit, announce, status feedback."""

import asyncio
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.workload import CUSTOMERS, PRODUCTS, STOCK_MICRO
from crossdock.adapters.memory.simulator.estate import ArticlePrice, Estate, Stock
from crossdock.adapters.memory.wire import Article, DebtorRecord
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.order import Order

PIECES = STOCK_MICRO // 1_000_000


@dataclass(frozen=True)
class Figures:
    """What one run took."""

    orders: int
    seconds: float
    cpu_seconds: float
    transactions: int
    latencies_ms: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Orders per second, from the first capture to the last acceptance."""
        return self.orders / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds from handing an order over to its run's end."""
        ranked = sorted(self.latencies_ms)
        return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def estate() -> Estate:
    """What the ERP knows: every customer and product of the workload, and plenty of stock."""
    return Estate(
        debtors=tuple(DebtorRecord(number=number, name=f"Customer {number}") for number in CUSTOMERS),
        articles=tuple(Article(number=code, name=f"Article {code}") for code in PRODUCTS),
        prices=tuple(ArticlePrice(code, "EUR", "10.00") for code in PRODUCTS),
        stock=tuple(Stock(code, depot, str(PIECES)) for code in PRODUCTS for depot in ("W1", "W2")),
    )


def cpu_seconds() -> float:
    """CPU of this process and its finished children, all threads."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


async def submit_all(hub: Hub, orders: Iterable[Order], *, concurrency: int) -> Figures:
    """As fast as it goes, with so many orders under way at a time."""
    source = iter(orders)
    latencies: list[float] = []

    async def worker() -> None:
        for order in source:
            began = time.perf_counter()
            await hub.capture.take(order)
            await ended(hub, order.order_id)
            latencies.append((time.perf_counter() - began) * 1_000)

    began, cpu = time.perf_counter(), cpu_seconds()
    transactions = hub.committer.figures.transactions
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return Figures(
        len(latencies),
        time.perf_counter() - began,
        cpu_seconds() - cpu,
        hub.committer.figures.transactions - transactions,
        tuple(latencies),
    )


async def submit_at_rate(hub: Hub, orders: list[Order], *, per_second: float) -> Figures:
    """An order every so often, whatever became of those before (open loop)."""
    latencies: list[float] = []

    async def one(order: Order, due: float) -> None:
        await hub.capture.take(order)
        await ended(hub, order.order_id)
        latencies.append((time.perf_counter() - due) * 1_000)

    began, cpu = time.perf_counter(), cpu_seconds()
    transactions = hub.committer.figures.transactions
    tasks = []
    for number, order in enumerate(orders):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(order, due)))
    await asyncio.gather(*tasks)
    return Figures(
        len(latencies),
        time.perf_counter() - began,
        cpu_seconds() - cpu,
        hub.committer.figures.transactions - transactions,
        tuple(latencies),
    )


async def ended(hub: Hub, order_id: str) -> None:
    """Return when the order's run has left this worker."""
    task = hub.worker.task_of(hub.submission.run_id(order_id))
    if task is not None:
        await asyncio.wait([task])
