"""A contact of several accounts: its own is kept related by the org, the others by people."""

from typing import Any

import pytest
from tests.adapters.salesforce.simulator.clients import Bus, Rest, error_of

pytestmark = pytest.mark.anyio

TOPIC = "/data/AccountContactRelationChangeEvent"


def relations(rest: Rest, contact: str) -> dict[str, bool]:
    rows = rest.simulator.rows("AccountContactRelation")
    return {row["AccountId"]: row["IsDirect"] for row in rows if row["ContactId"] == contact}


def test_a_contacts_own_account_is_its_direct_relation_and_the_one_before_stays(rest: Rest) -> None:
    own, other = (rest.created("Account", Name=name) for name in ("A", "B"))
    contact = rest.created("Contact", LastName="L", AccountId=own)
    assert relations(rest, contact) == {own: True}
    rest.created("AccountContactRelation", AccountId=other, ContactId=contact, Roles="Decision Maker;Other")
    assert relations(rest, contact) == {own: True, other: False}
    rest("PATCH", f"sobjects/Contact/{contact}", {"AccountId": other})
    assert relations(rest, contact) == {own: False, other: True}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "DUPLICATE_VALUE"),
        ({"ContactId": "private"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"IsDirect": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ],
)
def test_what_is_related_already_or_private_is_not_related(rest: Rest, values: dict[str, Any], code: str) -> None:
    own = rest.created("Account", Name="A")
    people = {"contact": rest.created("Contact", LastName="L", AccountId=own)}
    people["private"] = rest.created("Contact", LastName="M")
    asked = {"AccountId": own, "ContactId": "contact"} | values
    refused = rest("POST", "sobjects/AccountContactRelation", asked | {"ContactId": people[asked["ContactId"]]})
    assert error_of(refused) == code


def test_a_direct_relation_goes_with_the_contact_alone(rest: Rest) -> None:
    own, other = (rest.created("Account", Name=name) for name in ("A", "B"))
    contact = rest.created("Contact", LastName="L", AccountId=own)
    further = rest.created("AccountContactRelation", AccountId=other, ContactId=contact)
    direct = next(row["Id"] for row in rest.simulator.rows("AccountContactRelation") if row["IsDirect"])
    assert error_of(rest("DELETE", f"sobjects/AccountContactRelation/{direct}")) == "DELETE_FAILED"
    assert rest("DELETE", f"sobjects/AccountContactRelation/{further}").status_code == 204
    rest("DELETE", f"sobjects/Contact/{contact}")
    assert rest.simulator.rows("AccountContactRelation") == []


def test_contacts_that_are_merged_are_related_once_to_each_account(rest: Rest) -> None:
    own, other = (rest.created("Account", Name=name) for name in ("A", "B"))
    master = rest.created("Contact", LastName="L", AccountId=own)
    loser = rest.created("Contact", LastName="L", AccountId=other)
    rest.created("AccountContactRelation", AccountId=own, ContactId=loser)
    rest.simulator.seed.merge("Contact", master, loser)
    assert relations(rest, master) == {own: True, other: False}


async def test_relations_are_announced(rest: Rest, bus: Bus) -> None:
    own, other = (rest.created("Account", Name=name) for name in ("A", "B"))
    contact = rest.created("Contact", LastName="L", AccountId=own)
    further = rest.created("AccountContactRelation", AccountId=other, ContactId=contact, Roles="Evaluator")
    rest("PATCH", f"sobjects/AccountContactRelation/{further}", {"IsActive": False})

    direct, made, changed = await bus.all_events(TOPIC, 3)

    assert (direct["IsDirect"], made["IsDirect"], made["Roles"]) == (True, False, "Evaluator")
    assert (changed["IsActive"], changed["ContactId"]) == (False, None)


def test_the_contact_of_a_person_account_has_no_relations(rest: Rest) -> None:
    rest.created("Account", LastName="L", FirstName="Ada")
    assert rest.simulator.rows("AccountContactRelation") == []
