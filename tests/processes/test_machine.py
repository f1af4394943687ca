"""Whatever happens in whatever sequence: every order once, stock conserved, turns kept, everything told once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.processes.machine import OrderMachine
from tests.stores import postgres_stores, sqlite_stores

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def settings_for(examples: int) -> settings:
    return settings(max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=CHECKS)


def test_whatever_happens_nothing_is_lost_on_sqlite(migrated_sqlite: Path, tmp_path: Path) -> None:
    def machine() -> OrderMachine:
        return OrderMachine(sqlite_stores(migrated_sqlite, tmp_path))

    run(machine, settings_for(30))


@pytest.mark.postgres
def test_whatever_happens_nothing_is_lost_on_postgresql(migrated_postgres: str) -> None:
    def machine() -> OrderMachine:
        return OrderMachine(postgres_stores(migrated_postgres))

    run(machine, settings_for(10))


def run(machine: Callable[[], OrderMachine], wanted: settings) -> None:
    run_state_machine_as_test(machine, settings=wanted)  # type: ignore[arg-type]
