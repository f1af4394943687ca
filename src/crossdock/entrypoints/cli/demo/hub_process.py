"""The hub as a process of its own, as in real life: started by `crossdock up`, killed, and started again."""

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path

import httpx

from crossdock.entrypoints.cli.deployments import VARIABLE
from crossdock.kit.errors import Misconfigured, Unavailable

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 25.0
_POLL_SECONDS = 0.1
_LOG_LINES_SHOWN = 3


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class HubProcess:
    """`crossdock up` on a deployment folder. Its log goes to `hub.log` there."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port or free_port()
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def address(self) -> str:
        """Where API and console answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Its log."""
        return self._folder / "hub.log"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it and return when it answers. Raises Unavailable or Misconfigured with its last words."""
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "crossdock.entrypoints.cli", "up", "--deployment", str(self._folder)),
                *("--port", str(self.port), "--log", "json"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the hub in good order
            )
        self.starts += 1
        await self._ready(self._process)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and insist after a while; stopping twice is fine."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_SECONDS)
            except TimeoutError:
                process.kill()
        await process.wait()

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        async with httpx.AsyncClient(base_url=self.address, timeout=5.0, trust_env=False) as client:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    while process.returncode is None:
                        with contextlib.suppress(httpx.TransportError):
                            if (await client.get("/healthz")).status_code == httpx.codes.OK:
                                return
                        await asyncio.sleep(_POLL_SECONDS)
        if process.returncode is not None:
            raise Misconfigured(f"the hub ended while it started: {self._last_words()}", code="hub-start")
        raise Unavailable(f"the hub does not answer: {self._last_words()}", code="hub-start")

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-_LOG_LINES_SHOWN:]) or "its log is empty"
