"""Servers of our own for the time of the bench: PostgreSQL, Redis, Restate.

Of our own, so that their CPU and transactions are ours to count, their settings known, and nobody else's work
is in them. All of them write below one folder: the same disk for everybody.
"""

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.peers.environments import Unobtainable, restate_server
from bench.peers.lap import free_port

START_SECONDS_MAX = 60.0
POSTGRES_SETTINGS = ("shared_buffers=256MB", "max_wal_size=4GB")
"""All else as PostgreSQL ships: fsync and synchronous_commit are on."""

RESTATE_PARTITIONS = 4
RESTATE_SETTINGS = {
    "RESTATE_DEFAULT_NUM_PARTITIONS": str(RESTATE_PARTITIONS),
    "RESTATE_DISABLE_TELEMETRY": "true",
    "RESTATE_LOG_FILTER": "error",
}


@dataclass(frozen=True)
class Store:
    """Where a side keeps its state, and how many transactions (or commands) it had so far."""

    address: str
    transactions: Callable[[], int | None] = lambda: None


@contextlib.contextmanager
def started(command: list[str], answers: Callable[[], bool], **options: object) -> Iterator[None]:
    """A server process, from its first answer to the end of the block. Raises Unobtainable."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while not answers():
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise Unobtainable(f"{Path(command[0]).name} does not start")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────


class OwnPostgres:
    """A cluster of our own."""

    def __init__(self, port: int) -> None:
        self._server = f"postgresql://bench@127.0.0.1:{port}/"
        self._admin = psycopg.connect(self._server + "postgres", autocommit=True)
        self.version = self._one("SHOW server_version")

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[Store]:
        """An empty database that goes away again."""
        self._admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield Store(self._server + name, self._transactions)
        finally:
            self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def close(self) -> None:
        self._admin.close()

    def _transactions(self) -> int:
        """How many wrote so far: each takes a number, those that only read take none."""
        return int(self._one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))

    def _one(self, sql: str) -> str:
        row = self._admin.execute(sql.encode()).fetchone()
        assert row is not None
        return str(row[0])


@contextlib.contextmanager
def own_postgres(folder: Path) -> Iterator[OwnPostgres]:
    """Raises Unobtainable where PostgreSQL's programs are not installed."""
    place, port = folder / "postgres", free_port()
    place.mkdir()
    options = _as_whom(place)
    programs = _postgres_programs()
    initdb = [programs / "initdb", "-D", place, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-sync"]
    done = subprocess.run(initdb, capture_output=True, text=True, check=False, cwd=place, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise Unobtainable(f"initdb: {done.stderr.strip().splitlines()[-1]}")
    command = [str(programs / "postgres"), "-D", str(place), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    command += ["-c", "unix_socket_directories=", *(word for pair in POSTGRES_SETTINGS for word in ("-c", pair))]
    with started(command, lambda: _postgres_answers(port), cwd=place, **options):
        server = OwnPostgres(port)
        try:
            yield server
        finally:
            server.close()


def _as_whom(place: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as its own user, or as nobody."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(place, user)
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _postgres_programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))
    if not places:
        raise Unobtainable("PostgreSQL's initdb is not installed")
    return places[-1]


def _postgres_answers(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://bench@127.0.0.1:{port}/postgres", connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


# ── Redis ───────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def own_redis(folder: Path) -> Iterator[Store]:
    """Appending to a file, synced every second. Raises Unobtainable."""
    program = shutil.which("redis-server")
    if program is None:
        raise Unobtainable("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", "everysec"]
    with started(command, lambda: _redis_commands(port) is not None):
        yield Store(f"redis://127.0.0.1:{port}/0", lambda: _redis_commands(port))


def redis_version() -> str:
    """As its program says."""
    said = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\S+)", said)
    return found[1] if found else said


def _redis_commands(port: int) -> int | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"INFO stats\r\n")
            found = re.search(rb"total_commands_processed:(\d+)", connection.recv(65_536))
    except OSError:
        return None
    return int(found[1]) if found else None


# ── Restate ─────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def own_restate(folder: Path) -> Iterator[Store]:
    """A single node, its log synced as it ships. Raises Unobtainable."""
    ingress, admin, fabric = free_port(), free_port(), free_port()
    places = {
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{fabric}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{fabric}",
        "RESTATE_BASE_DIR": str(folder / "restate"),
        "RESTATE_LISTEN_MODE": "tcp",
    }
    command = [str(restate_server()), "--no-logo"]
    environment = os.environ | RESTATE_SETTINGS | places

    def answers() -> bool:
        return _is_well(f"http://127.0.0.1:{admin}/health") and _is_well(
            f"http://127.0.0.1:{ingress}/restate/health"
        )

    with started(command, answers, env=environment, cwd=folder):
        yield Store(f"http://127.0.0.1:{ingress},http://127.0.0.1:{admin}")


def _is_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False
