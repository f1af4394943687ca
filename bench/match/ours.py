"""`python -m bench.match.ours`: the product on a file of rows, as `crossdock` runs it over many records.

Timed from reading the rows as their systems wrote them: normalising, training without labels, scoring, clusters.
"""

import argparse
import itertools
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.match.judge import Scored, Whole
from bench.match.peers.contract import Answer, write_answer
from bench.match.rows import COLUMNS
from crossdock.entrypoints.cli.match.reading import texts_of
from crossdock.identity.matching.bulk import dedupe
from crossdock.identity.matching.clusters import cluster
from crossdock.identity.matching.columns import Texts
from crossdock.identity.matching.population import population_of_table
from crossdock.identity.matching.table import Table
from crossdock.identity.matching.training import train

NATURAL = 0.0
"""Bits of evidence at which a match is as likely as not."""


def gather(count: int, scored: Scored, threshold: float) -> Whole:
    """Clusters of the product's own kind, at another threshold."""
    return cluster(count, scored.left, scored.right, scored.score, threshold=threshold)


def table_of(path: Path) -> tuple[Table, NDArray[np.int64]]:
    """The rows of a file as columns, as `profiles.profile_of` has them row by row, and each row's source."""
    frame = pl.read_csv(path, infer_schema=False)
    names = [name for name in COLUMNS if name not in {"key", "truth", "website"}]
    with ThreadPoolExecutor(2) as workers:
        texts = dict(zip(names, workers.map(lambda name: texts_of(frame[name]), names), strict=True))
    company = texts["kind"].each(_is_company, bool)
    number = texts["number"]
    registration = Texts(number.words, np.where(company, number.places, 0).astype(np.int32))
    identity = Texts(number.words, np.where(company, 0, number.places).astype(np.int32))
    columns = {name: [texts[name]] for name in ("kind", "given", "middle", "organisation", "country", "postcode")}
    columns |= {name: [texts[name]] for name in ("city", "region", "email", "phone")}
    columns |= {f"extra:{name}": [texts[name]] for name in ("birth_place", "occupation")}
    columns |= {
        "family": [texts["surname"]],
        "name": [texts["full"]],
        "birth_date": [texts["born"]],
        "address_country": [texts["country"]],
        "line": [texts["street"], texts["extra"]],
        "loyalty_id": [texts["loyalty"]],
        "tax_id": [texts["tax"], identity],
        "registration": [registration],
    }
    return Table(len(frame), columns), texts["source"].places.astype(np.int64)


def _is_company(kind: str) -> bool:
    return kind == "organisation"


def main() -> None:
    """Match a file, write pairs and clusters, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--link", action="store_true", help="only pairs of different sources")
    said = parser.parse_args()
    marks = [time.perf_counter()]
    table, sources = table_of(said.rows)
    population = population_of_table(table, sources if said.link else None)
    marks.append(time.perf_counter())
    model = train(population)
    marks.append(time.perf_counter())
    found = dedupe(population, model)
    marks.append(time.perf_counter())
    cpu, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pairs = zip(found.pairs.left.tolist(), found.pairs.right.tolist(), found.pairs.weights.tolist(), strict=True)
    count = write_answer(Answer(pairs, NATURAL, groups=found.clusters.tolist()), said.out)
    normalising, training, matching = (after - before for before, after in itertools.pairwise(marks))
    report = {
        "seconds": marks[-1] - marks[0],
        "normalising_seconds": normalising,
        "training_seconds": training,
        "matching_seconds": matching,
        "cpu_seconds": cpu,
        "peak_mb": peak,
        "pairs": count,
        "natural": NATURAL,
        "cluster_at": NATURAL,
        "grouped": True,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
