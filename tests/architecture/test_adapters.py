"""Whoever knows one adapter knows them all: the same files, found one way, held to one suite, in one table."""

import re
import tomllib
from pathlib import PurePosixPath

import pytest
from tests.architecture.tree import files, pyproject, text_of

HOUSE = "src/crossdock/adapters/"
FILES = frozenset(
    {
        *("__init__.py", "settings.py", "client.py", "wire.py", "mapping.py", "failures.py", "adapter.py"),
        *("quality.yaml", "README.md"),
    }
)
STAND_INS = ("simulator.py", "simulator/__init__.py", "local/__init__.py")
"""The vendor's surface on loopback: a simulator, or the real system where anybody can run it."""


def parts(folder: str) -> set[str]:
    """The files below a folder."""
    return {path.removeprefix(folder) for path in files() if path.startswith(folder)}


ADAPTERS = sorted({PurePosixPath(path).parts[0] for path in parts(HOUSE) if "/" in path})


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_has_the_files_of_its_siblings(adapter: str) -> None:
    there = parts(f"{HOUSE}{adapter}/")
    assert there >= FILES
    assert there & set(STAND_INS)


def test_the_template_has_the_files_of_its_siblings() -> None:
    there = parts("templates/adapter/src/crossdock_acme/")
    assert there == FILES | {"simulator.py"}


def test_every_adapter_is_found_by_its_entry_point_and_no_entry_point_leads_nowhere() -> None:
    points = pyproject()["project"]["entry-points"]["crossdock.adapters"]  # type: ignore[index]
    assert points == {adapter: f"crossdock.adapters.{adapter}:ADAPTER" for adapter in ADAPTERS}


def test_the_template_is_found_by_its_entry_point() -> None:
    points = tomllib.loads(text_of("templates/adapter/pyproject.toml"))["project"]["entry-points"]
    assert points["crossdock.adapters"] == {"acme": "crossdock_acme:ADAPTER"}


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_is_held_to_the_suite(adapter: str) -> None:
    tests = (text_of(path) for path in files() if re.fullmatch(r"tests/.*/test_.*\.py", path))
    wanted = (f"crossdock.adapters.{adapter} import ADAPTER", ".DockConformance")
    assert any(all(words in text for words in wanted) for text in tests)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_stands_in_the_table_and_on_the_first_page(adapter: str) -> None:
    place = f"{HOUSE}{adapter}/README.md"
    assert f"(../../{place})" in text_of("docs/adapters/README.md")
    assert f"({place})" in text_of("README.md")
