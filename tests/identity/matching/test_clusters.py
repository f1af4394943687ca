"""Pairs become persons, who keep their ids."""

from itertools import count

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossdock.identity.matching.clusters import cluster, components
from crossdock.identity.matching.persons import Change, stable_ids
from crossdock.identity.matching.weighing import RULE_VETO


def clustered(size: int, *pairs: tuple[int, int, float], fill: float | None = None) -> list[int]:
    """Clusters of pairs that are written out."""
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    weights = np.array([pair[2] for pair in pairs], np.float64)
    weigh = None if fill is None else lambda i, _j: np.full(i.size, fill)
    found: list[int] = cluster(size, left, right, weights, fill=weigh).tolist()
    return found


def test_a_doubtful_pair_does_not_glue_two_people() -> None:
    pairs = [(0, 1, 9.0), (0, 2, 9.0), (1, 2, 9.0), (3, 4, 9.0), (3, 5, 9.0), (4, 5, 9.0)]
    assert clustered(6, *pairs, (2, 3, 3.0)) == [0, 0, 0, 3, 3, 3]


def test_many_good_pairs_bear_a_missing_one() -> None:
    assert clustered(3, (0, 1, 9.0), (1, 2, 9.0)) == [0, 0, 0]
    assert clustered(3, (0, 1, 4.0), (1, 2, 3.0), fill=-20.0) == [0, 0, 2]


def test_a_contradiction_counts_as_much_as_it_is_said_to() -> None:
    left, right, weights = np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([4.0, 3.0, -20.0])
    assert cluster(3, left, right, weights).tolist() == [0, 0, 2]
    assert cluster(3, left, right, weights, least=np.full(3, -2.0)).tolist() == [0, 0, 0]


def test_a_veto_holds_in_a_crowd() -> None:
    assert clustered(2, (0, 1, RULE_VETO)) == [0, 1]
    found = clustered(3, (0, 1, 30.0), (1, 2, 30.0), (0, 2, RULE_VETO))
    assert found[0] != found[2]


def test_without_pairs_everybody_is_somebody() -> None:
    assert clustered(3) == [0, 1, 2]


def test_a_pair_that_nobody_weighed_is_no_reason_to_join() -> None:
    left, right = np.array([0, 2, 1]), np.array([1, 3, 2])
    found = cluster(4, left, right, np.array([9.0, 9.0, -4.9]), threshold=-5.0)
    assert found.tolist() == [0, 0, 2, 2]


EDGES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12)


@given(EDGES)
def test_components_are_those_of_a_plain_search(edges: list[tuple[int, int]]) -> None:
    groups = [{row} for row in range(9)]
    for a, b in edges:
        joined = groups[a] | groups[b]
        for row in joined:
            groups[row] = joined
    left, right = (np.array([edge[side] for edge in edges], np.int64) for side in (0, 1))
    assert components(9, left, right).tolist() == [min(group) for group in groups]


WEIGHTED = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]),
    st.floats(-30, 30),
    max_size=20,
)


@given(WEIGHTED)
def test_a_cluster_is_named_by_its_least_row_and_lies_in_a_component(pairs: dict[tuple[int, int], float]) -> None:
    found = clustered(8, *((a, b, weight) for (a, b), weight in pairs.items()))
    for row, label in enumerate(found):
        assert label <= row
        assert found[label] == label
    assert found == clustered(8, *((a, b, weight) for (a, b), weight in reversed(pairs.items())))


def minted() -> list[str]:
    """New ids, more than any test needs."""
    return [f"new{number}" for number in range(20)]


def test_a_person_keeps_the_id_of_most_records() -> None:
    numbers = count(1)
    ids, changes = stable_ids(
        {"x": ["a", "b", "c"], "y": ["d"], "z": ["e"]},
        {"a": "P1", "b": "P1", "c": "P2", "d": "P1"},
        lambda: f"N{next(numbers)}",
    )
    assert ids == {"a": "P1", "b": "P1", "c": "P1", "d": "N1", "e": "N2"}
    assert set(changes) == {Change("joined", "P1", ("P2",)), Change("split", "P1", ("N1",)), Change("new", "N2")}


def test_nothing_new_changes_nothing() -> None:
    ids, changes = stable_ids({"x": ["a", "b"]}, {"a": "P1", "b": "P1"}, minted().pop)
    assert ids == {"a": "P1", "b": "P1"}
    assert changes == ()


GROUPS = st.dictionaries(st.integers(0, 9), st.integers(0, 4))


@given(GROUPS, GROUPS)
def test_every_record_gets_one_id_that_no_other_has(now: dict[int, int], before: dict[int, int]) -> None:
    clusters: dict[str, list[str]] = {}
    for record, name in now.items():
        clusters.setdefault(f"c{name}", []).append(str(record))
    ids, _ = stable_ids(clusters, {str(record): f"P{person}" for record, person in before.items()}, minted().pop)
    assert set(ids) == {str(record) for record in now}
    for mine, records in clusters.items():
        owned = {ids[record] for record in records}
        assert len(owned) == 1
        assert not owned & {ids[record] for other, found in clusters.items() if other != mine for record in found}
