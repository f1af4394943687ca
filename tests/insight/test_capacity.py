"""The capacity model: from measured constants to what a peak asks for, and which limit it meets first."""

import math
from pathlib import Path

import msgspec
import pytest

from crossdock.insight.capacity import Coefficient, Demand, capacity, coefficients

ROOT = Path(__file__).parents[2]
SMALL = Demand(orders_per_hour=600)


def test_every_coefficient_says_where_it_was_measured() -> None:
    for name, coefficient in coefficients().items():
        assert coefficient.value >= 0, name
        assert coefficient.unit, name
        first, *_ = coefficient.source.split()
        assert (ROOT / first).exists(), f"{name}: {coefficient.source}"


def test_it_counts_by_the_peak_and_not_by_the_average() -> None:
    known = coefficients()
    calm, spiky = (capacity(msgspec.structs.replace(SMALL, peak_factor=factor), known) for factor in (1.0, 6.0))
    assert spiky.orders_per_second == pytest.approx(6 * calm.orders_per_second)
    assert spiky.rows_per_second == pytest.approx(6 * calm.rows_per_second)
    assert spiky.storage_gigabytes_per_day == calm.storage_gigabytes_per_day


def test_lines_cost_what_lines_cost() -> None:
    known = {**coefficients(), "rows_per_order": a(10.0), "rows_per_line": a(3.0)}
    one_a_second = Demand(orders_per_hour=3_600, peak_factor=1.0, lines=4)
    assert capacity(one_a_second, known).rows_per_second == pytest.approx(22.0)


def test_workers_are_counted_with_headroom() -> None:
    known = {**coefficients(), "worker_cpu_ms_per_order": a(10.0), "worker_cpu_ms_per_line": a(0.0)}
    hundred_a_second = Demand(orders_per_hour=360_000, peak_factor=1.0, headroom=0.5)
    found = capacity(hundred_a_second, known)
    assert found.worker_cores == pytest.approx(1.0)
    assert found.workers == 2


def test_an_erp_that_bears_less_than_the_peak_is_said_and_when_it_has_caught_up() -> None:
    known = {**coefficients(), "erp_calls_per_order": a(2.0), "erp_calls_per_line": a(0.0)}
    demand = Demand(orders_per_hour=36_000, peak_factor=3.0, erp_in_flight=10, erp_seconds=0.25)
    found = capacity(demand, known)
    assert found.erp_lane_use == pytest.approx(60 / 40)
    assert found.erp_hours_to_catch_up == pytest.approx(20 / (40 - 20))
    assert any(limit.startswith("ERP") for limit in found.limits)
    slower = msgspec.structs.replace(demand, erp_seconds=1.0)
    assert math.isinf(capacity(slower, known).erp_hours_to_catch_up)


def test_what_one_database_was_not_seen_to_bear_is_said() -> None:
    assert capacity(SMALL, coefficients()).fits_one_database
    assert not capacity(msgspec.structs.replace(SMALL, orders_per_hour=1e8), coefficients()).fits_one_database


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders_per_hour": 0},
        {"lines": -1},
        {"headroom": 1.0},
        {"busy_hours_per_day": 25},
        {"lines": math.nan},
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"number|share|24"):
        capacity(msgspec.structs.replace(SMALL, **wrong), coefficients())


def a(value: float) -> Coefficient:
    return Coefficient(value=value, unit="1", source="tests/insight")
