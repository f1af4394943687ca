"""Systems are told what they read and do not show, and nothing else; disagreements are never dropped."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.identity.golden.records import NOW, a_record, an_ownership
from tests.identity.golden.statements import fields

from crossdock.identity.golden.contributions import HeldRecord, tell
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.golden.spreading import golden_fields, questions, tellings
from crossdock.identity.golden.survivorship import golden

EMAIL = "contact.email"


def told(records: Sequence[HeldRecord], ownership: Ownership) -> dict[str, dict[str, FieldValue]]:
    values = golden(records, ownership, NOW)
    return {each.system: dict(each.fields) for each in tellings(records, values, ownership)}


def test_only_what_differs_is_told_and_only_to_readers() -> None:
    records = [
        a_record("erp", {EMAIL: "e", "contact.phone": "1"}),
        a_record("shop", {EMAIL: "s", "contact.phone": "1"}),
        a_record("pos", {EMAIL: "p"}),
    ]
    assert told(records, an_ownership()) == {"shop": {EMAIL: "e"}}


def test_what_a_group_does_not_mention_is_cleared_where_it_is_shown() -> None:
    unit = "billing.address"
    whole: dict[str, FieldValue] = {f"{unit}.lines": ("1",), f"{unit}.city": "Dubai", f"{unit}.country": "AE"}
    other: dict[str, FieldValue] = {f"{unit}.region": "UK", f"{unit}.city": "Dubai"}
    assert told([a_record("erp", whole), a_record("shop", other)], an_ownership()) == {
        "shop": {f"{unit}.lines": ("1",), f"{unit}.country": "AE", f"{unit}.region": None}
    }


def test_what_the_golden_record_does_not_mention_is_left_alone() -> None:
    assert told([a_record("shop", {EMAIL: "s"})], an_ownership()) == {}


def test_a_system_without_a_record_gets_one_only_where_that_is_declared() -> None:
    record = [a_record("erp", {EMAIL: "e"})]
    assert told(record, an_ownership()) == {}
    assert told(record, an_ownership(creates=("shop",))) == {"shop": {EMAIL: "e"}}
    gone = [a_record("erp", {EMAIL: "e"}, state="deleted")]
    assert told(gone, an_ownership(creates=("shop",))) == {}


def test_what_nobody_can_know_is_held_until_somebody_does() -> None:
    rule = Rule(rule="newest_valid", writers=("erp", "shop"), readers=("erp", "shop"))
    records = [a_record("erp", {EMAIL: "e"}), a_record("shop", {EMAIL: "s"})]
    held, on = an_ownership(rule), an_ownership(rule, cannot_know="newest")
    assert told(records, held) == {}
    assert told(records, on) == {"shop": {EMAIL: "e"}}
    for ownership in (held, on):
        (asked,) = questions(golden(records, ownership, NOW), ownership)
        assert (asked.kind, asked.unit) == ("cannot_know", EMAIL)


def test_what_is_not_theirs_is_proposed_or_refused_and_never_dropped() -> None:
    records = [a_record("erp", {EMAIL: "e"}), a_record("shop", {EMAIL: "s"}, sequence=3)]
    for others, kind in (("propose", "proposed"), ("refuse", "refused")):
        ownership = an_ownership(Rule(rule="owner", owner="erp", others=others))  # type: ignore[arg-type]
        (asked,) = questions(golden(records, ownership, NOW), ownership)
        assert (asked.kind, asked.system, asked.to, asked.sequence) == (kind, "shop", "erp", 3)
    agreeing = [a_record("erp", {EMAIL: "s"}), a_record("shop", {EMAIL: "s"})]
    assert questions(golden(agreeing, an_ownership(), NOW), an_ownership()) == []


@given(fields(), fields(), st.sampled_from(["hold", "newest"]))
def test_whoever_was_told_need_not_be_told_again(
    of_erp: dict[str, FieldValue], of_shop: dict[str, FieldValue], cannot_know: str
) -> None:
    rule = Rule(rule="newest_valid", writers=("erp", "shop"), readers=("erp", "shop"))
    ownership = an_ownership(rule, cannot_know=cannot_know)
    records = [a_record("erp", of_erp), a_record("shop", of_shop)]
    before = golden_fields(golden(records, ownership, NOW))
    after = []
    sent = told(records, ownership)
    for record in records:
        fields_told = tell(record.fields, sent.get(record.reference.system, {}), 2)
        after.append(replace(record, fields={**record.fields, **fields_told}))
    assert told(after, ownership) == {}
    assert golden_fields(golden(after, ownership, NOW)) == before, "being told is no opinion"


def test_who_is_known_only_as_a_contact_gets_a_record_only_where_contacts_do() -> None:
    person: dict[str, FieldValue] = {EMAIL: "e", "hierarchy.relation": "contact", "hierarchy.parent.value": "7"}
    rules = an_ownership(creates=("shop",), creates_contacts=("desk",))
    desk = replace(rules, domains={name: replace(rule, readers=("desk",)) for name, rule in rules.domains.items()})
    assert told([a_record("erp", person)], rules) == {}
    assert told([a_record("erp", person)], desk) == {"desk": person}
    customer = a_record("erp", {EMAIL: "e"}, number="2")
    assert set(told([a_record("erp", person), customer], rules)) == {"shop"}, "he is a customer, too"


def test_whose_contact_somebody_is_stays_the_word_of_each_record() -> None:
    here: dict[str, FieldValue] = {"hierarchy.relation": "contact", "hierarchy.parent.value": "7", EMAIL: "e"}
    there = here | {"hierarchy.parent.value": "8", EMAIL: "s"}
    assert told([a_record("erp", here), a_record("shop", there)], an_ownership()) == {"shop": {EMAIL: "e"}}
    assert told([a_record("erp", here), a_record("shop", {EMAIL: "s"})], an_ownership()) == {"shop": {EMAIL: "e"}}
