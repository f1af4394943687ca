"""Of each consent it can be said which system shows it since when, and what is owed for how long."""

from collections.abc import Sequence

from msgspec.structs import replace
from tests.identity.golden.records import NOW, SECOND, a_record, a_statement, an_ownership

from crossdock.identity.golden.contributions import HeldRecord, take, tell
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import PartyEvent, PartyFile
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.golden.propagation import Consent, Place, consents_of
from crossdock.identity.golden.survivorship import Pin

UNIT = "consents.email"
STATUS, FROM = f"{UNIT}.status", f"{UNIT}.captured_from"
MINUTE = 60 * SECOND
SHARED = Rule(rule="newest_valid", writers=("erp", "shop"), readers=("erp", "shop"))


def says(
    record: HeldRecord, said: dict[str, FieldValue], at: int, *, from_hub: bool = False, origin: str = ""
) -> HeldRecord:
    """The record after it said so."""
    statement = a_statement(said, at=at, from_hub=from_hub, origin=origin)
    changed, _ = take(record.fields, statement, at)
    return replace(record, fields={**record.fields, **changed})


def is_told(record: HeldRecord, said: dict[str, FieldValue], at: int) -> HeldRecord:
    """The record after the hub wrote this there."""
    return replace(record, fields={**record.fields, **tell(record.fields, said, at)})


def look(
    *records: HeldRecord,
    ownership: Ownership | None = None,
    pins: Sequence[Pin] = (),
    history: Sequence[PartyEvent] = (),
    in_doubt: bool = False,
) -> Consent:
    file = PartyFile(party_id="P-1", sequence=1, records=records, pins=tuple(pins))
    (found,) = consents_of(
        file, ownership or an_ownership(), NOW + 60 * MINUTE, history=history, in_doubt=in_doubt
    )
    return found


def place(*records: HeldRecord, ownership: Ownership | None = None, history: Sequence[PartyEvent] = ()) -> Place:
    (found,) = look(*records, ownership=ownership, history=history).places
    return found


ERP = a_record("erp", {STATUS: "opt_in"})
SHOP = is_told(a_record("shop", {"contact.email": "a@x.org"}), {STATUS: "opt_in"}, NOW + SECOND)


def test_what_holds_is_told_with_whose_word_it_is_and_since_when_each_reader_shows_it() -> None:
    consent = look(ERP, SHOP)
    assert (consent.unit, consent.status, consent.since) == (UNIT, "opt_in", NOW)
    assert consent.value.winner is not None
    assert consent.value.winner.record == ERP.reference
    assert consent.places == (
        Place(system="shop", state="shows", record=SHOP.reference, status="opt_in", since=NOW + SECOND),
    )


def test_a_change_is_owed_since_the_hub_heard_of_it_and_late_after_the_time_that_is_given() -> None:
    there = place(says(ERP, {STATUS: "opt_out"}, NOW + MINUTE), SHOP)
    assert (there.state, there.status, there.since, there.fields) == ("owed", "opt_in", NOW + MINUTE, (STATUS,))
    assert there.waited_us(NOW + 16 * MINUTE) == 15 * MINUTE
    assert not there.is_late(NOW + 16 * MINUTE, 15 * MINUTE)
    assert there.is_late(NOW + 16 * MINUTE + 1, 15 * MINUTE)


def test_what_is_shown_again_as_it_holds_is_owed_no_more() -> None:
    out = says(ERP, {STATUS: "opt_out"}, NOW + MINUTE)
    back = says(out, {STATUS: "opt_in"}, NOW + 5 * MINUTE)
    assert place(back, SHOP).state == "shows", "it never heard of the withdrawal, and shows what holds"
    shop = is_told(SHOP, {STATUS: "opt_out"}, NOW + 2 * MINUTE)
    there = place(back, shop)
    assert (there.state, there.status, there.since) == ("owed", "opt_out", NOW + 5 * MINUTE)
    done = place(back, is_told(shop, {STATUS: "opt_in"}, NOW + 6 * MINUTE))
    assert (done.state, done.since, done.waited_us(NOW + 60 * MINUTE)) == ("shows", NOW + 6 * MINUTE, 0)


def test_a_reader_that_is_told_again_what_it_once_said_itself_shows_it_since_it_was_told() -> None:
    shop = says(SHOP, {STATUS: "opt_out"}, NOW + 2 * MINUTE)
    shop = is_told(shop, {STATUS: "opt_in"}, NOW + 3 * MINUTE)
    shop = is_told(shop, {STATUS: "opt_out"}, NOW + 8 * MINUTE)
    there = place(says(ERP, {STATUS: "opt_out"}, NOW + 7 * MINUTE), shop)
    assert (there.state, there.since) == ("shows", NOW + 8 * MINUTE)


def test_a_later_word_about_another_part_does_not_make_a_withdrawal_look_new() -> None:
    out = says(ERP, {STATUS: "opt_out"}, NOW + MINUTE)
    there = place(says(out, {FROM: "shop floor"}, NOW + 20 * MINUTE), SHOP)
    assert (there.since, there.fields) == (NOW + MINUTE, (FROM, STATUS))


def test_a_reader_that_says_otherwise_by_itself_owes_it_since_then() -> None:
    there = place(ERP, says(SHOP, {STATUS: "opt_out"}, NOW + 7 * MINUTE))
    assert (there.state, there.status, there.since) == ("owed", "opt_out", NOW + 7 * MINUTE)


def test_where_the_customer_has_no_record_nothing_is_late() -> None:
    assert place(ERP) == Place(system="shop", state="no_record")
    deleted = replace(SHOP, state="deleted")
    assert place(ERP, deleted).state == "no_record"
    made = place(ERP, ownership=an_ownership(creates=("shop",)))
    assert (made.state, made.since) == ("owed", NOW)
    assert not made.is_late(NOW + 60 * MINUTE, 0)


def test_a_record_that_waits_for_a_doubt_about_who_it_is_is_held_back() -> None:
    (there,) = look(ERP, ownership=an_ownership(creates=("shop",)), in_doubt=True).places
    assert (there.system, there.record, there.state) == ("shop", None, "held_back")


def test_what_nobody_can_know_is_held_back_and_late_all_the_same() -> None:
    erp, shop = a_record("erp", {STATUS: "opt_out"}), a_record("shop", {STATUS: "opt_in"}, sequence=2)
    consent = look(erp, shop, ownership=an_ownership(SHARED))
    assert consent.value.review == "cannot_know"
    states = {each.system: each.state for each in consent.places}
    assert states == {"erp": "shows", "shop": "held_back"}
    assert [each.system for each in consent.places if each.is_late(NOW + 2, 1)] == ["shop"]
    on = look(erp, shop, ownership=an_ownership(SHARED, cannot_know="newest"))
    assert {each.system: each.state for each in on.places} == {"erp": "shows", "shop": "owed"}


def test_a_consent_that_nobody_whose_word_counts_has_given_is_seen_where_it_stands() -> None:
    consent = look(a_record("shop", {STATUS: "opt_in"}))
    assert consent.status is None
    assert [(each.state, each.status) for each in consent.places] == [("nothing_holds", "opt_in")]
    left = look(replace(ERP, state="deleted"), SHOP)
    assert (left.status, left.places[0].state) == (None, "nothing_holds")


def test_a_decision_is_owed_since_it_was_made_and_its_end_since_that() -> None:
    pin = Pin(unit=UNIT, values={STATUS: "opt_out"}, by="Ines", reason="rang", at=NOW + 9 * MINUTE)
    (there,) = look(ERP, SHOP, pins=[pin]).places
    assert (there.state, there.since) == ("owed", NOW + 9 * MINUTE)
    shop = is_told(SHOP, {STATUS: "opt_out"}, NOW + 10 * MINUTE)
    ended = PartyEvent(number=3, at=NOW + 30 * MINUTE, what="decision ended", fields=(UNIT,))
    other = PartyEvent(number=4, at=NOW + 40 * MINUTE, what="decision ended", fields=("contact.email",))
    assert place(ERP, shop, history=[other, ended]).since == NOW + 30 * MINUTE


def test_what_is_owed_by_a_merge_or_a_new_link_is_owed_since_then() -> None:
    merged = PartyEvent(number=5, at=NOW + 20 * MINUTE, what="merged", record="P-2")
    shop = is_told(SHOP, {STATUS: "opt_out"}, NOW + 2)
    assert place(ERP, shop).since == NOW + 2
    assert place(ERP, shop, history=[merged]).since == NOW + 20 * MINUTE
    bare = a_record("shop", {"contact.email": "a@x.org"})
    linked = PartyEvent(number=6, at=NOW + 25 * MINUTE, what="linked", record="shop/Customer/1")
    of_other = PartyEvent(number=7, at=NOW + 50 * MINUTE, what="linked", record="erp/Customer/1")
    assert place(ERP, bare, history=[of_other, linked]).since == NOW + 25 * MINUTE


def test_what_another_hub_wrote_there_is_shown_since_then() -> None:
    shop = a_record("shop", {"contact.email": "a@x.org"})
    there = place(ERP, says(shop, {STATUS: "opt_in"}, NOW + 3 * MINUTE, from_hub=True, origin="other"))
    assert (there.state, there.since) == ("shows", NOW + 3 * MINUTE)


def test_a_party_without_consents_has_nothing_to_tell() -> None:
    file = PartyFile(party_id="P-1", sequence=1, records=(a_record("erp", {"contact.email": "a@x.org"}),))
    assert consents_of(file, an_ownership(), NOW) == []
