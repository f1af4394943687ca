"""A lap: the time in which one side works off orders as fast as it can, and the marks by which it is measured.

Every side is a program that opens its engine, says it is ready, waits for the word, and then takes orders from
`Lap` as long as there are any, always keeping so many in flight. The lap prints a mark when the warm-up is over
and one at the end: what was finished between the two counts. Warm is a side after some time, and not before it
finished as many orders as it keeps in flight. Standard library only.
"""

import argparse
import json
import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.peers.order_steps import Json, make_order


@dataclass(frozen=True)
class Told:
    """What a side is told. `store` is the address of its database or server, `variant` one of its own words."""

    store: str
    erp: str
    variant: str
    prefix: str
    in_flight: int
    warm_up_seconds: float
    seconds: float


def listen() -> Told:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True)
    parser.add_argument("--erp", required=True)
    parser.add_argument("--variant", default="")
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--warm-up-seconds", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    return Told(**vars(parser.parse_args()))


def free_port() -> int:
    """A port of loopback that nobody holds now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class Lap:
    """Hands out orders until the time is over. Safe to share between threads."""

    def __init__(self, told: Told, transactions: Callable[[], int | None] = lambda: None) -> None:
        self._told = told
        self._transactions = transactions
        self._lock = threading.Lock()
        self._warm_at = self._ends_at = math.inf
        self._handed_out = 0
        self._finished = 0
        self._marks: list[str] = []

    def await_start(self) -> None:
        """Say that the engine is open; return when the word comes."""
        self._mark("ready")
        sys.stdin.readline()
        self._warm_at = time.monotonic() + self._told.warm_up_seconds

    def orders(self) -> Iterator[Json]:
        """Orders, all different, until the lap ends; any number of takers."""
        while True:
            with self._lock:
                self._look_at_the_clock()
                if "end" in self._marks:
                    return
                number = self._handed_out
                self._handed_out += 1
            yield make_order(f"{self._told.prefix}-{number:07d}", number)

    def finish(self) -> None:
        """One order went through all its steps."""
        with self._lock:
            self._finished += 1
            self._look_at_the_clock()

    def close(self) -> None:
        """Everything that was begun is finished."""
        self._mark("closed")

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if "begin" not in self._marks:
            if now >= self._warm_at and self._finished >= self._told.in_flight:
                self._ends_at = now + self._told.seconds
                self._mark("begin")
        elif now >= self._ends_at and "end" not in self._marks:
            self._mark("end")

    def _mark(self, name: str) -> None:
        self._marks.append(name)
        facts = {
            "mark": name,
            "at": time.monotonic(),
            "finished": self._finished,
            "transactions": self._transactions(),
        }
        print(json.dumps(facts), flush=True)
