"""A deployment to begin with: written without a question, complete, and never over something else."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder
from tests.entrypoints.cli.conftest import Cli

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.init import PACKAGED, example_files

ROOT = Path(__file__).parents[3]
CREDENTIALS = {
    "SALESFORCE_CLIENT_ID": "client",
    "SALESFORCE_USERNAME": "hub@example.com",
    "SALESFORCE_PRIVATE_KEY": "key",
    "TRYTON_URL": "http://127.0.0.1:8000",
    "TRYTON_DATABASE": "erp",
    "TRYTON_PASSWORD": "secret",
}


def test_init_writes_a_deployment_that_lacks_nothing_but_credentials(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new" / "one"
    told = cli("init", str(folder))
    assert told.code == ExitCode.OK
    assert "What to do next" in told.err
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    told = cli("systems", "list", "-d", str(folder))
    assert told.code == ExitCode.MISCONFIGURED
    assert [name for name in CREDENTIALS if name not in told.err] == []
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    deployment = load_deployment(folder, find_manifests())
    assert deployment.routes.erp in deployment.systems


def test_init_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("mine")
    told = cli("init", str(tmp_path))
    assert told.code == ExitCode.REFUSED
    assert "routes.yaml" in told.err
    assert (tmp_path / "routes.yaml").read_text() == "mine"
    assert not (tmp_path / "systems.yaml").exists()


def test_the_wheel_brings_the_same_example(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith(f"crossdock/{PACKAGED}/")}
        for path in example_files():
            assert archive.read(f"crossdock/{PACKAGED}/{path.name}") == path.read_bytes()
    assert names == {f"crossdock/{PACKAGED}/{path.name}" for path in example_files()}


def test_no_credential_stands_in_the_example() -> None:
    systems = next(path for path in example_files() if path.name == "systems.yaml").read_text()
    for line in systems.splitlines():
        name, _, value = line.strip().partition(":")
        if name in {"password", "private_key", "client_secret", "token", "client_id"}:
            assert value.strip().startswith("{ env:"), line
