"""The catalogue names everything that can be said, and a statement taken apart comes together again."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from tests.identity.golden.statements import fields

from crossdock.canonical.party import Consent, ExternalReference, Party
from crossdock.identity.golden.fields import (
    CATALOGUE,
    GROUPS,
    Domain,
    FieldValue,
    Sensitivity,
    field_of,
    fields_of,
    find_field,
    group_of,
    party_of,
)
from crossdock.kit.errors import Invalid


@given(fields())
def test_a_statement_taken_apart_and_put_together_says_the_same(said: dict[str, FieldValue]) -> None:
    reference = (ExternalReference("erp", "Party", "7"),)
    party = party_of(said, reference)
    assert fields_of(party) == said
    assert party_of(fields_of(party), reference) == party


def test_nothing_said_is_no_field() -> None:
    assert fields_of(Party()) == {}
    assert party_of({}) == Party()


def test_a_moment_is_the_same_from_every_time_zone() -> None:
    here = datetime(2026, 3, 29, 23, 30, tzinfo=timezone(timedelta(hours=-7)))
    said = [fields_of(Party(consents={"sms": Consent(captured_at=at)})) for at in (here, here.astimezone(UTC))]
    assert said[0] == said[1] == {"consents.sms.captured_at": "2026-03-30T06:30:00Z"}


def test_every_domain_has_fields_and_every_group_several() -> None:
    assert {field.domain for field in CATALOGUE.values()} == set(Domain)
    for group in GROUPS:
        assert sum(field.group == group for field in CATALOGUE.values()) > 1, group


def test_an_address_is_a_group_within_its_entry() -> None:
    assert group_of("shipping.default.address.city") == "shipping.default.address"
    assert group_of("shipping.default.carrier") == "shipping.default.carrier"
    assert group_of("consents.email.status") == "consents.email"
    assert group_of("billing.address.lines") == "billing.address"


def test_what_tells_about_a_person_is_marked() -> None:
    marked = {name for name, field in CATALOGUE.items() if field.sensitivity is Sensitivity.PERSONAL}
    assert {"person.name.given", "contact.email", "billing.address.lines", "loyalty.*.number"} <= marked
    assert not marked & {"terms.code", "account.status", "tax.classification", "kind"}


def test_what_is_no_field_is_refused() -> None:
    assert find_field("shipping.default") is None
    for name in ("billing", "contact.email.x", "consents", "references", ""):
        assert find_field(name) is None, name
        with pytest.raises(Invalid):
            field_of(name)


def test_a_value_that_does_not_fit_is_refused_with_its_path() -> None:
    with pytest.raises(Invalid) as refused:
        party_of({"billing.address.country": "Germany"})
    assert [finding.path for finding in refused.value.findings] == ["$.billing.address.country"]
