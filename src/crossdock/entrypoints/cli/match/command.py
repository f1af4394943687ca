"""`crossdock match`: who is whom, in files and in the hub."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, read_deployment
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.match.bands import bands_of, changed_bands
from crossdock.entrypoints.cli.match.headings import parse_maps
from crossdock.entrypoints.cli.output import note, say, tell
from crossdock.entrypoints.cli.progress import progress
from crossdock.entrypoints.cli.running import asynchronous, carry_out
from crossdock.kit.errors import Finding, Invalid

if TYPE_CHECKING:
    from crossdock.entrypoints.cli.match.reading import Crowd
    from crossdock.identity.matching.model import Model
    from crossdock.identity.matching.population import Population

app = typer.Typer(no_args_is_help=True, help="Who is whom: dedupe files; train, rehearse, keep models.")
KEPT = "Model {} is kept: workers weigh with it within ten seconds."

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


@app.command("dedupe")
def dedupe(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV or Parquet; each is a source.")],
    *,
    maps: MapOption = None,
    to: Annotated[Path, typer.Option("--to", "-o", metavar="FILE", help="Where the result goes.")] = Path(
        "matched.csv"
    ),
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Also an HTML page to look at.")
    ] = None,
    model: ModelOption = None,
    link: LinkOption = False,
    link_from: LinkFrom = None,
    review_from: ReviewFrom = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find who is in files more than once, without any label: a CSV of clusters, and a page to look at.

    Columns are known by their headings (given_name, Nachname, zip, e-mail …); what was not guessed is told with
    --map. The result has one line per record: its cluster, whether it is linked, for review or new, and the record
    it is nearest to. Nothing is changed anywhere.

    [bold]Examples[/]

      crossdock match dedupe customers.csv
      crossdock match dedupe crm.csv erp.parquet --report matched.html
      crossdock match dedupe export.csv --map "Kd-Nr=id" --map "Ort/Teil=city" --map notes=- --to clusters.csv
    """
    began = time.perf_counter()
    bands = changed_bands(bands_of(deployment), link_from, review_from)
    with progress() as tell_progress:
        crowd = _read(files, maps, tell_progress, {to, report} - {None})
        population, learned = _learned(crowd, model, link=link, tell_progress=tell_progress)
        from crossdock.entrypoints.cli.match import views, writing  # noqa: PLC0415 - numba takes its time
        from crossdock.identity.matching.bulk import dedupe as find  # noqa: PLC0415 - the same
        from crossdock.identity.matching.outcome import Outcome  # noqa: PLC0415 - the same

        found = find(population, learned, progress=tell_progress)
        outcome = Outcome(found, bands, population)
        tell_progress("writing", 0.0)
        writing.write_records(to, crowd, outcome)
        if report is not None:
            from crossdock.entrypoints.cli.match.report import page  # noqa: PLC0415 - only where it is wanted

            seconds = time.perf_counter() - began
            writing.write_page(report, lambda: page(crowd, population, learned, outcome, seconds))
    counts = views.counts_of(crowd, outcome, learned, time.perf_counter() - began)
    if as_json:
        tell(counts)
        return
    views.print_counts(counts)
    note(f"Every record's cluster: {to}" + (f"; the page to look at: {report}" if report else ""))


@app.command("explain")
def explain(
    one: Annotated[str, typer.Argument(metavar="ID", help="A record's id, or FILE:ID.")],
    other: Annotated[str, typer.Argument(metavar="ID", help="Another's.")],
    *,
    files: Annotated[
        list[Path] | None, typer.Option("--file", "-f", metavar="FILE", help="Where they stand. Repeat it.")
    ] = None,
    maps: MapOption = None,
    model: ModelOption = None,
    link: LinkOption = False,
    link_from: LinkFrom = None,
    review_from: ReviewFrom = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why two records are one, are not, or might be: the weight of every comparison, and what would change it.

    Weights depend on how many records there are and how frequent their values: the whole file is read, and without
    --model a model is learned from it.

    [bold]Examples[/]

      crossdock match explain 1017 1018 --file customers.csv
      crossdock match explain crm:0031 erp:K-77 -f crm.csv -f erp.csv --model model.json
    """
    bands = changed_bands(bands_of(deployment), link_from, review_from)
    with progress() as tell_progress:
        crowd = _read(files or [], maps, tell_progress, set())
        rows = crowd.row(one), crowd.row(other)
        population, learned = _learned(crowd, model, link=link, tell_progress=tell_progress)
    from crossdock.entrypoints.cli.match import views  # noqa: PLC0415 - numba takes its time
    from crossdock.identity.matching.scoring import Scorer  # noqa: PLC0415 - the same

    for group in population.groups:
        learned = learned.rescaled(len(group), group.kind)
    decision = Scorer(learned, bands).pair(*(crowd.features(row) for row in rows))
    if as_json:
        tell(decision)
    else:
        views.print_decision(decision, crowd.name(rows[0]), crowd.name(rows[1]))


@app.command("train")
def train(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV or Parquet; each is a source.")],
    *,
    maps: MapOption = None,
    to: Annotated[Path, typer.Option("--to", "-o", metavar="FILE", help="Where the model goes.")] = Path(
        "model.json"
    ),
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="Decided pairs: a CSV with one, other, verdict."),
    ] = None,
    link: LinkOption = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Also keep the model: the deployment's hub weighs with it at once.")
    ] = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn from your records how much each agreement says, without any label; decided pairs improve it.

    Decided pairs come as a CSV with the columns one, other (ids as in the files, or FILE:ID) and verdict (same or
    not_same). The model lists only values that at least five records share, so it names nobody.

    [bold]Examples[/]

      crossdock match train customers.csv
      crossdock match train crm.csv erp.csv --to model.json --labels decided.csv
      crossdock match train crm.csv erp.csv --keep --deployment deployments/example
    """
    if keep:
        read_deployment(deployment)  # what is wrong there is told before anything is learned
    with progress() as tell_progress:
        crowd = _read(files, maps, tell_progress, {to})
        from crossdock.entrypoints.cli.match import labelled, views, writing  # noqa: PLC0415 - numba takes its time
        from crossdock.identity.matching.model import encoded  # noqa: PLC0415 - the same

        decided = labelled.read_labels(labels, crowd) if labels else ()
        population, learned = _learned(crowd, None, link=link, tell_progress=tell_progress, labels=decided)
        writing.write_page(to, lambda: encoded(learned).decode())
    if keep:
        from crossdock.entrypoints.cli.match.keeping import keep_model  # noqa: PLC0415 - only where it is wanted

        carry_out(keep_model(deployment, learned, f"trained from {len(crowd.ids)} records"))
    if as_json:
        tell({"version": learned.version, "file": str(to), "labels": len(decided), "kept": keep})
        return
    for group in population.groups:
        if len(group):
            views.print_model(learned.of(group.kind))
    note(f"Model {learned.version} is in {to}; use it: crossdock match dedupe FILE --model {to}")
    if keep:
        note(KEPT.format(learned.version))
    else:
        note(f"Before a hub weighs with it: crossdock match rehearse FILE --labels DECIDED --model {to}")
        note(f"Then: crossdock match keep {to}")


@app.command("keep")
@asynchronous
async def keep_from_file(
    file: Annotated[Path, typer.Argument(metavar="MODEL", help="What `crossdock match train` wrote.")],
    *,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a model in the hub's database: every worker weighs with it within ten seconds.

    Try it first: crossdock match rehearse. What was decided before stays as it is. To go back, keep the model
    before.

    [bold]Example[/]

      crossdock match keep model.json --deployment deployments/example
    """
    from crossdock.entrypoints.cli.match.keeping import keep_model, readable_model  # noqa: PLC0415 - as above

    version = await keep_model(deployment, readable_model(file), file.name)
    if as_json:
        tell({"version": version, "kept": True})
    else:
        say(KEPT.format(version))


@app.command("rehearse")
def rehearse(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV or Parquet; each is a source.")],
    *,
    labels: Annotated[
        Path, typer.Option("--labels", metavar="FILE", help="Decided pairs: a CSV with one, other, verdict.")
    ],
    maps: MapOption = None,
    model: ModelOption = None,
    before: Annotated[
        Path | None, typer.Option("--before", metavar="FILE", help="The model in use; learned if not named.")
    ] = None,
    link: LinkOption = False,
    link_from: LinkFrom = None,
    review_from: ReviewFrom = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try another model or other thresholds on what people have decided, before anybody relies on them.

    Tells which decided pairs would change their band, and how many records of each source. Exit code 1 if a pair
    would be judged against somebody's word: the same taken for strangers, or others linked. Nothing is changed.

    [bold]Examples[/]

      crossdock match rehearse crm.csv erp.csv --labels decided.csv --before model.json --model new.json
      crossdock match rehearse customers.csv --labels decided.csv --link-from 8
    """
    used_bands = bands_of(deployment)
    after = changed_bands(used_bands, link_from, review_from)
    with progress() as tell_progress:
        crowd = _read(files, maps, tell_progress, set())
        from crossdock.entrypoints.cli.match import labelled, rehearsing  # noqa: PLC0415 - numba takes its time

        decided = labelled.read_labels(labels, crowd)
        new = labelled.read_model(model) if model else None
        population, used = _learned(crowd, before, link=link, tell_progress=tell_progress)
        ways = rehearsing.Way(used, used_bands), rehearsing.Way(new or used, after)
        found = rehearsing.rehearse(crowd, population, decided, *ways, tell_progress)
    if as_json:
        tell(found)
    else:
        rehearsing.print_rehearsed(found)
    if found.contradicted:
        raise typer.Exit(ExitCode.FAILED)


def _read(files: list[Path], maps: list[str] | None, tell_progress: Any, results: set[Path | None]) -> "Crowd":
    """The files' records. Raises Invalid, also where a result would overwrite a file that is read."""
    from crossdock.entrypoints.cli.match.reading import need_the_extra  # noqa: PLC0415 - needs numpy at most

    if not files:
        finding = Finding("file-missing", "--file", "name the file the records stand in")
        raise Invalid("which file?", code="file-missing", findings=[finding])
    told = parse_maps(maps or [])
    read = {path.resolve() for path in files}
    if over := [path for path in results if path is not None and path.resolve() in read]:
        words = "the result would overwrite what is read"
        raise Invalid(words, code="would-overwrite", findings=[Finding("would-overwrite", str(over[0]), words)])
    need_the_extra()
    from crossdock.entrypoints.cli.match.reading import read_files  # noqa: PLC0415 - polars takes its time

    tell_progress("reading", 0.0)
    return read_files(files, told)


def _learned(
    crowd: "Crowd", model: Path | None, *, link: bool, tell_progress: Any, labels: Any = ()
) -> "tuple[Population, Model]":
    """The records normalised, and the model of the file or one learned from them. Raises Invalid."""
    from crossdock.entrypoints.cli.match.labelled import read_model  # noqa: PLC0415 - numba takes its time
    from crossdock.identity.matching.population import population_of_table  # noqa: PLC0415 - the same
    from crossdock.identity.matching.training import train as learn  # noqa: PLC0415 - the same

    known = read_model(model) if model else None
    tell_progress("normalising", 0.0)
    population = population_of_table(crowd.table, crowd.source if link else None)
    return population, known or learn(population, labels=labels, progress=tell_progress)
