"""Ownership is checked as a whole: each fault with its path and its code."""

import msgspec
import pytest
from tests.identity.golden.records import an_ownership

from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule, check_ownership

SYSTEMS = ("erp", "shop")
ERP = Rule(rule="owner", owner="erp")


def faults(ownership: Ownership) -> set[tuple[str, str]]:
    return {(finding.code, finding.path) for finding in check_ownership(ownership, SYSTEMS)}


def test_a_whole_ownership_has_no_fault() -> None:
    assert faults(an_ownership(fields={"shipping.*.address": ERP, "person": ERP})) == set()


def test_every_domain_needs_somebody_whose_word_counts() -> None:
    found = check_ownership(Ownership(), SYSTEMS)
    assert {finding.message for finding in found} == {f"nobody owns {domain.value}" for domain in Domain}
    assert faults(an_ownership(Rule(rule="precedence"))) >= {("owner-missing", "$.domains.tax.precedence")}


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"fields": {"contact.fax": ERP}}, ("field-unknown", "$.fields.contact.fax")),
        ({"fields": {"billing.address.city": ERP}}, ("group-divided", "$.fields.billing.address.city")),
        ({"fields": {"consents.*.status": ERP}}, ("group-divided", "$.fields.consents.*.status")),
        ({"creates": ("books",)}, ("system-unknown", "$.creates[0]")),
        (
            {"fields": {"contact": Rule(rule="owner", owner="eRP")}},
            ("system-unknown", "$.fields.contact.owner"),
        ),
        (
            {"fields": {"contact": Rule(rule="owner", owner="erp", readers=("x",))}},
            ("system-unknown", "$.fields.contact.readers"),
        ),
        (
            {"fields": {"contact": Rule(rule="owner", owner="erp", writers=("shop",))}},
            ("rule-idle", "$.fields.contact.writers"),
        ),
        (
            {"fields": {"contact": Rule(rule="owner", owner="erp", half_life_days=1)}},
            ("rule-idle", "$.fields.contact.half_life_days"),
        ),
        (
            {"fields": {"contact": Rule(rule="newest_valid", writers=("erp",), initial=True)}},
            ("rule-idle", "$.fields.contact.initial"),
        ),
    ],
)
def test_each_fault_is_said_with_its_path(facts: dict[str, object], fault: tuple[str, str]) -> None:
    assert fault in faults(an_ownership(**facts))


def test_the_longest_name_decides_which_rule_holds() -> None:
    address, contact = Rule(rule="owner", owner="shop"), Rule(rule="precedence", precedence=("shop",))
    ownership = an_ownership(fields={"shipping.*.address": address, "contact": ERP, "contact.email": contact})
    assert ownership.rule_of("shipping.default.address.city") is address
    assert ownership.rule_of("shipping.default.address") is address
    assert ownership.rule_of("shipping.default.carrier") is ownership.domains[Domain.SHIPPING]
    assert ownership.rule_of("consents.email") is ownership.domains[Domain.CONSENT]
    assert ownership.rule_of("contact.email") is contact
    assert ownership.rule_of("contact.phone") is ERP


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `ownr`"):
        msgspec.convert({"domains": {"tax": {"rule": "owner", "ownr": "erp"}}}, Ownership)
