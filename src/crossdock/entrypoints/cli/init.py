"""`crossdock init`: writes a deployment to begin with, out of the example that comes with the package."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import crossdock
from crossdock.entrypoints.cli.output import note, say
from crossdock.kit.errors import Conflict, Misconfigured

PACKAGED = "deployment_example"
CHECKOUT = "deployments/example"
DEFAULT = Path("deployments/mine")


def example_folder() -> Path:
    """The example: inside an installed package, or at its place in a checkout. Raises Misconfigured."""
    package = Path(crossdock.__file__).parent
    for folder in (package / PACKAGED, package.parents[1] / CHECKOUT):
        if (folder / "systems.yaml").is_file():
            return folder
    raise Misconfigured("the packaged example is missing: install Crossdock again", code="example-missing")


def example_files() -> Iterator[Path]:
    """The example's files that belong in a new deployment."""
    folder = example_folder()
    yield from sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".md"})


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")] = DEFAULT,
) -> None:
    """Write a deployment to fill in: Salesforce and Tryton, credentials by reference.

    Asks nothing and overwrites nothing.

    [bold]Examples[/]

      crossdock init
      crossdock init /etc/crossdock
    """
    files = list(example_files())
    standing = [path.name for path in files if (folder / path.name).exists()]
    if standing:
        raise Conflict(f"{folder} has {', '.join(standing)} already; nothing was written", code="folder-not-empty")
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, folder / path.name)
        say(f"wrote {folder / path.name}")
    note("")
    note("What to do next", style="bold")
    note(f"  1. Put your systems' addresses into {folder / 'systems.yaml'}; it says what each line means.")
    note("  2. Set the environment variables it names. No credential belongs into a file of the deployment.")
    note(f"  3. crossdock systems check --deployment {folder}")
    note(f"  4. crossdock stock load --deployment {folder}")
    note(f"  5. crossdock up --deployment {folder}")
