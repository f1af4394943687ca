"""Identifiers: new ones sort by age, and a write's key is the same on every attempt."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.kit.errors import Invalid
from crossdock.kit.ids import BUSINESS_KEY_CHARACTERS_MAX, check_business_key, new_id, write_key


def test_new_ids_are_unique_uuids_of_version_seven() -> None:
    made = [new_id() for _ in range(2_000)]
    assert len(set(made)) == 2_000
    for each in made[:50]:
        parsed = uuid.UUID(each)
        assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
        assert str(parsed) == each


def test_new_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    made = [new_id() for _ in range(2_000)]
    stamps = [each[:13] for each in made]
    assert stamps == sorted(stamps)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_write_key_is_always_the_same_short_plain_text(run_id: str, step: str) -> None:
    key = write_key(run_id, step)
    assert key == write_key(run_id, step)
    assert len(key) == 28
    assert key.isascii()
    assert key.isalnum()


def test_keys_of_other_runs_and_steps_are_other_keys() -> None:
    keys = {write_key(run, step) for run in ("a", "b", "ab", "a\x00b") for step in ("", "b", "bc", "c")}
    assert len(keys) == 16


def test_keys_survive_upgrades() -> None:
    """Orders under way were written under it: this key may never change."""
    assert write_key("order", "SF-00000123") == "XD89B1CB9EFFB28F4E0A19E14DE0"


@pytest.mark.parametrize("key", ["O-1", "SF-00000123", "a" * BUSINESS_KEY_CHARACTERS_MAX, "web:1@2#3+4.5_6"])
def test_a_business_key_may_stand_in_a_url_and_a_log(key: str) -> None:
    assert check_business_key(key) == key


@pytest.mark.parametrize(
    "key", ["", " ", "a b", "-a", "../x", "a/b", "ä", "a\x00", "a\n", "?", "a" * 121, "%2F", "\uff21"]
)
def test_any_other_key_is_refused_with_its_path(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_business_key(key, "$.order_id")
    assert caught.value.code == "business-key"
    assert caught.value.findings[0].path == "$.order_id"
