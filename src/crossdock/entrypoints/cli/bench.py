"""`crossdock bench`: the measurements of a checkout, run as they are in CI."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import crossdock
from crossdock.kit.errors import Misconfigured

MODULE = "bench"


def bench(
    words: Annotated[list[str] | None, typer.Argument(metavar="OPTIONS", help="Handed on as they are.")] = None,
) -> None:
    """Measure orders a second, latency and CPU beside the bare group-commit floor, in one run.

    The measurements are part of a checkout, not of the installed package.

    [bold]Examples[/]

      crossdock bench
      crossdock bench --small
    """
    root = Path(crossdock.__file__).parents[2]
    if not (root / MODULE / "__main__.py").is_file():
        raise Misconfigured(
            "the measurements are in a checkout of the sources; there is none here", code="no-checkout"
        )
    ended = subprocess.run([sys.executable, "-m", MODULE, *(words or [])], cwd=root, check=False)  # noqa: S603 - ours
    raise typer.Exit(ended.returncode)
