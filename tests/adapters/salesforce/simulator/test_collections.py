"""Up to 200 rows in a call: a result for each in its place, and a rollback that is real."""

from typing import Any

import pytest
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.tables.schema import Field

ACCOUNTS = "composite/sobjects/Account/ErpId__c"


def account(**values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **values}


def codes(results: list[dict[str, Any]]) -> list[str]:
    return [result["errors"][0]["statusCode"] if result["errors"] else "ok" for result in results]


def test_rows_are_created_in_order_and_bad_ones_do_not_hold_the_others_back(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    records = [account(Name="A"), account(), account(Name="C")]

    answer = rest("POST", "composite/sobjects", {"records": records})

    assert answer.status_code == 200
    assert codes(answer.json()) == ["ok", "REQUIRED_FIELD_MISSING", "ok"]
    assert [row["Name"] for row in simulator.rows("Account")] == ["A", "C"]
    assert simulator.calls.rest == 1


@pytest.mark.parametrize("switch", [True, "true"])
def test_all_or_none_leaves_nothing_behind_and_uses_up_no_unique_value(
    simulator: SalesforceSimulator, rest: Rest, switch: object
) -> None:
    records = [account(Name="A", ErpId__c="C-1"), account(ErpId__c="C-2")]

    answer = rest("POST", "composite/sobjects", {"allOrNone": switch, "records": records})

    assert codes(answer.json()) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert simulator.rows("Account") == []
    rest.created("Account", Name="B", ErpId__c="C-1")


def test_a_rolled_back_change_restores_values_indexes_and_announces_nothing(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    kept = rest.created("Account", Name="A", ErpId__c="C-1", Phone="1")
    published = simulator.calls.events_published
    records = [account(Id=kept, ErpId__c="C-9", Phone=None), account(Id="001gL000000zzzzQAA", Name="B")]

    answer = rest("PATCH", "composite/sobjects", {"allOrNone": True, "records": records})

    assert codes(answer.json()) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "NOT_FOUND"]
    (row,) = simulator.rows("Account")
    assert (row["ErpId__c"], row["Phone"]) == ("C-1", "1")
    assert rest.names("SELECT Name FROM Account WHERE ErpId__c = 'C-1'") == ["A"]
    assert rest.names("SELECT Name FROM Account WHERE ErpId__c = 'C-9'") == []
    assert simulator.calls.events_published == published


def test_an_upsert_says_per_row_whether_it_created_and_refuses_a_key_given_twice(rest: Rest) -> None:
    rest.created("Account", Name="A", ErpId__c="C-1")
    records = [
        account(ErpId__c="C-1", Name="A2"),
        account(ErpId__c="C-2", Name="B"),
        account(ErpId__c="c-2", Name="B2"),
        account(Name="no key"),
    ]

    results = rest("PATCH", ACCOUNTS, {"records": records}).json()

    assert codes(results) == ["ok", "ok", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert [result.get("created") for result in results] == [False, True, None, None]
    assert rest.names("SELECT Name FROM Account ORDER BY Name") == ["A2", "B"]


def test_an_upsert_by_a_key_of_several_rows_fails_for_that_row(simulator: SalesforceSimulator, rest: Rest) -> None:
    simulator.add_field("Account", Field(name="Legacy__c", length=20, external_id=True))
    simulator.seed.rows("Account", [{"Name": name, "Legacy__c": "7"} for name in "AB"])

    results = rest(
        "PATCH", "composite/sobjects/Account/Legacy__c", {"records": [account(Legacy__c="7", Name="C")]}
    )

    assert codes(results.json()) == ["MULTIPLE_CHOICES"]


def test_rows_are_deleted_and_retrieved_by_lists_of_ids(rest: Rest) -> None:
    first, second = rest.created("Account", Name="A"), rest.created("Account", Name="B")

    deleted = rest("DELETE", "composite/sobjects", params={"ids": f"{first},{first},nonsense"}).json()

    assert codes(deleted) == ["ok", "ENTITY_IS_DELETED", "MALFORMED_ID"]
    body = {"ids": [first, second], "fields": ["Name", "Owner.Name"]}
    for found in (
        rest("POST", "composite/sobjects/Account", body).json(),
        rest("GET", "composite/sobjects/Account", params={k: ",".join(v) for k, v in body.items()}).json(),
    ):
        assert found[0] is None
        assert (found[1]["Name"], found[1]["Owner"]["Name"]) == ("B", "Integration User")
    unknown = rest("POST", "composite/sobjects/Account", {"ids": [second], "fields": ["Nope"]})
    assert error_of(unknown) == "INVALID_FIELD"


def test_the_documented_limits_hold(rest: Rest) -> None:
    too_many = {"records": [account(Name=str(number)) for number in range(201)]}
    mixed = [account(Name="A"), {"attributes": {"type": "Contact"}, "LastName": "B"}] * 6
    contact = {"attributes": {"type": "Contact"}, "LastName": "B"}

    assert error_of(rest("POST", "composite/sobjects", too_many)) == "EXCEEDED_ID_LIMIT"
    assert error_of(rest("POST", "composite/sobjects", {"records": mixed})) == "LIMIT_EXCEEDED"
    assert codes(
        rest("POST", "composite/sobjects", {"records": [*too_many["records"][:100], contact]}).json()
    ) == (["ok"] * 101)
    assert error_of(rest("POST", "composite/sobjects", {"records": []})) == "MISSING_ARGUMENT"


@pytest.mark.parametrize("body", [{}, {"records": 1}, {"records": [1]}, {"records": [{"Name": "A"}]}])
def test_a_body_that_is_no_collection_is_a_parser_error(rest: Rest, body: dict[str, Any]) -> None:
    assert error_of(rest("POST", "composite/sobjects", body)) == "JSON_PARSER_ERROR"
