"""Which deployment a command is about, and the hub that it opens there."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.kit.errors import Misconfigured

if TYPE_CHECKING:
    from crossdock.bootstrap.deployment import Deployment
    from crossdock.bootstrap.hub import Hub

VARIABLE = "CROSSDOCK_DEPLOYMENT"
MARK = "systems.yaml"
"""The file that makes a folder a deployment."""

DeploymentOption = Annotated[
    Path | None,
    typer.Option(
        "--deployment",
        "-d",
        envvar=VARIABLE,
        metavar="DIR",
        help="The deployment's folder. Without it: this folder, or the only one in ./deployments.",
        rich_help_panel="Where",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON for a script instead of a table.", rich_help_panel="Output")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", "-r", metavar="TEXT", help="Why. It goes into the audit.", show_default=False)
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many are changed.")]


def find_folder(given: Path | None) -> Path:
    """The deployment that is meant. Raises Misconfigured where that is not clear."""
    if given is not None:
        return given
    here = Path.cwd()
    if (here / MARK).is_file():
        return here
    found = sorted(path.parent for path in here.glob(f"deployments/*/{MARK}"))
    if not found:
        raise Misconfigured(
            f"there is no deployment here; name one with --deployment or {VARIABLE}", code="deployment-missing"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(here)) for path in found)
        raise Misconfigured(f"which deployment is meant? There are {names}", code="deployment-ambiguous")
    return found[0]


def read_deployment(given: Path | None) -> "Deployment":
    """The deployment, checked. Raises Misconfigured with every finding."""
    from crossdock.bootstrap.adapters import find_manifests  # noqa: PLC0415 - `--help` waits for no library
    from crossdock.bootstrap.deployment import load_deployment  # noqa: PLC0415 - the same

    return load_deployment(find_folder(given), find_manifests())


@contextlib.asynccontextmanager
async def open_hub(given: Path | None) -> "AsyncIterator[Hub]":
    """The hub of a deployment, open to look and to put things right: it takes up no work, others may meanwhile."""
    from crossdock.bootstrap.hub import Hub  # noqa: PLC0415 - `--help` need not wait for database drivers

    async with Hub(read_deployment(given)) as hub:
        yield hub
