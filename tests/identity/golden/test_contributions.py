"""What a record said is kept apart from what the hub wrote there, and nothing old replaces what is newer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.golden.records import NOW, SECOND, a_statement
from tests.identity.golden.statements import fields

from crossdock.identity.golden.contributions import (
    Held,
    Statement,
    Taken,
    counted_at,
    plain,
    plain_fields,
    take,
    tell,
)
from crossdock.identity.golden.fields import FieldValue

EMAIL = "contact.email"


@given(fields())
def test_the_same_statement_again_changes_nothing(said: dict[str, FieldValue]) -> None:
    rows, taken = take({}, a_statement(said), 1)
    assert set(taken.stated) == set(said)
    again, taken_again = take(rows, a_statement(said), 2)
    assert again == {}
    assert set(taken_again.echoed) == set(said)


@given(fields())
def test_what_the_hub_wrote_comes_back_as_nobodys_opinion(said: dict[str, FieldValue]) -> None:
    rows = tell({}, said, 5)
    changed, taken = take(rows, a_statement(said), 6)
    assert taken.stated == ()
    assert set(taken.echoed) == set(said)
    assert not any(held.has_said for held in changed.values())
    assert {(held.shown, held.told) for held in changed.values()} == {(value, 5) for value in said.values()}


def test_a_change_with_a_hubs_mark_is_no_opinion_even_if_we_did_not_write_it() -> None:
    rows, _ = take({}, a_statement({EMAIL: "a@x.org"}), 1)
    changed, taken = take(rows, a_statement({EMAIL: "b@x.org"}, from_hub=True), 2)
    assert (changed[EMAIL].said, changed[EMAIL].shown) == ("a@x.org", "b@x.org")
    assert taken.echoed == (EMAIL,)


def test_the_same_value_after_another_was_written_there_is_an_opinion_again() -> None:
    rows, _ = take({}, a_statement({EMAIL: "a@x.org"}), 1)
    told = tell(rows, {EMAIL: "b@x.org"}, 2)
    changed, taken = take(told, a_statement({EMAIL: "a@x.org"}, at=NOW + SECOND), 3)
    assert taken.stated == (EMAIL,)
    assert (changed[EMAIL].sequence, changed[EMAIL].saw) == (3, 2)


def test_what_a_system_alone_decides_is_its_word_also_when_our_echo_came_first() -> None:
    rows, _ = take({}, a_statement({EMAIL: "a@x.org"}), 1)
    echoed, _ = take(rows, a_statement({EMAIL: "b@x.org"}, from_hub=True), 2)
    read = a_statement({EMAIL: "b@x.org"}, at=NOW + SECOND, was_read=True, is_word=True)
    changed, taken = take(echoed, read, 3)
    assert (changed[EMAIL].said, changed[EMAIL].sequence, taken.stated) == ("b@x.org", 3, (EMAIL,))
    assert take(changed, read, 4) == ({}, Taken(echoed=(EMAIL,)))


@given(st.permutations([(1, "one"), (2, "two"), (3, "three")]))
def test_a_record_that_is_overtaken_by_itself_stays_overtaken(order: list[tuple[int, str]]) -> None:
    rows: dict[str, Held] = {}
    for sequence, (second, value) in enumerate(order, 1):
        changed, _ = take(rows, a_statement({EMAIL: value}, at=NOW + second * SECOND), sequence)
        rows |= changed
    assert rows[EMAIL].said == "three"


def in_turn(rows: dict[str, Held], *statements: Statement) -> list[Taken]:
    """Take them, one after another."""
    taken = []
    for sequence, statement in enumerate(statements, NOW):
        changed, one = take(rows, statement, sequence)
        rows |= changed
        taken.append(one)
    return taken


@pytest.mark.parametrize("off_seconds", [-600, 0, 600])
def test_a_value_that_was_set_changed_and_set_again_holds_in_whatever_order_the_last_two_are_told(
    off_seconds: int,
) -> None:
    first, second, third = (
        a_statement(
            {EMAIL: value},
            said_at=NOW + (second + off_seconds) * SECOND,
            counted_at=counted_at(NOW + (second + off_seconds) * SECOND, NOW + 5 * SECOND, 300 * SECOND),
            arrived_at=NOW + 5 * SECOND,
        )
        for second, value in ((1, "a@x.org"), (2, "b@x.org"), (3, "a@x.org"))
    )
    rows: dict[str, Held] = {}
    assert [one.stale for one in in_turn(rows, first, third, second)] == [(), (), (EMAIL,)]
    assert (rows[EMAIL].said, rows[EMAIL].shown) == ("a@x.org", "a@x.org")
    assert rows[EMAIL].said_at == first.said_at, "to say it again is no new opinion"


def test_a_value_that_the_record_took_from_a_hub_and_went_back_to_outdates_what_was_between() -> None:
    rows = dict(tell({}, {EMAIL: "a@x.org"}, NOW - 1))
    back, between = (a_statement({EMAIL: value}, at=NOW + at) for value, at in (("a@x.org", 3), ("b@x.org", 2)))
    assert [one.stale for one in in_turn(rows, back, between)] == [(), (EMAIL,)]


def test_what_another_hub_wrote_over_before_we_heard_of_it_is_an_opinion_that_is_not_shown() -> None:
    rows: dict[str, Held] = {}
    in_turn(
        rows,
        a_statement({EMAIL: "a@x.org"}, at=NOW + 1),
        a_statement({EMAIL: "c@x.org"}, at=NOW + 3, from_hub=True),
        a_statement({EMAIL: "b@x.org"}, at=NOW + 2),
    )
    assert (rows[EMAIL].said, rows[EMAIL].shown, rows[EMAIL].saw) == ("b@x.org", "c@x.org", 0)


def test_what_other_hubs_wrote_is_shown_as_it_was_written_last_in_whatever_order_it_is_told() -> None:
    rows: dict[str, Held] = {}
    in_turn(
        rows,
        a_statement({EMAIL: "d@x.org"}, at=NOW + 4, from_hub=True),
        a_statement({EMAIL: "c@x.org"}, at=NOW + 3, from_hub=True),
    )
    assert rows[EMAIL].shown == "d@x.org"


def test_what_the_hub_read_by_its_own_clock_does_not_silence_a_record_whose_clock_is_behind() -> None:
    rows: dict[str, Held] = {}
    read = a_statement({EMAIL: "a@x.org"}, at=NOW, was_read=True)
    edited = a_statement({EMAIL: "b@x.org"}, said_at=NOW - 570 * SECOND, counted_at=NOW - 570 * SECOND)
    assert [one.stated for one in in_turn(rows, read, edited)] == [(EMAIL,), (EMAIL,)]


def test_a_clock_that_once_ran_ahead_does_not_silence_its_system() -> None:
    ahead = a_statement({EMAIL: "a@x.org"}, said_at=NOW + 10**12, counted_at=NOW, arrived_at=NOW)
    rows, _ = take({}, ahead, 1)
    _, taken = take(rows, a_statement({EMAIL: "b@x.org"}, at=NOW + SECOND), 2)
    assert taken.stated == (EMAIL,)


def test_a_time_ahead_of_ours_by_more_than_the_tolerance_counts_as_arrival() -> None:
    assert counted_at(NOW + 5, NOW, 10) == NOW + 5
    assert counted_at(NOW + 11, NOW, 10) == NOW
    assert counted_at(NOW - 10**12, NOW, 10) == NOW - 10**12, "a message may have been under way for long"


def test_values_are_compared_as_people_read_them() -> None:
    assert plain("  Mu\u0308ller   GmbH ") == "Müller GmbH"
    assert plain(" ") is None
    assert plain((" a ", "")) == ("a",)
    assert plain_fields({EMAIL: None, "contact.email_verified": False}) == {
        EMAIL: None,
        "contact.email_verified": False,
    }


def test_a_message_that_was_long_under_way_knew_nothing_of_what_was_told_meanwhile() -> None:
    rows, _ = take({}, a_statement({EMAIL: "a@x.org"}), NOW)
    told = tell(rows, {EMAIL: "b@x.org"}, NOW + 100 * SECOND)
    for said_at, saw in ((NOW + 50 * SECOND, 0), (NOW + 95 * SECOND, NOW + 100 * SECOND)):
        statement = a_statement({EMAIL: "c@x.org"}, at=said_at, tolerance_us=10 * SECOND)
        changed, _ = take(told, statement, NOW + 200 * SECOND)
        assert changed[EMAIL].saw == saw


def test_what_looks_as_if_nobody_ever_said_anything_is_a_word_only_after_it_looked_otherwise() -> None:
    exempt = "tax.exemption.exempt"
    unset: dict[str, Any] = {"unset": (EMAIL, exempt)}
    rows, taken = take({}, a_statement({EMAIL: None, exempt: False}, **unset), 1)
    assert (taken.stated, set(taken.echoed)) == ((), {EMAIL, exempt})
    assert not any(held.has_said for held in rows.values())
    assert rows[exempt].shown is False

    again, _ = take(rows, a_statement({EMAIL: None, exempt: False}, at=NOW + SECOND, **unset), 2)
    assert not any(held.has_said for held in again.values())

    filled, _ = take(rows, a_statement({EMAIL: "a@x.org", exempt: True}, at=NOW + SECOND), 3)
    _, emptied = take(filled, a_statement({EMAIL: None, exempt: False}, at=NOW + 2 * SECOND, **unset), 4)
    assert set(emptied.stated) == {EMAIL, exempt}
    _, cleared = take(tell({}, {EMAIL: "b@x.org"}, 5), a_statement({EMAIL: None}, unset=(EMAIL,)), 6)
    assert cleared.stated == (EMAIL,), "what the hub wrote was taken out there"


def test_what_was_seen_empty_is_not_filled_by_a_message_from_before() -> None:
    rows, _ = take({}, a_statement({EMAIL: None}, at=NOW + SECOND, unset=(EMAIL,)), 1)
    _, taken = take(rows, a_statement({EMAIL: "old@x.org"}, at=NOW), 2)
    assert taken.stale == (EMAIL,)
