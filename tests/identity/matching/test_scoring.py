"""A decision is the same wherever it is made, and says why."""

from collections.abc import Sequence
from functools import cache

import msgspec
import numpy as np
import pytest
from tests.identity.matching.examples import company, person, town

from crossdock.identity.matching import population as population_module
from crossdock.identity.matching import training
from crossdock.identity.matching.bulk import dedupe, score_pairs
from crossdock.identity.matching.catalogue import readable_model
from crossdock.identity.matching.columns import Columns, Index
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import Model, Thresholds, decoded, encoded
from crossdock.identity.matching.population import population_of
from crossdock.identity.matching.record import Features, PostalAddress, Reference
from crossdock.identity.matching.scoring import Scorer
from crossdock.identity.matching.training import Label, train
from crossdock.identity.matching.weighing import Found, compared
from crossdock.identity.recognition.starting_model import starting_model

HOME = PostalAddress(lines=("Seeweg 4",), postcode="10002", city="Neustadt")


@cache
def model() -> Model:
    """A model of the town, trained without labels."""
    return train(town()[0])


def test_bulk_and_online_give_a_pair_the_same_weight() -> None:
    records, _ = town()
    scorer = Scorer(model().rescaled(len(records), "person"))
    pairs = score_pairs(records, model())
    assert pairs.weights.size > 200
    for left, right, weight in zip(
        pairs.left.tolist()[::7], pairs.right.tolist()[::7], pairs.weights.tolist()[::7], strict=True
    ):
        for one, other in ((left, right), (right, left)):
            assert scorer.pair(records[one], records[other]).weight == pytest.approx(weight, abs=0.002)


def test_what_was_seen_in_training_is_weighed_as_if_it_were_new(monkeypatch: pytest.MonkeyPatch) -> None:
    records, _ = town()
    monkeypatch.setattr(training, "SAMPLED_PAIRS", 150)
    population = population_of(records)
    learned = train(population)
    asked = []

    def counted(comparisons: Sequence[Comparison], left: Columns, i: Index, right: Columns, j: Index) -> Found:
        asked.append(i.size)
        return compared(comparisons, left, i, right, j)

    monkeypatch.setattr(population_module, "compared", counted)
    mine, fresh = score_pairs(population, learned), score_pairs(records, learned)
    candidates = population.groups[0].candidates(None, population.workers)[0].size
    assert candidates > 300
    assert sum(asked) == 2 * candidates - 150, "some are known already"
    for name in ("left", "right", "weights", "rules", "households"):
        assert np.array_equal(getattr(mine, name), getattr(fresh, name)), name


def test_training_without_labels_finds_who_is_who() -> None:
    records, who = town()
    clusters = dedupe(records, model()).clusters
    found = {(a, b) for a, b in _pairs(clusters.tolist())}
    true = set(_pairs(who))
    right = len(found & true)
    assert 2 * right / (len(found) + len(true)) > 0.97


def _pairs(labels: list[int]) -> list[tuple[int, int]]:
    order = sorted(range(len(labels)), key=lambda row: (labels[row], row))
    return [
        (a, b) for place, a in enumerate(order) for b in order[place + 1 : place + 30] if labels[a] == labels[b]
    ]


def test_the_weight_is_the_sum_of_its_evidence() -> None:
    records, _ = town(40)
    for decision in Scorer(model()).score(records[0], records):
        assert decision.prior + sum(one.weight for one in decision.evidence) == pytest.approx(
            decision.weight, abs=0.01
        )


def test_one_person_in_two_spellings_is_linked() -> None:
    one = person(given="Robert", family="Huber", birth_date="1970-03-04", addresses=(HOME,), country="DE")
    other = person(given="Bob", family="Huber", birth_date="04.03.1970", addresses=(HOME,), country="DE")
    decision = Scorer(model()).pair(one, other)
    assert decision.band == "link"
    assert "a form of the same name" in [part.found for part in decision.evidence]
    assert decision.model_version == model().version


def test_a_sister_is_no_match_and_the_decision_says_household() -> None:
    one = person(given="Anna", family="Huber", birth_date="1970-03-04", addresses=(HOME,), country="DE")
    other = person(given="Greta", family="Huber", birth_date="1972-11-28", addresses=(HOME,), country="DE")
    decision = Scorer(model()).pair(one, other)
    assert decision.band == "new"
    assert decision.likely_household


def test_a_decision_says_what_would_have_flipped_it() -> None:
    one = person(given="Anna", family="Huber", birth_date="1970-03-04", country="DE")
    other = person(given="Anna", family="Huber", country="DE")
    decision = Scorer(model()).pair(one, other)
    assert decision.flips
    assert all(flip.band != decision.band for flip in decision.flips)


def test_what_would_have_flipped_it_does() -> None:
    scorer = Scorer(starting_model())
    ours = company(organisation="Meyer Bau GmbH", country="DE", addresses=(HOME,))
    alike = scorer.pair(ours, ours)
    assert alike.band == "link", "name, form and address"
    assert ("phone", "different", "review") in [(one.comparison, one.found, one.band) for one in alike.flips]
    one, other = (msgspec.structs.replace(ours, phones=(phone,)) for phone in ("+4989123456", "+4940987654"))
    assert scorer.pair(one, other).band == "review"


def test_no_weaker_agreement_would_have_led_to_a_link() -> None:
    records, _ = town(40)
    scorer = Scorer(model(), Thresholds(link=45, review=-30))
    doubtful = [one for one in scorer.score(records[0], records) if one.band == "review"]
    assert doubtful
    for decision in doubtful:
        agreed = {one.comparison for one in decision.evidence if one.found == "the same"}
        assert not agreed & {flip.comparison for flip in decision.flips if flip.band == "link"}


def test_thresholds_are_configuration() -> None:
    records, _ = town(4)
    assert Scorer(model(), Thresholds(link=-90, review=-95)).pair(records[0], records[1]).band == "link"
    assert Scorer(model(), Thresholds(link=90, review=-95)).pair(records[0], records[1]).band == "review"
    with pytest.raises(ValueError, match="review"):
        Thresholds(link=1, review=2)


def test_an_index_ten_times_as_large_asks_for_more_evidence() -> None:
    one, other = (person(given="Anna", family="Huber", birth_date=born) for born in ("1970-03-04", "1970-03-05"))
    large = model().rescaled(10 * model().person.population, "person")
    assert large.person.prior_match == pytest.approx(model().person.prior_match / 10)
    assert Scorer(large).pair(one, other).weight < Scorer(model()).pair(one, other).weight - 1


def test_a_model_survives_being_written_down() -> None:
    again = decoded(encoded(model()))
    assert again == model()
    assert again.version == model().version
    with pytest.raises(ValueError, match="format"):
        decoded(encoded(msgspec.structs.replace(model(), format=99)))


def test_the_same_records_give_the_same_model() -> None:
    records, _ = town(120)
    assert train(records).version == train(records).version


def test_what_stewards_decided_moves_the_model() -> None:
    records, who = town(200)
    labels = [Label(row, row + 1, same=who[row] == who[row + 1]) for row in range(0, 200, 2)]
    assert train(records, labels=labels).version != train(records).version


def test_a_model_that_decisions_moved_can_be_kept() -> None:
    records, who = town(200)
    told = train(records, labels=[Label(*pair, same=True) for pair in _pairs(who)])
    assert max(share for one in told.person.comparisons for share in one.match) > 1
    assert readable_model(encoded(told)) == told


def test_what_stewards_decided_is_what_the_model_finds_likelier() -> None:
    """Whoever has another family name at one address is the same here, as they say: people marry."""
    records, _ = town(200)
    married = [person(given="Dora", family=name, birth_date="", addresses=(HOME,)) for name in ("Vogt", "Ohm")]
    places = len(records), len(records) + 1
    weights = [
        Scorer(train([*records, *married], labels=labels)).pair(*married).weight
        for labels in ([], [Label(*places, same=True)] * 5, [Label(*places, same=False)] * 5)
    ]
    assert weights[2] < weights[0] < weights[1]


def test_a_decision_against_all_that_records_say_moves_little() -> None:
    records, who = town(200)
    first = records[0]
    stranger = next(row for row in range(1, 200) if who[row] != who[0] and records[row].family != first.family)
    told = train(records, labels=[Label(0, stranger, same=True)])
    one, other = (Scorer(found).pair(first, records[stranger]).weight for found in (train(records), told))
    assert 0 < other - one < 1


def test_a_small_file_rests_on_what_is_usual_of_persons() -> None:
    few, many = (train(town(people)[0]).person for people in (60, 600))
    usual = starting_model().person
    place = next(place for place, one in enumerate(usual.comparisons) if one.name == "date of birth")
    different = [one.comparisons[place].match[-1] for one in (usual, few, many)]
    assert 0.75 * different[0] < different[1]
    assert different[2] < 0.5 * different[0]


@pytest.mark.parametrize("records", [0, 1, 2])
def test_hardly_any_records_give_a_model_of_usual_values(records: int) -> None:
    known = town(4)[0][:records]
    few = train(known)
    assert dedupe(known, few).clusters.tolist() == list(range(records))


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"customer_numbers": ("K-100",)}, "customer_number"),
        ({"tax_ids": ("DE136695976",)}, "tax_id"),
        ({"loyalty_ids": ("77 1234",)}, "loyalty_id"),
        ({"references": (Reference("webshop", "17"),)}, "reference"),
        ({"verified_emails": ("anna@firma.de",)}, "verified_email_and_name"),
    ],
)
def test_an_id_in_common_links(facts: dict[str, object], rule: str) -> None:
    decision = Scorer(model()).pair(
        person(given="Anna", family="Huber", **facts), person(given="Anna", family="Huber", **facts)
    )
    assert (decision.band, decision.rule) == ("link", rule)


def test_a_family_with_one_loyalty_card_is_not_one_person() -> None:
    one, other = (person(given=given, family="Huber", loyalty_ids=("771234",)) for given in ("Anna", "Karl"))
    assert not Scorer(model()).pair(one, other).rule


def test_differing_tax_ids_forbid_whatever_else_agrees() -> None:
    facts = {"organisation": "Vogt GmbH", "customer_numbers": ("K-100",), "emails": ("info@vogt.de",)}
    one = company(tax_ids=("DE136695976",), **facts)
    other = company(tax_ids=("DE129273398",), **facts)
    decision = Scorer(model()).pair(one, other)
    assert (decision.band, decision.rule) == ("new", "tax_ids_differ")
    clusters = dedupe([one, other], model()).clusters
    assert clusters.tolist() == [0, 1]


def test_a_veto_is_heard_between_records_without_a_key_in_common() -> None:
    one = company(organisation="Vogt", tax_ids=("DE136695976",), customer_numbers=("K-100",))
    between = company(customer_numbers=("K-100", "K-200"))
    other = company(organisation="Sommer", tax_ids=("DE129273398",), customer_numbers=("K-200",))
    found = dedupe([one, between, other], model()).clusters.tolist()
    assert found[0] != found[2]


def test_a_mistyped_tax_id_forbids_nothing() -> None:
    one, other = company(organisation="Vogt", tax_ids=("DE136695976",)), company(tax_ids=("DE136695975",))
    assert not Scorer(model()).pair(one, other).rule


def test_differing_registrations_forbid() -> None:
    one, other = (company(organisation="Vogt", registration=number) for number in ("HRB 100", "HRB 200"))
    assert Scorer(model()).pair(one, other).rule == "registrations_differ"


def test_father_and_son_are_two_whatever_they_share() -> None:
    shared = {"given": "Robert", "addresses": (HOME,), "phones": ("030 1234567",), "country": "DE"}
    senior = person(family="Huber sen.", loyalty_ids=("77 1",), **shared)
    junior = person(family="Huber", suffix="Jr.", loyalty_ids=("77 1",), **shared)
    assert Scorer(model()).pair(senior, junior).rule == "generations_differ"
    unsaid = person(family="Huber", **shared)
    assert not Scorer(model()).pair(senior, unsaid).rule


def test_whom_the_erp_numbers_alike_is_one_whatever_stands_behind_the_name() -> None:
    one, other = (person(family=f"Huber {mark}", customer_numbers=("K-100",)) for mark in ("Sr", "Jr"))
    assert Scorer(model()).pair(one, other).rule == "customer_number"


def evidence_of(one: Features, other: Features) -> dict[str, tuple[str, float]]:
    decision = Scorer(starting_model()).pair(one, other)
    return {part.comparison: (part.found, part.weight) for part in decision.evidence}


def test_who_married_is_known_by_the_former_name() -> None:
    one = person(given="Anna", family="Huber geb. Schmidt", addresses=(HOME,))
    other = person(given="Anna", family="Schmidt", addresses=(HOME,))
    assert evidence_of(one, other)["family name"][0] == "a former name is the same"
    assert set(keys_of(one)) & set(keys_of(person(given="Anna", family="Schmidt")))


def test_a_company_is_known_by_its_brand() -> None:
    one = company(organisation="Vogt Handel GmbH", other_names=("Snackbar",))
    assert evidence_of(one, company(organisation="Snackbar"))["organisation name"][0].startswith("another name")
    assert set(keys_of(one)) & set(keys_of(company(organisation="Snackbar")))


def test_ones_own_mailbox_and_mobile_say_more_than_the_familys() -> None:
    shared = {"given": "Anna", "family": "Huber", "country": "DE", "addresses": (HOME,)}
    weights = [
        Scorer(starting_model()).pair(person(**shared, **contact), person(**shared, **contact)).weight
        for contact in (
            {"emails": ("anna.huber@web.de",)},
            {"emails": ("familie77@web.de",)},
            {"phones": ("0151 2345678",)},
            {"phones": ("030 2345678",)},
        )
    ]
    assert weights[0] > weights[1] + 2
    assert weights[2] > weights[3] + 2


def test_mailboxes_called_by_the_name_alone_repeat_the_name() -> None:
    one, other = (
        person(given="Marie", family="Bernard", emails=(f"marie{mark}bernard@{provider}",))
        for mark, provider in ((".", "web.de"), ("", "gmx.de"))
    )
    assert "e-mail" not in evidence_of(one, other)
    mine, theirs = (
        person(given="Marie", family="Bernard", emails=(f"blaumeise7@{at}",)) for at in ("web.de", "gmail.com")
    )
    assert evidence_of(mine, theirs)["e-mail"][0] == "the same name in another mailbox"


def test_a_mailbox_repeats_the_name_also_where_one_side_misspells_that() -> None:
    written = person(given="Marie", family="Bernard", emails=("marie.bernard@web.de",))
    misspelt = person(given="Marie", family="Brenard", emails=("mariebernard@gmx.de",))
    married = person(given="Marie", family="Brenard", emails=("mariebernard7@gmx.de",))
    assert "e-mail" not in evidence_of(written, misspelt)
    assert "e-mail" not in evidence_of(misspelt, written)
    assert "e-mail" in evidence_of(written, married)


def test_a_rare_given_name_does_not_prove_that_a_son_is_his_father() -> None:
    records = [*town()[0], *(person(given="Melchior", family="Huber", addresses=(HOME,)) for _ in range(2))]
    scorer = Scorer(train(records).rescaled(len(records), "person"))
    decision = scorer.pair(records[-1], records[-2])
    assert next(part.weight for part in decision.evidence if part.comparison == "given name") < 7


def test_a_list_without_duplicates_has_nobody_twice() -> None:
    records, _ = town(200)
    twice = [*records, *records[:20]]
    found = dedupe(twice, model(), sources=[0] * len(records) + [1] * 20).clusters
    assert len({*found[: len(records)].tolist()}) == len(records)


def test_a_person_is_never_an_organisation() -> None:
    box = ("a.vogt@vogt.de",)
    one, other = person(family="Vogt", emails=box), company(organisation="Vogt", emails=box)
    assert Scorer(model()).pair(one, other).rule == "kinds_differ"


def test_a_company_is_found_without_its_form_and_in_another_order() -> None:
    site = PostalAddress(lines=("Industriestr. 5",), postcode="10115", city="Berlin")
    one = company(organisation="Vogt Werkzeuge GmbH", addresses=(site,), phones=("030 1234567",), country="DE")
    other = company(organisation="WERKZEUGE VOGT", addresses=(site,), phones=("+49 30 1234567",), country="DE")
    decision = Scorer(model()).pair(one, other)
    assert decision.band != "new"
    assert "the same words in another order" in [part.found for part in decision.evidence]
