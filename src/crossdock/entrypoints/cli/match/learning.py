"""What commands of `crossdock match` begin with: the records, and a model for them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossdock.entrypoints.cli.match.headings import parse_maps
from crossdock.kit.errors import Finding, Invalid

if TYPE_CHECKING:
    from crossdock.entrypoints.cli.match.reading import Crowd
    from crossdock.identity.matching.model import Model
    from crossdock.identity.matching.population import Population


def read_crowd(
    files: list[Path], maps: list[str] | None, tell_progress: Any, results: set[Path | None]
) -> "Crowd":
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


def learned_from(
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
