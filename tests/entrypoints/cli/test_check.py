"""A deployment is checked as a whole, without any system."""

from pathlib import Path

from tests.entrypoints.cli.conftest import Cli

from crossdock.entrypoints.cli.exits import ExitCode


def test_a_whole_deployment_is_said_to_be_whole(cli: Cli, deployment: Path) -> None:
    told = cli("check")
    assert told.code == ExitCode.OK
    assert "is whole" in told.out
    assert "no ownership.yaml" in told.err


def test_a_faulty_ownership_is_told_with_its_path(cli: Cli, deployment: Path) -> None:
    (deployment / "ownership.yaml").write_text("domains: {tax: {rule: owner, owner: nobody}}\n")
    told = cli("check")
    assert told.code == ExitCode.MISCONFIGURED
    assert "ownership.yaml $.domains.tax.owner" in told.err
