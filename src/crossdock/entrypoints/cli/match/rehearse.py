"""`crossdock match rehearse`: other rules, tried on what people decided and on what a hub knows."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.match.bands import bands_of, changed_bands
from crossdock.entrypoints.cli.match.learning import learned_from, read_crowd
from crossdock.entrypoints.cli.match.options import (
    LinkFrom,
    LinkOption,
    MapOption,
    ModelOption,
    ReportOption,
    ReviewFrom,
)
from crossdock.entrypoints.cli.output import note, tell
from crossdock.entrypoints.cli.progress import progress
from crossdock.entrypoints.cli.running import carry_out

if TYPE_CHECKING:
    from crossdock.entrypoints.cli.match import trying

LabelsOption = Annotated[
    Path | None,
    typer.Option("--labels", metavar="FILE", help="Decided pairs: a CSV with one, other, verdict."),
]
BeforeOption = Annotated[
    Path | None, typer.Option("--before", metavar="FILE", help="The model in use; learned if not named.")
]
OwnershipOption = Annotated[
    Path | None,
    typer.Option("--ownership", metavar="FILE", help="Try this ownership.yaml on all customers of the hub."),
]
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Samples with the values of customers, which are left out else.")
]


class OnFiles(NamedTuple):
    """What is tried on files."""

    files: list[Path]
    labels: Path
    maps: list[str] | None
    model: Path | None
    before: Path | None
    link: bool


def rehearse(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE…", help="CSV or Parquet; each is a source. Without any: the hub.", show_default=False
        ),
    ] = None,
    *,
    labels: LabelsOption = None,
    ownership: OwnershipOption = None,
    maps: MapOption = None,
    model: ModelOption = None,
    before: BeforeOption = None,
    link: LinkOption = False,
    link_from: LinkFrom = None,
    review_from: ReviewFrom = None,
    report: ReportOption = None,
    show_values: ShowValues = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try another model, other thresholds or another ownership, before anybody relies on them. Nothing is changed.

    On pairs that people have decided: those of --labels in files, else all that stewards have decided in the
    deployment's hub. Which of them would change their band, and how many records of each source or system. Without
    files also on all customers of the hub: with another model or thresholds who would be put together, parted or
    left to a steward; with that, or with --ownership, which golden fields would hold something else, and which
    records of which system would be written to. Samples name customers by their ids; who has their values shown is
    noted in the audit. Exit code 1 if anything would be judged against somebody's word.

    [bold]Examples[/]

      crossdock match rehearse crm.csv --labels decided.csv --model new.json
      crossdock match rehearse customers.csv --labels decided.csv --link-from 8
      crossdock match rehearse --model new.json
      crossdock match rehearse --ownership new-ownership.yaml --report tried.html
    """
    if files:
        if labels is None:
            raise typer.BadParameter("with files, say what was decided: --labels FILE")
        if ownership or report or show_values:
            raise typer.BadParameter("--ownership, --report and --show-values are about the hub: leave files out")
        asked = OnFiles(files, labels, maps, model, before, link)
        against = _on_files(asked, deployment, (link_from, review_from), as_json=as_json)
    else:
        if labels or maps or before or link:
            raise typer.BadParameter("--labels, --map, --before and --link are about files: name some")
        from crossdock.entrypoints.cli.match.trying import OnTheHub  # noqa: PLC0415 - waits for no database

        tried = OnTheHub(deployment, ownership, model, (link_from, review_from), show_values)
        against = _on_the_hub(tried, report, as_json=as_json)
    if against:
        raise typer.Exit(ExitCode.FAILED)


def _on_files(
    asked: OnFiles, deployment: Path | None, thresholds: tuple[float | None, float | None], *, as_json: bool
) -> bool:
    """Whether a decided pair would be judged against somebody's word."""
    used_bands = bands_of(deployment)
    after = changed_bands(used_bands, *thresholds)
    with progress() as tell_progress:
        crowd = read_crowd(asked.files, asked.maps, tell_progress, set())
        from crossdock.entrypoints.cli.match import changes, labelled, rehearsing  # noqa: PLC0415 - numba takes its time
        from crossdock.identity.recognition.rehearsing import Way  # noqa: PLC0415 - the same

        decided = labelled.read_labels(asked.labels, crowd)
        new = labelled.read_model(asked.model) if asked.model else None
        population, used = learned_from(crowd, asked.before, link=asked.link, tell_progress=tell_progress)
        ways = Way(used, used_bands), Way(new or used, after)
        found = rehearsing.rehearse(crowd, population, decided, *ways, tell_progress)
    if as_json:
        tell(found)
    else:
        changes.print_pairs(found.pairs)
        changes.print_sources(found.sources)
        changes.print_verdict(found.contradicted, found.contradicted_before, found.decided)
    return bool(found.contradicted)


def _on_the_hub(asked: "trying.OnTheHub", report: Path | None, *, as_json: bool) -> bool:
    """Whether anything would be judged against somebody's word."""
    from crossdock.entrypoints.cli.match import files, trying  # noqa: PLC0415 - `--help` waits for no database

    began = time.perf_counter()
    with progress() as tell_progress:
        found = carry_out(trying.try_on_hub(asked, tell_progress))
    seconds = time.perf_counter() - began
    if report is not None:
        files.write_text(report, lambda: trying.page(found, asked, seconds))
    if as_json:
        tell(found)
    else:
        trying.print_on_hub(found)
    if report is not None:
        note(f"The page to look at: {report}")
    return found.against
