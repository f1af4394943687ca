"""What is installed from the wheel is whole: it runs without the sources beside it."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from tests.architecture.tree import ROOT, files, pyproject

MOVED = {
    "src/crossdock/": "crossdock/",
    "deployments/example/": "crossdock/deployment_example/",
    "templates/adapter/": "crossdock/testing/adapter_template/",
}
PROOF = """
import asyncio, pathlib, sys
import crossdock
from crossdock.bootstrap.adapters import find_manifests
from crossdock.entrypoints.console.assets import ASSETS, read_asset
from crossdock.kit.clock import SystemClock
from crossdock.storage.migrate import migrate
from crossdock.storage.sqlite import SqliteStore

assert pathlib.Path(crossdock.__file__).is_relative_to(sys.prefix), crossdock.__file__
assert {"memory", "salesforce", "tryton"} <= set(find_manifests())
assert all(read_asset(name) for name in ASSETS)
migrate(SqliteStore(pathlib.Path("hub.sqlite"), SystemClock()).url)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel in it; what it depends on is borrowed from ours."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home, with_pip=False)
    programs = home / "bin"
    python = str(programs / "python")
    offline = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, str(wheel), cwd=home)
    site = run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=home).strip()
    (Path(site) / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def run(*command: str, cwd: Path) -> str:
    """The output of a program that must succeed, in an environment that knows nothing of the sources."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_wheel_holds_the_house_the_example_and_the_template_and_nothing_else(wheel: Path) -> None:
    wanted = {
        new + path.removeprefix(old) for old, new in MOVED.items() for path in files() if path.startswith(old)
    }
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == wanted
    assert {"crossdock/py.typed", "crossdock/storage/migrations/script.py.mako"} <= held
    assert any(re.fullmatch(r"crossdock/entrypoints/console/templates/.+\.html", name) for name in held)
    assert any(re.fullmatch(r"crossdock/storage/migrations/versions/0001_.+\.py", name) for name in held)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    project: dict[str, object] = pyproject()["project"]  # type: ignore[assignment]
    with ZipFile(wheel) as archive:
        about = {name.partition(".dist-info/")[2]: archive.read(name) for name in archive.namelist()}
    told = message_from_bytes(about["METADATA"])
    assert (told["Name"], told["Version"]) == (project["name"], project["version"])
    assert (told["License-Expression"], told["Requires-Python"]) == ("Apache-2.0", project["requires-python"])
    assert about["licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert b"[crossdock.adapters]" in about["entry_points.txt"]


def test_the_source_archive_holds_what_the_tests_need_and_nothing_of_this_machine(tmp_path: Path) -> None:
    archive = next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    assert held - {"PKG-INFO"} <= set(files())
    assert {"LICENSE", "Makefile", "pyproject.toml", "tests/conftest.py", "requirements/dev.lock"} <= held


def test_the_installed_command_works(installed: Path, tmp_path: Path) -> None:
    crossdock = str(installed / "crossdock")
    version: str = pyproject()["project"]["version"]  # type: ignore[index]
    assert run(crossdock, "--version", cwd=tmp_path) == f"crossdock {version}\n"
    run(crossdock, "init", "mine", cwd=tmp_path)
    assert (tmp_path / "mine" / "systems.yaml").is_file()
    run(str(installed / "python"), "-m", "crossdock.testing.new_adapter", "tin", "--into", ".", cwd=tmp_path)
    assert (tmp_path / "crossdock-tin" / "pyproject.toml").is_file()


def test_the_installed_package_finds_its_adapters_assets_and_migrations(installed: Path, tmp_path: Path) -> None:
    run(str(installed / "python"), "-c", PROOF, cwd=tmp_path)
    assert (tmp_path / "hub.sqlite").stat().st_size
