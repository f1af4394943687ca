"""A broker that speaks Kafka's protocol on this machine, for tests: the mock cluster inside librdkafka.

It listens on real ports and keeps topics, groups and producers' sequences in memory; what it keeps ends with it.
It is no Kafka: see the README for what it does not prove.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from typing import Any

from crossdock.kit.errors import Unavailable
from crossdock.ports.manifest import Progress

START_SECONDS_MAX = 20.0


class LocalKafka:
    """One mock cluster of one broker, in a process of its own; implements `LocalSystem`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Serve, and return the hub's settings. Raises Unavailable where it does not start."""
        if progress is not None:
            progress("starting the mock cluster", 0, 1)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "crossdock.adapters.kafka.local.cluster"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        with contextlib.suppress(TimeoutError, ValueError):
            async with asyncio.timeout(START_SECONDS_MAX):
                self.port = int(await self._process.stdout.readline())
        if not self.port:
            await self.stop()
            raise Unavailable("the mock cluster does not start", code="start", system="kafka")
        if progress is not None:
            progress("starting the mock cluster", 1, 1)
        return {"servers": [f"127.0.0.1:{self.port}"]}

    async def stop(self) -> None:
        """See `LocalSystem.stop`."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()
