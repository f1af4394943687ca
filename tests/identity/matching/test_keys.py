"""Keys bring records together, are the same numbers everywhere, and cost no more than the caller allows."""

import numpy as np
import pytest
from tests.identity.matching.examples import company, person, town

from crossdock.identity.matching.columns import columns_of
from crossdock.identity.matching.key_columns import key_columns
from crossdock.identity.matching.keys import KEYS, atom, keys_of
from crossdock.identity.matching.pairs import candidates, steps_of
from crossdock.identity.matching.population import population_of
from crossdock.identity.matching.record import Features, Kind, PostalAddress

ANNA = {"given": "Anna", "family": "Vogt"}
TOWN = (("birth_place", "Neustadt"),)


def keys_by_row(records: list[Features], kind: Kind) -> list[set[int]]:
    """The keys that whole columns make, for each record of one kind."""
    found: list[set[int]] = [set() for _ in records]
    for keys, rows in key_columns(columns_of(records), kind):
        for key, row in zip(keys.tolist(), rows.tolist(), strict=True):
            found[row].add(key)
    return found


def brought_together(records: list[Features], kind: Kind, cap: int) -> set[tuple[int, int]]:
    """Pairs with a key in common that at most `cap` records have, searched the plain way."""
    sharing: dict[tuple[str, int], list[int]] = {}
    for row, record in enumerate(records):
        for key in keys_of(record):
            sharing.setdefault((kind, key), []).append(row)
    return {
        (one, other)
        for rows in sharing.values()
        if len(rows) <= cap
        for place, one in enumerate(rows)
        for other in rows[place + 1 :]
    }


def test_bulk_and_online_make_the_same_keys() -> None:
    records, _ = town(60)
    records.append(
        company(organisation="Vogt & Sohn GmbH", emails=("info@vogt.example.net",), registration="HRB 12")
    )
    for kind in ("person", "organisation"):
        some = [record for record in records if record.kind == kind]
        assert keys_by_row(some, kind) == [set(keys_of(record)) for record in some]


def test_a_key_is_the_same_number_on_every_machine() -> None:
    assert atom("huber") == 0xC6E81FF787E0CF13
    assert keys_of(person(emails=("anna@firma.de",)))[0] == 8864689379544276113


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"family": "Vogt", "birth_date": "1980-04-05"}, {**ANNA, "birth_date": "1980"}),
        ({"given": "Vogt", "birth_date": "1980-04-05"}, {**ANNA, "birth_date": "1980"}),
        ({"given": "Vogt", "extra": TOWN}, {**ANNA, "extra": TOWN}),
        ({"family": "Zoht", "extra": TOWN}, {"given": "Anna", "family": "Zohp", "extra": TOWN}),
        ({"family": "Vogt", "birth_date": "1980-04-05"}, {"given": "Else", "birth_date": "1980-04-05"}),
    ],
)
def test_records_that_hold_little_are_brought_together_by_what_they_hold(
    one: dict[str, object], other: dict[str, object]
) -> None:
    assert set(keys_of(person(**one))) & set(keys_of(person(**other)))


def test_a_key_runs_over_one_list_at_most() -> None:
    for key in KEYS:
        assert len({part.partition(".")[0] for part in key.parts if "." in part or part == key.group}) <= 1


@pytest.mark.parametrize("cap", [2, 3, 5, 20, 500])
def test_pairs_are_those_of_every_key_that_not_too_many_share(cap: int) -> None:
    records, _ = town(150)
    i, j = candidates(columns_of(records), "person", cap)
    found = list(zip(i.tolist(), j.tolist(), strict=True))
    assert found == sorted(brought_together(records, "person", cap))


def test_a_narrow_key_has_nothing_to_tell_where_a_wider_one_told_all() -> None:
    steps = steps_of("person")
    assert any(step.wider for step in steps)
    for place, step in enumerate(steps):
        assert all(other < place for other in step.wider)


def test_with_sources_only_pairs_of_different_ones_are_candidates() -> None:
    records, _ = town(60)
    sources = np.arange(len(records)) % 2
    population = population_of(records, sources.tolist())
    i, j = population.groups[0].candidates(50, population.workers)
    assert i.size
    assert (sources[i] != sources[j]).all()
    expected = {pair for pair in brought_together(records, "person", 50) if (pair[0] + pair[1]) % 2}
    assert set(zip(i.tolist(), j.tolist(), strict=True)) == expected
