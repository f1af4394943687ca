"""`crossdock check`: reads a deployment and says everything that is wrong with it, without asking any system."""

from crossdock.entrypoints.cli.deployments import DeploymentOption, read_deployment
from crossdock.entrypoints.cli.output import note, say


def check(*, deployment: DeploymentOption = None) -> None:
    """Is the deployment whole? Systems, routes, policies and ownership, every fault with file and path.

    Asks no system; that is what [bold]crossdock systems check[/] does.

    [bold]Examples[/]

      crossdock check
      crossdock check --deployment deployments/example
    """
    found = read_deployment(deployment)
    say(f"{found.folder} is whole: {', '.join(found.systems)}")
    if found.ownership is None:
        note("It has no ownership.yaml: nobody is told anything about customers.")
