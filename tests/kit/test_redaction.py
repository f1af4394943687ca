"""Canaries: whatever is secret or personal must not come out of the log, by any way in."""

import copy
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.kit.redaction import MASK, SAFE_NAMES, Secret, redact, scrub

CANARIES = [
    "ada.lovelace+canary@shop.example",
    "ADA@SUB.SHOP.EXAMPLE",
    "+49 (30) 123-4567",
    "+4915112345678",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "378282246310005",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "00D5g000001AbCd!AQEAQPzZ9xQ7Lk.canary",
]
WAYS = ["{}", "mail {}!", "({})", '"{}"', "a,{},b", "url?x={}&y", "tab\t{}\nnext"]


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("way", WAYS)
def test_no_canary_survives_scrubbing(canary: str, way: str) -> None:
    assert canary not in scrub(way.format(canary))
    assert MASK in scrub(way.format(canary))


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("wrap", [str, lambda c: [c], lambda c: {"a": c}, ValueError, lambda c: (1, {"b": [c]})])
def test_no_canary_comes_through_under_any_name(canary: str, wrap: Any) -> None:
    event = {name: wrap(canary) for name in (*sorted(SAFE_NAMES), "customer", "password", "payload")}
    assert canary not in repr(redact(None, "info", event))


@given(st.text(min_size=1).filter(lambda name: name not in SAFE_NAMES), st.text(min_size=1))
def test_what_no_one_declared_safe_is_masked(name: str, value: str) -> None:
    assert redact(None, "info", {name: value}) == {name: MASK}


@pytest.mark.parametrize(
    "words",
    [
        "order SF-00000123 accepted as SO-000042",
        "5 calls in a row failed; unavailable: The ERP takes no calls now",
        "2026-01-01T00:00:00.123Z",
        "01a1fdca-8b1f-76bf-b6d5-45cb5575dd0a",
        "Of P-100 only 20 of 25 EA can be promised.",
    ],
)
def test_what_an_operator_needs_stays_readable(words: str) -> None:
    assert scrub(words) == words


def test_numbers_and_flags_stay_what_they_are() -> None:
    event = {"count": 3, "seconds": 0.5, "attempt": True, "remaining": None}
    assert redact(None, "info", dict(event)) == event


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("canary-9f3c")
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r}", repr([secret]), repr({"a": secret})):
        assert "canary" not in shown
    assert secret.reveal() == "canary-9f3c"
    assert secret == Secret("canary-9f3c") != Secret("other")
    assert len({secret, Secret("canary-9f3c")}) == 1


def test_a_secret_leaves_by_no_encoder() -> None:
    secret = Secret("canary-9f3c")
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    assert not hasattr(secret, "__dict__")
