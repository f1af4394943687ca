"""`python -m bench.footprint`: what an order costs the database and a worker; `crossdock capacity` counts with it.

The full order process on PostgreSQL, with few lines and with many: what grows with the lines is told from what
does not. It prints the coefficients as JSON; `src/crossdock/insight/capacity.json` keeps them with their source.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from msgspec.structs import replace

from bench.full import Figures, submit_all, submit_at_rate
from bench.stage import fresh_postgres, hub_at_work
from bench.workload import LEDGER, PRODUCTS, orders
from crossdock.adapters.memory.simulator.server import shared_surface
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.order import Order

FEW, MANY = 2, 20
ORDERS, WARM_UP, PACED = 800, 100, 80
PER_SECOND = 10
"""So slowly that hardly two orders share a transaction."""

CONCURRENCY = 200
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'crossdock' AND datname = current_database()"
COUNTERS = """
    SELECT pg_current_wal_lsn() - '0/0'::pg_lsn,
           (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables),
           (SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables)
"""


def with_lines(count: int, lines: int, prefix: str) -> Iterator[Order]:
    """Orders of the workload with so many lines each."""
    for number, order in enumerate(orders(count, prefix=prefix)):
        products = (PRODUCTS[(number * 7 + line * 9) % len(PRODUCTS)] for line in range(lines))
        wanted = (
            replace(order.lines[0], line_id=str(line), product=product) for line, product in enumerate(products, 1)
        )
        yield replace(order, lines=tuple(wanted))


def backend_cpu_seconds(pids: list[int]) -> float:
    """CPU that these server processes have used; they run on this machine."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


async def settled(hub: Hub) -> None:
    """Return when every relay has caught up: what an order causes afterwards is part of its cost."""
    end = await hub.store.last_sequence()
    while any(relay.position < end for relay in hub.relays):
        await asyncio.sleep(0.1)
        end = await hub.store.last_sequence()


async def measure(hub: Hub, admin: psycopg.Connection[tuple[int, ...]], lines: int) -> dict[str, float]:
    """The cost of one order with so many lines."""
    rows = admin.execute(BACKENDS).fetchall()
    pids = [row[0] for row in rows]
    before, cpu, calls = counters(admin), backend_cpu_seconds(pids), len(shared_surface(LEDGER).log.calls)
    figures: Figures = await submit_all(hub, list(with_lines(ORDERS, lines, f"L{lines}")), concurrency=CONCURRENCY)
    await settled(hub)
    after = counters(admin)
    wal, rows_written, size = (end - begin for begin, end in zip(before, after, strict=True))
    return {
        "rows": rows_written / ORDERS,
        "wal_bytes": wal / ORDERS,
        "stored_bytes": size / ORDERS,
        "transactions": figures.transactions / ORDERS,
        "worker_cpu_ms": figures.cpu_seconds / ORDERS * 1_000,
        "database_cpu_ms": (backend_cpu_seconds(pids) - cpu) / ORDERS * 1_000,
        "rows_per_second": rows_written / figures.seconds,
        "erp_calls": (len(shared_surface(LEDGER).log.calls) - calls) / ORDERS,
    }


def counters(admin: psycopg.Connection[tuple[int, ...]]) -> tuple[int, ...]:
    """WAL bytes, rows written, bytes stored, when the statistics have come in."""
    time.sleep(1.5)
    admin.execute("CHECKPOINT")
    row = admin.execute(COUNTERS).fetchone()
    assert row is not None
    return tuple(int(value or 0) for value in row)


async def coefficients(dsn: str) -> dict[str, float]:
    """Per order and per line, by the difference of orders with many lines and with few."""
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(dsn, autocommit=True) as admin:
        async with hub_at_work(Path(folder), dsn) as hub:
            await submit_all(hub, list(with_lines(WARM_UP, FEW, "W")), concurrency=CONCURRENCY)
            few, many = await measure(hub, admin, FEW), await measure(hub, admin, MANY)
            paced = await submit_at_rate(hub, list(with_lines(PACED, FEW, "P")), per_second=PER_SECOND)
    found: dict[str, float] = {
        "transactions_at_ease": paced.transactions / PACED,
        "database_rows_per_second_max": max(cost.pop("rows_per_second") for cost in (few, many)),
        "database_cores_measured": os.cpu_count() or 1,
    }
    for name, cost in few.items():
        per_line = max(0.0, (many[name] - cost) / (MANY - FEW))
        found |= {f"{name}_per_line": per_line, f"{name}_per_order": max(0.0, cost - FEW * per_line)}
    return {name: round(value, 4) for name, value in found.items()}


def main() -> None:
    with fresh_postgres() as dsn:
        if dsn is None:
            raise SystemExit("no PostgreSQL answers: CROSSDOCK_TEST_POSTGRES names one")
        print(json.dumps(asyncio.run(coefficients(dsn)), indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
