"""Ids and times, as small and strict as the vendor's."""

import pytest

from crossdock.adapters.salesforce.simulator.tables.ids import IdSequence, normalised, with_checksum
from crossdock.adapters.salesforce.simulator.tables.moments import (
    datetime_text,
    epoch_ms,
    from_epoch_ms,
    http_date,
    parse_date,
    parse_datetime,
    parse_http_date,
    stamp_text,
)

# Ids as the vendor's documentation and clients' tests print them.
KNOWN = [("001D000000Ks8XH", "001D000000Ks8XHIAZ"), ("00Dx0000000A0fU", "00Dx0000000A0fUEAS")]


@pytest.mark.parametrize(("short", "long"), KNOWN)
def test_known_ids_have_their_known_checksum(short: str, long: str) -> None:
    assert with_checksum(short) == long


@pytest.mark.parametrize("short", ["001000000000000", "ABCDEABCDEABCDE", "abcdeabcdeabcde"])
def test_the_long_form_begins_with_the_short_one_and_survives_case_folding(short: str) -> None:
    long = with_checksum(short)

    assert len(long) == 18
    assert long[:15] == short
    assert normalised(short) == normalised(long) == normalised(long.lower()) == long


def test_the_checksum_is_read_from_the_upper_case_letters_in_groups_of_five() -> None:
    assert with_checksum("000000000000000") == "000000000000000AAA"
    assert with_checksum("A0000000000000A") == "A0000000000000ABAQ"
    assert with_checksum("ABCDEABCDEABCDE") == "ABCDEABCDEABCDE555"


@pytest.mark.parametrize("text", ["", "001", "0010000000000", "001-00000000000", "0010000000000000000", None, 5])
def test_what_has_not_the_shape_of_an_id_is_none(text: object) -> None:
    assert normalised(text) is None


def test_ids_are_counted_per_prefix_and_sort_as_they_were_made() -> None:
    ids = IdSequence()
    made = [ids.next("801") for _ in range(5_000)]

    assert made == sorted(made)
    assert len(set(made)) == 5_000
    assert ids.next("802") == IdSequence().next("802")


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("2026-03-01T10:15:30Z", "2026-03-01T10:15:30.000+0000"),
        ("2026-03-01T10:15:30.123+01:00", "2026-03-01T09:15:30.123+0000"),
        ("2026-03-01T10:15:30.123456+0100", "2026-03-01T09:15:30.123+0000"),
        ("2026-03-01 10:15:30", "2026-03-01T10:15:30.000+0000"),
        ("2026-03-01T10:15Z", "2026-03-01T10:15:00.000+0000"),
        ("2026-03-01", "2026-03-01T00:00:00.000+0000"),
    ],
)
def test_a_time_has_one_spelling(text: str, wire: str) -> None:
    instant = parse_datetime(text)

    assert instant is not None
    assert datetime_text(instant) == wire
    assert from_epoch_ms(epoch_ms(wire)) == wire
    assert stamp_text(instant) == wire[:19] + ".000+0000"


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "2026-02-30T00:00:00Z", "0000-01-01", "2026-03-01T25:00:00Z"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_datetime(text) is None
    assert parse_date(text) is None or text == "2026-03-01T25:00:00Z"


def test_http_dates_go_there_and_back() -> None:
    text = http_date("2026-03-01T10:15:30.000+0000")

    assert text == "Sun, 01 Mar 2026 10:15:30 GMT"
    assert parse_http_date(text) == parse_datetime("2026-03-01T10:15:30Z")
    assert parse_http_date("yesterday") is None
