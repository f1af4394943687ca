"""How much a peak asks of the database, of workers and of the ERP: by peak write rates, not by averages (RES-16).

Every coefficient is a measured constant and stands with its source in `capacity.json`. The model is linear: an
order costs so much, each of its lines so much more. It knows nothing of bloat, vacuum, replicas or other users of
the server; `headroom` is there for those.
"""

import math
from collections.abc import Mapping
from importlib.resources import files

import msgspec

DATA = "capacity.json"
SECONDS_PER_HOUR, HOURS_PER_DAY = 3_600, 24


class Coefficient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured constant."""

    value: float
    unit: str
    source: str


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `peak_factor`: how much the worst minute exceeds the hour it lies in.

    `headroom` is the share of a limit that is left unused; `erp_in_flight` and `erp_seconds` are what the ERP
    bears at once and takes for a call.
    """

    orders_per_hour: float
    lines: float = 4.0
    peak_factor: float = 2.0
    busy_hours_per_day: float = 10.0
    headroom: float = 0.5
    erp_in_flight: int = 10
    erp_seconds: float = 0.25


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What the peak asks for, and what follows."""

    orders_per_second: float
    rows_per_second: float
    wal_megabytes_per_second: float
    transactions_per_second: float
    worker_cores: float
    database_cores: float
    workers: int
    erp_calls_per_second: float
    erp_lane_use: float
    erp_hours_to_catch_up: float
    storage_gigabytes_per_day: float
    wal_gigabytes_per_day: float
    fits_one_database: bool
    limits: tuple[str, ...]


def coefficients() -> Mapping[str, Coefficient]:
    """The measured constants, by name."""
    content = files("crossdock.insight").joinpath(DATA).read_bytes()
    return msgspec.json.decode(content, type=dict[str, Coefficient])


def capacity(demand: Demand, known: Mapping[str, Coefficient]) -> Capacity:
    """What `demand` asks for at its peak. Raises ValueError where a number makes no sense."""
    _check(demand)

    def per_order(name: str) -> float:
        return known[f"{name}_per_order"].value + known[f"{name}_per_line"].value * demand.lines

    rate = demand.orders_per_hour * demand.peak_factor / SECONDS_PER_HOUR
    usable = 1 - demand.headroom
    worker_cores = rate * per_order("worker_cpu_ms") / 1_000
    database_cores = rate * per_order("database_cpu_ms") / 1_000
    calls = rate * per_order("erp_calls")
    bears = demand.erp_in_flight / demand.erp_seconds
    daily = demand.orders_per_hour * demand.busy_hours_per_day
    rows = rate * per_order("rows")
    limits = _limits(rows, database_cores, calls, bears, usable, known)
    return Capacity(
        orders_per_second=rate,
        rows_per_second=rows,
        wal_megabytes_per_second=rate * per_order("wal_bytes") / 1e6,
        transactions_per_second=rate * known["transactions_at_ease"].value,
        worker_cores=worker_cores,
        database_cores=database_cores,
        workers=max(1, math.ceil(worker_cores / usable)),
        erp_calls_per_second=calls,
        erp_lane_use=calls / bears,
        erp_hours_to_catch_up=_catch_up(calls, calls / demand.peak_factor, bears),
        storage_gigabytes_per_day=daily * per_order("stored_bytes") / 1e9,
        wal_gigabytes_per_day=daily * per_order("wal_bytes") / 1e9,
        fits_one_database=not any(limit.startswith("database") for limit in limits),
        limits=limits,
    )


def _limits(
    rows: float, cores: float, calls: float, bears: float, usable: float, known: Mapping[str, Coefficient]
) -> tuple[str, ...]:
    """Which limits the peak comes too near to."""
    rows_max = known["database_rows_per_second_max"].value
    cores_max = known["database_cores_measured"].value
    found = []
    if rows > rows_max * usable:
        found.append(f"database: {rows:,.0f} rows a second; measured were {rows_max:,.0f}")
    if cores > cores_max * usable:
        found.append(f"database: {cores:.1f} cores; measured was it on {cores_max:g}")
    if calls > bears:
        found.append(f"ERP: {calls:.1f} calls a second; it bears {bears:.1f}: orders wait in its lane")
    return tuple(found)


def _catch_up(peak: float, ordinary: float, bears: float) -> float:
    """How long after an hour at the peak the ERP has worked off what waited; infinite where it never does."""
    behind = max(0.0, peak - bears) * SECONDS_PER_HOUR
    if not behind:
        return 0.0
    spare = bears - ordinary
    return math.inf if spare <= 0 else behind / spare / SECONDS_PER_HOUR


def _check(demand: Demand) -> None:
    for name in demand.__struct_fields__:
        value = getattr(demand, name)
        if not math.isfinite(value) or value <= 0:
            raise ValueError(f"{name} is {value}: not a number above 0")
    if demand.headroom >= 1:
        raise ValueError("headroom is the share that stays free: below 1")
    if demand.busy_hours_per_day > HOURS_PER_DAY:
        raise ValueError("a day has 24 hours")
