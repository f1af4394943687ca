"""`crossdock match`: who is whom, in files and in the hub."""

import time
from pathlib import Path
from typing import Annotated

import typer

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, read_deployment
from crossdock.entrypoints.cli.match.bands import bands_of, changed_bands
from crossdock.entrypoints.cli.match.files import write_text
from crossdock.entrypoints.cli.match.learning import Sources, learned_from, read_sources
from crossdock.entrypoints.cli.match.options import (
    FilesArgument,
    HubOption,
    LinkFrom,
    LinkOption,
    MapOption,
    ModelOption,
    ReportOption,
    ReviewFrom,
    SystemOption,
)
from crossdock.entrypoints.cli.match.rehearse import rehearse
from crossdock.entrypoints.cli.output import note, say, tell
from crossdock.entrypoints.cli.progress import progress
from crossdock.entrypoints.cli.running import asynchronous, carry_out

app = typer.Typer(
    no_args_is_help=True, help="Who is whom: dedupe files, systems, the hub; train, rehearse, keep models."
)
KEPT = "Model {} is kept: workers weigh with it within ten seconds."


@app.command("dedupe")
def dedupe(
    files: FilesArgument = None,
    *,
    systems: SystemOption = None,
    hub: HubOption = False,
    maps: MapOption = None,
    to: Annotated[Path, typer.Option("--to", "-o", metavar="FILE", help="Where the result goes.")] = Path(
        "matched.csv"
    ),
    report: ReportOption = None,
    model: ModelOption = None,
    link: LinkOption = False,
    link_from: LinkFrom = None,
    review_from: ReviewFrom = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find who is there more than once, without any label: a CSV of clusters, and a page to look at.

    Columns are known by their headings (given_name, Nachname, zip, e-mail …); what was not guessed is told with
    --map. With --system all customers of connected systems are read, within the limits of their lanes; with --hub
    those that the hub knows. The result has one line per record: its cluster, whether it is linked, for review or
    new, and the record it is nearest to. Nothing is changed anywhere.

    [bold]Examples[/]

      crossdock match dedupe customers.csv
      crossdock match dedupe crm.csv erp.parquet --report matched.html
      crossdock match dedupe --system crm --system erp --report matched.html
      crossdock match dedupe export.csv --map "Kd-Nr=id" --map notes=-
    """
    began = time.perf_counter()
    bands = changed_bands(bands_of(deployment), link_from, review_from)
    with progress() as tell_progress:
        sources = Sources(files, systems, hub, maps, deployment)
        crowd, kept = read_sources(sources, tell_progress, {to, report} - {None})
        population, learned = learned_from(crowd, model, link=link, tell_progress=tell_progress, kept=kept)
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
            write_text(report, lambda: page(crowd, population, learned, outcome, seconds))
    counts = views.counts_of(crowd, outcome, learned, time.perf_counter() - began)
    if as_json:
        tell(counts)
        return
    views.print_counts(counts)
    note(f"Every record's cluster: {to}" + (f"; the page to look at: {report}" if report else ""))


@app.command("explain")
def explain(
    one: Annotated[str, typer.Argument(metavar="ID", help="A record's id, or SOURCE:ID.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another's.")],
    *,
    files: Annotated[
        list[Path] | None, typer.Option("--file", "-f", metavar="FILE", help="Where they stand. Repeat it.")
    ] = None,
    systems: SystemOption = None,
    hub: HubOption = False,
    maps: MapOption = None,
    model: ModelOption = None,
    link: LinkOption = False,
    link_from: LinkFrom = None,
    review_from: ReviewFrom = None,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why two records are one, are not, or might be: the weight of every comparison, and what would change it.

    Weights depend on how many records there are and how frequent their values: the whole file, system or hub is
    read, and where there is no model one is learned from it. Customers of the hub (--hub) go by their ids.

    [bold]Examples[/]

      crossdock match explain 1017 1018 --file customers.csv
      crossdock match explain crm:0031 erp:K-77 -f crm.csv -f erp.csv
      crossdock match explain crm:0031 erp:17 --system crm --system erp
    """
    bands = changed_bands(bands_of(deployment), link_from, review_from)
    with progress() as tell_progress:
        crowd, kept = read_sources(Sources(files, systems, hub, maps, deployment), tell_progress, set())
        rows = crowd.row(one), crowd.row(other)
        population, learned = learned_from(crowd, model, link=link, tell_progress=tell_progress, kept=kept)
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
    files: FilesArgument = None,
    *,
    systems: SystemOption = None,
    hub: HubOption = False,
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
      crossdock match train --system salesforce --system erp --keep
      crossdock match train crm.csv --keep --deployment deployments/example
    """
    if keep:
        read_deployment(deployment)  # what is wrong there is told before anything is learned
    with progress() as tell_progress:
        crowd, _ = read_sources(Sources(files, systems, hub, maps, deployment), tell_progress, {to})
        from crossdock.entrypoints.cli.match import labelled, views  # noqa: PLC0415 - numba takes its time
        from crossdock.identity.matching.model import encoded  # noqa: PLC0415 - the same

        decided = labelled.read_labels(labels, crowd) if labels else ()
        population, learned = learned_from(crowd, None, link=link, tell_progress=tell_progress, labels=decided)
        write_text(to, lambda: encoded(learned).decode())
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


app.command("rehearse")(rehearse)
