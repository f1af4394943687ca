"""Time and chance come in from outside: what decides about business reads no clock and throws no dice."""

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.tree import held, nodes, python

WALL = frozenset(
    {
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
        *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"),
    }
)
INTERVAL = frozenset({"time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"})
CHANCE = frozenset({"random", "secrets", "uuid"})
DECIDING = (
    *("kit", "canonical", "contracts", "durable", "ports"),
    *("policies", "stock", "processes", "insight", "storage"),
)
"""Rooms that do not even measure an interval: they are given a Clock."""


def calls(path: str) -> Iterator[str]:
    """What is named in a file as `something.attribute`, by its last two parts."""
    for node in nodes(path):
        match node:
            case ast.Attribute(ast.Name(owner) | ast.Attribute(attr=owner), name):
                yield f"{owner}.{name}"


def imported(path: str) -> Iterator[str]:
    """The first part of each module that a file imports."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).split(".")[0]


def reading(paths: Iterable[str], readers: frozenset[str]) -> dict[str, list[str]]:
    """Which of `paths` name one of `readers`."""
    found = {path: sorted(set(calls(path)) & readers) for path in paths}
    return {path: names for path, names in found.items() if names}


def test_the_wall_clock_is_read_in_one_place() -> None:
    product = (path for path in python() if path.startswith(("src/", "templates/")))
    held("clock", reading(product, WALL))


def test_rooms_that_decide_do_not_measure_time() -> None:
    rooms = tuple(f"src/crossdock/{room}/" for room in DECIDING)
    assert not reading((path for path in python() if path.startswith(rooms)), INTERVAL)


def test_nobody_hides_a_clock_behind_a_bare_name() -> None:
    hidden = [
        f"{path}: from time import {alias.name}"
        for path in python()
        if path.startswith(("src/", "templates/"))
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if f"time.{alias.name}" in WALL | INTERVAL
    ]
    assert not hidden


def test_rooms_that_decide_throw_no_dice() -> None:
    rooms = tuple(f"src/crossdock/{room}/" for room in DECIDING)
    found = {path: sorted(set(imported(path)) & CHANCE) for path in python() if path.startswith(rooms)}
    held("chance", {path: names for path, names in found.items() if names})
