"""Whose a record is: a person's word first, then ids, then weights; a veto keeps apart."""

from typing import Any

import msgspec
import pytest

from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.contacts import is_own_domain
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Kind, PostalAddress, Profile
from crossdock.identity.recognition.deciding import Judge
from crossdock.identity.recognition.index import Candidate, Edge, Face, Finding, Nearby
from crossdock.identity.recognition.starting_model import starting_model

ANNA = Profile(
    given="Anna",
    family="Seidl",
    birth_date="1980-05-17",
    country="DE",
    emails=("anna.seidl@mail.example.net",),
    addresses=(PostalAddress(lines=("Lindenstr. 12",), postcode="80331", city="München"),),
)
HERSELF = ANNA
TYPO = msgspec.structs.replace(ANNA, given="Ana", addresses=())
SISTER = msgspec.structs.replace(ANNA, given="Julia", birth_date="1983-01-02", emails=())
STRANGER = Profile(given="Otto", family="Krause", emails=("otto@post.example.org",), country="DE")
MEYER = Profile(kind="organisation", organisation="Meyer Bau GmbH", country="DE", phones=("089 123456",))


def a_candidate(party_id: str, *profiles: Profile) -> Candidate:
    faces = tuple(Face(f"{party_id}/{place}", features_of(one)) for place, one in enumerate(profiles))
    return Candidate(party_id, 1, 1, faces)


def find(profile: Profile, *candidates: Candidate, **facts: Any) -> Finding:
    nearby = Nearby(candidates=candidates, population=100_000, **facts)
    return Judge(starting_model()).find("new-record", features_of(profile), nearby, "new-party")[0]


@pytest.mark.parametrize("kind", ["person", "organisation"])
def test_the_starting_model_says_how_likely_every_finding_of_every_comparison_is(kind: Kind) -> None:
    model = starting_model().of(kind)
    assert [one.name for one in model.comparisons] == [one.name for one in comparisons_of(kind)]
    for one, comparison in zip(model.comparisons, comparisons_of(kind), strict=True):
        for shares in (one.match, one.household, one.random):
            assert len(shares) == len(comparison.levels)
            assert sum(shares) == pytest.approx(1, abs=1e-5)
            assert min(shares) > 0


@pytest.mark.parametrize("other", [HERSELF, TYPO])
def test_whoever_is_there_already_is_linked(other: Profile) -> None:
    finding = find(other, a_candidate("p", ANNA), a_candidate("q", STRANGER))
    assert (finding.band, finding.party_id, finding.doubtful) == ("link", "p", ())


def test_an_organisation_is_recognised_by_name_and_number() -> None:
    finding = find(MEYER, a_candidate("p", msgspec.structs.replace(MEYER, organisation="Meyer-Bau")))
    assert (finding.band, finding.party_id) == ("link", "p")


def test_a_stranger_is_new() -> None:
    assert (find(STRANGER, a_candidate("p", ANNA)).band, find(STRANGER).party_id) == ("new", "new-party")


def test_one_of_the_household_is_another_person_and_the_evidence_says_so() -> None:
    finding = find(SISTER, a_candidate("p", ANNA))
    assert finding.band != "link"
    assert finding.weighed[0].decision.likely_household


def test_a_name_alone_is_for_a_steward() -> None:
    finding = find(
        Profile(given="Anna", family="Seidl", birth_date="1980-05-17"),
        a_candidate("p", msgspec.structs.replace(ANNA, emails=(), addresses=(), birth_date="1980-05-18")),
    )
    assert (finding.band, finding.party_id, finding.doubtful) == ("review", "new-party", ("p",))


def test_not_the_same_keeps_apart_for_good_whatever_weighs() -> None:
    finding = find(
        HERSELF, a_candidate("p", TYPO, ANNA), edges=(Edge(other="p/0", verdict="not_same", party_id="p"),)
    )
    assert (finding.band, finding.party_id, finding.doubtful) == ("new", "new-party", ())
    assert finding.weighed[0].decision.rule == "steward_not_same"


def test_a_stewards_word_links_what_weighs_nothing() -> None:
    finding = find(STRANGER, a_candidate("p", ANNA), edges=(Edge(other="x", verdict="same", party_id="q"),))
    assert (finding.band, finding.party_id, finding.rule) == ("link", "q", "steward_same")


def test_a_veto_of_one_face_keeps_from_the_whole_party() -> None:
    mine, other = (msgspec.structs.replace(ANNA, tax_ids=(number,)) for number in ("DE136695976", "DE129273398"))
    finding = find(mine, a_candidate("p", ANNA, other))
    assert (finding.band, finding.weighed[0].decision.rule) == ("new", "tax_ids_differ")


def test_two_parties_that_are_both_meant_are_shown_to_a_steward() -> None:
    finding = find(HERSELF, a_candidate("p", ANNA), a_candidate("q", TYPO))
    assert (finding.band, finding.party_id, finding.doubtful) == ("link", "p", ("q",))


def test_a_record_that_stands_somewhere_stays_there() -> None:
    finding = find(STRANGER, a_candidate("p", ANNA), party_id="p")
    assert (finding.band, finding.party_id, finding.rule) == ("link", "p", "known")


def test_only_keys_that_the_party_lacks_are_added() -> None:
    features = features_of(TYPO)
    shared = tuple(set(keys_of(features)) & set(keys_of(features_of(ANNA))))
    nearby = Nearby(candidates=(msgspec.structs.replace(a_candidate("p", ANNA), keys=shared),), population=10)
    effect = Judge(starting_model()).settlement("r", features, keys_of(features), nearby, "new")
    assert set(effect.added) == set(keys_of(features)) - set(keys_of(features_of(ANNA)))
    assert (effect.creates, effect.seen) == (False, {"p": 1})


def test_the_more_there_are_the_more_it_takes() -> None:
    judge = Judge(starting_model())
    nearby = [Nearby(candidates=(a_candidate("p", ANNA),), population=size) for size in (1_000, 4_000_000)]
    namesake = Profile(given="Anna", birth_date="1980-05-17")
    few, many = (judge.find("r", features_of(namesake), one, "n")[0].weighed[0].decision for one in nearby)
    assert few.weight > many.weight + 10
    assert few.model_version == many.model_version == starting_model().version


def test_two_companies_with_numbers_in_a_row_at_one_domain_are_two() -> None:
    one = msgspec.structs.replace(
        MEYER, phones=("089 123456",), customer_numbers=("C-1007",), emails=("c-1007@group.example.org",)
    )
    other = msgspec.structs.replace(
        one,
        organisation="Nordwind Ausrüstung",
        phones=("089 123457",),
        customer_numbers=("C-1008",),
        emails=("c-1008@group.example.org",),
    )
    assert find(other, a_candidate("p", one)).band == "new"


def test_a_couple_that_collects_on_one_card_is_two() -> None:
    card = {"loyalty_ids": ("753932536095",), "birth_date": "", "emails": ()}
    anna = msgspec.structs.replace(ANNA, **card)
    otto = msgspec.structs.replace(anna, given="Otto")
    assert find(otto, a_candidate("p", anna)).band != "link"
    assert find(anna, a_candidate("p", anna)).band == "link"


@pytest.mark.parametrize("domain", ["example.com", "mail.example.net", "shop.test", "none.invalid", "gmail.com"])
def test_a_domain_that_is_nobodys_own_says_nothing(domain: str) -> None:
    assert not is_own_domain(domain)
    assert is_own_domain(f"{domain.replace('.', '-')}.de")
