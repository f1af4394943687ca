"""Misbehaviour on demand, from Python and over the control panel."""

import threading
from typing import Any

import httpx
import msgspec
import pytest
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.faults import (
    AnyFault,
    ConcurrentLimit,
    DailyLimit,
    DropAfterCommit,
    DropBeforeWork,
    Fault,
    HideField,
    Latency,
    LockRows,
    Unavailable,
)
from crossdock.adapters.salesforce.simulator.settings import OrgSettings


def test_both_limits_share_a_code_and_differ_in_words(simulator: SalesforceSimulator, rest: Rest) -> None:
    simulator.faults.add(ConcurrentLimit())
    concurrent = rest("GET", "limits")
    simulator.faults.add(DailyLimit())
    daily = [rest("GET", "limits") for _ in range(3)]

    for answer in (concurrent, *daily):
        assert (answer.status_code, error_of(answer)) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert concurrent.json()[0]["message"] == "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    assert daily[0].json()[0]["message"] == "TotalRequests Limit exceeded."
    simulator.faults.clear(DailyLimit)
    assert rest("GET", "limits").status_code == 200


def test_the_days_requests_are_really_used_up() -> None:
    with SalesforceSimulator(OrgSettings(api_requests_per_day=3)) as simulator:
        rest = Rest(simulator)

        answers = [rest("GET", "limits").status_code for _ in range(4)]

        assert answers == [200, 200, 200, 403]
        rest.http.close()


def test_rows_are_locked_so_often_and_for_all_that_point_at_the_record(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    account = simulator.seed.account("C-1", "A")
    other = simulator.seed.account("C-2", "B")
    simulator.faults.add(LockRows(record=account, times=2))

    def change(record: str) -> httpx.Response:
        return rest("PATCH", f"sobjects/Account/{record}", {"Phone": "1"})

    assert change(other).status_code == 204
    answer = change(account)
    assert answer.json() == [
        {
            "message": f"unable to obtain exclusive access to this record or 1 records: {account}",
            "errorCode": "UNABLE_TO_LOCK_ROW",
            "fields": [],
        }
    ]
    contact = rest("POST", "sobjects/Contact", {"LastName": "L", "AccountId": account})
    assert error_of(contact) == "UNABLE_TO_LOCK_ROW"
    assert change(account).status_code == 204


def test_a_lock_on_one_row_of_a_collection_leaves_the_others_alone(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    ids = [simulator.seed.account(f"C-{number}", "A") for number in range(3)]
    simulator.faults.add(LockRows(record=ids[1]))
    records = [{"attributes": {"type": "Account"}, "Id": record_id, "Phone": "1"} for record_id in ids]

    results = rest("PATCH", "composite/sobjects", {"records": records}).json()

    assert [result["success"] for result in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_writers_of_one_parent_collide_only_when_they_overlap() -> None:
    with SalesforceSimulator(OrgSettings(lock_hold_seconds=0.2)) as simulator:
        account = simulator.seed.account("C-1", "A")
        other = simulator.seed.account("C-2", "B")
        rest = Rest(simulator)

        def add_contact(parent: str) -> httpx.Response:
            return rest("POST", "sobjects/Contact", {"LastName": "L", "AccountId": parent})

        assert [add_contact(account).status_code for _ in range(2)] == [201, 201]
        answers: list[httpx.Response] = []
        threads = [
            threading.Thread(target=lambda parent=parent: answers.append(add_contact(parent)))
            for parent in (account, account, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answer.status_code for answer in answers) == [201, 201, 400]
        refused = next(answer for answer in answers if answer.status_code == 400)
        assert error_of(refused) == "UNABLE_TO_LOCK_ROW"
        rest.http.close()


def test_an_answer_can_be_lost_after_the_work_was_done_or_before_it_began(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.faults.add(DropAfterCommit(method="POST", path="sobjects/Account"))
    with pytest.raises(httpx.RemoteProtocolError):
        rest("POST", "sobjects/Account", {"Name": "kept"})
    simulator.faults.add(DropBeforeWork(method="POST"))
    with pytest.raises(httpx.RemoteProtocolError):
        rest("POST", "sobjects/Account", {"Name": "lost"})

    assert [row["Name"] for row in simulator.rows("Account")] == ["kept"]
    assert simulator.faults.active == []


def test_a_refused_request_does_not_use_up_the_fault_that_waits_for_a_commit(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.faults.add(DropAfterCommit(method="POST"))

    assert error_of(rest("POST", "sobjects/Account", {})) == "REQUIRED_FIELD_MISSING"
    with pytest.raises(httpx.RemoteProtocolError):
        rest("POST", "sobjects/Account", {"Name": "kept"})


def test_the_api_can_be_down_while_sign_in_works_unless_the_path_says_otherwise(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.faults.add(Unavailable())
    rest.sign_in()
    answer = rest("GET", "limits")
    assert (answer.status_code, error_of(answer)) == (503, "SERVER_UNAVAILABLE")

    simulator.faults.add(Unavailable(path="oauth2/token", status=500))
    assert rest("GET", "limits").status_code == 200
    token = httpx.post(simulator.credentials.token_url, data={"grant_type": "client_credentials"})
    assert token.status_code == 500


def test_a_slow_answer_is_slow_for_its_path_only(simulator: SalesforceSimulator, rest: Rest) -> None:
    simulator.faults.add(Latency(seconds=5, path="query"))

    assert rest("GET", "limits").status_code == 200
    with pytest.raises(httpx.ReadTimeout):
        rest("GET", "query", params={"q": "SELECT Id FROM User"}, timeout=0.3)


@pytest.mark.parametrize(
    "fault",
    [LockRows(times=0), Unavailable(path="["), HideField(sobject="Account", field="Nope")],
    ids=["never", "no pattern", "no field"],
)
def test_a_fault_that_makes_no_sense_is_refused(simulator: SalesforceSimulator, fault: Fault) -> None:
    with pytest.raises(ValueError, match=r"times|path|field"):
        simulator.faults.add(fault)
    assert simulator.faults.active == []


def panel(simulator: SalesforceSimulator, method: str, path: str = "", body: Any = None) -> httpx.Response:
    content = None if body is None else msgspec.json.encode(body)
    return httpx.request(method, f"{simulator.instance_url}/_simulator{path}", content=content)


def test_every_fault_can_be_switched_over_http(simulator: SalesforceSimulator) -> None:
    needed: dict[str, dict[str, Any]] = {
        "duplicate_rule": {"sobject": "Account", "fields": ["Name"]},
        "latency": {"seconds": 0},
        "late_commit": {"seconds": 1},
        "hide_field": {"sobject": "Account", "field": "Phone"},
    }
    kinds = [str(kind.__struct_config__.tag) for kind in AnyFault.__args__]
    for kind in kinds:
        answer = panel(simulator, "POST", "/faults", {"fault": kind, **needed.get(kind, {})})
        assert answer.status_code == 200, answer.text

    assert [fault["fault"] for fault in panel(simulator, "GET", "/faults").json()] == kinds
    assert len(panel(simulator, "DELETE", "/faults?fault=hide_field").json()) == len(kinds) - 1
    assert panel(simulator, "DELETE", "/faults").json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/faults", {"fault": "magic"}, 400, "magic"),
        ("POST", "/faults", {"fault": "lock_rows", "tiems": 1}, 400, "tiems"),
        ("POST", "/faults", {"fault": "lock_rows", "times": "x"}, 400, "times"),
        ("DELETE", "/faults?fault=magic", None, 400, "lock_rows"),
        ("POST", "/events/dance", {}, 400, "age-out"),
        ("POST", "/events/gap", {"sobject": "Account", "kind": "CREATE"}, 400, "records"),
        ("POST", "/records/Nope", [{}], 404, "NOT_FOUND"),
        ("POST", "/records/Account", [{}], 400, "Name"),
        ("POST", "/objects", {"name": "X"}, 400, "prefix"),
        ("GET", "/nothing", None, 404, "/nothing"),
        ("PUT", "/faults", None, 405, "GET"),
    ],
)
def test_the_panel_says_what_is_wrong(
    simulator: SalesforceSimulator, method: str, path: str, body: Any, status: int, words: str
) -> None:
    answer = panel(simulator, method, path, body)

    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_another_process_can_seed_watch_and_switch_over_http(simulator: SalesforceSimulator, rest: Rest) -> None:
    event = {
        "name": "Stock_Event__e",
        "prefix": "e09",
        "kind": "event",
        "fields": [{"name": "Sku__c", "length": 40}],
    }
    assert panel(simulator, "POST", "/objects", event).json() == {"name": "Stock_Event__e"}
    assert panel(simulator, "POST", "/objects/Account/fields", {"name": "Tier__c", "length": 9}).status_code == 200
    ids = panel(simulator, "POST", "/records/Account?announce=true", [{"Name": "A", "Tier__c": "gold"}]).json()[
        "ids"
    ]
    panel(simulator, "POST", "/changes/Case")
    panel(simulator, "POST", "/events/gap", {"sobject": "Account", "kind": "UPDATE", "records": ids})
    panel(simulator, "POST", "/events/overflow", {"sobject": "Account"})

    overview = panel(simulator, "GET").json()

    assert overview["calls"]["events_published"] == 3
    assert overview["calls"]["rest"] == 0, "the panel counts against nothing"
    assert "Case" in overview["announced_objects"]
    assert panel(simulator, "GET", "/records/Account").json()[0]["Tier__c"] == "gold"
    assert panel(simulator, "POST", "/sessions/expire").json() == {"ended": 1}
    assert error_of(rest("GET", "limits")) == "INVALID_SESSION_ID"
    for switch, running in (("stop", False), ("resume", True), ("age-out", True), ("reset", True)):
        assert panel(simulator, "POST", f"/events/{switch}").json() == {"running": running}
    assert panel(simulator, "DELETE", "/calls").json()["by_kind"] == {}
