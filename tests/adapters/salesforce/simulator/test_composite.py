"""Several requests in one: references between them, all or none, graphs, trees and batches."""

from typing import Any

import pytest
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.seeding import Line

BASE = "/services/data/v60.0"


def step(method: str, resource: str, reference: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {"method": method, "url": f"{BASE}/{resource}", "referenceId": reference, "body": body, **more}


def composite(rest: Rest, *steps: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    answer = rest("POST", "composite", {"allOrNone": all_or_none, "compositeRequest": list(steps)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["compositeResponse"])


def statuses(answers: list[dict[str, Any]]) -> list[int]:
    return [answer["httpStatusCode"] for answer in answers]


def test_later_requests_use_what_earlier_ones_answered(simulator: SalesforceSimulator, rest: Rest) -> None:
    answers = composite(
        rest,
        step("POST", "sobjects/Account", "account", {"Name": "A", "NumberOfEmployees": 7}),
        step("GET", "sobjects/Account/@{account.id}", "read"),
        step("POST", "sobjects/Account", "twin", {"Name": "Twin of @{read.Name}", "ParentId": "@{account.id}"}),
        step("PATCH", "sobjects/Account/@{twin.id}", "same", {"NumberOfEmployees": "@{read.NumberOfEmployees}"}),
        step("GET", "query?q=SELECT+Name,NumberOfEmployees+FROM+Account+WHERE+Id='@{twin.id}'", "found"),
        step("GET", "sobjects/Account/@{found.records[0].attributes.type}", "odd"),
    )

    assert statuses(answers) == [201, 200, 201, 204, 200, 400]
    assert [answer["referenceId"] for answer in answers] == ["account", "read", "twin", "same", "found", "odd"]
    assert answers[0]["httpHeaders"]["Location"] == f"{BASE}/sobjects/Account/{answers[0]['body']['id']}"
    assert answers[3]["body"] is None
    (record,) = answers[4]["body"]["records"]
    assert (record["Name"], record["NumberOfEmployees"]) == ("Twin of A", 7)
    assert simulator.calls.rest == 1


def test_without_all_or_none_only_what_depends_on_a_failure_fails(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    answers = composite(
        rest,
        step("POST", "sobjects/Account", "bad", {}),
        step("POST", "sobjects/Contact", "child", {"LastName": "L", "AccountId": "@{bad.id}"}),
        step("POST", "sobjects/Account", "good", {"Name": "A"}),
    )

    assert statuses(answers) == [400, 400, 201]
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "No value for bad.id" in answers[1]["body"][0]["message"]
    assert [row["Name"] for row in simulator.rows("Account")] == ["A"]


def test_all_or_none_undoes_what_was_done_before_the_failure(simulator: SalesforceSimulator, rest: Rest) -> None:
    published = simulator.calls.events_published
    answers = composite(
        rest,
        step("POST", "sobjects/Account", "good", {"Name": "A", "ErpId__c": "C-1"}),
        step("POST", "sobjects/Account", "bad", {}),
        step("POST", "sobjects/Account", "never", {"Name": "C"}),
        all_or_none=True,
    )

    assert statuses(answers) == [400, 400, 400]
    assert [answer["body"][0]["errorCode"] for answer in answers] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert simulator.rows("Account") == []
    assert simulator.calls.events_published == published


def test_an_order_with_its_lines_is_one_composite(simulator: SalesforceSimulator, rest: Rest) -> None:
    simulator.seed.account("C-1", "A")
    simulator.seed.product("P-1", "Hammer", {"EUR": 10})
    item = {
        "attributes": {"type": "OrderItem"},
        "OrderId": "@{order.id}",
        "Product2": {"ErpId__c": "P-1"},
        "Quantity": 3,
        "UnitPrice": 9.5,
    }

    answers = composite(
        rest,
        step(
            "PATCH",
            "sobjects/Order/Hub_Key__c/key-1",
            "order",
            {"Account": {"ErpId__c": "C-1"}, "EffectiveDate": "2026-01-31", "Status": "Draft"},
        ),
        step("POST", "composite/sobjects", "items", {"allOrNone": True, "records": [item, item]}),
        all_or_none=True,
    )

    assert statuses(answers) == [201, 200]
    assert rest.names("SELECT TotalAmount FROM Order") == [57.0]


def test_a_bad_row_of_a_collection_undoes_an_all_or_none_composite(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": "B"}, {"attributes": {"type": "Account"}}]
    answers = composite(
        rest,
        step("POST", "sobjects/Account", "one", {"Name": "A"}),
        step("POST", "composite/sobjects", "many", {"records": records}),
        all_or_none=True,
    )

    assert statuses(answers) == [400, 200]
    assert simulator.rows("Account") == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "JSON_PARSER_ERROR"),
        ({"compositeRequest": []}, "INVALID_INPUT"),
        ({"compositeRequest": [{"method": "GET"}]}, "JSON_PARSER_ERROR"),
        ({"compositeRequest": [step("GET", "limits", "x")] * 2}, "INVALID_INPUT"),
        ({"compositeRequest": [step("GET", "limits", str(n)) for n in range(26)]}, "LIMIT_EXCEEDED"),
        ({"compositeRequest": [step("GET", "query?q=x", str(n)) for n in range(6)]}, "LIMIT_EXCEEDED"),
    ],
)
def test_a_wrong_composite_is_refused_whole(rest: Rest, body: dict[str, Any], code: str) -> None:
    answer = rest("POST", "composite", body)

    assert (answer.status_code, error_of(answer)) == (400, code)


def test_each_graph_stands_or_falls_alone(simulator: SalesforceSimulator, rest: Rest) -> None:
    def graph(name: str, last_name: str | None) -> dict[str, Any]:
        contact = {"AccountId": "@{account.id}", "LastName": last_name}
        steps = [
            step("POST", "sobjects/Account", "account", {"Name": name}),
            step("POST", "sobjects/Contact", "contact", contact),
        ]
        return {"graphId": name, "compositeRequest": steps}

    answer = rest("POST", "composite/graph", {"graphs": [graph("one", "L"), graph("two", None)]}).json()

    assert [(item["graphId"], item["isSuccessful"]) for item in answer["graphs"]] == [
        ("one", True),
        ("two", False),
    ]
    assert statuses(answer["graphs"][1]["graphResponse"]["compositeResponse"]) == [400, 400]
    assert [row["Name"] for row in simulator.rows("Account")] == ["one"]
    foreign = {"graphs": [{"graphId": "x", "compositeRequest": [step("GET", "query?q=x", "q")]}]}
    assert error_of(rest("POST", "composite/graph", foreign)) == "INVALID_INPUT"


def test_a_tree_is_written_whole_or_not_at_all(simulator: SalesforceSimulator, rest: Rest) -> None:
    def leaf(reference: str, **values: Any) -> dict[str, Any]:
        return {"attributes": {"type": "Contact", "referenceId": reference}, **values}

    def tree(*leaves: dict[str, Any]) -> dict[str, Any]:
        root = {"attributes": {"type": "Account", "referenceId": "root"}, "Name": "A"}
        return {"records": [{**root, "Contacts": {"records": list(leaves)}}]}

    refused = rest("POST", "composite/tree/Account", tree(leaf("good", LastName="L"), leaf("bad")))
    assert simulator.rows("Account") == []
    accepted = rest("POST", "composite/tree/Account", tree(leaf("good", LastName="L")))

    assert refused.status_code == 400
    assert refused.json()["results"][0]["referenceId"] == "bad"
    assert accepted.status_code == 201
    assert [result["referenceId"] for result in accepted.json()["results"]] == ["root", "good"]
    assert rest.names("SELECT Account.Name FROM Contact")[0]["Name"] == "A"


@pytest.mark.parametrize(("halt", "expected"), [(False, [200, 400, 201]), (True, [200, 400, 412])])
def test_a_batch_goes_on_after_an_error_unless_told_to_halt(rest: Rest, halt: bool, expected: list[int]) -> None:
    requests = [
        {"method": "GET", "url": "v60.0/limits"},
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {}},
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "A"}},
    ]

    answer = rest("POST", "composite/batch", {"haltOnError": halt, "batchRequests": requests}).json()

    assert answer["hasErrors"] is True
    assert [result["statusCode"] for result in answer["results"]] == expected


def test_an_activated_order_keeps_its_lines_and_an_empty_one_is_not_activated(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    simulator.seed.account("C-1", "A")
    simulator.seed.product("P-1", "Hammer", {"EUR": 10})
    empty, full = simulator.seed.order("C-1", []), simulator.seed.order("C-1", [Line("P-1", 1)])

    def activate(order: str) -> Any:
        return rest("PATCH", f"sobjects/Order/{order}", {"Status": "Activated"})

    assert error_of(activate(empty)) == "FAILED_ACTIVATION"
    assert activate(full).status_code == 204
    line = simulator.rows("OrderItem")[0]["Id"]
    assert error_of(rest("PATCH", f"sobjects/OrderItem/{line}", {"Quantity": 2})) == "FIELD_INTEGRITY_EXCEPTION"
    assert error_of(rest("DELETE", f"sobjects/OrderItem/{line}")) == "FIELD_INTEGRITY_EXCEPTION"
    assert rest("PATCH", f"sobjects/Order/{full}", {"Hub_Status__c": "Accepted"}).status_code == 204
    row = rest("GET", f"sobjects/Order/{full}").json()
    assert (row["StatusCode"], row["ActivatedDate"] is None) == ("Activated", False)


def test_orders_and_prices_follow_the_vendors_rules(simulator: SalesforceSimulator, rest: Rest) -> None:
    account = simulator.seed.account("C-1", "A")
    product = simulator.seed.product("P-1", "Hammer", {"EUR": 10})
    order = simulator.seed.order("C-1", [])
    bare = rest.created("Product2", Name="Bare")
    book = simulator.seed.pricebook

    def refused(sobject: str, **values: Any) -> str:
        return error_of(rest("POST", f"sobjects/{sobject}", values))

    start = {"AccountId": account, "EffectiveDate": "2026-01-31"}
    price = {"Pricebook2Id": book, "UnitPrice": 1}
    assert refused("Order", **start, Status="Activated") == "FAILED_ACTIVATION"
    assert refused("Order", **start, Status="Lost") == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert refused("Order", AccountId=account, Status="Draft") == "REQUIRED_FIELD_MISSING"
    assert refused("Order", **start, Status="Draft", EndDate="2026-01-01") == "FIELD_INTEGRITY_EXCEPTION"
    assert refused("PricebookEntry", **price, Product2Id=bare) == "STANDARD_PRICE_NOT_DEFINED"
    assert refused("PricebookEntry", **price, Product2Id=product) == "DUPLICATE_VALUE"
    assert refused("OrderItem", OrderId=order, Quantity=1) == "REQUIRED_FIELD_MISSING"
    assert refused("OrderItem", OrderId=order, Product2Id=product, Quantity=1) == "REQUIRED_FIELD_MISSING"
    assert (
        refused("OrderItem", OrderId=order, Product2Id=product, Quantity=0, UnitPrice=1)
        == "FIELD_INTEGRITY_EXCEPTION"
    )
