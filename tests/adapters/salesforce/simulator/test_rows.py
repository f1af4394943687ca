"""Single rows over REST: what is accepted, what is refused, and in which words."""

from typing import Any

import httpx
import pytest
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.faults import DuplicateRule, HideField
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.adapters.salesforce.simulator.tables.schema import Field, ObjectDefinition


@pytest.mark.parametrize(
    ("sobject", "values", "code", "fields"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", ["Name"]),
        ("Account", {"Name": "A", "Nope__c": 1}, "INVALID_FIELD", None),
        (
            "Account",
            {"Name": "A", "CreatedDate": "2026-01-01"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["CreatedDate"],
        ),
        ("Account", {"Name": "A", "Id": "001gL0000000001QAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        (
            "Account",
            {"Name": "A", "CurrencyIsoCode": "XXX"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["CurrencyIsoCode"],
        ),
        ("Account", {"Name": "A", "ParentId": "001gL000000zzzzQAA"}, "INVALID_CROSS_REFERENCE_KEY", []),
        ("Account", {"Name": "A", "ParentId": "nonsense"}, "MALFORMED_ID", ["ParentId"]),
        ("Account", {"Name": "A", "AnnualRevenue": "much"}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "A", "AnnualRevenue": 1e17}, "NUMBER_OUTSIDE_VALID_RANGE", ["AnnualRevenue"]),
        ("Account", {"Name": {"first": "A"}}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "A", "Parent": {"ErpId__c": "none"}}, "INVALID_FIELD", []),
        ("Contact", {"LastName": "A", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ("Contact", {"LastName": "A", "Birthdate": "31.01.2026"}, "JSON_PARSER_ERROR", None),
    ],
)
def test_a_row_is_refused_in_the_vendors_words_and_nothing_is_written(
    simulator: SalesforceSimulator,
    rest: Rest,
    sobject: str,
    values: dict[str, Any],
    code: str,
    fields: list[str] | None,
) -> None:
    answer = rest("POST", f"sobjects/{sobject}", values)

    assert answer.status_code == 400
    (error,) = answer.json()
    assert error["errorCode"] == code
    assert error.get("fields") == fields
    assert simulator.rows(sobject) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"NaN", b"[" * 20_000, b'{"Name": 1e999}']
)
def test_a_body_that_is_no_object_is_a_parser_error(rest: Rest, body: bytes) -> None:
    answer = rest.http.post("/services/data/v60.0/sobjects/Account", content=body, headers=rest.headers)

    assert (answer.status_code, error_of(answer)) == (400, "JSON_PARSER_ERROR")


def test_unknown_objects_rows_and_methods_are_told_apart(rest: Rest) -> None:
    account = rest.created("Account", Name="A")

    assert error_of(rest("GET", "sobjects/Nope/describe")) == "NOT_FOUND"
    assert error_of(rest("GET", "sobjects/Account/001gL000000zzzzQAA")) == "NOT_FOUND"
    assert error_of(rest("GET", "nothing/here")) == "NOT_FOUND"
    wrong = rest("PUT", f"sobjects/Account/{account}")
    assert (wrong.status_code, error_of(wrong)) == (405, "METHOD_NOT_ALLOWED")


def test_names_and_ids_are_read_regardless_of_case_and_length(rest: Rest) -> None:
    account = rest.created("account", name="A", ERPID__C="C-1")

    assert rest("GET", f"sobjects/ACCOUNT/{account[:15]}").json()["Id"] == account
    assert rest("PATCH", f"sobjects/Account/{account[:15]}", {"PHONE": "1"}).status_code == 204
    assert rest("GET", f"sobjects/Account/{account}", params={"fields": "Phone"}).json()["Phone"] == "1"


def test_an_upsert_inserts_once_and_then_changes(rest: Rest) -> None:
    first = rest("PATCH", "sobjects/Account/ErpId__c/C%2F1%20%C3%A4", {"Name": "One"})
    second = rest("PATCH", "sobjects/Account/ErpId__c/C%2F1%20%C3%A4", {"Name": "Two"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == {"id": first.json()["id"], "success": True, "errors": [], "created": True}
    assert second.json()["created"] is False
    row = rest("GET", f"sobjects/Account/{first.json()['id']}").json()
    assert (row["Name"], row["ErpId__c"]) == ("Two", "C/1 ä")


def test_an_upsert_before_version_46_answers_a_change_with_nothing(rest: Rest) -> None:
    rest.created("Account", Name="One", ErpId__c="C-1")

    answer = rest("PATCH", "/services/data/v45.0/sobjects/Account/ErpId__c/C-1", {"Name": "Two"})

    assert (answer.status_code, answer.content) == (204, b"")


def test_an_upsert_refuses_the_key_in_the_body_and_a_field_that_is_no_key(rest: Rest) -> None:
    assert (
        error_of(rest("PATCH", "sobjects/Account/ErpId__c/C-1", {"Name": "A", "ErpId__c": "C-1"}))
        == "INVALID_FIELD"
    )
    assert error_of(rest("PATCH", "sobjects/Account/Phone/1", {"Name": "A"})) == "NOT_FOUND"


def test_an_external_id_of_several_rows_is_answered_by_their_addresses(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.add_field("Account", Field(name="Legacy__c", length=20, external_id=True))
    ids = simulator.seed.rows("Account", [{"Name": name, "Legacy__c": "7"} for name in "AB"])

    answer = rest("PATCH", "sobjects/Account/Legacy__c/7", {"Name": "C"})

    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v60.0/sobjects/Account/{record_id}" for record_id in ids]
    assert [row["Name"] for row in simulator.rows("Account")] == ["A", "B"]


def test_a_unique_value_is_refused_whatever_its_case_and_free_again_after_deletion(rest: Rest) -> None:
    holder = rest.created("Account", Name="A", ErpId__c="c-1")

    refused = rest("POST", "sobjects/Account", {"Name": "B", "ErpId__c": "C-1"})

    assert refused.json() == [
        {
            "message": f"duplicate value found: ErpId__c duplicates value on record with id: {holder}",
            "errorCode": "DUPLICATE_VALUE",
            "fields": [],
        }
    ]
    rest("DELETE", f"sobjects/Account/{holder}")
    rest.created("Account", Name="B", ErpId__c="C-1")


def test_a_deleted_row_is_gone_for_every_verb_but_still_in_query_all(rest: Rest) -> None:
    account = rest.created("Account", Name="A")

    assert rest("DELETE", f"sobjects/Account/{account}").status_code == 204

    for method, body in (("GET", None), ("PATCH", {"Name": "B"}), ("DELETE", None)):
        answer = rest(method, f"sobjects/Account/{account}", body)
        assert (answer.status_code, error_of(answer)) == (404, "ENTITY_IS_DELETED")
    query = {"q": "SELECT Id, IsDeleted FROM Account"}
    assert rest("GET", "query", params=query).json()["totalSize"] == 0
    (record,) = rest("GET", "queryAll", params=query).json()["records"]
    assert (record["Id"], record["IsDeleted"]) == (account, True)


def test_a_parent_is_named_by_its_id_or_its_external_id(rest: Rest) -> None:
    account = rest.created("Account", Name="A", ErpId__c="C-1")

    contact = rest.created("Contact", LastName="L", Account={"ErpId__c": "C-1"})

    assert rest("GET", f"sobjects/Contact/{contact}/Account").json()["Id"] == account
    children = rest("GET", f"sobjects/Account/{account}/Contacts").json()
    assert [record["Id"] for record in children["records"]] == [contact]


def test_an_account_with_orders_cannot_be_deleted_but_takes_its_contacts_along(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    busy, idle = simulator.seed.account("C-1", "Busy"), simulator.seed.account("C-2", "Idle")
    simulator.seed.product("P-1", "Anvil", {"EUR": 10})
    simulator.seed.order("C-1", [Line("P-1", 1)])
    contact = rest.created("Contact", LastName="L", AccountId=idle)

    assert error_of(rest("DELETE", f"sobjects/Account/{busy}")) == "DELETE_FAILED"
    assert rest("DELETE", f"sobjects/Account/{idle}").status_code == 204
    assert error_of(rest("GET", f"sobjects/Contact/{contact}")) == "ENTITY_IS_DELETED"


def test_numbers_are_rounded_to_the_fields_scale_halves_up(rest: Rest) -> None:
    account = rest.created("Account", Name="A", AnnualRevenue="12.345", NumberOfEmployees=3)

    row = rest("GET", f"sobjects/Account/{account}").json()

    assert (row["AnnualRevenue"], row["NumberOfEmployees"]) == (12.35, 3)


def test_times_are_told_in_utc_with_milliseconds(simulator: SalesforceSimulator, rest: Rest) -> None:
    order = simulator.seed.order(simulator.seed.account("C-1", "A"), [])
    rest("PATCH", f"sobjects/Order/{order}", {"Hub_Updated__c": "2026-03-01T10:15:30.5+01:00"})

    row = rest("GET", f"sobjects/Order/{order}").json()

    assert row["Hub_Updated__c"] == "2026-03-01T09:15:30.500+0000"
    assert row["SystemModstamp"].endswith(".000+0000")


def test_if_unmodified_since_guards_every_object_and_etags_guard_accounts(rest: Rest) -> None:
    account = rest.created("Account", Name="A")
    read = rest("GET", f"sobjects/Account/{account}")
    tag, modified = read.headers["etag"], read.headers["last-modified"]

    def change(**headers: str) -> httpx.Response:
        return rest("PATCH", f"sobjects/Account/{account}", {"Phone": "1"}, headers=headers)

    assert rest("GET", f"sobjects/Account/{account}", headers={"If-None-Match": tag}).status_code == 304
    assert rest("GET", f"sobjects/Account/{account}", headers={"If-Modified-Since": modified}).status_code == 304
    assert change(**{"If-Match": '"other"'}).status_code == 412
    assert change(**{"If-Unmodified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}).status_code == 412
    assert change(**{"If-Match": tag, "If-Unmodified-Since": modified}).status_code == 204
    assert change(**{"If-Match": tag}).status_code == 412


def test_a_hidden_field_is_as_good_as_absent_and_a_read_only_one_cannot_be_written(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    account = rest.created("Account", Name="A", Phone="1")
    simulator.faults.add(HideField(sobject="Account", field="Phone"))
    simulator.faults.add(HideField(sobject="Account", field="Fax", read_only=True))

    fields = {field["name"]: field for field in rest("GET", "sobjects/Account/describe").json()["fields"]}
    assert "Phone" not in fields
    assert fields["Fax"]["updateable"] is False
    assert "Phone" not in rest("GET", f"sobjects/Account/{account}").json()
    assert rest.refused("SELECT Phone FROM Account")[0] == "INVALID_FIELD"
    assert error_of(rest("PATCH", f"sobjects/Account/{account}", {"Phone": "2"})) == "INVALID_FIELD"
    assert (
        error_of(rest("PATCH", f"sobjects/Account/{account}", {"Fax": "2"})) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    simulator.faults.clear(HideField)
    assert rest("GET", f"sobjects/Account/{account}").json()["Phone"] == "1"


def test_a_duplicate_rule_refuses_with_the_vendors_misspelling_unless_saving_is_allowed(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.faults.add(DuplicateRule(sobject="Contact", fields=("Email",)))
    twin = {"LastName": "A", "Email": "a@example.com"}
    first = rest.created("Contact", **twin)

    answer = rest("POST", "sobjects/Contact", twin)

    assert answer.status_code == 400
    (error,) = answer.json()
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    match = error["duplicateResut"]["matchResults"][0]["matchRecords"][0]
    assert match["record"]["Id"] == first
    allowed = {"Sforce-Duplicate-Rule-Header": "allowSave=true; runAsCurrentUser=true"}
    assert rest("POST", "sobjects/Contact", twin, headers=allowed).status_code == 201


def test_updated_and_deleted_rows_are_listed_by_time(rest: Rest) -> None:
    kept, gone = rest.created("Account", Name="A"), rest.created("Account", Name="B")
    rest("DELETE", f"sobjects/Account/{gone}")
    stamp = rest("GET", f"sobjects/Account/{kept}").json()["SystemModstamp"]
    span = {"start": stamp, "end": "2099-01-01T00:00:00+00:00"}

    assert rest("GET", "sobjects/Account/updated", params=span).json()["ids"] == [kept]
    deleted = rest("GET", "sobjects/Account/deleted", params=span).json()["deletedRecords"]
    assert [row["id"] for row in deleted] == [gone]
    assert error_of(rest("GET", "sobjects/Account/deleted", params={"start": "x", "end": "y"}))


def test_every_answer_tells_the_allowance(simulator: SalesforceSimulator, rest: Rest) -> None:
    rest.created("Account", Name="A")

    refused = rest("GET", "sobjects/Nope/1")

    assert refused.headers["sforce-limit-info"] == f"api-usage=2/{simulator.settings.api_requests_per_day}"
    assert simulator.calls.rest == 2
    assert simulator.calls.by_kind["POST sobjects/{sobject}"] == 1
    limits = rest("GET", "limits").json()
    assert limits["DailyApiRequests"]["Remaining"] == simulator.settings.api_requests_per_day - 3


def test_objects_and_fields_can_be_added_while_the_org_runs(simulator: SalesforceSimulator, rest: Rest) -> None:
    simulator.seed.account("C-1", "A")
    parcel = ObjectDefinition(
        name="Parcel__c", prefix="a00", fields=(Field(name="Name", length=80, name_field=True),)
    )
    simulator.add_object(parcel)
    simulator.add_field("Account", Field(name="Tier__c", length=10, default="basic"))

    parcel_id = rest.created("Parcel__c", Name="Box")

    assert parcel_id.startswith("a00")
    assert rest.names("SELECT Tier__c FROM Account") == ["basic"]
    with pytest.raises(ValueError, match="already"):
        simulator.add_object(parcel)


def test_the_root_the_recent_rows_and_the_users_of_an_org_are_there(rest: Rest) -> None:
    account = rest.created("Account", Name="A")

    assert account in {record["Id"] for record in rest("GET", "recent").json()}
    assert rest("GET", "sobjects/Account").json()["recentItems"][0]["Id"] == account
    assert rest.names("SELECT Name FROM Organization") == ["Crossdock Trading"]
    assert rest.names("SELECT Username FROM User") == ["integration@crossdock.example"]
