"""The made-up retailer's customers are what a measurement needs: the same everywhere, endless, true to life."""

import itertools
from collections import Counter, defaultdict
from dataclasses import astuple
from hashlib import sha256

from bench.match.retail import NOBODYS_EMAILS, retail_rows
from bench.match.rows import Row

FAMILIES = (".family", ".home", ".haus", ".casa")


def digest(rows: list[Row]) -> str:
    return sha256("\n".join("|".join(astuple(row)) for row in rows).encode()).hexdigest()


def test_the_same_seed_gives_the_same_customers_on_every_machine() -> None:
    rows = list(retail_rows(500, seed=3))
    assert rows == list(retail_rows(500, seed=3))
    assert rows != list(retail_rows(500, seed=4))
    assert digest(rows)[:16] == "5970548806d4cdff"


def test_the_first_record_comes_long_before_the_last_is_made() -> None:
    assert len(list(itertools.islice(retail_rows(1_000_000_000), 10))) == 10


def test_every_record_has_a_key_of_its_own_and_a_name() -> None:
    rows = list(retail_rows(2_000))
    assert len({row.key for row in rows}) == len(rows) == 2_000
    assert all(row.given or row.surname or row.full or row.organisation for row in rows)
    assert all(row.email or row.phone or row.street or row.tax for row in rows)


def test_a_mailbox_belongs_to_one_person_or_to_a_family() -> None:
    owners = defaultdict(set)
    for row in retail_rows(20_000):
        if row.kind == "person" and row.email and row.email not in NOBODYS_EMAILS:
            owners[row.email.lower()].add(row.truth)
    shared = [email for email, truths in owners.items() if len(truths) > 1]
    assert len(shared) > 50
    assert [email for email in shared if not any(word in email for word in FAMILIES)] == []


def test_all_that_makes_it_hard_is_in_it() -> None:
    rows = list(retail_rows(8_000))
    persons: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        persons[row.truth].append(row)
    people = {truth: found for truth, found in persons.items() if found[0].kind == "person"}

    def shared(field: str) -> int:
        """How many values of a field belong to several people."""
        owners = defaultdict(set)
        for truth, found in people.items():
            for row in found:
                owners[getattr(row, field)].add(truth)
        return sum(len(truths) > 1 for value, truths in owners.items() if value)

    def changing(field: str) -> int:
        """How many people are known with several values of a field."""
        return sum(len({getattr(row, field) for row in found} - {""}) > 1 for found in people.values())

    assert min(shared("email"), shared("phone"), shared("loyalty")) > 20
    assert min(changing("city"), changing("surname"), changing("email")) > 100
    assert Counter(row.source for row in rows).keys() == {"salesforce", "pos", "commerce", "erp"}
    assert len({row.country for row in rows}) == 7
    assert sum(row.kind == "organisation" for row in rows) > 300
    assert sum(bool(row.full) for row in rows) > 500
