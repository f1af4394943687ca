"""Results as files: written beside their place and renamed, so that nothing half-written is ever found there."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.identity.matching.outcome import BANDS, Outcome
from crossdock.kit.errors import Finding, Invalid

HEADING = ("source", "id", "cluster", "records", "band", "weight", "nearest")


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file to write that takes its name only when it is whole. Raises Invalid where it cannot be written."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        words = error.strerror or "it cannot be written"
        finding = Finding("file-unwritable", str(path), words)
        raise Invalid(f"{path.name} cannot be written", code="file-unwritable", findings=[finding]) from None
    finally:
        partial.unlink(missing_ok=True)


def write_records(path: Path, crowd: Crowd, outcome: Outcome) -> None:
    """One line per record, in the files' order: its cluster, its band, and the record it is nearest to.

    A cluster is called by its first record; `weight` is that of the pair with the nearest record, in bits.
    """
    with replacing(path) as file:
        writer = csv.writer(file)
        writer.writerow(HEADING)
        weights = outcome.pairs.weights
        for row, (cluster, size, band) in enumerate(
            zip(outcome.clusters.tolist(), outcome.sizes.tolist(), outcome.bands.tolist(), strict=True)
        ):
            place, other = int(outcome.strongest[row]), outcome.partner(row)
            writer.writerow(
                (
                    *(crowd.files[crowd.source[row]], crowd.ids[row], crowd.name(cluster), size, BANDS[band]),
                    *(("", "") if other < 0 else (f"{weights[place]:.2f}", crowd.name(other))),
                )
            )


def write_page(path: Path, page: Callable[[], str]) -> None:
    """The report."""
    with replacing(path) as file:
        file.write(page())
