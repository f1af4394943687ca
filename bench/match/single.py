"""`python -m bench.match.single`: one arrival at a time against records in memory, as the online path takes them.

A question is a raw profile: it is normalised, its keys are looked up, every candidate is weighed and explained.
The keys of the records stand in two sorted arrays here; what a database adds is another measurement's business.
"""

import argparse
import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.match.profiles import profile_of
from bench.match.rows import Row, read_rows
from crossdock.identity.matching.key_columns import key_columns
from crossdock.identity.matching.keys import keys_of, usual_cap
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.population import population_of
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.scoring import Decision, Scorer
from crossdock.identity.matching.training import train

TRAINED_ON = 50_000
"""Records a model is learned from; it is rescaled to how many are indexed."""

WARM_UP = 100


class Index:
    """Records by their keys, in memory. A key that more records share than is usual for so many finds nobody."""

    def __init__(self, records: Sequence[Features]) -> None:
        self.records = records
        self._shared_max = usual_cap(len(records))
        columns = [
            (keys, group.rows[places])
            for group in population_of(records).groups
            for keys, places in key_columns(group.columns, group.kind)
        ]
        keys = np.concatenate([column for column, _ in columns])
        rows = np.concatenate([column for _, column in columns])
        order = np.argsort(keys, kind="stable")
        self._keys: NDArray[np.int64] = keys[order]
        self._rows: NDArray[np.int32] = rows[order].astype(np.int32)

    def candidates(self, record: Features) -> list[int]:
        """The rows of records that share a key with this one."""
        keys = np.array(keys_of(record), np.int64)
        starts, ends = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, side="right")
        found: set[int] = set()
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if end - start <= self._shared_max:
                found.update(self._rows[start:end].tolist())
        return sorted(found)


def ask(index: Index, scorer: Scorer, row: Row) -> list[Decision]:
    """What is decided of one arrival and each record that it could be."""
    record = features_of(profile_of(row))
    return scorer.score(record, [index.records[place] for place in index.candidates(record)])


def main() -> None:
    """Index all but the last rows of a file, ask for those one by one, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True, type=Path)
    parser.add_argument("--questions", type=int, default=2_000)
    said = parser.parse_args()
    records: list[Features] = []
    waiting: list[Row] = []
    for row in read_rows(said.rows):
        waiting.append(row)
        if len(waiting) > said.questions + WARM_UP:
            records.append(features_of(profile_of(waiting.pop(0))))
    began = time.perf_counter()
    index = Index(records)
    built = time.perf_counter() - began
    scorer = Scorer(train(records[:TRAINED_ON]).rescaled(len(records)))
    for row in waiting[:WARM_UP]:
        ask(index, scorer, row)
    took, candidates = [], []
    cpu_began = time.process_time()
    for row in waiting[WARM_UP:]:
        began = time.perf_counter()
        decisions = ask(index, scorer, row)
        took.append(time.perf_counter() - began)
        candidates.append(len(decisions))
    cpu_seconds = time.process_time() - cpu_began
    low, high = (float(part) * 1_000 for part in np.quantile(took, (0.5, 0.99)))
    report = {
        "records": len(records),
        "p50_ms": low,
        "p99_ms": high,
        "cpu_ms": cpu_seconds / len(took) * 1_000,
        "candidates": float(np.mean(candidates)),
        "index_seconds": built,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
