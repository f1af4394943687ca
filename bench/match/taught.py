"""`python -m bench.match.taught --sets historical --labels 500`: what decided pairs make of a model.

In rounds those pairs are decided that the model is least sure of, as stewards do who work off reviews; the truth
says what they decide. Judged are the clusters of all records, before and after.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from bench.match.__main__ import fresh_folder
from bench.match.contest import course_of
from bench.match.judge import Truth
from bench.match.ours import table_of
from bench.match.sets import WHOLE
from crossdock.identity.matching.bulk import dedupe, score_pairs
from crossdock.identity.matching.model import Model
from crossdock.identity.matching.population import Population, population_of_table
from crossdock.identity.matching.training import Label, train

ROUNDS = 5
AMONG = 10
"""Of so many times as many doubtful pairs those to decide are drawn, so that not all of them are of one sort."""


def taught(population: Population, truth: Truth, labels: int, seed: int = 1) -> Iterator[Model]:
    """The model without labels, and after each round of them."""
    generator = np.random.default_rng(seed)
    known: dict[tuple[int, int], Label] = {}
    model = train(population)
    yield model
    for _ in range(ROUNDS):
        pairs = score_pairs(population, model)
        doubtful = np.flatnonzero(pairs.rules == 0)
        doubtful = doubtful[np.argsort(np.abs(pairs.weights[doubtful]), kind="stable")]
        ends = zip(pairs.left[doubtful].tolist(), pairs.right[doubtful].tolist(), strict=True)
        asked = [pair for pair in ends if pair not in known][: AMONG * labels // ROUNDS]
        for place in generator.choice(len(asked), min(labels // ROUNDS, len(asked)), replace=False).tolist():
            one, other = asked[place]
            known[one, other] = Label(one, other, bool(truth.persons[one] == truth.persons[other]))
        model = train(population, labels=tuple(known.values()))
        yield model


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(prog="bench.match.taught", description=__doc__)
    parser.add_argument("--sets", default="historical", metavar="WORDS", help="sets with one of these words")
    parser.add_argument("--labels", type=int, default=500, metavar="PAIRS", help="how many pairs are decided")
    said = parser.parse_args()
    words = [word.strip().lower() for word in said.sets.split(",")]
    for labelled in WHOLE:
        if any(word in labelled.title.lower() for word in words):
            course = course_of(labelled, fresh_folder())
            table, sources = table_of(course.rows)
            population = population_of_table(table, sources if labelled.link else None)
            for turn, model in enumerate(taught(population, course.truth, said.labels)):
                verdict = course.truth.clusters(dedupe(population, model).clusters)
                count = turn * (said.labels // ROUNDS)
                print(
                    f"{labelled.title}: {count:5} labels, clusters P {verdict.precision:.4f} "
                    f"R {verdict.recall:.4f} F1 {verdict.f1:.4f}"
                )


if __name__ == "__main__":
    main()
