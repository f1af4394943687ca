"""Bulk API 2.0: jobs that take their time, rows that fail alone, results in pieces."""

import csv
import io
from typing import Any

import httpx
import pytest
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.events.avro import decode
from crossdock.adapters.salesforce.simulator.faults import LockRows


def open_job(rest: Rest, operation: str, sobject: str = "Account", **more: Any) -> str:
    body = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF", **more}
    job = rest("POST", "jobs/ingest", body).json()
    assert job["state"] == "Open"
    assert job["contentUrl"] == f"services/data/v60.0/jobs/ingest/{job['id']}/batches"
    return str(job["id"])


def upload(rest: Rest, job: str, text: str) -> httpx.Response:
    url = f"/services/data/v60.0/jobs/ingest/{job}/batches"
    return rest.http.put(url, content=text.encode(), headers={**rest.headers, "Content-Type": "text/csv"})


def close(rest: Rest, job: str) -> None:
    assert rest("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"}).json()["state"] == "UploadComplete"


def finish(rest: Rest, job: str, kind: str = "ingest") -> dict[str, Any]:
    for _ in range(20):
        info: dict[str, Any] = rest("GET", f"jobs/{kind}/{job}").json()
        if info["state"] in ("JobComplete", "Failed", "Aborted"):
            return info
    raise AssertionError(info)


def run(
    rest: Rest, text: str, operation: str, sobject: str = "Account", **more: Any
) -> tuple[str, dict[str, Any]]:
    job = open_job(rest, operation, sobject, **more)
    assert upload(rest, job, text).status_code == 201
    close(rest, job)
    return job, finish(rest, job)


def rows(rest: Rest, job: str, results: str) -> list[dict[str, str]]:
    answer = rest("GET", f"jobs/ingest/{job}/{results}")
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_job_advances_only_as_it_is_asked_about(simulator: SalesforceSimulator, rest: Rest) -> None:
    job = open_job(rest, "insert")
    upload(rest, job, "Name\nA\n")
    close(rest, job)

    states = [rest("GET", f"jobs/ingest/{job}").json()["state"] for _ in range(3)]

    assert states == ["UploadComplete", "InProgress", "JobComplete"]
    assert [row["Name"] for row in simulator.rows("Account")] == ["A"]


def test_one_bad_row_does_not_hold_the_others_back(simulator: SalesforceSimulator, rest: Rest) -> None:
    text = 'Name,ErpId__c,AnnualRevenue\n"Söhne, A",C-1,1.5\n,C-2,2\nC,C-1,3\nD,C-4,much\n'

    job, info = run(rest, text, "insert")

    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 4, 3)
    (good,) = rows(rest, job, "successfulResults")
    assert (good["sf__Created"], good["Name"]) == ("true", "Söhne, A")
    assert good["sf__Id"] == simulator.rows("Account")[0]["Id"]
    assert [row["sf__Error"].partition(":")[0] for row in rows(rest, job, "failedResults")] == [
        "REQUIRED_FIELD_MISSING",
        "DUPLICATE_VALUE",
        "JSON_PARSER_ERROR",
    ]
    assert rows(rest, job, "unprocessedrecords") == rows(rest, job, "unprocessedRecords") == []


def test_empty_cells_change_nothing_na_clears_and_a_parent_is_named_by_its_key(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.seed.account("P-1", "Parent")
    child = simulator.seed.account("C-1", "Child", Phone="1", Fax="2", Site="3")
    text = "ErpId__c,Phone,Fax,Parent.ErpId__c\nC-1,,#N/A,P-1\nC-2,9,9,\n"

    job, info = run(rest, text, "upsert", externalIdFieldName="ErpId__c")

    assert info["numberRecordsFailed"] == 1, "an insert without a name"
    (good,) = rows(rest, job, "successfulResults")
    assert (good["sf__Id"], good["sf__Created"]) == (child, "false")
    changed = next(row for row in simulator.rows("Account") if row["Id"] == child)
    assert (changed["Phone"], changed["Fax"], changed["Site"]) == ("1", None, "3")
    assert changed["ParentId"] == simulator.rows("Account")[0]["Id"]


def test_rows_are_updated_and_deleted_by_id(simulator: SalesforceSimulator, rest: Rest) -> None:
    first, second = (simulator.seed.account(f"C-{number}", "A") for number in (1, 2))

    run(rest, f"Id,Name\n{first},B\n", "update")
    job, info = run(rest, f"Id\n{first}\n001gL000000zzzzQAA\n", "delete")
    run(rest, f"Id\n{second}\n", "hardDelete")

    assert info["numberRecordsFailed"] == 1
    assert rows(rest, job, "failedResults")[0]["sf__Error"].startswith("NOT_FOUND")
    gone = rest("GET", "queryAll", params={"q": "SELECT Id, Name FROM Account"}).json()["records"]
    assert [(record["Id"], record["Name"]) for record in gone] == [(first, "B")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Name,Nope\nA,1\n", "Field name not found : Nope"),
        ("Name,Nobody.ErpId__c\nA,1\n", "Field name not found : Nobody.ErpId__c"),
        ("Name\n", ""),
        ("Name,Phone\nA\n", "row 1 has not as many fields"),
        ('Name\n"A\n', "InvalidBatch"),
        ("", "no header"),
    ],
)
def test_a_bad_upload_fails_the_job_and_says_why(
    simulator: SalesforceSimulator, rest: Rest, text: str, words: str
) -> None:
    _, info = run(rest, text, "insert")

    assert info["state"] == ("Failed" if words else "JobComplete")
    assert words in info.get("errorMessage", "")
    assert simulator.rows("Account") == []


def test_an_aborted_job_gives_its_rows_back_unprocessed(simulator: SalesforceSimulator, rest: Rest) -> None:
    job = open_job(rest, "insert", columnDelimiter="SEMICOLON", lineEnding="CRLF")
    upload(rest, job, "Name;Phone\r\nA;1\r\nB;2\r\n")

    assert rest("PATCH", f"jobs/ingest/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"

    answer = rest("GET", f"jobs/ingest/{job}/unprocessedrecords")
    assert answer.text == '"Name";"Phone"\r\n"A";"1"\r\n"B";"2"\r\n'
    assert simulator.rows("Account") == []
    assert error_of(rest("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})) == "INVALIDJOBSTATE"
    assert rest("DELETE", f"jobs/ingest/{job}").status_code == 204
    assert rest("GET", f"jobs/ingest/{job}").status_code == 404


def test_wrong_jobs_and_wrong_states_are_refused(rest: Rest) -> None:
    assert error_of(rest("POST", "jobs/ingest", {"object": "Account", "operation": "guess"})) == "INVALIDJOB"
    assert error_of(rest("POST", "jobs/ingest", {"object": "Nope", "operation": "insert"})) == "INVALIDJOB"
    assert error_of(rest("POST", "jobs/ingest", {"object": "Account", "operation": "upsert"})) == "INVALIDJOB"
    job = open_job(rest, "insert")
    assert error_of(rest("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})) == "INVALIDJOBSTATE"
    upload(rest, job, "Name\nA\n")
    assert error_of(upload(rest, job, "Name\nB\n")) == "INVALIDJOBSTATE"
    assert {found["id"] for found in rest("GET", "jobs/ingest").json()["records"]} == {job}


def test_locked_rows_fail_in_bulk_as_well(simulator: SalesforceSimulator, rest: Rest) -> None:
    parent = simulator.seed.account("P-1", "Parent")
    simulator.faults.add(LockRows(record=parent, times=1))

    job, info = run(rest, f"LastName,AccountId\nA,{parent}\nB,{parent}\n", "insert", "Contact")

    assert info["numberRecordsFailed"] == 1
    assert rows(rest, job, "failedResults")[0]["sf__Error"].startswith("UNABLE_TO_LOCK_ROW")


def test_a_query_is_fetched_in_pieces_until_the_locator_says_null(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.seed.rows("Account", [{"Name": f"A{number}", "Phone": None} for number in range(5)])
    text = "SELECT Id, Name, Phone, IsDeleted, Owner.Username FROM Account ORDER BY Name"
    job = rest("POST", "jobs/query", {"operation": "query", "query": text}).json()
    assert job["state"] == "UploadComplete"
    early = rest("GET", f"jobs/query/{job['id']}/results")
    finish(rest, job["id"], "query")

    found: list[dict[str, str]] = []
    locator, counts = "", []
    while locator != "null":
        query = {"maxRecords": "2"} | ({"locator": locator} if locator else {})
        answer = rest("GET", f"jobs/query/{job['id']}/results", params=query)
        found += csv.DictReader(io.StringIO(answer.text))
        counts.append(answer.headers["sforce-numberofrecords"])
        locator = answer.headers["sforce-locator"]

    assert error_of(early) == "INVALIDJOBSTATE"
    assert counts == ["2", "2", "1"]
    assert [row["Name"] for row in found] == [f"A{number}" for number in range(5)]
    assert (found[0]["Phone"], found[0]["IsDeleted"]) == ("", "false")
    assert found[0]["Owner.Username"] == "integration@crossdock.example"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT COUNT(Id) FROM Account", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_bulk_cannot_run_is_refused_at_once(rest: Rest, query: str, code: str) -> None:
    assert error_of(rest("POST", "jobs/query", {"operation": "query", "query": query})) == code


def test_changes_by_bulk_say_so_in_their_origin(simulator: SalesforceSimulator, rest: Rest) -> None:
    run(rest, "Name\n" + "\n".join(f"A{number}" for number in range(450)), "insert")

    events = simulator.org.log.read("/data/AccountChangeEvent", 0, 1_000)
    assert len(events) == 450
    schema = simulator.org.registry.by_id(events[0].schema_id)
    assert schema is not None
    headers = [decode(schema, event.payload)["ChangeEventHeader"] for event in events]
    assert {header["changeOrigin"] for header in headers} == {"com/salesforce/api/bulkapi/60.0;client=crossdock"}
    assert len({header["transactionKey"] for header in headers}) == 3, "transactions of 200 rows"
