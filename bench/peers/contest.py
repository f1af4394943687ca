"""One lap of one side: its store, its programs, the ERP's ledger, and what all of it took."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.accounts import read_books
from bench.lean_erp import LeanErp
from bench.peers.environments import Unobtainable, python_with
from bench.peers.servers import OwnPostgres, Store, own_redis, own_restate
from bench.peers.sides import OURS, Side

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 90.0
"""For opening an engine and for finishing what is in flight; then its programs are killed."""

COMPLAINT_LETTERS = 600
"""How much of what it said is shown."""

Mark = dict[str, Any]


class SideFailed(Exception):
    """It did not get through its lap, or not every order once through the ERP: says what was seen."""


@dataclass(frozen=True)
class Pace:
    """How long a lap is."""

    warm_up_seconds: float
    seconds: float


@dataclass(frozen=True)
class Reading:
    """What a lap took. `transactions` are Redis commands there, and None where nobody counts them."""

    per_second: float
    cpu_ms: float
    transactions: float | None
    foreign_share: float


@dataclass(frozen=True)
class Course:
    """What all laps run on: the folder of all stores, the ERP, and our PostgreSQL or why there is none."""

    folder: Path
    erp: LeanErp
    postgres: OwnPostgres | Unobtainable

    def run_lap(self, side: Side, pace: Pace, number: int) -> Reading:
        """Raises Unobtainable or SideFailed."""
        prefix = f"{side.label}-{number}"
        folder = self.folder / prefix
        folder.mkdir()
        interpreter = sys.executable if side.environment == OURS else str(python_with(side.environment))
        with self._store(side, folder) as store, contextlib.ExitStack() as stack:
            programs = [
                stack.enter_context(
                    Program(
                        command(side, interpreter, store, self.erp.url, f"{prefix}-{place}", pace), folder, pace
                    )
                )
                for place in range(side.programs)
            ]
            reading = _measure(programs, store, self.erp.process_id)
            finished = sum(program.heed("closed")["finished"] for program in programs)
        self._check_ledger(prefix, finished)
        return reading

    @contextlib.contextmanager
    def _store(self, side: Side, folder: Path) -> Iterator[Store]:
        if side.store == "sqlite":
            yield Store(str(folder / "hub.sqlite"))
            return
        if side.store == "redis":
            opened = own_redis(folder)
        elif side.store == "restate":
            opened = own_restate(folder)
        elif isinstance(self.postgres, Unobtainable):
            raise self.postgres
        else:
            opened = self.postgres.database(folder.name.replace("-", "_"))
        with opened as store:
            yield store

    def _check_ledger(self, prefix: str, finished: int) -> None:
        """Nobody crashed here, so every finished order was called in once, and none beside them."""
        with urllib.request.urlopen(f"{self.erp.url}/ledger/{prefix}") as answer:
            ledger = json.load(answer)
        if not ledger["orders"] == ledger["calls"] == finished:
            raise SideFailed(
                f"{finished} orders finished, the ERP has {ledger['orders']} of {ledger['calls']} calls"
            )


def command(side: Side, interpreter: str, store: Store, erp: str, prefix: str, pace: Pace) -> list[str]:
    """How a side's program is called."""
    words = [interpreter, "-m", f"bench.peers.{side.module}", "--store", store.address, "--erp", erp]
    words += ["--variant", side.variant, "--prefix", prefix, "--in-flight", str(side.in_flight)]
    return [*words, "--warm-up-seconds", str(pace.warm_up_seconds), "--seconds", str(pace.seconds)]


class Program:
    """A side's program at work: its marks are read, and it is gone, children and all, when the block ends."""

    def __init__(self, words: list[str], folder: Path, pace: Pace) -> None:
        self._complaints = folder / "complaints.txt"
        source = [str(ROOT), str(ROOT / "src")]
        with self._complaints.open("ab") as complaints:
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(source)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                start_new_session=True,
            )
        self._watchdog = threading.Timer(GRACE_SECONDS + pace.warm_up_seconds + pace.seconds, self._kill)

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._watchdog.cancel()
        self._kill()
        self._process.wait()

    def go(self) -> None:
        """Give the word."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def heed(self, name: str) -> Mark:
        """Wait for that mark. Raises SideFailed when it does not come."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"mark"'):
                mark: Mark = json.loads(line)
                if mark["mark"] == name:
                    return mark
        said = self._complaints.read_text(errors="replace").strip()[-COMPLAINT_LETTERS:] or "nothing"
        raise SideFailed(f"it ended before «{name}» and said: {said}")

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _measure(programs: list[Program], store: Store, erp_process: int) -> Reading:
    for program in programs:
        program.heed("ready")
    for program in programs:
        program.go()
    begun = [program.heed("begin") for program in programs]
    books, counted, began = read_books(erp_process), store.transactions(), time.monotonic()
    ended = [program.heed("end") for program in programs]
    seconds = time.monotonic() - began
    books_after, counted_after = read_books(erp_process), store.transactions()
    rates = [
        (after["finished"] - before["finished"]) / (after["at"] - before["at"])
        for before, after in zip(begun, ended, strict=True)
    ]
    per_second = sum(rates)
    if not per_second:
        raise SideFailed("no order was finished in time")
    transactions = None
    if counted is not None and counted_after is not None:
        transactions = (counted_after - counted) / seconds / per_second
    elif ended[0]["transactions"] is not None:
        told = sum(
            after["transactions"] - before["transactions"] for before, after in zip(begun, ended, strict=True)
        )
        transactions = told / seconds / per_second
    return Reading(
        per_second=per_second,
        cpu_ms=(books_after.side - books.side) / seconds / per_second * 1_000,
        transactions=transactions,
        foreign_share=books_after.foreign_share(books, seconds),
    )
