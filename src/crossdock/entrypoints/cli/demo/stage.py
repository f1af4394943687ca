"""Setting the stage: systems up and filled, stock taken over, the hub at work, and somebody who reads along."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crossdock.entrypoints.cli.demo.estate import ErpName, Estate
from crossdock.entrypoints.cli.demo.hub_process import HubProcess
from crossdock.entrypoints.cli.demo.market import Market
from crossdock.entrypoints.cli.demo.show import Preparations
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.entrypoints.cli.stock import take_over_stock

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub


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
    return Stage(estate, process, hub, market)
