"""goldenmatch without settings: it looks at the columns and configures itself, which is how its makers show it.

It gets cleaned columns, or the rows as they were written where it does better on those (the historical people).
"""

import csv
from pathlib import Path
from typing import Any

import goldenmatch
import pyarrow as pa

from bench.match.peers.contract import Answer, serve

HIDDEN = {"key", "truth", "place", "source", "kind"}
"""Columns that are ours and say nothing about anybody; one with a single value says nothing either."""


def match(_name: str, rows: Path) -> Answer:
    """Its own clusters, and the pairs it scored; it keeps only those at or above its own threshold."""
    with rows.open(encoding="utf-8", newline="") as file:
        said = list(csv.DictReader(file))
    for row in said:
        if "full_name" not in row:
            row["whole_name"] = " ".join(filter(None, (row["given"], row["middle"], row["surname"])))
    columns = [name for name in said[0] if name not in HIDDEN and len({row[name] for row in said}) > 1]
    table = pa.table({name: [row[name] or None for row in said] for name in columns})
    result: Any = goldenmatch.dedupe_df(table, confidence_required=False)
    labels = list(range(len(said)))
    for cluster in result.clusters.values():
        members = cluster["members"]
        for member in members:
            labels[member] = min(members)
    pairs = [(int(one), int(other), float(sure)) for one, other, sure in result.scored_pairs or []]
    natural = min((sure for _one, _other, sure in pairs), default=0.0)
    return Answer(pairs, natural, groups=labels)


if __name__ == "__main__":
    serve(match)
