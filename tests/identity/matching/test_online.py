"""One pair at a time finds what arrays find: levels, terms, rules and weights, for pairs of every sort."""

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA, JaroWinkler

from crossdock.identity.matching import comparisons
from crossdock.identity.matching.columns import Texts, columns_of
from crossdock.identity.matching.comparisons import ALIKE, NEAR
from crossdock.identity.matching.key_columns import key_columns
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import Model, Thresholds
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.weighing import Balance, Weighing
from crossdock.identity.matching.online.words import NEAR_FROM, likeness
from crossdock.identity.matching.record import Features, Kind, Place, TaxId
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.scoring import Scorer
from crossdock.identity.matching.training import train
from crossdock.identity.matching.weighing import Scale

RECORDS = 420
WORDS = """
    anna anne ana annika hanna a j x robert bob rob roberta bobby karl carl karla huber hubert hubner hueber maier
    mayer meier o'neil szymborska müller 李 ø vogt werkzeuge vw sohn handel nord west stein steinbach feld
    77 4 abcabcabc martha marhta dwayne duane dixon dicksonx jellyfish smellyfish
""".split()
FIRMS = "vogt werkzeuge vw handel nord".split()
BIRTHS = "19700304 19700403 19700305 19700300 19700000 19710304 19710000 19991231 20011231 19700504".split()
BOXES = """
    anna.vogt@gmail.com anna.vogt@web.de anna.vogt7@gmail.com anna.vogt8@gmail.com ana.vogt@gmail.com info@vogt.de
    kontakt@vogt.de info@web.de x@y anna nobody@ @nowhere avogt@vogt.de
""".split()
PHONES = "+4930123456 +4915123456 +4930123457 030123456 +4330123456 +4989777 0 999 +49301234".split()
POSTCODES = "10115 10999 10116 10117 99999 SW1A1AA SW1A1AB 1 12".split()
CITIES = "berlin berlim neustadt neustatd bern a".split()
IDS = "K100 K101 K200 77 771234 771235 X".split()


def records_of(kind: Kind, seed: int, count: int = RECORDS) -> list[Features]:
    """Records that agree often, nearly or not at all, with any attribute missing, doubled or nonsense."""
    chance = np.random.default_rng(seed)

    def some(values: list[str], most: int) -> tuple[str, ...]:
        count = int(chance.integers(0, most + 1))
        return tuple(one(values) for _ in range(count))

    def one(values: list[str]) -> str:
        value = values[int(chance.integers(len(values)))]
        at = int(chance.integers(len(value)))
        fault = int(chance.integers(12))
        return value[:at] + "qz"[fault] + value[at + 1 :] if fault < 2 and not value.isdigit() else value

    def perhaps(values: list[str]) -> str:
        return one(values) if chance.random() < 0.7 else ""

    def facts() -> dict[str, Any]:
        given, organisation = some(WORDS, 3), some(FIRMS, 3)
        return {
            "kind": kind,
            "given": given,
            "root": ("robert" if given[0] in {"bob", "rob"} else given[0]) if given else "",
            "family": some(WORDS, 2),
            "generation": perhaps(["1", "2"]) if kind == "person" and chance.random() < 0.3 else "",
            "organisation": " ".join(organisation),
            "form": perhaps(["gmbh", "ag"]),
            "aliases": some(FIRMS if kind == "organisation" else WORDS, 2) if chance.random() < 0.4 else (),
            "registrations": some(IDS, 2) if chance.random() < 0.4 else (),
            "birth": perhaps(BIRTHS),
            "emails": some(BOXES, 3),
            "verified_emails": some(BOXES, 1),
            "phones": some(PHONES, 3),
            "places": tuple(
                Place(
                    street=perhaps(WORDS),
                    house=perhaps(["4", "5", "4a"]),
                    more=perhaps(WORDS),
                    postcode=perhaps(POSTCODES),
                    city=perhaps(CITIES),
                )
                for _ in range(int(chance.integers(3)))
            ),
            "tax_ids": tuple(
                TaxId(perhaps(IDS), perhaps(["DE", "AT"]), valid=bool(chance.integers(2)))
                for _ in range(int(chance.integers(6)) // 2)
            ),
            "loyalty_ids": some(IDS, 1),
            "customer_numbers": some(IDS, 2) if chance.random() < 0.3 else (),
            "references": some(IDS, 1) if chance.random() < 0.3 else (),
            "extra": tuple((name, one(WORDS)) for name in ("birth_place", "trade") if chance.random() < 0.6),
        }

    made = [Features(**facts()) for _ in range(count // 2)]
    # The other half are former ones with some attributes of yet others, so that much agrees.
    for row in range(count - len(made)):
        changed = {name: value for name, value in facts().items() if chance.random() < 0.35}
        made.append(msgspec.structs.replace(made[row], **changed))
    return [*made, Features(kind=kind)]


@cache
def everybody(kind: Kind) -> list[Features]:
    """The records of this test."""
    return records_of(kind, {"person": 1, "organisation": 2}[kind])


@cache
def model() -> Model:
    """A model learned from some of them: nearly all are candidates for one another, which takes its time.

    Some strangers are alike, whether they are here or not.
    """
    learned = train([*everybody("person")[::4], *everybody("organisation")[::4]])
    comparisons = tuple(
        msgspec.structs.replace(
            one, alike=tuple(0.1 * match + 0.9 * far for match, far in zip(one.match, one.random, strict=True))
        )
        for one in learned.person.comparisons
    )
    return msgspec.structs.replace(
        learned, person=msgspec.structs.replace(learned.person, share_alike=0.1, comparisons=comparisons)
    )


def pairs_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Every record with its like, with itself, and many pairs at random; either side first."""
    chance = np.random.default_rng(3)
    half = RECORDS // 2
    left, right = np.arange(half), np.arange(half) + half
    one, other = chance.integers(count, size=(2, 4_000))
    itself = np.arange(count)
    return np.concatenate([left, right, one, itself]), np.concatenate([right, left, other, itself])


@pytest.mark.parametrize("kind", ["person", "organisation"])
def test_one_pair_finds_what_arrays_find(kind: Kind) -> None:
    records, scale = everybody(kind), Scale(model().of(kind))
    balance = Balance(scale)
    sides = [Side(record) for record in records]
    i, j = pairs_of(len(records))
    columns = columns_of(records)
    judgement = scale.judge(columns, i, columns, j)
    weights, homes = scale.weigh(judgement)
    for row, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        one, other = sides[a], sides[b]
        pair = records[a], records[b]
        found = balance.found(one, other)
        assert [level for level, _, _ in found] == judgement.levels[row].tolist(), pair
        ratios = [
            balance.ratio(place, table, value) if table >= 0 else 0.0
            for place, (_, table, value) in enumerate(found)
        ]
        assert ratios == pytest.approx(judgement.ratios[row].tolist(), rel=1e-6), pair
        weighing = balance.weigh(one, other)
        assert weighing.rule == judgement.rules[row], pair
        assert weighing.weight == pytest.approx(float(weights[row]), abs=1e-6), pair
        assert weighing.household == pytest.approx(float(homes[row]), abs=1e-6), pair


@pytest.mark.parametrize("kind", ["person", "organisation"])
def test_the_pairs_of_this_test_reach_every_level_and_rule(kind: Kind) -> None:
    """Otherwise the test above would prove less than it says."""
    records, scale = everybody(kind), Scale(model().of(kind))
    i, j = pairs_of(len(records))
    columns = columns_of(records)
    judgement = scale.judge(columns, i, columns, j)
    for place, comparison in enumerate(scale.comparisons):
        seen = set(judgement.levels[:, place].tolist())
        if comparison.grid is None:
            missed = set(range(-1, len(comparison.levels))) - seen
            assert not missed, (comparison.name, missed)
        else:
            rows, columns_ = comparison.grid
            assert {level // columns_ for level in seen if level >= 0} == set(range(rows))
            assert {level % columns_ for level in seen if level >= 0} == set(range(columns_))
    expected = {0, 1, 2, 3, 4, -1, -2} | ({5, -3} if kind == "person" else {6})
    assert expected <= set(judgement.rules.tolist())


def test_similarities_at_the_border_count_alike_in_single_and_double_precision() -> None:
    letters = np.random.default_rng(4).integers(97, 101, 400_000).astype(np.uint8).tobytes().decode("ascii")
    one = [letters[at : at + at // 10 % 10 + 1] for at in range(0, 200_000, 10)]
    other = [letters[at : at + at // 100 % 10 + 1] for at in range(200_000, 400_000, 10)]
    rows = np.arange(len(one))
    found = comparisons.likeness(Texts.of(one), rows, Texts.of(other), rows)
    alike = np.array([likeness(a, b) for a, b in zip(one, other, strict=True)])
    assert ((found >= NEAR) == (alike >= NEAR_FROM)).all()
    assert ((found >= ALIKE) == (alike >= ALIKE)).all()


WORDS_OF_ANY_SORT = st.text(st.sampled_from("aabcdeén ø李-"), max_size=14)


@given(st.lists(st.tuples(WORDS_OF_ANY_SORT, WORDS_OF_ANY_SORT), min_size=1, max_size=60))
def test_compiled_distances_are_rapidfuzzs(pairs: list[tuple[str, str]]) -> None:
    one, other = (Texts.of([pair[side] for pair in pairs]) for side in (0, 1))
    rows = np.arange(len(pairs))
    edits = comparisons.edits(one, rows, other, rows)
    assert edits.tolist() == [OSA.distance(a, b, score_cutoff=2) for a, b in pairs]
    alike = comparisons.likeness(one, rows, other, rows)
    expected = [JaroWinkler.normalized_similarity(a, b, score_cutoff=ALIKE) if a or b else 0.0 for a, b in pairs]
    assert alike.tolist() == pytest.approx(expected, abs=1e-6)


def test_compiled_distances_know_long_words() -> None:
    one, other = Texts.of(["a" * 400 + "b", "x" * 300]), Texts.of(["a" * 400, "x" * 299 + "y"])
    rows = np.arange(2)
    assert comparisons.edits(one, rows, other, rows).tolist() == [1, 1]
    assert (comparisons.likeness(one, rows, other, rows) > 0.99).all()


def test_candidates_are_decided_in_their_order_whatever_their_kind() -> None:
    persons, companies = everybody("person"), everybody("organisation")
    scorer = Scorer(model())
    mixed = [persons[3], companies[3], persons[4], companies[4]]
    decisions = scorer.score(persons[3], mixed)
    assert [one.rule == "kinds_differ" for one in decisions] == [False, True, False, True]
    assert decisions == [scorer.pair(persons[3], other) for other in mixed]
    assert scorer.score(persons[3], []) == []


def test_bulk_and_online_make_the_same_keys_of_records_of_every_sort() -> None:
    for kind in ("person", "organisation"):
        records = everybody(kind)
        found: list[set[int]] = [set() for _ in records]
        for keys, rows in key_columns(columns_of(records), kind):
            for key, row in zip(keys.tolist(), rows.tolist(), strict=True):
                found[row].add(key)
        made = [keys_of(record) for record in records]
        assert [set(keys) for keys in made] == found
        assert [len(set(keys)) for keys in made] == list(map(len, made))


@pytest.mark.parametrize("kind", ["person", "organisation"])
@pytest.mark.parametrize(
    "thresholds", [Thresholds(), Thresholds(link=45, review=-30), Thresholds(link=0, review=0)]
)
def test_the_mildest_changes_are_those_that_trying_every_level_finds(kind: Kind, thresholds: Thresholds) -> None:
    records, scale = everybody(kind), Scale(model().of(kind))
    balance, scorer = Balance(scale), Scorer(model(), thresholds)
    sides, seen = [Side(record) for record in records], 0
    for a, b in list(zip(*(side.tolist() for side in pairs_of(len(records))), strict=True))[::40]:
        weighing = balance.weigh(sides[a], sides[b])
        band = scorer.band(kind, weighing.weight)
        changes = {place: (level, weight) for _, place, level, weight in balance.changes(weighing, thresholds)}
        for place, comparison in enumerate(scale.comparisons):
            tried = []
            for level in set(range(len(comparison.levels))) - {weighing.found[place][0]}:
                instead = [*weighing.found]
                instead[place] = level, -1, ""
                weight = Weighing(instead, balance.totals(instead), Rule.NONE).weight
                if scorer.band(kind, weight) != band:
                    tried.append((abs(weight - weighing.weight), level))
            if place in changes:
                level, weight = changes.pop(place)
                assert (abs(weight - weighing.weight), level) == pytest.approx(min(tried), abs=1e-9)
                seen += 1
            else:
                assert not tried, (comparison.name, weighing.weight)
        assert not changes
    assert seen > 20
