"""Thousands of records go by bulk job, and still every row has its own outcome."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest
from tests.adapters.salesforce.orgs import TestOrg

from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.bulk import parts
from crossdock.adapters.salesforce.rows import RowOutcome, Upserted
from crossdock.adapters.salesforce.simulator.faults import DropAfterCommit, DropBeforeWork
from crossdock.adapters.salesforce.simulator.faults import Unavailable as UnavailableFault
from crossdock.kit.errors import Invalid, Unavailable

pytestmark = pytest.mark.anyio


def customers(count: int) -> list[dict[str, Any]]:
    return [{"ErpId__c": f"B-{index:05d}", "Name": f"Größe, „{index}“\nZeile 2"} for index in range(count)]


def created(outcomes: Sequence[RowOutcome]) -> int:
    return sum(isinstance(outcome, Upserted) and outcome.created for outcome in outcomes)


async def test_more_than_two_thousand_rows_go_by_bulk_job(org: TestOrg, dock: SalesforceDock) -> None:
    rows = customers(2_500)

    assert created(await dock.upsert_records("Account", "ErpId__c", rows)) == 2_500

    assert org.calls("PATCH composite/sobjects/{sobject}/{field}") == 0
    assert org.simulator.calls.rest < 20
    names = {row["ErpId__c"]: row["Name"] for row in org.simulator.rows("Account")}
    assert all(names[row["ErpId__c"]] == row["Name"] for row in rows)


async def test_two_thousand_rows_go_by_collections(org: TestOrg, dock: SalesforceDock) -> None:
    assert created(await dock.upsert_records("Account", "ErpId__c", customers(2_000))) == 2_000
    assert org.simulator.calls.rest == 10


@pytest.fixture
async def bulk_dock(org: TestOrg) -> Any:
    async with org.open_dock(bulk_rows_min=1) as dock:
        org.simulator.calls.reset()
        yield dock


async def test_a_finished_job_may_hold_failed_rows(bulk_dock: SalesforceDock) -> None:
    rows = customers(5)
    rows[1] = {"ErpId__c": "B-x", "Name": None}
    rows[3]["Name"] = "x" * 300

    outcomes = await bulk_dock.upsert_records("Account", "ErpId__c", rows)

    assert [type(outcome) for outcome in outcomes] == [Upserted, Invalid, Upserted, Invalid, Upserted]
    assert isinstance(outcomes[1], Invalid)
    assert outcomes[1].vendor_code == "REQUIRED_FIELD_MISSING"
    assert isinstance(outcomes[3], Invalid)
    assert outcomes[3].vendor_code == "STRING_TOO_LONG"


async def test_none_empties_a_field_and_a_left_out_field_stays(org: TestOrg, bulk_dock: SalesforceDock) -> None:
    full = {"ErpId__c": "B-1", "Name": "One", "Phone": "1", "Site": "S"}
    await bulk_dock.upsert_records("Account", "ErpId__c", [full])

    await bulk_dock.upsert_records(
        "Account", "ErpId__c", [{"ErpId__c": "B-1", "Phone": None}, {"ErpId__c": "B-2", "Name": "Two"}]
    )

    row = next(row for row in org.simulator.rows("Account") if row["ErpId__c"] == "B-1")
    assert (row["Name"], row["Phone"], row["Site"]) == ("One", None, "S")


async def test_a_parent_is_named_by_its_own_number(org: TestOrg, bulk_dock: SalesforceDock) -> None:
    row = {"ErpId__c": "K-1", "LastName": "Ærø", "Account": {"ErpId__c": "C-1001"}, "DoNotCall": True}

    (outcome,) = await bulk_dock.upsert_records("Contact", "ErpId__c", [row], parent_field="AccountId")

    assert isinstance(outcome, Upserted)
    assert org.row(outcome.id, "Contact")["AccountId"] == org.account
    assert org.row(outcome.id, "Contact")["DoNotCall"] is True


async def test_a_large_load_is_cut_into_jobs(org: TestOrg) -> None:
    async with org.open_dock(bulk_rows_min=1, bulk_part_bytes_max=2_000) as dock:
        org.simulator.calls.reset()
        assert created(await dock.upsert_records("Account", "ErpId__c", customers(100))) == 100
    assert org.calls("POST jobs/ingest") > 1


async def test_a_lost_answer_to_closing_a_job_is_settled_by_its_state(
    org: TestOrg, bulk_dock: SalesforceDock
) -> None:
    org.trouble(DropAfterCommit(path="jobs/ingest", method="PATCH"))
    assert created(await bulk_dock.upsert_records("Account", "ErpId__c", customers(10))) == 10

    org.trouble(DropBeforeWork(path="jobs/ingest", method="PATCH"))
    assert created(await bulk_dock.upsert_records("Account", "ErpId__c", customers(20))) == 10


async def test_a_busy_org_while_a_job_runs_is_waited_for(org: TestOrg, bulk_dock: SalesforceDock) -> None:
    org.trouble(UnavailableFault(path="jobs/ingest", method="GET"))
    org.trouble(UnavailableFault(path="failedResults", method="GET"))
    assert created(await bulk_dock.upsert_records("Account", "ErpId__c", customers(10))) == 10


async def test_an_upload_that_fails_leaves_nothing_behind(org: TestOrg, bulk_dock: SalesforceDock) -> None:
    org.trouble(DropAfterCommit(path="batches", method="PUT"))
    with pytest.raises(Unavailable):
        await bulk_dock.upsert_records("Account", "ErpId__c", customers(10))
    assert len(org.simulator.rows("Account")) == 1


def test_parts_hold_every_row_once_and_keep_to_their_size() -> None:
    rows = [*customers(50), {"ErpId__c": "Z", "Name": None, "Phone": ""}]
    read: list[dict[str, str]] = []
    for part, content in parts(rows, 600):
        assert len(content) <= 600
        lines = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        assert len(lines) == len(part)
        read += lines
    assert [row["ErpId__c"] for row in read] == [row["ErpId__c"] for row in rows]
    assert [row["Name"] for row in read[:50]] == [row["Name"] for row in rows[:50]]
    assert read[50]["Name"] == read[50]["Phone"] == "#N/A"
    assert read[0]["Phone"] == ""
