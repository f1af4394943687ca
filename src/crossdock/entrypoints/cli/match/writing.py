"""Every record's cluster, as a CSV."""

import csv
from pathlib import Path

from crossdock.entrypoints.cli.match.files import replacing
from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.identity.matching.outcome import BANDS, Outcome

HEADING = ("source", "id", "cluster", "records", "band", "weight", "nearest")


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
