"""`crossdock stock`: what may be promised."""

from typing import TYPE_CHECKING

import typer

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, open_hub
from crossdock.entrypoints.cli.output import err, say, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.wording import counted

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

app = typer.Typer(no_args_is_help=True, help="Take over what the stock master counts.")


@app.command("load")
@asynchronous
async def load_stock(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """Take over the stock master's counts into the hub's own availability.

    Orders are promised only what is counted here, so do this before the first order, and as often as the master's
    counts should win. What is held for orders that the master cannot know of yet stays subtracted.

    [bold]Example[/]

      crossdock stock load
    """
    async with open_hub(deployment) as hub:
        with err().status("reading the stock master's counts …"):
            levels = await take_over_stock(hub)
    if as_json:
        tell({"levels": levels})
    else:
        say(f"Taken over: {counted(levels, 'level')} of stock. A level is one product in one place.")


async def take_over_stock(hub: "Hub") -> int:
    """Read the stock master's counts into a hub that does no other work; how many levels it named."""
    routes = hub.deployment.routes
    dock = hub.docks[routes.stock or routes.erp]
    await hub.lanes.start()
    try:
        await dock.open()
        return await hub.load_stock()
    finally:
        await dock.close()
        await hub.lanes.close()
