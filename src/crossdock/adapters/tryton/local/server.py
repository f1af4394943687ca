"""Runs Tryton's own programs as processes of their own: the administration once, the server as long as needed."""

import asyncio
import configparser
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from crossdock.adapters.tryton import codec
from crossdock.adapters.tryton.failures import SYSTEM
from crossdock.kit.errors import Misconfigured, Unavailable
from crossdock.transport.http import HttpClient

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 90.0
STOP_TIMEOUT_SECONDS = 10.0
STARTS_MAX = 3
_POLL_SECONDS = 0.1
_ANSWER_SECONDS = 5.0
_LOG_LINES_SHOWN = 5


def program(name: str) -> Path:
    """The path of one of Tryton's programs. Raises Misconfigured where Tryton is not installed."""
    beside = Path(sys.executable).with_name(name)
    found = beside if beside.exists() else shutil.which(name)
    if importlib.util.find_spec("trytond") is None or found is None:
        raise Misconfigured(
            "Tryton is not installed here; install the extra: pip install 'crossdock[tryton]'",
            code="tryton-not-installed",
            system="tryton",
        )
    return Path(found)


def write_configuration(path: Path, database: Mapping[str, str], *, port: int) -> None:
    """Tryton's configuration: loopback only, no list of databases, everything else as delivered."""
    parser = configparser.ConfigParser(interpolation=None)
    parser["database"] = {**database, "list": "False"}
    parser["web"] = {"listen": f"{HOST}:{port}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    path.chmod(0o600)  # the database's address may hold a password


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def administrate(
    configuration: Path,
    database: str,
    *arguments: str,
    password_file: Path,
    log: Path,
    seen: Callable[[int], None],
) -> None:
    """Run `trytond-admin` to its end, telling `seen` how many lines it has logged; its log goes to `log`."""
    process = await asyncio.create_subprocess_exec(
        program("trytond-admin"),
        *("-c", str(configuration), "-d", database, "-vv", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_environment() | {"TRYTONPASSFILE": str(password_file)},
        limit=1024 * 1024,
    )
    assert process.stderr is not None
    try:
        with log.open("ab") as file:
            count = 0
            async for line in process.stderr:
                file.write(line)
                count += 1
                seen(count)
        code = await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if code:
        raise Misconfigured(
            f"the local ERP could not be installed (exit code {code}): {_tail(log)}", code="install"
        )


class Server:
    """One `trytond` on loopback. Start it, use `url`, stop it; stopping twice is fine.

    Started again, after a stop or a crash, it answers at the same address.
    """

    def __init__(self, directory: Path, database: Mapping[str, str], name: str, *, port: int = 0) -> None:
        self._directory = directory
        self._database = database
        self._name = name
        self._wanted_port = port
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """The file that the server's errors go to."""
        return self._directory / "trytond.log"

    @property
    def pid(self) -> int:
        """The process, for those who want to see what becomes of its clients when it is killed."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Return when it answers. Raises Misconfigured or Unavailable with the end of its log."""
        await self.stop()
        for attempt in range(1, STARTS_MAX + 1):
            self.port = self._wanted_port or self.port or free_port()
            write_configuration(self._directory / "trytond.conf", self._database, port=self.port)
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    program("trytond"),
                    *("-c", str(self._directory / "trytond.conf"), "-d", self._name),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=_environment(),
                )
            if await self._answers():
                return
            await self.stop()
            if self._wanted_port or attempt == STARTS_MAX:
                break
            self.port = 0  # somebody may have taken it in between
        raise Unavailable(f"the local ERP does not start: {_tail(self.log)}", code="start", system="tryton")

    async def stop(self) -> None:
        """End the process, gently at first."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_SECONDS)
            except TimeoutError:
                process.kill()
        await process.wait()

    async def _answers(self) -> bool:
        assert self._process is not None
        question = codec.dumps({"id": 1, "method": "common.server.version", "params": []})
        client = HttpClient(
            self.url, timeout_seconds=_ANSWER_SECONDS, headers={"content-type": "application/json"}
        )
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    while self._process.returncode is None:
                        with contextlib.suppress(Unavailable):
                            answer = await client.send(
                                "POST", "/rpc/", system=SYSTEM, writes=False, content=question
                            )
                            return answer.status == HTTPStatus.OK
                        await asyncio.sleep(_POLL_SECONDS)
        finally:
            await client.close()
        return False


def _environment() -> dict[str, str]:
    """Ours, without what would configure a Tryton behind our back."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRYTON")}


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return " | ".join(line.strip() for line in lines[-_LOG_LINES_SHOWN:]) or "its log is empty"
