"""`crossdock capacity`: a table for people, everything with its source for scripts."""

import json

import pytest
from typer.testing import CliRunner

from crossdock.entrypoints.cli.main import app

WANTED = ["capacity", "--orders-per-hour", "36000", "--lines", "5"]


def test_it_shows_what_the_peak_asks_for() -> None:
    shown = CliRunner().invoke(app, WANTED)
    assert shown.exit_code == 0, shown.output
    assert "orders a second" in shown.output
    assert "20.0" in shown.output


def test_scripts_get_every_coefficient_with_its_source() -> None:
    told = json.loads(CliRunner().invoke(app, [*WANTED, "--json"]).stdout)
    assert told["demand"]["lines"] == 5
    assert told["capacity"]["orders_per_second"] == pytest.approx(20.0)
    assert all(coefficient["source"] for coefficient in told["coefficients"].values())


def test_what_never_ends_is_null_for_scripts() -> None:
    told = json.loads(CliRunner().invoke(app, [*WANTED, "--erp-seconds", "60", "--json"]).stdout)
    assert told["capacity"]["erp_hours_to_catch_up"] is None


def test_a_number_that_makes_no_sense_is_a_wrong_call() -> None:
    assert CliRunner().invoke(app, [*WANTED, "--headroom", "1"]).exit_code == 2
