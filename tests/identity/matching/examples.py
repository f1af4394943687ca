"""Records for tests: a small town with families, moves and typing errors, the same in every run."""

import numpy as np

from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Features, PostalAddress, Profile

GIVEN = "anna berta clara dora emma frieda greta hanna ida julia karl ludwig martin norbert otto paul".split()
FIRST = "hu mai wag bek hof schul ko rich klei wol neu bra".split()
LAST = "ber ner mann stein feld ger lich horn".split()
PROVIDERS = "gmail.com web.de gmx.de outlook.com".split()
STREETS = "Lindenstr. Bahnhofstrasse Goetheweg Schulgasse Marktplatz Ringallee Parkstr. Seeweg".split()


def person(**facts: object) -> Features:
    """The features of a person with these raw attributes."""
    return features_of(Profile(**facts))  # type: ignore[arg-type]


def company(**facts: object) -> Features:
    """The features of an organisation."""
    return features_of(Profile(kind="organisation", **facts))  # type: ignore[arg-type]


def town(people: int = 600, seed: int = 7) -> tuple[list[Features], list[int]]:
    """Records and, for each, who it is: every second person has a second record with one or two faults."""
    chance = np.random.default_rng(seed)
    records: list[Features] = []
    who: list[int] = []
    family = ""
    for number in range(people):
        if not number % 4:
            family = FIRST[int(chance.integers(len(FIRST)))] + LAST[int(chance.integers(len(LAST)))]
        home = PostalAddress(
            lines=(f"{STREETS[number // 4 % len(STREETS)]} {number // 4 % 60 + 1}",),
            postcode=str(10_000 + number // 4 % 40),
            city="Neustadt",
        )
        box = "".join(chr(97 + int(letter)) for letter in chance.integers(0, 26, 9))
        given = GIVEN[int(chance.integers(len(GIVEN)))]
        birth = (
            f"{int(chance.integers(1940, 2004))}-{int(chance.integers(1, 13)):02}-{int(chance.integers(1, 29)):02}"
        )
        facts = {
            "given": given,
            "family": family,
            "birth_date": birth,
            "addresses": (home,),
            "emails": (f"{box}@{PROVIDERS[number % len(PROVIDERS)]}",),
            "country": "DE",
        }
        records.append(person(**facts))
        who.append(number)
        if number % 2:
            fault = int(chance.integers(4))
            if fault == 0:
                facts["given"] = given[1:] + given[0]
            elif fault == 1:
                facts["family"] = family[:-1] + "x"
            elif fault == 2:
                facts["birth_date"] = ""
            else:
                facts["emails"] = ()
            records.append(person(**facts))
            who.append(number)
    return records, who
