"""Reading and writing by REST: pages, limits, lost answers, and an outcome for every row."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from tests.adapters.salesforce.orgs import TestOrg, having, listen, running_org, status

from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.rows import Upserted
from crossdock.adapters.salesforce.simulator.faults import (
    ConcurrentLimit,
    DailyLimit,
    DropAfterCommit,
    DropBeforeWork,
    DuplicateRule,
    HideField,
    LockRows,
)
from crossdock.adapters.salesforce.simulator.faults import Unavailable as UnavailableFault
from crossdock.canonical.status import OrderStatus
from crossdock.kit.clock import MICROSECONDS, ManualClock, SystemClock
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Invalid,
    Locked,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.ports.usage import ApiUsage, TellsUsage

pytestmark = pytest.mark.anyio

UPDATE_ROWS = "PATCH composite/sobjects"


async def test_pages_are_followed_to_the_end() -> None:
    async with running_org(query_page_rows=200) as org:
        org.simulator.seed.rows("Account", [{"Name": f"A{index}"} for index in range(450)])
        async with org.open_dock() as dock:
            sizes = [len(page.records) async for page in dock.client.query("SELECT Id FROM Account")]
            assert await dock.client.count("SELECT COUNT() FROM Account") == 451
    assert sizes == [200, 200, 51]


async def test_an_orders_many_lines_are_followed_to_the_end_too() -> None:
    async with running_org(query_page_rows=200) as org:
        record = org.order(lines=450)
        async with org.open_dock() as dock:
            (arrival,) = [a for batch in await listen(dock, "", having(record)) for a in batch.arrivals]
    assert arrival.order is not None
    assert len(arrival.order.lines) == 450


async def test_a_composite_is_one_call_with_an_answer_for_each_part(org: TestOrg, dock: SalesforceDock) -> None:
    answers = await dock.client.composite(
        [
            {"method": "GET", "url": f"sobjects/Account/{org.account}", "referenceId": "known"},
            {"method": "GET", "url": "sobjects/Account/001000000000000AAA", "referenceId": "unknown"},
        ],
        writes=False,
        all_or_none=False,
    )

    assert [(answer.reference_id, answer.http_status_code) for answer in answers] == [
        ("known", 200),
        ("unknown", 404),
    ]
    assert org.simulator.calls.rest == 1


async def test_the_allowance_is_known_after_every_call(org: TestOrg, dock: SalesforceDock) -> None:
    heard: list[ApiUsage] = []
    dock.on_usage(heard.append)

    await dock.client.allowances()
    await dock.client.allowances()

    assert isinstance(dock, TellsUsage)
    assert dock.usage == heard[-1]
    assert heard[1].used == heard[0].used + 1
    assert heard[1].allowed == org.simulator.settings.api_requests_per_day


async def test_the_two_request_limits_are_told_apart(org: TestOrg, dock: SalesforceDock) -> None:
    org.trouble(DailyLimit(times=1))
    with pytest.raises(Throttled) as daily:
        await dock.client.allowances()
    org.trouble(ConcurrentLimit())
    with pytest.raises(Throttled) as burst:
        await dock.client.allowances()

    assert daily.value.exhausted
    assert not burst.value.exhausted
    assert burst.value.retry_after_seconds


async def test_a_busy_org_is_unavailable(org: TestOrg, dock: SalesforceDock) -> None:
    org.trouble(UnavailableFault())
    with pytest.raises(Unavailable) as busy:
        await dock.report_statuses([status(org.order())])
    assert busy.value.vendor_code == "SERVER_UNAVAILABLE"


async def test_a_lost_answer_to_a_write_is_unknown_and_to_a_read_is_nothing(
    org: TestOrg, dock: SalesforceDock
) -> None:
    record = org.order()
    org.trouble(DropAfterCommit(method="PATCH"))
    with pytest.raises(OutcomeUnknown):
        await dock.report_statuses([status(record)])
    assert org.row(record)["Hub_Status__c"] == "Accepted"

    org.trouble(DropBeforeWork())
    with pytest.raises(Unavailable):
        await dock.client.allowances()


async def test_a_status_is_shown_with_its_reason_and_number(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order()
    update = status(record, OrderStatus.PARTLY_ACCEPTED, reason="Größe „M“ fehlt", erp_number="SO-17")

    assert await dock.report_statuses([update]) == [None]

    row = org.row(record)
    assert row["Hub_Status__c"] == "Partly accepted"
    assert row["Hub_Reason__c"] == "Größe „M“ fehlt"
    assert row["ErpOrderNumber__c"] == "SO-17"


async def test_two_hundred_statuses_are_one_call_and_more_are_a_call_for_each_two_hundred(
    org: TestOrg, dock: SalesforceDock
) -> None:
    records = org.orders(450, announce=False)
    org.simulator.calls.reset()

    assert await dock.report_statuses([status(record) for record in records[:200]]) == [None] * 200
    assert org.calls(UPDATE_ROWS) == 1

    assert await dock.report_statuses([status(record) for record in records]) == [None] * 450
    assert org.calls(UPDATE_ROWS) == 4
    assert {org.row(record)["Hub_Status__c"] for record in records} == {"Accepted"}


async def test_each_row_has_its_own_outcome_in_the_order_asked(org: TestOrg, dock: SalesforceDock) -> None:
    fine, locked, gone = org.orders(3)
    org.simulator.seed.delete("Order", gone)
    org.trouble(LockRows(record=locked, times=1))

    outcomes = await dock.report_statuses([status(gone), status(locked), status(fine), status("nonsense")])

    assert [type(outcome) for outcome in outcomes] == [Rejected, Locked, type(None), Invalid]
    assert outcomes[1] is not None
    assert outcomes[1].vendor_code == "UNABLE_TO_LOCK_ROW"
    assert org.row(fine)["Hub_Status__c"] == "Accepted"
    assert await dock.report_statuses([status(locked)]) == [None]


async def test_of_two_updates_of_one_record_the_later_is_shown(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order()
    newer = status(record, OrderStatus.SHIPPED, as_of=1_767_225_700_000_000)

    assert await dock.report_statuses([newer, status(record[:15], OrderStatus.ACCEPTED)]) == [None, None]

    assert org.row(record)["Hub_Status__c"] == "Shipped"
    assert org.calls(UPDATE_ROWS) == 1


async def test_no_updates_are_no_call(org: TestOrg, dock: SalesforceDock) -> None:
    assert await dock.report_statuses([]) == []
    assert org.simulator.calls.rest == 0


async def test_a_later_call_that_fails_leaves_the_earlier_rows_their_outcome(
    org: TestOrg, dock: SalesforceDock
) -> None:
    records = sorted(org.orders(300, announce=False))

    answered = asyncio.Event()
    original = dock.client.call

    async def once(*args: Any, **more: Any) -> bytes:
        if answered.is_set():
            org.trouble(UnavailableFault())
        answered.set()
        return await original(*args, **more)

    dock.client.call = once  # type: ignore[method-assign]
    outcomes = await dock.report_statuses([status(record) for record in records])

    assert outcomes[:200] == [None] * 200
    assert {type(outcome) for outcome in outcomes[200:]} == {Unavailable}


async def test_a_field_that_may_not_be_written_is_for_the_administrator(
    org: TestOrg, dock: SalesforceDock
) -> None:
    record = org.order()
    org.trouble(HideField(sobject="Order", field="Hub_Reason__c", read_only=True))

    (outcome,) = await dock.report_statuses([status(record)])

    assert isinstance(outcome, Misconfigured)
    check = await dock.check()
    assert not check.ok
    assert "Order.Hub_Reason__c" in check.detail


async def test_a_check_tells_who_where_and_how_much_is_left(org: TestOrg, dock: SalesforceDock) -> None:
    check = await dock.check()
    assert check.ok
    assert org.simulator.organization_id[:15] in check.detail
    assert "API calls left today" in check.detail
    assert org.simulator.settings.username not in check.detail


async def test_a_missing_field_stops_the_start_and_is_named(org: TestOrg) -> None:
    org.trouble(HideField(sobject="Order", field="Submitted__c"))
    org.trouble(HideField(sobject="Account", field="ErpId__c"))
    dock = org.dock()
    try:
        with pytest.raises(Misconfigured) as missing:
            await dock.open()
        paths = {finding.path for finding in missing.value.findings}
        assert paths == {"$.Order.Submitted__c", "$.Order.Account.ErpId__c"}
    finally:
        await dock.close()


async def test_an_unoffered_version_fails_the_check(org: TestOrg) -> None:
    dock = org.dock(api_version="99.0")
    try:
        check = await dock.check()
        assert not check.ok
    finally:
        await dock.close()


async def test_an_upsert_creates_once_and_then_updates(org: TestOrg, dock: SalesforceDock) -> None:
    rows = [{"ErpId__c": f"N-{index}", "Name": f"New {index}"} for index in range(3)]

    first = await dock.upsert_records("Account", "ErpId__c", rows)
    second = await dock.upsert_records("Account", "ErpId__c", rows)

    assert [isinstance(one, Upserted) and one.created for one in first] == [True] * 3
    assert [isinstance(one, Upserted) and one.created for one in second] == [False] * 3
    assert [one.id for one in first if isinstance(one, Upserted)] == [
        one.id for one in second if isinstance(one, Upserted)
    ]


async def test_decimals_are_written_as_numbers(org: TestOrg, dock: SalesforceDock) -> None:
    (outcome,) = await dock.upsert_records(
        "Account", "ErpId__c", [{"ErpId__c": "N-1", "Name": "N", "AnnualRevenue": Decimal("1234567.89")}]
    )
    assert isinstance(outcome, Upserted)
    assert org.row(outcome.id, "Account")["AnnualRevenue"] == pytest.approx(1234567.89)


async def test_a_clock_that_is_a_little_off_is_noticed_and_one_of_another_time_is_not(org: TestOrg) -> None:
    for shift_us, believed in ((30 * MICROSECONDS, True), (86_400 * MICROSECONDS, False)):
        clock = ManualClock(SystemClock().now() + shift_us)
        secret = org.simulator.credentials.client_secret
        settings = org.dock(flow="client_credentials", client_secret=secret).client.settings
        client = SalesforceClient(settings, clock)
        try:
            await client.versions()
        finally:
            await client.close()
        assert (abs(client.server_now() - SystemClock().now()) < 5 * MICROSECONDS) is believed


async def test_upserted_rows_fail_one_by_one(org: TestOrg, dock: SalesforceDock) -> None:
    rows: list[dict[str, Any]] = [
        {"ErpId__c": "N-1", "Name": "Fine"},
        {"ErpId__c": "N-2"},
        {"ErpId__c": "n-1", "Name": "The same id in other letters"},
        {"Name": "No id"},
        {"ErpId__c": "N-3", "Name": "x" * 300},
    ]

    outcomes = await dock.upsert_records("Account", "ErpId__c", rows)

    assert [type(outcome) for outcome in outcomes] == [Upserted, Invalid, Invalid, Invalid, Invalid]
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, CrossdockError)]
    assert codes == [
        "salesforce-required-field-missing",
        "salesforce-external-id",
        "salesforce-external-id",
        "salesforce-string-too-long",
    ]


@pytest.mark.parametrize("misspelt", [True, False])
async def test_a_duplicate_rule_names_the_record_it_found(
    org: TestOrg, dock: SalesforceDock, misspelt: bool
) -> None:
    org.trouble(DuplicateRule(sobject="Account", fields=("Name",), misspelt=misspelt))

    (outcome,) = await dock.upsert_records("Account", "ErpId__c", [{"ErpId__c": "N-1", "Name": "Anvil & Söhne"}])

    assert isinstance(outcome, Rejected)
    assert outcome.vendor_code == "DUPLICATES_DETECTED"
    single = {"ErpId__c": "N-1", "Name": "Anvil & Söhne"}
    with pytest.raises(Rejected) as refused:
        await dock.client.call("POST", "sobjects/Account", json=single, writes=True)
    assert [finding.message for finding in refused.value.findings] == [org.account]


async def test_a_unique_value_that_another_record_has_is_a_conflict(org: TestOrg, dock: SalesforceDock) -> None:
    with pytest.raises(Conflict) as taken:
        await dock.client.call("POST", "sobjects/Account", json={"Name": "X", "ErpId__c": "C-1001"}, writes=True)
    assert [finding.message[:15] for finding in taken.value.findings] == [org.account[:15]]
