"""What commands of `crossdock match` begin with: the records, and a model for them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from crossdock.entrypoints.cli.match.headings import parse_maps
from crossdock.entrypoints.cli.output import note
from crossdock.entrypoints.cli.running import carry_out
from crossdock.kit.errors import Finding, Invalid, Misconfigured

if TYPE_CHECKING:
    from crossdock.entrypoints.cli.match.reading import Crowd
    from crossdock.identity.matching.model import Model
    from crossdock.identity.matching.population import Population


class Sources(NamedTuple):
    """Where records come from: files, or systems of a deployment and its hub's own parties."""

    files: list[Path] | None
    systems: list[str] | None
    hub: bool
    maps: list[str] | None
    deployment: Path | None


def need_the_extra() -> None:
    """Raises Misconfigured where numba or polars is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415 - asked before anything that needs them is imported

    missing = [name for name in ("numba", "polars") if find_spec(name) is None]
    if missing:
        raise Misconfigured(f"matching many records needs {' and '.join(missing)}", code="match-not-installed")


def read_sources(sources: Sources, tell_progress: Any, results: set[Path | None]) -> "tuple[Crowd, Model | None]":
    """The records, and the model that the hub weighs with, where one was kept. Raises Invalid.

    Files bring no model: one is learned from them.
    """
    if not (sources.systems or sources.hub):
        return read_crowd(sources.files or [], sources.maps, tell_progress, results), None
    if sources.files or sources.maps:
        raise typer.BadParameter("either FILE…, or --system and --hub; --map is about files")
    need_the_extra()
    from crossdock.entrypoints.cli.match.gathering import gather  # noqa: PLC0415 - opens a hub
    from crossdock.identity.matching.model import decoded  # noqa: PLC0415 - numba takes its time

    systems = list(dict.fromkeys(sources.systems or []))
    crowd, kept = carry_out(gather(sources.deployment, systems, tell_progress, with_hub=sources.hub))
    try:
        model = decoded(kept) if kept else None
    except ValueError:
        note("The hub's model is of another release: a new one is learned.", "wait")
        model = None
    if model is not None:
        note(f"With the model of the hub, {model.version}; --model FILE takes another.")
    return crowd, model


def read_crowd(
    files: list[Path], maps: list[str] | None, tell_progress: Any, results: set[Path | None]
) -> "Crowd":
    """The files' records. Raises Invalid, also where a result would overwrite a file that is read."""
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


def learned_from(
    crowd: "Crowd",
    model: Path | None,
    *,
    link: bool,
    tell_progress: Any,
    labels: Any = (),
    kept: "Model | None" = None,
) -> "tuple[Population, Model]":
    """The records normalised, and the file's model, else `kept`, else one learned from them. Raises Invalid."""
    from crossdock.entrypoints.cli.match.labelled import read_model  # noqa: PLC0415 - numba takes its time
    from crossdock.identity.matching.population import population_of_table  # noqa: PLC0415 - the same
    from crossdock.identity.matching.training import train as learn  # noqa: PLC0415 - the same

    known = read_model(model) if model else kept
    tell_progress("normalising", 0.0)
    population = population_of_table(crowd.table, crowd.source if link else None)
    return population, known or learn(population, labels=labels, progress=tell_progress)
