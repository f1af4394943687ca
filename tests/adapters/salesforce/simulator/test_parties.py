"""People and companies: person accounts and their twins, merges, the recycle bin, histories."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.adapters.salesforce.simulator.clients import Bus, Rest, error_of
from tests.adapters.salesforce.simulator.test_changes import names_in

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.faults import DuplicateRule, LockRows
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.settings import OrgSettings

pytestmark = pytest.mark.anyio

ACCOUNTS, CONTACTS = "/data/AccountChangeEvent", "/data/ContactChangeEvent"


def soap(rest: Rest, operation: str, *, client: str = "crossdock", token: str = "") -> httpx.Response:
    """One SOAP call, as a client of the partner dialect writes it."""
    organization = rest.simulator.organization_id
    token = token or rest.headers["Authorization"].removeprefix("Bearer ")
    document = (
        '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:p="urn:partner.soap.sforce.com" xmlns:s="urn:sobject.partner.soap.sforce.com">'
        f"<e:Header><p:SessionHeader><p:sessionId>{token}</p:sessionId></p:SessionHeader>"
        f"<p:CallOptions><p:client>{client}</p:client></p:CallOptions></e:Header>"
        f"<e:Body>{operation}</e:Body></e:Envelope>"
    )
    headers = {"content-type": "text/xml", "soapaction": '""'}
    return rest.http.post(f"/services/Soap/u/60.0/{organization}", content=document.encode(), headers=headers)


def merge(sobject: str, master: str, *losers: str, values: str = "") -> str:
    merged = "".join(f"<p:recordToMergeIds>{loser}</p:recordToMergeIds>" for loser in losers)
    record = f"<s:type>{sobject}</s:type><s:Id>{master}</s:Id>{values}"
    return f"<p:merge><p:request><p:masterRecord>{record}</p:masterRecord>{merged}</p:request></p:merge>"


def row(rest: Rest, sobject: str, record: str) -> dict[str, Any]:
    return dict(rest.simulator.org.table(sobject).rows[record])


def test_a_person_account_has_a_contact_that_follows_it(rest: Rest) -> None:
    account = rest.created("Account", LastName="Łoś", FirstName="Ærø", PersonEmail="a@shop.example")

    found = row(rest, "Account", account)
    twin = row(rest, "Contact", found["PersonContactId"])
    assert (found["IsPersonAccount"], found["Name"]) == (True, "Ærø Łoś")
    assert (twin["AccountId"], twin["LastName"], twin["Email"]) == (account, "Łoś", "a@shop.example")

    rest("PATCH", f"sobjects/Account/{account}", {"PersonEmail": None, "PersonMailingCity": "Köln"})

    twin = row(rest, "Contact", found["PersonContactId"])
    assert (twin["Email"], twin["MailingCity"]) == (None, "Köln")


@pytest.mark.parametrize(
    "values", [{"LastName": "L", "Name": "Both"}, {"Name": "Anvil", "PersonEmail": "a@shop.example"}]
)
def test_an_account_is_a_persons_or_a_businesss(rest: Rest, values: dict[str, Any]) -> None:
    assert error_of(rest("POST", "sobjects/Account", values)) == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_the_contact_of_a_person_account_is_written_through_the_account(rest: Rest) -> None:
    twin = row(rest, "Account", rest.created("Account", LastName="L"))["PersonContactId"]

    assert error_of(rest("PATCH", f"sobjects/Contact/{twin}", {"Email": "b@shop.example"})) == "INVALID_OPERATION"
    assert error_of(rest("DELETE", f"sobjects/Contact/{twin}")) == "INVALID_OPERATION"


async def test_a_person_account_is_announced_as_account_and_as_contact(rest: Rest, bus: Bus) -> None:
    account = rest.created("Account", LastName="L", FirstName="Ada", PersonEmail="a@shop.example")
    rest("PATCH", f"sobjects/Account/{account}", {"FirstName": None, "PersonEmail": "b@shop.example"})
    rest("DELETE", f"sobjects/Account/{account}")
    schema = await bus.schema_of(ACCOUNTS)

    made, changed, gone = await bus.all_events(ACCOUNTS, 3)
    twins = await bus.all_events(CONTACTS, 3)

    assert made["Name"] == {"LastName": "L", "FirstName": "Ada", "Salutation": None}
    header = changed["ChangeEventHeader"]
    assert names_in(schema, header["changedFields"]) == {"Name.FirstName", "PersonEmail", "LastModifiedDate"}
    assert names_in(schema, header["nulledFields"]) == {"Name.FirstName"}
    assert gone["ChangeEventHeader"]["changeType"] == "DELETE"
    assert [twin["ChangeEventHeader"]["changeType"] for twin in twins] == ["CREATE", "UPDATE", "DELETE"]
    assert twins[1]["Email"] == "b@shop.example"


def test_a_merge_keeps_the_master_and_moves_the_children(rest: Rest) -> None:
    master, loser, other = (rest.created("Account", Name=name) for name in ("A", "B", "C"))
    contact = rest.created("Contact", LastName="L", AccountId=loser)
    case = rest.created("Case", AccountId=other)

    answer = soap(rest, merge("Account", master, loser, other, values="<s:Phone>1</s:Phone>"))

    assert answer.status_code == 200
    assert "<success>true</success>" in answer.text
    assert answer.text.count("<mergedRecordIds>") == 2
    assert {row(rest, "Contact", contact)["AccountId"], row(rest, "Case", case)["AccountId"]} == {master}
    assert row(rest, "Account", master)["Phone"] == "1"
    assert error_of(rest("GET", f"sobjects/Account/{loser}")) == "ENTITY_IS_DELETED"
    query = f"SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'"
    (found,) = rest("GET", "queryAll", params={"q": query}).json()["records"]
    assert (found["IsDeleted"], found["MasterRecordId"]) == (True, master)


def test_the_master_may_take_over_a_losers_unique_key(rest: Rest) -> None:
    master, loser = rest.created("Account", Name="A"), rest.created("Account", Name="B", ErpId__c="C-1")

    soap(rest, merge("Account", master, loser, values="<s:ErpId__c>C-1</s:ErpId__c>"))

    assert row(rest, "Account", master)["ErpId__c"] == "C-1"


async def test_a_merge_is_announced_as_deletions_and_a_change_of_the_master(rest: Rest, bus: Bus) -> None:
    master, loser = rest.created("Account", Name="A"), rest.created("Account", Name="B")
    soap(rest, merge("Account", master, loser))

    *_, deleted, changed = await bus.all_events(ACCOUNTS, 4)

    headers = [event["ChangeEventHeader"] for event in (deleted, changed)]
    assert [header["changeType"] for header in headers] == ["DELETE", "UPDATE"]
    assert [header["recordIds"] for header in headers] == [[loser], [master]]
    assert {header["changeOrigin"] for header in headers} == {"com/salesforce/api/soap/60.0;client=crossdock"}


def test_person_accounts_merge_with_their_contacts(rest: Rest) -> None:
    master, loser = (rest.created("Account", LastName=name) for name in ("A", "B"))
    mine, theirs = (row(rest, "Account", account)["PersonContactId"] for account in (master, loser))
    case = rest.created("Case", ContactId=theirs)

    soap(rest, merge("Account", master, loser))

    assert row(rest, "Case", case)["ContactId"] == mine
    assert row(rest, "Contact", theirs)["MasterRecordId"] == mine


@pytest.mark.parametrize("wrong", ["itself", "person", "nobody", "locked"])
def test_a_refused_merge_changes_nothing(rest: Rest, wrong: str) -> None:
    master, loser = rest.created("Account", Name="A"), rest.created("Account", Name="B")
    losers = {"itself": master, "person": rest.created("Account", LastName="L")}.get(wrong, loser)
    losers = "001gL0000000ZZZAAA" if wrong == "nobody" else losers
    if wrong == "locked":
        rest.simulator.faults.add(LockRows())
    before = rest.simulator.rows("Account")

    answer = soap(rest, merge("Account", master, losers))

    assert "<success>false</success>" in answer.text
    assert rest.simulator.rows("Account") == before


async def test_undelete_brings_a_row_back_with_what_went_with_it(rest: Rest, bus: Bus) -> None:
    account = rest.created("Account", Name="A")
    contact = rest.created("Contact", LastName="L", AccountId=account)
    rest("DELETE", f"sobjects/Account/{account}")

    answer = soap(rest, f"<p:undelete><p:ids>{account}</p:ids></p:undelete>")

    assert "<success>true</success>" in answer.text
    assert row(rest, "Contact", contact)["AccountId"] == account
    assert not row(rest, "Contact", contact)["IsDeleted"]
    *_, back = await bus.all_events(ACCOUNTS, 3)
    assert (back["ChangeEventHeader"]["changeType"], back["Name"]) == ("UNDELETE", "A")
    again = soap(rest, f"<p:undelete><p:ids>{account}</p:ids></p:undelete>")
    assert "UNDELETE_FAILED" in again.text


def test_the_loser_of_a_merge_comes_back_alone(rest: Rest) -> None:
    master, loser = rest.created("Account", Name="A"), rest.created("Account", Name="B")
    contact = rest.created("Contact", LastName="L", AccountId=loser)
    soap(rest, merge("Account", master, loser))

    soap(rest, f"<p:undelete><p:ids>{loser}</p:ids></p:undelete>")

    back = row(rest, "Account", loser)
    assert (back["IsDeleted"], back["MasterRecordId"]) == (False, None)
    assert row(rest, "Contact", contact)["AccountId"] == master


def test_an_ended_session_is_a_soap_fault(rest: Rest) -> None:
    answer = soap(rest, "<p:undelete><p:ids>x</p:ids></p:undelete>", token="gone")

    assert answer.status_code == 500
    assert "sf:INVALID_SESSION_ID" in answer.text


@pytest.mark.parametrize("body", [b"<", b"<!DOCTYPE x><e/>", b"<e/>"])
def test_what_is_no_soap_is_a_fault(rest: Rest, body: bytes) -> None:
    answer = rest.http.post(f"/services/Soap/u/60.0/{rest.simulator.organization_id}", content=body)

    assert answer.status_code == 500
    assert "Fault" in answer.text


def test_a_duplicate_is_refused_unless_the_caller_may_save_it(rest: Rest) -> None:
    rest.simulator.faults.add(DuplicateRule(sobject="Account", fields=("PersonEmail",)))
    rest.created("Account", LastName="L", PersonEmail="a@shop.example")
    twin = {"LastName": "M", "PersonEmail": "a@shop.example"}

    refused = rest("POST", "sobjects/Account", twin)
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    saved = rest("POST", "sobjects/Account", twin, headers=header)

    assert error_of(refused) == "DUPLICATES_DETECTED"
    assert refused.json()[0]["duplicateResut"]["matchResults"][0]["size"] == 1
    assert saved.status_code == 201


def test_the_history_tells_what_a_tracked_field_was(rest: Rest) -> None:
    account = rest.created("Account", Name="A", Phone="1")
    rest("PATCH", f"sobjects/Account/{account}", {"Phone": "2", "Site": "untracked"})

    found = rest.query(f"SELECT Field, OldValue, NewValue FROM AccountHistory WHERE AccountId = '{account}'")

    (entry,) = found["records"]
    assert (entry["Field"], entry["OldValue"], entry["NewValue"]) == ("Phone", "1", "2")


def test_deleted_rows_are_listed_with_their_time(rest: Rest) -> None:
    account = rest.created("Account", Name="A")
    rest("DELETE", f"sobjects/Account/{account}")
    now = rest.simulator.org.clock.now() // 1_000_000

    span = {"start": stamp(now - 3_600), "end": stamp(now + 3_600)}
    listed = rest("GET", "sobjects/Account/deleted/", params=span).json()

    assert [record["id"] for record in listed["deletedRecords"]] == [account]


def stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


async def test_an_org_may_announce_what_a_merge_moved() -> None:
    with SalesforceSimulator(OrgSettings(merge_announces_children=True)) as simulator:
        org: Org = simulator.org
        master, loser = (simulator.seed.account(number, "A") for number in ("C-1", "C-2"))
        simulator.seed.rows("Contact", [{"LastName": "L", "AccountId": loser}])
        simulator.seed.merge("Account", master, loser)

        assert len(org.log.read(CONTACTS, 0, 10)) == 1


def test_the_control_panel_merges_and_brings_back(rest: Rest) -> None:
    master, loser = rest.created("Account", Name="A"), rest.created("Account", Name="B")

    order = {"sobject": "Account", "master": master, "losers": [loser]}
    assert rest.http.post("/_simulator/merges", json=order).json() == {"moved": []}
    assert rest.http.post("/_simulator/undeletions", json=[loser]).json() == {"ids": [loser]}

    assert {found["Id"] for found in rest.simulator.rows("Account")} == {master, loser}
