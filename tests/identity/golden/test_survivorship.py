"""The golden value follows from declared ownership alone, and says why."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.identity.golden.records import DAY, NOW, SECOND, a_record, an_ownership

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ownership import Rule
from crossdock.identity.golden.survivorship import GoldenValue, Pin, golden

EMAIL = "contact.email"
NEWEST = Rule(rule="newest_valid", writers=("erp", "shop"))


def of(records: Sequence[HeldRecord], rule: Rule, unit: str = EMAIL, **facts: object) -> GoldenValue:
    return golden(records, an_ownership(rule, **facts), NOW)[unit]


def reasons(value: GoldenValue) -> dict[str, str]:
    return {loser.record.system: loser.why_not for loser in value.losers}


def test_the_owners_word_holds_even_when_it_is_empty_and_older() -> None:
    rule = Rule(rule="owner", owner="erp")
    value = of([a_record("erp", {EMAIL: None}), a_record("shop", {EMAIL: "a"}, at=NOW + DAY)], rule)
    assert value.values == {EMAIL: None}
    assert reasons(value) == {"shop": "not_owner"}
    assert "erp Customer 1 said so" in value.why()
    assert "shop: may not say this" in value.why()


def test_until_the_owner_speaks_others_hold_only_where_that_is_declared() -> None:
    record = a_record("shop", {EMAIL: "a"})
    assert of([record], Rule(rule="owner", owner="erp")).values == {}
    value = of([record], Rule(rule="owner", owner="erp", initial=True))
    assert (value.values, value.rule) == ({EMAIL: "a"}, "initial")


def test_by_precedence_the_first_who_has_a_value_wins() -> None:
    rule = Rule(rule="precedence", precedence=("erp", "shop", "pos"))
    records = [a_record("pos", {EMAIL: "c"}), a_record("shop", {EMAIL: "b"}), a_record("erp", {EMAIL: None})]
    value = of(records, rule)
    assert value.values == {EMAIL: "b"}
    assert reasons(value) == {"erp": "empty", "pos": "lower_precedence"}


@pytest.mark.parametrize(("age_days", "winner"), [(0, "erp"), (360, "erp"), (370, "shop")])
def test_trust_halves_with_age(age_days: int, winner: str) -> None:
    rule = Rule(rule="most_trusted", trust={"erp": 80, "shop": 40}, half_life_days=365)
    records = [a_record("erp", {EMAIL: "e"}, at=NOW - age_days * DAY), a_record("shop", {EMAIL: "s"})]
    value = of(records, rule)
    assert value.winner is not None
    assert value.winner.record.system == winner


def test_the_newer_of_two_wins_by_more_than_the_clocks_may_be_apart() -> None:
    records = [a_record("erp", {EMAIL: "e"}), a_record("shop", {EMAIL: "s"}, at=NOW + 301 * SECOND)]
    value = of(records, NEWEST)
    assert (value.values, value.review) == ({EMAIL: "s"}, "")


def test_what_nobody_can_know_goes_to_a_person() -> None:
    records = [a_record("erp", {EMAIL: "e"}), a_record("shop", {EMAIL: "s"}, at=NOW + 299 * SECOND)]
    value = of(records, NEWEST)
    assert value.review == "cannot_know"
    assert reasons(value) == {"erp": "same_time"}
    same = [a_record("erp", {EMAIL: "s"}), a_record("shop", {EMAIL: "s"})]
    assert of(same, NEWEST).review == "", "who agrees need not be asked"


def test_who_had_been_told_the_others_word_is_newer_whatever_the_clocks_say() -> None:
    records = [
        a_record("erp", {EMAIL: "e"}, at=NOW + 200 * SECOND, sequence=4),
        a_record("shop", {EMAIL: "s"}, at=NOW - 500 * SECOND, sequence=7, saw=5),
    ]
    value = of(records, NEWEST)
    assert (value.values, value.review) == ({EMAIL: "s"}, "")


def test_an_address_survives_as_a_whole() -> None:
    unit = "billing.address"
    dubai: dict[str, FieldValue] = {
        f"{unit}.lines": ("1 Street",),
        f"{unit}.city": "Dubai",
        f"{unit}.country": "AE",
    }
    london: dict[str, FieldValue] = {
        f"{unit}.lines": ("2 Road",),
        f"{unit}.city": "London",
        f"{unit}.country": "GB",
        f"{unit}.postal_code": "W1",
    }
    records = [a_record("erp", london), a_record("shop", dubai, at=NOW + DAY)]
    assert of(records, NEWEST, unit).values == dubai
    half: dict[str, FieldValue] = {f"{unit}.city": "Paris"}
    value = of([a_record("erp", london), a_record("shop", half, at=NOW + DAY)], NEWEST, unit)
    assert value.values == london
    assert reasons(value) == {"shop": "incomplete"}
    assert of([a_record("shop", half)], NEWEST, unit).review == "nothing_valid"


def test_who_changes_a_part_of_an_address_means_the_rest_as_it_stood() -> None:
    unit = "billing.address"
    lines, city, country = (f"{unit}.{part}" for part in ("lines", "city", "country"))
    told = Held(field=city, said="London", sequence=1, shown="Paris", told=2)
    other = Held(field=country, shown="FR", told=2)
    moved = Held(field=lines, said=("3 Rue",), sequence=3, shown=("3 Rue",))
    fields = {held.field: held for held in (told, other, moved)}
    record = HeldRecord(reference=ExternalReference("shop", "Customer", "1"), fields=fields)
    assert of([record], NEWEST, unit).values == {lines: ("3 Rue",), city: "Paris", country: "FR"}

    later = {name: replace(held, told=4, shown=None) for name, held in fields.items()}
    whole = replace(record, fields={**later, country: replace(later[country], said="GB", sequence=1)})
    value = of([whole], NEWEST, unit)
    assert value.values == {lines: ("3 Rue",), city: "London", country: "GB"}, (
        "what was told since is not its word"
    )


def test_a_clear_is_a_statement_like_any_other() -> None:
    unit = "billing.address"
    said: dict[str, FieldValue] = {f"{unit}.lines": ("2 Road",), f"{unit}.city": "London", f"{unit}.country": "GB"}
    cleared: dict[str, FieldValue] = dict.fromkeys(said)
    value = of([a_record("erp", said), a_record("shop", cleared, at=NOW + DAY)], NEWEST, unit)
    assert value.values == cleared


def test_a_person_overrules_everybody_and_it_can_be_seen() -> None:
    pin = Pin(unit=EMAIL, values={EMAIL: "p"}, by="ann", reason="called the customer", at=NOW)
    value = golden([a_record("erp", {EMAIL: "e"})], an_ownership(), NOW, [pin])[EMAIL]
    assert (value.values, value.rule) == ({EMAIL: "p"}, "pin")
    assert reasons(value) == {"erp": "pinned_over"}
    assert value.why().startswith("ann decided so on 2026-01-01")


def test_only_living_records_count() -> None:
    for state in ("deleted", "merged"):
        assert golden([a_record("erp", {EMAIL: "e"}, state=state)], an_ownership(), NOW) == {}


OPINIONS = st.lists(
    st.builds(
        lambda system, value, second, sequence, saw, number: a_record(
            system,
            {EMAIL: value},
            at=NOW + second * SECOND,
            sequence=sequence,
            saw=min(saw, sequence - 1),
            number=number,
        ),
        st.sampled_from(["erp", "shop", "pos"]),
        st.sampled_from(["a", "b", None]),
        st.integers(-1000, 1000),
        st.integers(1, 9),
        st.integers(0, 9),
        st.sampled_from(["1", "2"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda record: record.reference,
)
RULES = [
    Rule(rule="owner", owner="erp"),
    Rule(rule="owner", owner="erp", initial=True),
    Rule(rule="precedence", precedence=("shop", "erp")),
    Rule(rule="newest_valid", writers=("erp", "shop", "pos")),
    Rule(rule="most_trusted", trust={"erp": 50, "shop": 50}, half_life_days=1),
]


@given(OPINIONS, st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_the_order_in_which_records_are_read_makes_no_difference_and_everybody_is_named(
    records: list[HeldRecord], rule: Rule, chance: Random
) -> None:
    value = of(records, rule)
    shuffled = list(records)
    chance.shuffle(shuffled)
    assert of(shuffled, rule) == value
    named = [loser.record for loser in value.losers] + ([value.winner.record] if value.winner else [])
    assert sorted(map(str, named)) == sorted(str(record.reference) for record in records)
    assert all(loser.why_not for loser in value.losers)


def written_there(record: HeldRecord, value: FieldValue, mark: str, told: int) -> HeldRecord:
    """The record after another hub wrote there."""
    fields = {name: replace(held, shown=value, told=told, told_by=mark) for name, held in record.fields.items()}
    return replace(record, fields=fields)


MINE, THEIRS = a_record("shop", {EMAIL: "mine"}, at=NOW + 2, sequence=7), a_record("erp", {EMAIL: "theirs"})
MARKS = ("north", "east")


def test_what_the_leading_hub_wrote_since_says_which_statement_is_newer() -> None:
    records = [written_there(MINE, "theirs", "east", told=8), THEIRS]
    value = of(records, NEWEST, marks=MARKS, clock_tolerance_seconds=0)
    assert (value.values, value.review) == ({EMAIL: "theirs"}, "")
    assert value.winner is not None
    assert value.winner.record == THEIRS.reference
    assert reasons(value) == {"shop": "older"}


def test_what_the_leading_hub_wrote_holds_where_nobody_has_heard_of_its_statement() -> None:
    value = of([written_there(MINE, "unheard of", "east", told=8), THEIRS], NEWEST, marks=MARKS)
    assert value.values == {EMAIL: "unheard of"}
    assert value.winner is not None
    assert (value.winner.record, value.winner.origin) == (MINE.reference, "east")
    assert reasons(value) == {"erp": "older", "shop": "older"}


@pytest.mark.parametrize(
    ("told", "marks"), [(6, ("north", "east")), (8, ("east", "north")), (8, ("east",)), (8, ())]
)
def test_neither_an_earlier_judgement_nor_that_of_a_hub_which_does_not_lead_counts(
    told: int, marks: tuple[str, ...]
) -> None:
    mark = "east" if marks[:1] != ("east",) else "north"
    value = of([written_there(MINE, "theirs", mark, told), THEIRS], NEWEST, marks=marks, clock_tolerance_seconds=0)
    assert value.values == {EMAIL: "mine"}


def test_a_leading_hub_says_nothing_where_a_field_has_an_owner() -> None:
    rule = Rule(rule="owner", owner="shop")
    value = of([written_there(MINE, "theirs", "east", told=8), THEIRS], rule, marks=MARKS)
    assert value.values == {EMAIL: "mine"}
