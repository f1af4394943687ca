"""Setting the stage: systems up and filled, the hub at work with stock and customers, and a reader beside it."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crossdock.durable.records import RunState
from crossdock.entrypoints.cli.demo.books import books_of
from crossdock.entrypoints.cli.demo.estate import ErpName, Estate
from crossdock.entrypoints.cli.demo.hub_process import HubProcess
from crossdock.entrypoints.cli.demo.market import Market
from crossdock.entrypoints.cli.demo.show import Preparations
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.entrypoints.cli.stock import take_over_stock
from crossdock.kit.errors import Unavailable
from crossdock.ports.manifest import Progress

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

KNOWN_TIMEOUT_SECONDS = 60.0
LOOK_SECONDS = 0.2
AT_WORK = (RunState.READY, RunState.RUNNING, RunState.WAITING, RunState.QUEUED)


@dataclass(frozen=True)
class Stage:
    """Where a day is played. `hub` is opened beside the `process` that does the work, to read along."""

    estate: Estate
    process: HubProcess
    hub: "Hub"
    market: Market


async def set_stage(
    folder: Path, erp: ErpName, port: int, exits: contextlib.AsyncExitStack, *, plenty: bool = False
) -> Stage:
    """Set it; `exits` takes it down again. Raises Misconfigured or Unavailable where something does not start."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - before anything runs that could wait
    preparations = Preparations()
    with preparations.shown():
        estate = Estate(folder, erp, plenty=plenty)
        exits.push_async_callback(estate.stop)
        market = await estate.start(preparations)
        hub = await exits.enter_async_context(open_hub(folder))
        preparations("taking over the stock", 0, 1)
        await take_over_stock(hub)
        preparations("taking over the stock", 1, 1)
        process = HubProcess(folder, port)
        exits.push_async_callback(process.stop)
        preparations("starting the hub", 0, 1)
        await process.start()
        preparations("starting the hub", 1, 1)
        if estate.has_customers:
            await take_over_customers(hub, estate, market, preparations)
    return Stage(estate, process, hub, market)


async def take_over_customers(hub: "Hub", estate: Estate, market: Market, progress: Progress) -> None:
    """Let the hub know the ERP's customers, and only then Salesforce's: they are the same, and none is new there.

    Raises Unavailable where the hub does not get to know them.
    """
    progress("taking over the customers", 0, 1)
    try:
        async with asyncio.timeout(KNOWN_TIMEOUT_SECONDS):
            while not await _knows_customers(hub):  # noqa: ASYNC110 - another process is waited for
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        words = "the hub does not get to know the ERP's customers: see hub.log"
        raise Unavailable(words, code="hub-start") from None
    progress("taking over the customers", 1, 1)
    listed = await books_of(estate.erp_name, estate.erp_settings).customers()
    estate.desk.enter_buyers(market, listed, announce=True)


async def _knows_customers(hub: "Hub") -> bool:
    """Whether the ERP has told of its customers, and all of that was taken."""
    if "erp" not in await hub.heard_of_customers():
        return False
    under_way = [run for state in AT_WORK for run in await hub.store.list_runs(state=state)]
    return not any(run.process.startswith("customer_") for run in under_way)
