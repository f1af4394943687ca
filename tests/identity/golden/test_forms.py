"""The same in another form, and what only looks like it."""

import pytest

from crossdock.identity.golden.forms import is_same_form


@pytest.mark.parametrize(
    ("field", "told", "shown"),
    [
        ("credit.limit.amount", "1250.50", "1250.5"),
        ("receivables.balance.amount", "-0.10", "-0.1"),
        ("contact.phone", "+49 30 5550177", "030 5550177"),
        ("organisation.name", "Ærø & Söhne", "ærø söhne"),
    ],
)
def test_the_same_in_another_form(field: str, told: str, shown: str) -> None:
    assert is_same_form(field, told, shown)


@pytest.mark.parametrize(
    ("field", "told", "shown"),
    [
        ("credit.limit.amount", "1250.50", "12505.0"),
        ("credit.limit.amount", "1000.00", "100000"),
        ("receivables.balance.amount", "12.50", "-12.50"),
        ("contact.phone", "+49 30 5550177", "+49 30 5550178"),
    ],
)
def test_another_value_is_no_other_form(field: str, told: str, shown: str) -> None:
    assert not is_same_form(field, told, shown)
