"""Strangers of one country have more in common than strangers: a name says less where everybody has such names."""

import math

import msgspec
import numpy as np
from tests.identity.matching.examples import person

from crossdock.identity.matching.catalogue import readable_model
from crossdock.identity.matching.model import Model, encoded
from crossdock.identity.matching.record import Features, PostalAddress
from crossdock.identity.matching.scoring import Scorer
from crossdock.identity.matching.training import train

COUNTRIES = 6
GIVEN, FAMILIES, CITIES = 12, 20, 6


def word(*numbers: int) -> str:
    """A word of its own for these numbers, not like others."""
    letters = np.random.default_rng([7, *numbers]).integers(0, 20, 8)
    return "".join("bcdfghjklmnprstvwaei"[letter] for letter in letters.tolist())


def people(countries: int, count: int = 1_500) -> list[Features]:
    """People of so many countries, each with names and towns of its own; every third is there twice."""
    chance = np.random.default_rng(5)
    found = []
    for number in range(count):
        country = int(chance.integers(countries))
        names, families, cities = (size * COUNTRIES // countries for size in (GIVEN, FAMILIES, CITIES))
        one = person(
            given=word(1, country, int(chance.integers(names))),
            family=word(2, country, int(chance.integers(families))),
            birth_date=f"19{number % 80 + 10:02}-{number % 12 + 1:02}-{number % 28 + 1:02}",
            addresses=(PostalAddress(city=word(3, country, int(chance.integers(cities)))),),
        )
        found += [one] * (2 if number % 3 == 0 else 1)
    return found


def namesakes(model: Model, records: int) -> float:
    """What two of one name in one town weigh, of whom nothing else is known."""
    one = person(given=word(1, 0, 0), family=word(2, 0, 0), addresses=(PostalAddress(city=word(3, 0, 0)),))
    return Scorer(model.rescaled(records, "person")).pair(one, one).weight


def test_strangers_of_one_country_are_told_from_others() -> None:
    records = people(COUNTRIES)
    model = train(records)
    assert 0.08 < model.person.share_alike < 0.3
    given = next(one for one in model.person.comparisons if one.name == "given name")
    assert given.alike[0] > 2.5 * given.random[0]
    blind = msgspec.structs.replace(model, person=msgspec.structs.replace(model.person, share_alike=0.0))
    assert namesakes(model, len(records)) < namesakes(blind, len(records)) - 2


def test_where_all_are_of_one_country_nobody_is_told_from_others() -> None:
    assert train(people(1)).person.share_alike == 0.0


def test_a_model_from_before_weighs_as_it_did() -> None:
    records = people(1)
    model = train(records)
    before = msgspec.json.decode(encoded(model))
    for kind in ("person", "organisation"):
        del before[kind]["share_alike"]
        for one in before[kind]["comparisons"]:
            del one["alike"]
    read = readable_model(msgspec.json.encode(before))
    assert math.isclose(namesakes(read, len(records)), namesakes(model, len(records)), abs_tol=1e-9)
