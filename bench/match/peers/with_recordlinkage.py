"""recordlinkage: its two classifiers that need no labels, ECM (EM over agreements) and k-means with two centres.

Indexing and comparisons after its documentation: blocks over several columns, names by Jaro-Winkler, the rest by
Damerau-Levenshtein or equality; agreement is a similarity of 0.85 and more, as in its examples.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import recordlinkage

from bench.match.peers.contract import Answer, serve

FEBRL: dict[str, list[Any]] = {
    "blocks": [["given"], ["surname"], ["born"], ["number"], ["postcode"]],
    "names": ["given", "surname", "street", "city"],
    "codes": ["born", "number", "postcode"],
    "equal": ["house", "region"],
}
PLANS: dict[str, dict[str, list[Any]]] = {
    **dict.fromkeys(("febrl1", "febrl2", "febrl3", "febrl4"), FEBRL),
    "fake_1000": {
        "blocks": [["given"], ["surname"], ["born"], ["email"]],
        "names": ["given", "surname", "city", "email"],
        "codes": ["born"],
        "equal": [],
    },
    "historical": {
        "blocks": [
            ["born", "birth_place"],
            ["surname", "born"],
            ["given", "born"],
            ["postcode"],
            ["given", "surname"],
        ],
        "names": ["given", "surname", "birth_place", "occupation"],
        "codes": ["born", "postcode"],
        "equal": [],
    },
}
RETAIL: dict[str, list[Any]] = {
    "blocks": [["email"], ["phone"], ["loyalty"], ["tax"], ["organisation"], ["surname", "postcode"],
               ["given", "surname"], ["born", "given"], ["born", "surname"]],
    "names": ["given", "surname", "organisation", "street", "city"],
    "codes": ["born", "phone", "postcode"],
    "equal": ["email", "loyalty", "tax", "house"],
}  # fmt: skip
AGREES = 0.85
PROBABLY = 0.5
SEED = 1


def similarities(plan: dict[str, list[Any]], frame: pd.DataFrame, other: pd.DataFrame | None) -> pd.DataFrame:
    """One row per candidate pair, one similarity from 0 to 1 per column; not known counts as different."""
    index = recordlinkage.Index()
    for block in plan["blocks"]:
        index.block(block)
    # Unknown is no key: rows without a value would all be in one block.
    pairs = index.index(frame) if other is None else index.index(frame, other)
    compare = recordlinkage.Compare(n_jobs=1)
    for column in plan["names"]:
        compare.string(column, column, method="jarowinkler", label=column)
    for column in plan["codes"]:
        compare.string(column, column, method="damerau_levenshtein", label=column)
    for column in plan["equal"]:
        compare.exact(column, column, label=column)
    return compare.compute(pairs, frame, *(() if other is None else (other,)))


def match(name: str, rows: Path, way: str) -> Answer:
    """ECM: pairs by probability; k-means: the pairs it names, all alike."""
    warnings.simplefilter("ignore")
    frame = pd.read_csv(rows, dtype=str, index_col="place").replace("", None)
    frame.index = frame.index.astype(int)
    other = None
    if name == "febrl4":
        sources = sorted(frame["source"].unique())
        frame, other = (frame[frame["source"] == source] for source in sources)
    found = similarities(PLANS.get(name, RETAIL), frame, other)
    agreed = (found >= AGREES).astype(int)
    if way == "ecm":
        classifier = recordlinkage.ECMClassifier(binarize=None)
        classifier.fit(agreed)
        sure = classifier.prob(agreed)
    else:
        np.random.seed(SEED)  # noqa: NPY002 - what its k-means reads
        sure = pd.Series(1.0, index=recordlinkage.KMeansClassifier().fit_predict(agreed))
    pairs = ((int(one), int(two), float(value)) for (one, two), value in sure.items())
    return Answer(pairs, PROBABLY)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--way", choices=("ecm", "kmeans"), required=True)
    known, _rest = parser.parse_known_args()
    serve(lambda name, rows: match(name, rows, known.way))
