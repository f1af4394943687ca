"""A PostgreSQL server of our own, that nobody minds being killed: in a temporary folder, with fsync on."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

RECOVERY_SECONDS_MAX = 60.0
SETTINGS = [
    argument
    for setting in ("listen_addresses=127.0.0.1", "max_connections=100", "fsync=on", "full_page_writes=on")
    for argument in ("-c", setting)
]
LOG = "log"
OWNER = "postgres"


class NoServer(Exception):
    """PostgreSQL is not installed."""


class PostgresServer:
    """One cluster, its postmaster a child of this process.

    PostgreSQL refuses to run as root: then it runs as the account its package made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _programs()
        self._owner = OWNER if os.geteuid() == 0 else None
        self._port = free_port()
        self._postmaster: subprocess.Popen[bytes] | None = None
        self.recovery_seconds: list[float] = []

    @property
    def address(self) -> str:
        """The address of its one database."""
        return f"postgresql://crossdock@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """Initialise and start."""
        if self._owner:
            shutil.chown(self._folder, self._owner)
        making = self._begin("initdb", "-U", "crossdock", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8")
        if making.wait():
            raise NoServer(f"initdb failed: see {self._folder / LOG}")
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers. Raises TimeoutError."""
        self._postmaster = self._begin("postgres", "-p", str(self._port), "-k", str(self._folder), *SETTINGS)
        deadline = time.monotonic() + RECOVERY_SECONDS_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.address, connect_timeout=2).close()
                return
            time.sleep(0.02)
        raise TimeoutError(f"PostgreSQL does not answer: see {self._folder / LOG}")

    def kill(self) -> int:
        """SIGKILL every process of it, the postmaster first; how many there were."""
        assert self._postmaster is not None
        victims = [self._postmaster.pid, *_children_of(self._postmaster.pid)]
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self._postmaster.wait()
        return len(victims)

    def recover(self) -> None:
        """Start again after a kill, and note how long it took until it answered."""
        begun = time.monotonic()
        self.start()
        self.recovery_seconds.append(time.monotonic() - begun)

    def stop(self) -> None:
        """Stop, and leave nothing behind."""
        if self._postmaster is not None and self._postmaster.poll() is None:
            self._postmaster.send_signal(signal.SIGQUIT)
            self._postmaster.wait()

    def _begin(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self._folder / LOG).open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), "-D", str(self._folder / "data"), *arguments],
                cwd=self._folder,
                user=self._owner,
                group=self._owner,
                extra_groups=[] if self._owner else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@contextlib.contextmanager
def own_postgres(folder: Path) -> Iterator[PostgresServer]:
    """A server that is gone afterwards. Raises NoServer where PostgreSQL is not installed."""
    folder.mkdir()
    server = PostgresServer(folder)
    try:
        server.make()
        yield server
    finally:
        server.stop()


def _programs() -> Path:
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0])
    )
    for folder in reversed(found):
        if (folder / "initdb").exists():
            return folder
    raise NoServer("initdb is not to be found: install PostgreSQL's server (on Debian: postgresql)")


def _children_of(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in tasks.read_text("ascii").split()]


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
