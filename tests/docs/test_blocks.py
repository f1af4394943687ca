"""What a newcomer copies from a page into a shell works; what is not run here is run elsewhere, and says where."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.architecture.tree import ROOT
from tests.docs.markdown import blocks_of, languages_of, pages

BIN = Path(sys.executable).parent
DEPLOYMENT_NEEDED = "needs a deployment with systems: tests/entrypoints/cli"

RUN = (
    "make",
    ".venv/bin/crossdock --help",
    ".venv/bin/crossdock init my-deployment",
)
NOT_RUN: Mapping[str, str] = {
    "make demo": "plays until it is stopped; .ci/run plays it once",
    "make test": "this is it",
    ".venv/bin/crossdock demo --once --erp memory --orders 40": "tests/entrypoints/cli/demo/test_demo.py",
    "make new-adapter NAME=acme": "tests/testing/test_new_adapter.py",
    "python -m crossdock.testing.new_adapter acme --into ~/src": "tests/testing/test_new_adapter.py",
    "export": "sets credentials",
    ".venv/bin/crossdock rehearse": "tests/rehearsal/test_black_friday.py",
    "crossdock rehearse": "tests/rehearsal/test_black_friday.py",
    "crossdock orders": DEPLOYMENT_NEEDED,
    "crossdock parked": DEPLOYMENT_NEEDED,
    "crossdock lanes": DEPLOYMENT_NEEDED,
    "crossdock events": DEPLOYMENT_NEEDED,
}


def commands() -> list[str]:
    """Every command in a block of a page, without comments."""
    lines = (line for page in pages() for block in blocks_of(page) for line in block.splitlines())
    return [command for line in lines if (command := line.split(" #")[0].strip())]


def test_every_command_in_a_block_is_run_here_or_says_where() -> None:
    known = (*RUN, *NOT_RUN)
    assert not [command for command in commands() if not any(_is(command, one) for one in known)]
    assert not [one for one in known if not any(_is(command, one) for command in commands())], (
        "not in a page any more"
    )


@pytest.mark.parametrize("page", pages())
def test_every_block_says_in_which_language_it_is(page: str) -> None:
    assert all(languages_of(page))


@pytest.mark.parametrize("place", [reason for reason in NOT_RUN.values() if reason.startswith("tests/")])
def test_the_places_where_others_are_run_exist(place: str) -> None:
    assert (ROOT / place).exists()


def test_the_cheap_commands_of_the_first_page_work_in_a_fresh_folder(tmp_path: Path) -> None:
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    said = {command: _output(command, tmp_path) for command in RUN}
    assert "make demo" in said["make"]
    assert "crossdock demo" in said[".venv/bin/crossdock --help"]
    assert (tmp_path / "my-deployment" / "systems.yaml").is_file()


def _is(command: str, known: str) -> bool:
    return command == known or command.startswith(f"{known} ")


def _output(command: str, folder: Path) -> str:
    ran = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, f"{command}: {ran.stderr}"
    return ran.stdout
