"""`python -m bench.match.ours`: the product on a file of rows, as `crossdock` runs it over many records.

Timed from reading the rows as their systems wrote them: normalising, training without labels, scoring, clusters.
"""

import argparse
import itertools
import json
import resource
import time
from pathlib import Path

from bench.match.judge import Scored, Whole
from bench.match.peers.contract import Answer, write_answer
from bench.match.profiles import profile_of
from bench.match.rows import read_rows
from crossdock.identity.matching.bulk import dedupe
from crossdock.identity.matching.clusters import cluster
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.training import train

NATURAL = 0.0
"""Bits of evidence at which a match is as likely as not."""


def gather(count: int, scored: Scored, threshold: float) -> Whole:
    """Clusters of the product's own kind, at another threshold."""
    return cluster(count, scored.left, scored.right, scored.score, threshold=threshold)


def main() -> None:
    """Match a file, write pairs and clusters, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--link", action="store_true", help="only pairs of different sources")
    said = parser.parse_args()
    marks = [time.perf_counter()]
    sources: list[int] = []
    known: dict[str, int] = {}
    records = []
    for row in read_rows(said.rows):
        sources.append(known.setdefault(row.source, len(known)))
        records.append(features_of(profile_of(row)))
    marks.append(time.perf_counter())
    linked = sources if said.link else None
    model = train(records, sources=linked)
    marks.append(time.perf_counter())
    found = dedupe(records, model, sources=linked)
    marks.append(time.perf_counter())
    pairs = zip(found.pairs.left.tolist(), found.pairs.right.tolist(), found.pairs.weights.tolist(), strict=True)
    count = write_answer(Answer(pairs, NATURAL, groups=found.clusters.tolist()), said.out)
    normalising, training, matching = (after - before for before, after in itertools.pairwise(marks))
    report = {
        "seconds": marks[-1] - marks[0],
        "normalising_seconds": normalising,
        "training_seconds": training,
        "matching_seconds": matching,
        "cpu_seconds": time.process_time(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pairs": count,
        "natural": NATURAL,
        "cluster_at": NATURAL,
        "grouped": True,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
