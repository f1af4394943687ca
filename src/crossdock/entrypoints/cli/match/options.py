"""Options that several commands of `crossdock match` share."""

from pathlib import Path
from typing import Annotated

import typer

MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=ATTRIBUTE", help="What a column holds; - leaves it out. Repeat it."),
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="Weigh with this model instead of learning one.")
]
LinkOption = Annotated[
    bool, typer.Option("--link", help="Each file is free of duplicates: only pairs of different files.")
]
LinkFrom = Annotated[
    float | None,
    typer.Option("--link-from", help="Bits from which on a pair is linked, over the deployment's [6]."),
]
ReviewFrom = Annotated[
    float | None,
    typer.Option("--review-from", help="Bits from which on somebody looks, over the deployment's [-2]."),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Also an HTML page to look at.")
]
SystemOption = Annotated[
    list[str] | None,
    typer.Option(
        "--system", metavar="NAME", help="Read all customers of this system of the deployment. Repeat it."
    ),
]
HubOption = Annotated[bool, typer.Option("--hub", help="Take the customers of the hub itself, by their ids.")]
FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE…", help="CSV or Parquet; each is a source.", show_default=False),
]
