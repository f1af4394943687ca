"""The house stands as ARCHITECTURE.md draws it, and its rules have no exceptions."""

import re
from pathlib import PurePosixPath
from typing import Any

from tests.architecture.tree import files, pyproject, text_of

CONTRACTS: list[dict[str, Any]] = pyproject()["tool"]["importlinter"]["contracts"]  # type: ignore[index]
HOUSE = "src/crossdock/"


def rooms() -> set[str]:
    """The rooms in the house, as they lie on the disk."""
    below = (PurePosixPath(path).relative_to(HOUSE) for path in files() if path.startswith(HOUSE))
    return {part.parts[0] for part in below if len(part.parts) > 1}


def layers() -> set[str]:
    """The rooms that the import contracts know."""
    (house,) = (contract for contract in CONTRACTS if contract["type"] == "layers")
    assert house["exhaustive"]
    return {room.strip() for layer in house["layers"] for room in layer.split("|")}


def test_every_room_has_its_layer() -> None:
    assert rooms() == layers()


def test_every_room_is_explained() -> None:
    table = text_of("ARCHITECTURE.md").split("| room |")[1].split("\n\n")[0]
    assert {room.rstrip("/") for room in re.findall(r"`([a-z]+/)(?:<system>/)?`", table)} == rooms()


def test_every_folder_of_tests_says_what_it_proves() -> None:
    below = [PurePosixPath(path).parts for path in files() if path.startswith("tests/")]
    folders = {folder for _, folder, *inner in below if inner}
    table = text_of("CONTRIBUTING.md").split("| test folder |")[1].split("\n\n")[0]
    assert folders <= set(re.findall(r"`tests/(\w+)`", table))


def test_the_import_rules_have_no_exceptions() -> None:
    excused = {"ignore_imports", "exhaustive_ignores", "unmatched_ignore_imports_alerting"}
    assert not [contract["name"] for contract in CONTRACTS if excused & set(contract)]


def test_the_import_rules_cover_layers_siblings_storage_io_and_cycles() -> None:
    kinds = [contract["type"] for contract in CONTRACTS]
    assert set(kinds) == {"layers", "independence", "protected", "forbidden", "acyclic_siblings"}
    protected = [room for contract in CONTRACTS for room in contract.get("protected_modules", ())]
    assert protected == ["crossdock.adapters", "crossdock.storage"]


def test_every_change_passes_the_checks() -> None:
    check = text_of("Makefile").split("\ncheck:")[1].split("\n\n")[0]
    assert all(tool in check for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports"))
    looped = re.findall(r"^for target in (.*); do$", text_of(".ci/run"), re.MULTILINE)
    alone = re.findall(r"^(?:if ! )?make ([a-z-]+)", text_of(".ci/run"), re.MULTILINE)
    asked = {"check", "bench-small", "crash", "demo-once", "test", "test-long", "mutants", "simulate"}
    assert {*" ".join(looped).split(), *alone} >= asked
