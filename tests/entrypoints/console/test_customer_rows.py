"""A customer laid out: under headings, a voice for every record, the two sides of a merge."""

from msgspec.structs import replace

from crossdock.entrypoints.console.customer_rows import parted, record_in_words, row_of, sections_of
from crossdock.entrypoints.entrance.customer_answers import CustomerTold, MergeTold, OpinionTold, ValueTold
from crossdock.entrypoints.entrance.field_words import field_in_words, fields_in_words, rule_in_words, section_of
from crossdock.identity.golden.fields import CATALOGUE, FieldValue

AT = "2026-11-22T05:47:34.436Z"
RECORDS = {"erp/partner/1": "Small ERP 1", "shop/Account/2": "Shop 2", "till/card/3": "Till 3"}


def opinion(record: str, why_not: str = "", **values: FieldValue) -> OpinionTold:
    named = {f"contact.{name}": value for name, value in values.items()}
    return OpinionTold(record=record, values=named, said_at=AT, correlation_id="c", why_not=why_not)


def value(*opinions: OpinionTold, rule: str = "owner", review: str = "", **values: FieldValue) -> ValueTold:
    named = {f"contact.{name}": held for name, held in values.items()}
    return ValueTold(
        field="contact.email",
        values=named,
        rule=rule,
        why="a sentence",
        review=review,
        pinned_by="",
        opinions=opinions,
    )


def test_every_record_has_a_voice() -> None:
    said = value(
        opinion("erp/partner/1", email="a@x"),
        opinion("shop/Account/2", "not_owner", email="a@x"),
        opinion("old/gone/9", "older", email="b@x"),
        email="a@x",
    )
    row = row_of(said, RECORDS)
    assert [(voice.title, voice.said) for voice in row.voices] == [
        ("Small ERP 1", "holds"),
        ("Shop 2", "agrees"),
        ("Till 3", "silent"),
        ("old/gone/9", "differs"),
    ]
    assert [voice.why_not for voice in row.heard] == ["survives", "may not say this", "is older"]
    assert (row.words, row.why) == ("E-mail", "Small ERP 1 owns this")


def test_why_is_short_and_asks_where_a_person_has_to_decide() -> None:
    assert row_of(value(), {}).why == "nobody whose word counts has said anything"
    asked = row_of(value(opinion("erp/partner/1", email="a@x"), review="cannot_know", email="a@x"), RECORDS)
    assert (asked.asks, asked.why) == (True, "nobody can know which word is newer: decide below")


def test_the_two_sides_of_a_merge_are_told_where_they_differ() -> None:
    said = value(
        opinion("erp/partner/1", email="a@x"), opinion("shop/Account/2", "older", email="b@x"), email="a@x"
    )
    customer = CustomerTold(customer_id="P-1", name="", into="", version="1", records=(), values=(said,))
    merge = MergeTold(
        merge_id="m",
        survivor="P-1",
        absorbed="P-2",
        at=AT,
        by="ines",
        reason="",
        stands=True,
        records=("shop/Account/2",),
        repairs=(),
        restored=(),
        kept=(),
        not_restorable=(),
        under_way=(),
    )
    assert parted(customer, merge) == [("E-mail", "a@x", "b@x", "kept")]


def test_every_field_has_words_and_a_heading() -> None:
    names = {name.replace("*", "default") for field in CATALOGUE.values() for name in (field.name, field.group)}
    assert [name for name in names if section_of(name) == "Other"] == []
    assert [name for name in names if not field_in_words(name)[0].isupper() or "_" in field_in_words(name)] == []
    assert field_in_words("shipping.warehouse.address.city") == "Shipping warehouse city"
    assert fields_in_words(
        ["shipping.default.address.city", "person.name.given", "shipping.default.address.lines"]
    ) == ("Name, Shipping address")
    assert (rule_in_words("domains.payment_terms"), rule_in_words("fields.shipping.*.eligible")) == (
        "Payment terms",
        "Shipping eligible",
    )


def test_headings_stand_in_the_order_in_which_people_ask() -> None:
    told = [value(), replace(value(), field="tax.number"), replace(value(), field="person.name")]
    headings = [heading for heading, _ in sections_of(told, {})]
    assert headings == ["Who it is", "How to reach it", "Account and money"]


def test_a_record_is_told_by_its_system_and_number() -> None:
    titles = {"erp": "Small ERP"}
    assert record_in_words("erp/partner/BP-1", titles) == "Small ERP BP-1"
    assert record_in_words("gone/Account/7/8", titles) == "gone 7/8"
    assert record_in_words("01a201cb-8874-703d-9e93-b2acf261ec83", titles) == "customer …61ec83"
    assert record_in_words("", titles) == ""
