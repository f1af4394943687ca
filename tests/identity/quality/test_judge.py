"""The judge counts what a reader would count by hand."""

import numpy as np
import pytest
from bench.match.judge import Scored, connected, truth_of

PEOPLE = ("ann", "ann", "ann", "bob", "bob", "eve")
FILES = ("a", "b", "b", "a", "b", "a")


def scored(*pairs: tuple[int, int, float]) -> Scored:
    left, right, score = zip(*pairs, strict=True)
    return Scored(np.array(left), np.array(right), np.array(score, dtype=float))


def test_pairs_that_were_never_looked_at_count_as_missed() -> None:
    truth = truth_of(PEOPLE, FILES, link=False)
    verdict = truth.pairs(scored((0, 1, 5.0), (3, 5, 4.0), (3, 4, -1.0)), 0.0)
    assert (verdict.true, verdict.named, verdict.right) == (4, 2, 1)
    assert verdict.precision == 0.5
    assert verdict.recall == 0.25
    assert verdict.f1 == pytest.approx(1 / 3)


def test_in_a_link_only_pairs_of_different_files_count() -> None:
    truth = truth_of(PEOPLE, FILES, link=True)
    assert truth.true == 3
    assert truth.clusters(np.array([0, 0, 0, 1, 1, 2])).f1 == 1.0


def test_clusters_answer_for_every_pair_they_imply() -> None:
    truth = truth_of(PEOPLE, FILES, link=False)
    verdict = truth.clusters(np.array([0, 0, 0, 0, 1, 2]))
    assert (verdict.named, verdict.right) == (6, 3)


def test_the_best_threshold_takes_all_pairs_of_one_score_or_none() -> None:
    truth = truth_of(PEOPLE, FILES, link=False)
    best = truth.best_pairs(scored((0, 1, 9.0), (1, 2, 5.0), (3, 5, 5.0), (3, 4, 7.0), (0, 5, 1.0)))
    assert (best.named, best.right, best.threshold) == (4, 3, 5.0)


def test_records_are_connected_by_pairs_at_or_above_the_threshold() -> None:
    labels = connected(5, scored((0, 1, 2.0), (1, 2, 1.0), (3, 4, 0.5)), 1.0)
    assert labels.tolist() == [0, 0, 0, 3, 4]
