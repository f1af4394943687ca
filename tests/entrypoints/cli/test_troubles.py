"""What goes wrong is told on one line, with a code and what to do; a faulty deployment's findings all at once."""

from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli

from crossdock.entrypoints.cli import deployments
from crossdock.entrypoints.cli.exits import ExitCode


def test_a_missing_deployment_is_one_line_and_says_what_to_do(cli: Cli, tmp_path: Path) -> None:
    told = cli("orders", "list", "--deployment", str(tmp_path / "nowhere"))
    assert told.code == ExitCode.MISCONFIGURED
    assert "deployment-missing" in told.err
    assert "crossdock init" in told.err
    assert "Traceback" not in told.err


def test_all_findings_of_a_faulty_deployment_come_at_once(cli: Cli, deployment: Path) -> None:
    (deployment / "hub.yaml").write_text("runs_max: many\nhttp: {port: nine, prot: 1}\n")
    (deployment / "systems.yaml").write_text(
        "erp: {adapter: memory, settings: {ledgre: x, timeout_seconds: -1}}\n"
        "crm: {adapter: nobody}\n"
        "till: {adapter: memory, settings: {secret: {env: NOBODY_SETS_THIS}, url: {file: nowhere.txt}}}\n"
    )
    (deployment / "routes.yaml").write_text("erp: epr\nstatus_sinks: [crm]\n")
    told = cli("systems", "check")
    assert told.code == ExitCode.MISCONFIGURED
    for finding in (
        "hub.yaml $.runs_max",
        "hub.yaml $.http.port",
        "hub.yaml $.http  ",
        "systems.yaml $.erp.settings  ",
        "systems.yaml $.erp.settings.timeout_seconds",
        "systems.yaml $.crm.adapter",
        "systems.yaml $.till.settings.secret  the environment has no NOBODY_SETS_THIS",
        "systems.yaml $.till.settings.url  there is no file",
        "routes.yaml $.erp",
    ):
        assert finding in told.err


def test_a_credential_of_the_wrong_kind_is_not_repeated(cli: Cli, deployment: Path) -> None:
    (deployment / "systems.yaml").write_text("erp: {adapter: memory, settings: {secret: 987654321}}\n")
    told = cli("systems", "list")
    assert told.code == ExitCode.MISCONFIGURED
    assert "$.erp.settings.secret" in told.err
    assert "987654321" not in told.err


def test_a_credentials_file_is_found_beside_the_deployment(cli: Cli, deployment: Path) -> None:
    (deployment / "ledger.txt").write_text("by-file\n")
    (deployment / "systems.yaml").write_text("erp: {adapter: memory, settings: {ledger: {file: ledger.txt}}}\n")
    assert cli("systems", "list").code == ExitCode.OK


def test_debug_shows_where_and_everything_else_does_not(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert "Traceback" in cli("--debug", "orders", "list", "-d", nowhere).err
    monkeypatch.setenv("CROSSDOCK_DEBUG", "0")
    assert "Traceback" not in cli("orders", "list", "-d", nowhere).err


def test_a_fault_of_our_own_is_told_as_one(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_given: Path | None) -> Path:
        raise ZeroDivisionError("mail ada@example.com about it")

    monkeypatch.setattr(deployments, "find_folder", broken)
    told = cli("systems", "list")
    assert told.code == ExitCode.BUG
    assert "ZeroDivisionError" in told.err
    assert "ada@example.com" not in told.err
    assert "CROSSDOCK_DEBUG" in told.err


def test_the_only_deployment_here_is_found_and_several_are_not_guessed(
    cli: Cli, deployment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(deployments.VARIABLE)
    place = tmp_path / "work"
    (place / "deployments").mkdir(parents=True)
    monkeypatch.chdir(place)
    assert cli("systems", "list").code == ExitCode.MISCONFIGURED
    for name in ("one", "two"):
        (place / "deployments" / name).symlink_to(deployment)
        told = cli("systems", "list")
        assert told.code == (ExitCode.OK if name == "one" else ExitCode.MISCONFIGURED)
    assert "deployments/one, deployments/two" in told.err


def test_a_wrong_call_is_the_users_and_ends_with_two(cli: Cli) -> None:
    assert cli("orders", "lsit").code == ExitCode.USAGE
    assert cli("parked", "skip", "O-1").code == ExitCode.USAGE
