"""A new adapter works at once: its own suite is green before its author has written a line."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crossdock.kit.errors import Misconfigured
from crossdock.testing.new_adapter import main, make_in_house, make_project

FILES = {
    *("__init__.py", "settings.py", "client.py", "wire.py", "mapping.py", "failures.py", "adapter.py"),
    *("simulator.py", "quality.yaml", "README.md"),
}


def run(*command: str, cwd: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_a_project_of_its_own_installs_and_its_suite_is_green(tmp_path: Path) -> None:
    project, site = make_project("tin_soldier", tmp_path), tmp_path / "site"

    offline = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
    installed = run("pip", "install", *offline, ".", cwd=project, site=site)
    assert installed.returncode == 0, installed.stderr
    tested = run("pytest", "-q", "-p", "no:cacheprovider", cwd=project, site=site)

    assert tested.returncode == 0, tested.stdout[-4000:] + tested.stderr[-1000:]
    passed, skipped = re.findall(r"(\d+) (?:passed|skipped)", tested.stdout.splitlines()[-1])
    assert int(passed) >= 50
    assert int(skipped) == tested.stdout.count(" is exempt: ") == 3


def test_nothing_of_the_template_keeps_its_old_name(tmp_path: Path) -> None:
    project = make_project("tin_soldier", tmp_path)

    files = [path for path in project.rglob("*") if path.is_file()]
    assert {path.name for path in (project / "src" / "crossdock_tin_soldier").iterdir()} == FILES
    for path in files:
        assert "acme" not in f"{path.relative_to(tmp_path)} {path.read_text('utf-8')}".lower()


def test_an_adapter_in_the_house_gets_its_folder_its_test_and_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "house"\n\n[project.entry-points."crossdock.adapters"]\nmemory = "m:ADAPTER"\n'
    )

    folder = make_in_house("tin_soldier", tmp_path)

    assert {path.name for path in folder.iterdir()} == FILES
    entry_points = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]["entry-points"]
    assert entry_points["crossdock.adapters"] == {
        "tin_soldier": "crossdock.adapters.tin_soldier:ADAPTER",
        "memory": "m:ADAPTER",
    }
    test = tmp_path / "tests" / "conformance" / "test_tin_soldier.py"
    for path in (test, *folder.glob("*.py")):
        compile(path.read_text("utf-8"), str(path), "exec")
        assert "crossdock_" not in path.read_text("utf-8")
    assert "from crossdock.adapters.tin_soldier import" in test.read_text("utf-8")


def test_outside_a_checkout_only_a_project_of_its_own_is_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="--into"):
        make_in_house("tin_soldier", tmp_path)

    assert not list(tmp_path.iterdir())


def test_what_exists_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project("tin_soldier", tmp_path)
    kept = project / "src" / "crossdock_tin_soldier" / "adapter.py"
    kept.write_text("mine")

    assert main(["tin_soldier", "--into", str(tmp_path)]) == 2

    assert kept.read_text() == "mine"
    assert "adapter-exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["", "Tin", "tin-soldier", "2tin", "tin__soldier", "_tin", "class", "t" * 41, "../tin"]
)
def test_a_name_that_cannot_be_a_package_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        make_project(name, tmp_path)

    assert caught.value.code == "adapter-name"
    assert not list(tmp_path.iterdir())
