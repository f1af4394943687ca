"""A real NATS with JetStream on this machine, for tests and for trying things out."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from crossdock.kit.errors import Misconfigured, Unavailable
from crossdock.kit.ids import new_id
from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import Progress

HOST = "127.0.0.1"
USER = "hub"
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 10.0
AUTHENTICATION_SECONDS_MAX = 30
"""By itself the server gives a client two seconds to show its credential: too few on a busy machine."""
_POLL_SECONDS = 0.02


class LocalNats:
    """One `nats-server`; implements `LocalSystem`.

    `directory` holds its configuration, log and store, which outlive a stop. `program` names the server where it
    is not the one on the PATH. `payload_bytes_max` is the largest message that it takes.
    """

    def __init__(self, directory: Path | str, *, program: str = "", payload_bytes_max: int = 1024 * 1024) -> None:
        self._directory = Path(directory)
        self._program = program
        self._payload_bytes_max = payload_bytes_max
        self._password = self._good_password = new_id()
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Serve, and return the hub's settings. Raises Misconfigured, or Unavailable where it does not start."""
        if progress is not None:
            progress("starting NATS", 0, 1)
        self._directory.mkdir(parents=True, exist_ok=True)
        await self.come_back()
        if progress is not None:
            progress("starting NATS", 1, 1)
        return {"servers": [f"nats://{HOST}:{self.port}"], "user": USER, "password": Secret(self._password)}

    async def stop(self) -> None:
        """See `LocalSystem.stop`."""
        await self._end(signal.SIGTERM)

    async def go_down(self) -> None:
        """Stop serving, as in an outage; what is stored stays."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End the process without a chance to tidy up."""
        await self._end(signal.SIGKILL)

    async def come_back(self) -> None:
        """Serve (again), at the same address."""
        self.port = self.port or _free_port()
        self._configure()
        with (self._directory / "nats.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                find_program(self._program),
                *("-c", str(self._configuration)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await self._answers()

    async def change_password(self, password: str) -> None:
        """Let another password be the good one; whoever is connected with the old one is thrown out.

        Returns when the server goes by it.
        """
        assert self._process is not None
        if password == self._good_password:
            return
        self._configure(password)
        self._process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await self._lets_in(password):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(_POLL_SECONDS)

    async def _lets_in(self, password: str) -> bool:
        """Whether the server takes the password now, asked by the first words of its protocol."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            await reader.readline()
            credential = msgspec.json.encode({"user": USER, "pass": password, "verbose": False})
            writer.write(b"CONNECT " + credential + b"\r\nPING\r\n")
            return (await reader.readline()).startswith(b"PONG")
        except OSError:
            return False
        finally:
            writer.close()

    @property
    def _configuration(self) -> Path:
        return self._directory / "nats.conf"

    def _configure(self, password: str = "") -> None:
        self._good_password = password or self._password
        user = {"user": USER, "password": self._good_password}
        wanted = {
            "listen": f"{HOST}:{self.port}",
            "max_payload": self._payload_bytes_max,
            "jetstream": {"store_dir": str(self._directory / "store")},
            "authorization": {"users": [user], "timeout": AUTHENTICATION_SECONDS_MAX},
        }
        # JSON is a dialect of the server's own.
        self._configuration.write_bytes(msgspec.json.encode(wanted))
        self._configuration.chmod(0o600)

    async def _answers(self) -> None:
        """Return once JetStream is up: the server greets its clients before."""
        assert self._process is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS_MAX):
                while self._process.returncode is None:
                    with contextlib.suppress(OSError):
                        reader, writer = await asyncio.open_connection(HOST, self.port)
                        greeting = await reader.readline()
                        writer.close()
                        if b'"jetstream":true' in greeting:
                            return
                    await asyncio.sleep(_POLL_SECONDS)
        await self.stop()
        raise Unavailable("the local NATS does not start: see nats.log", code="start", system="nats")

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS_MAX)
            except TimeoutError:
                process.kill()
        await process.wait()


def find_program(name: str = "") -> Path:
    """The server's path: as named, on the PATH, or beside this Python. Raises Misconfigured without one."""
    beside = Path(sys.executable).with_name("nats-server")
    found = shutil.which(name or "nats-server") or (str(beside) if os.access(beside, os.X_OK) else None)
    if found is None:
        words = "no nats-server is installed here (Debian: apt install nats-server)"
        raise Misconfigured(words, code="nats-not-installed", system="nats")
    return Path(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
