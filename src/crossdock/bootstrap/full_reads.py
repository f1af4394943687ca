"""All customers of connected systems, read once: by their docks' own queries, within the limits of their lanes.

A page is one call of the lane, of the least urgent kind: a hub at work goes before, and a day's budget is kept.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial

from crossdock.bootstrap.hub import Hub
from crossdock.durable.lanes import LaneClosed
from crossdock.durable.lanes.limits import PRIORITY_LEAST_URGENT
from crossdock.kit.clock import MICROSECONDS
from crossdock.kit.errors import CrossdockError, Finding, Invalid, Transient, Unavailable
from crossdock.ports.customer_source import CustomerArrival, CustomerBatch
from crossdock.ports.manifest import Role
from crossdock.ports.order_source import Gap

ATTEMPTS_MAX = 6
WAIT_SECONDS_MAX = 120.0
RETRY_SECONDS = 1.0
BEGINNING = 2 * 86_400 * MICROSECONDS
"""No system has records from before 1970; sources look back a little over what they are asked for."""


@contextlib.asynccontextmanager
async def reading(hub: Hub, systems: Sequence[str]) -> AsyncIterator[None]:
    """Systems signed in to, and lanes that follow what other workers do, for as long as it takes.

    Raises Invalid (`system-unknown`, `role-missing`), and what the docks raise.
    """
    _check(hub, systems)
    async with contextlib.AsyncExitStack() as exits:
        await hub.lanes.start()
        exits.push_async_callback(hub.lanes.close)
        for system in systems:
            exits.push_async_callback(hub.docks[system].close)
            await hub.docks[system].open()
        yield


def _check(hub: Hub, systems: Sequence[str]) -> None:
    findings = []
    for system in systems:
        if system not in hub.docks:
            known = ", ".join(sorted(hub.docks))
            findings.append(Finding("system-unknown", f"--system {system}", f"there is none; there are {known}"))
        elif Role.CUSTOMER_SOURCE not in hub.deployment.manifest_of(system).roles:
            findings.append(Finding("role-missing", f"--system {system}", "it cannot tell of customers"))
    if findings:
        raise Invalid("customers cannot be read there", code=findings[0].code, findings=findings)


async def count_customers(hub: Hub, system: str) -> int:
    """How many records the system itself counts, deleted ones among them where it tells of those."""
    lane, dock = hub.lanes[system], hub.docks[system]
    try:
        count: int = await lane.call(
            partial(dock.count_changed_customers, _everything(hub)), priority=PRIORITY_LEAST_URGENT
        )
    except LaneClosed as closed:
        raise _unavailable(system, closed) from closed
    return count


async def all_customers(hub: Hub, system: str) -> AsyncGenerator[Sequence[CustomerArrival], None]:
    """Every record, page by page; a record that changes meanwhile may come again, as it is by then.

    After a passing fault it begins anew, so that all before comes again, too. Raises Unavailable where the lane is
    closed for long, and what the dock raises.
    """
    lane, dock = hub.lanes[system], hub.docks[system]
    for attempt in range(1, ATTEMPTS_MAX + 1):
        pages: AsyncGenerator[CustomerBatch, None] = dock.refill_customers(_everything(hub))
        try:
            while True:
                page = await lane.call(partial(anext, pages, None), priority=PRIORITY_LEAST_URGENT)
                if page is None:
                    return
                yield page.arrivals
        except (LaneClosed, Transient) as error:
            wait_seconds = _wait(hub, system, error, attempt)
        finally:
            await pages.aclose()
        await hub.clock.sleep(wait_seconds)


def _wait(hub: Hub, system: str, error: LaneClosed | Transient, attempt: int) -> float:
    """For how long, before it is tried again. Raises what is to be told where that is too often or too long."""
    told: CrossdockError = error if isinstance(error, Transient) else _unavailable(system, error)
    if isinstance(error, Transient):
        wait_seconds = error.retry_after_seconds or RETRY_SECONDS * 2 ** (attempt - 1)
    elif error.reopens_at is None:
        raise told from error
    else:
        wait_seconds = max(0, error.reopens_at - hub.clock.now()) / MICROSECONDS
    if attempt == ATTEMPTS_MAX or wait_seconds > WAIT_SECONDS_MAX:
        raise told from error
    return wait_seconds


def _unavailable(system: str, closed: LaneClosed) -> Unavailable:
    words = f"the lane to {system} is closed: {closed.detail or closed.reason}"
    return Unavailable(words, code="lane-closed", system=system)


def _everything(hub: Hub) -> Gap:
    return Gap(since=BEGINNING, until=hub.clock.now(), reason="everything is read")
