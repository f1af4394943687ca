"""`crossdock freshness`: how old what the hub says of customers may be."""

from typing import Annotated

import typer

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, open_hub
from crossdock.entrypoints.cli.exits import NotFound
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, show, tell
from crossdock.entrypoints.cli.running import asynchronous


@asynchronous
async def show_freshness(
    customer: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="One customer's fields instead of the feeds.")
    ] = "",
    *,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how long the owners of what has to be fresh have not been heard of (`fresh_within_seconds`).

    And how long the canaries' edits took from one system to another (`canaries` in policies.yaml).

    [bold]Example[/]

      crossdock freshness
    """
    async with open_hub(deployment) as hub:
        if hub.validation is None:
            raise NotFound("there is no ownership.yaml, so no customers are kept here", code="no-customers")
        fields = await hub.customer_freshness(customer) if customer else None
        feeds = await hub.customer_feeds()
        canaries = [] if customer else await hub.canaries.freshness()
    if customer and fields is None:
        raise NotFound(f"there is no customer {customer}", code="customer-unknown")
    rows = [(each.unit, each) for each in fields or ()] if customer else [(each.rule, each) for each in feeds]
    if as_json:
        tell([*(each for _, each in rows), *canaries])
        return
    listed = Listing("WHAT", "WHOSE", "AGE", "WITHIN", "FRESH", numbers=(2, 3))
    for name, each in rows:
        listed.add_row(
            cell(name, "name"),
            cell(each.system),
            cell("never heard" if each.age_seconds is None else f"{each.age_seconds:.0f} s"),
            cell(f"{each.within_seconds:.0f} s"),
            cell("yes" if each.fresh else "no", "" if each.fresh else "bad"),
        )
    for canary in canaries:
        listed.add_row(
            cell(f"canary {canary.canary}", "name"),
            cell(f"{canary.source} → {canary.reader}"),
            cell("never timed" if canary.seconds is None else f"{canary.seconds:.0f} s"),
            cell(f"{canary.within_seconds:.0f} s"),
            cell("yes" if canary.fresh else canary.state, "" if canary.fresh else "bad"),
        )
    show(listed)
