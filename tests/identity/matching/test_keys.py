"""Keys bring records together, are the same numbers everywhere, and cost no more than the caller allows."""

import numpy as np
import pytest
from tests.identity.matching.examples import company, person, town

from crossdock.identity.matching.keys import KEYS, atom, key_columns, keys_of, mixed
from crossdock.identity.matching.pairs import candidates, pairs_of
from crossdock.identity.matching.record import PostalAddress


def test_bulk_and_online_make_the_same_keys() -> None:
    records, _ = town(60)
    records.append(
        company(organisation="Vogt & Sohn GmbH", emails=("info@vogt.example.net",), registration="HRB 12")
    )
    found: dict[int, set[int]] = {row: set() for row in range(len(records))}
    for keys, rows in key_columns(records):
        for key, row in zip(keys.tolist(), rows.tolist(), strict=True):
            found[row].add(key)
    assert found == {row: set(keys_of(record)) for row, record in enumerate(records)}


def test_a_key_is_the_same_number_on_every_machine() -> None:
    assert atom("huber") == 0xC6E81FF787E0CF13
    assert keys_of(person(emails=("anna@firma.de",)))[0] == 8864689379544276113


def test_mixing_is_one_function_for_a_number_and_for_many() -> None:
    numbers = np.array([1, 2**63, 2**64 - 1], np.uint64)
    assert mixed(numbers, np.uint64(77)).tolist() == [mixed(number, 77) for number in numbers.tolist()]


@pytest.mark.parametrize(
    "other",
    [
        {"given": "Annna"},
        {"family": "Vokt"},
        {"given": "Vogt", "family": "Anna"},
        {"addresses": ()},
        {"birth_date": ""},
        {"birth_date": "1980-05-04"},
    ],
)
def test_one_fault_leaves_keys_in_common(other: dict[str, object]) -> None:
    facts: dict[str, object] = {
        "given": "Anna",
        "family": "Vogt",
        "birth_date": "1980-04-05",
        "addresses": (PostalAddress(lines=("Seeweg 4",), postcode="10115", city="Berlin"),),
    }
    assert len(set(keys_of(person(**facts))) & set(keys_of(person(**{**facts, **other})))) >= 3


def test_a_key_runs_over_one_list_at_most() -> None:
    for key in KEYS:
        assert len({part.partition(".")[0] for part in key.parts if "." in part or part == key.group}) <= 1


def test_a_key_that_too_many_share_makes_no_pairs() -> None:
    keys = np.array([5, 5, 5, 9, 9], np.int64)
    rows = np.arange(5)
    assert list(zip(*(side.tolist() for side in pairs_of(keys, rows, 2)), strict=True)) == [(3, 4)]
    assert len(pairs_of(keys, rows, 3)[0]) == 4


def test_a_pair_is_a_candidate_once_and_only_between_sources_where_there_are_sources() -> None:
    columns = [(np.array([1, 1, 1]), np.array([0, 1, 2])), (np.array([4, 4]), np.array([1, 0]))]
    i, j = candidates(columns, 3, 10)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    i, j = candidates(columns, 3, 10, np.array([0, 0, 1]))
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 2), (1, 2)]
