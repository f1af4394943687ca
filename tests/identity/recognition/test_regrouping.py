"""Whom another way would put together or part: only what both ways see differently, and people before both."""

from typing import Any

import pytest

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord
from crossdock.identity.matching.model import Bands, Thresholds
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Profile
from crossdock.identity.recognition import regrouping
from crossdock.identity.recognition.index import Candidate, Edge, Face, Nearby, Verdict
from crossdock.identity.recognition.regrouping import Regrouping, Spoken, spoken
from crossdock.identity.recognition.rehearsing import Way, scorers_of
from crossdock.identity.recognition.starting_model import starting_model

MODEL = starting_model()
KEEN = Bands(person=Thresholds(link=-40, review=-40), organisation=Thresholds(link=-40, review=-40))
SHY = Bands(person=Thresholds(link=900, review=800), organisation=Thresholds(link=900, review=800))
NORTH = {"kind": "organisation", "organisation": "Nordwind Handels GmbH", "tax_ids": ()}


def a_regrouping(before: Bands, after: Bands) -> Regrouping:
    return Regrouping(scorers_of(Way(MODEL, before), Way(MODEL, after), 1_000))


def says(record: str, since: int = 1, **raw: Any) -> Spoken:
    return Spoken(record, "crm", features_of(Profile(**{**NORTH, **raw})), since)


def around(record: Spoken, *others: tuple[str, Spoken], said: dict[str, Verdict] | None = None) -> Nearby:
    """What the index knows around a record: other parties by a face of each, and words about records."""
    candidates = tuple(Candidate(party, 1, 1, (Face(one.record, one.features),)) for party, one in others)
    parties = {one.record: party for party, one in others}
    edges = [Edge(other=name, verdict=word, party_id=parties.get(name, "")) for name, word in (said or {}).items()]
    return Nearby(candidates=candidates, edges=tuple(edges))


def take_all(found: Regrouping, parties: dict[str, Spoken], **said: Verdict) -> None:
    for party, one in parties.items():
        others = [(other, face) for other, face in parties.items() if other != party]
        words = {parties[other].record: word for other, word in said.items()} if party == "a" else None
        found.take(party, [one], [around(one, *others, said=words)])


def test_two_whom_a_rule_forbids_are_not_put_together_by_a_third() -> None:
    parties = {
        "a": says("crm/a", tax_ids=("DE136695976",)),
        "b": says("crm/b"),
        "c": says("crm/c", tax_ids=("DE811569869",)),
    }
    found = a_regrouping(SHY, KEEN)
    take_all(found, parties)
    assert ("a", "c") not in found.pairs
    (group,) = found.groups()
    assert group == ("a", "b", "c")
    together = found.put_together({party: [one] for party, one in parties.items()})
    assert sorted(map(len, together)) == [1, 2]


def test_a_word_of_a_person_goes_before_both_ways() -> None:
    parties = {"a": says("crm/a"), "b": says("crm/b")}
    free, told = a_regrouping(SHY, KEEN), a_regrouping(SHY, KEEN)
    take_all(free, parties)
    take_all(told, parties, b="not_same")
    assert (list(free.pairs), told.apart) == ([("a", "b")], {("a", "b")})
    assert told.put_together({party: [one] for party, one in parties.items()}) == [["a"], ["b"]]


def test_of_those_who_part_the_first_stays_and_what_no_way_held_together_stays_too() -> None:
    first, second = says("crm/1", since=1), says("crm/2", since=2)
    stranger = says("crm/3", since=3, organisation="Bäckerei Sonnenschein")
    found = a_regrouping(Bands(organisation=Thresholds(link=0, review=-1)), SHY)
    records = [second, stranger, first]
    found.take("a", records, [around(one) for one in records])
    assert found.leaving == {"a": (("crm/2",),)}
    kept = a_regrouping(Bands(organisation=Thresholds(link=0, review=-1)), SHY)
    kept.take("a", records, [around(one, said={"crm/1": "same"}) for one in records])
    assert kept.leaving == {}


def test_equal_ways_change_nothing_and_a_record_that_the_hub_made_says_nothing() -> None:
    parties = {"a": says("crm/a"), "b": says("crm/b")}
    found = a_regrouping(KEEN, KEEN)
    take_all(found, parties)
    assert (found.groups(), found.sources({})[0].other_band) == ([], 0)
    reference = ExternalReference("erp", "partner", "1")
    told = Held(field="organisation.name", shown="Nordwind", told=3)
    assert spoken([HeldRecord(reference=reference, fields={told.field: told})]) == []
    own = Held(field="organisation.name", said="Nordwind", sequence=3, arrived_at=7)
    (one,) = spoken([HeldRecord(reference=reference, fields={own.field: own})])
    assert (one.record, one.since) == ("erp/partner/1", 7)


def test_more_changes_than_are_followed_are_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regrouping, "CHANGES_MAX", 1)
    found = a_regrouping(SHY, KEEN)
    take_all(found, {"a": says("crm/a"), "b": says("crm/b")})
    take_all(found, {"x": says("crm/x"), "y": says("crm/y")})
    assert len(found.pairs) == 1
    assert found.beyond > 0
