"""Statements about parties, drawn at random: each field is said, said to be empty, or not said."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from crossdock.identity.golden.fields import ANY_KEY, CATALOGUE, Field, FieldValue

WORDS = ("Ada", "Berlin", "Straße 1", "漢字", "x")
KEYS = ("default", "email-marketing", "b2")
CODES = {"country": "DE", "registered_in": "FR", "currency": "EUR", "language": "de", "amount": "12.50"}


def values_of(field: Field) -> st.SearchStrategy[FieldValue]:
    """Values that the field takes, `None` among them."""
    last = field.name.rpartition(".")[2]
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "text": st.just(CODES[last]) if last in CODES else st.sampled_from(WORDS),
        "yes or no": st.booleans(),
        "whole number": st.integers(0, 10**6),
        "day": st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(date.isoformat),
        "moment": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - made aware below
            lambda moment: moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
        ),
        "list of text": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple),
    }
    if field.kind.startswith("one of "):
        return st.none() | st.sampled_from(field.kind.removeprefix("one of ").split(", "))
    return st.none() | kinds[field.kind]


@st.composite
def fields(draw: st.DrawFn) -> dict[str, FieldValue]:
    """What some statement says."""
    names = draw(st.lists(st.sampled_from(sorted(CATALOGUE)), unique=True, max_size=12))
    return {name.replace(ANY_KEY, draw(st.sampled_from(KEYS))): draw(values_of(CATALOGUE[name])) for name in names}
