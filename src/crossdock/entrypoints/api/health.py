"""Whether the process answers, and whether it can do its work; if not, what is missing."""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus

from litestar import Response, get

from crossdock.durable.records import Commit, CursorWrite
from crossdock.durable.store import StoreUnavailable
from crossdock.entrypoints.api.answers import Check, Health, Readiness
from crossdock.entrypoints.entrance.context import Entrance, Here
from crossdock.entrypoints.entrance.taking import BACKLOG_MAX

STORE_SECONDS = 3.0
PROBE, PROBER = "probe:readiness", "readiness"


@get("/healthz", name="health", sync_to_thread=False)
def health(entrance: Here) -> Health:
    """The process answers. Restart it when this does not."""
    return Health(status="ok", name=entrance.hub.deployment.hub.name)


@get("/readyz", name="readiness")
async def readiness(entrance: Here) -> Response[Readiness]:
    """Whether to send requests here: 200, or 503 with what is missing.

    A system that is down is no reason: orders for it are taken and wait.
    """
    hub = entrance.hub
    backlog = hub.committer.backlog
    checks = (
        await _within(_write(entrance)),
        Check(name="worker", ok=hub.worker.alive, detail="" if hub.worker.alive else "the worker does not run"),
        Check(name="backlog", ok=backlog < BACKLOG_MAX, detail=f"{backlog} commits wait for the store"),
    )
    ready = all(check.ok for check in checks)
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(Readiness(ready=ready, checks=checks), status_code=status)


ROUTES = (health, readiness)


async def _write(entrance: Entrance) -> Check:
    """A real write, past the queue of commits: that the database answers reads proves little."""
    store, now = entrance.hub.store, entrance.hub.clock.now()
    await store.hold_cursor(PROBE, PROBER)
    await store.apply([Commit(cursor=CursorWrite(PROBE, str(now), PROBER))], now)
    return Check(name="store", ok=True, detail="")


async def _within(writing: Awaitable[Check]) -> Check:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await writing
    except StoreUnavailable as error:
        return Check(name="store", ok=False, detail=error.message)
    except TimeoutError:
        return Check(name="store", ok=False, detail=f"no answer within {STORE_SECONDS:g} seconds")
