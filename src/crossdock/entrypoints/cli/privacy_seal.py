"""`crossdock privacy seal`: what an earlier release wrote plain is sealed, too."""

from typing import TYPE_CHECKING

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, open_hub
from crossdock.entrypoints.cli.output import note, say, tell
from crossdock.entrypoints.cli.progress import progress
from crossdock.entrypoints.cli.running import asynchronous

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub


@asynchronous
async def seal_rows(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """Seal what an earlier release wrote plain of customers, and of orders where the deployment seals those.

    Page by page, while the hub runs. Stopped before its end, it goes on where it was when called again. Sealed is
    what is there now: earlier copies of a row stay in the database's files until their place is used again, and in
    backups.

    [bold]Example[/]

      crossdock privacy seal
    """
    async with open_hub(deployment) as hub:
        looked, sealed = await _seal(hub)
    if as_json:
        tell({"rows": looked, "sealed": sealed})
        return
    say(f"{sealed} of {looked} row(s) were plain, and are sealed now.")
    if sealed:
        note("VACUUM (with SQLite: while the hub is stopped) takes what they were before out of the files.")


async def _seal(hub: "Hub") -> tuple[int, int]:
    """How many rows were looked at, and how many of them were sealed; passes go on until one finds none."""
    total, looked, sealed = await hub.store.count_to_look_at(), 0, 0
    place = await hub.store.sealing_place()
    is_whole = place.is_first
    with progress() as told:
        while True:
            of_pass = 0
            while True:
                page = await hub.store.seal_page(place, hub.clock.now())
                looked, of_pass = looked + page.looked, of_pass + page.sealed
                told("sealing", min(1.0, looked / max(total, looked, 1)))
                if page.place is None:
                    break
                place = page.place
            sealed += of_pass
            if is_whole and not of_pass:
                return min(looked, total), sealed
            # Behind the last row a pass begins at the first one again.
            place, is_whole = await hub.store.sealing_place(), True
