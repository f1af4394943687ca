"""A hub at work until a signal: up, and down again within a bounded time."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import structlog

from crossdock.bootstrap.deployment import Deployment
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import serve

STOP_SECONDS_MAX = 15.0
"""A stop that takes longer is forced. That is safe: what was not handed back is taken over when its lease ends."""

FORCED = 1
SIGNALS = (signal.SIGTERM, signal.SIGINT)

Started = Callable[[str], None]
"""Told the address the hub answers at (empty where it does not listen), once it is up."""

log = structlog.get_logger("hub")


class Duty(StrEnum):
    """What a process of a deployment does."""

    HUB = "hub"
    """Everything: API, console, intake, and runs."""
    WORKER = "worker"
    """Runs and what follows from events. It listens only for probes, and only where it is told a port."""


async def run_hub(deployment: Deployment, *, duty: Duty, port: int | None, started: Started) -> int:
    """Run until SIGTERM or SIGINT; the exit code. Raises Misconfigured or StoreUnavailable before it is up.

    Without a `port` it does not listen.
    """
    stop = asyncio.Event()

    def tell(address: str) -> None:
        where = urlsplit(address)
        name = hub.worker.worker_id
        log.info("up", worker_id=name, host=where.hostname or "", port=where.port or 0, pid=os.getpid())
        started(address)

    with _signals_set(stop):
        async with Hub(deployment) as hub:
            if not await _unless(stop, hub.run(intake=duty is Duty.HUB)):
                log.info("stopped while it started")
            elif port is not None:
                await serve(
                    hub,
                    deployment.hub.http.host,
                    port,
                    stop=stop,
                    started=tell,
                    only_probes=duty is Duty.WORKER,
                )
            else:
                tell("")
                await stop.wait()
            log.info("stopping")
    log.info("stopped")
    return 0


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work`, unless `stop` comes first; whether it was done. Raises what the work raised."""
    doing = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
            return not stop.is_set()
        return False
    finally:
        for task in (doing, stopping):
            task.cancel()
        await asyncio.gather(doing, stopping, return_exceptions=True)


@contextlib.contextmanager
def _signals_set(stop: asyncio.Event) -> Iterator[None]:
    """The first signal sets `stop`; a second one, or a stop that takes too long, ends the process at once."""
    loop = asyncio.get_running_loop()
    forcing: list[asyncio.TimerHandle] = []

    def heed() -> None:
        if stop.is_set():
            _force()
        stop.set()
        forcing.append(loop.call_later(STOP_SECONDS_MAX, _force))

    for number in SIGNALS:
        loop.add_signal_handler(number, heed)
    try:
        yield
    finally:
        for handle in forcing:
            handle.cancel()
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _force() -> None:
    log.warning("stop forced")
    sys.stderr.flush()
    os._exit(FORCED)
