"""SOQL: what is found, in which order and shape, and how a wrong query is told where it is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.adapters.salesforce.simulator.settings import OrgSettings


@pytest.fixture(scope="module")
def org() -> Iterator[SalesforceSimulator]:
    """Four customers, two products, three orders: nothing here is changed by a test."""
    with SalesforceSimulator(OrgSettings(query_page_rows=200)) as simulator:
        seed = simulator.seed
        seed.account("C-1", "Anvil", BillingCity="Köln", AnnualRevenue=100)
        seed.account("C-2", "bolt", BillingCity="Bonn", AnnualRevenue=200, Phone="50%")
        seed.account("C-3", "Clamp_1", AnnualRevenue=300)
        seed.account("C-4", "D'or \\ Co", NumberOfEmployees=7)
        seed.rows("Contact", [{"LastName": "Ada", "AccountId": seed.rows("Account", [{"Name": "Eve"}])[0]}])
        seed.product("P-1", "Hammer", {"EUR": 10, "USD": 11})
        seed.product("P-2", "Nail", {"EUR": 0.05})
        seed.order("C-1", [Line("P-1", 2), Line("P-2", 100)], Brand__c="north", EffectiveDate="2026-01-31")
        seed.order("C-1", [Line("P-1", 1)], Brand__c="south", EffectiveDate="2026-02-01")
        seed.order("C-2", [Line("P-1", 3)], currency="USD", Brand__c="north", EffectiveDate="2026-03-01")
        yield simulator


@pytest.fixture(scope="module")
def ask(org: SalesforceSimulator) -> Iterator[Rest]:
    client = Rest(org)
    yield client
    client.http.close()


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name = 'ANVIL'", ["Anvil"]),
        ("Name != 'anvil' AND ErpId__c != null", ["bolt", "Clamp_1", "D'or \\ Co"]),
        ("Name = 'D\\'or \\\\ Co'", ["D'or \\ Co"]),
        ("Name LIKE '%l%' AND ErpId__c != null", ["Anvil", "bolt", "Clamp_1"]),
        ("Name LIKE 'clamp\\_1'", ["Clamp_1"]),
        ("Name LIKE 'clamp_1'", ["Clamp_1"]),
        ("Name LIKE 'anvi\\_'", []),
        ("Phone LIKE '50\\%'", ["bolt"]),
        ("AnnualRevenue > 100", ["bolt", "Clamp_1"]),
        ("AnnualRevenue >= 100 AND AnnualRevenue <= 200.0", ["Anvil", "bolt"]),
        ("AnnualRevenue < 200", ["Anvil"]),
        ("NOT (AnnualRevenue < 200) AND ErpId__c LIKE 'C%'", ["bolt", "Clamp_1", "D'or \\ Co"]),
        ("(Name = 'anvil' OR Name = 'bolt') AND BillingCity = 'bonn'", ["bolt"]),
        ("ErpId__c IN ('c-1', 'C-3', 'nope')", ["Anvil", "Clamp_1"]),
        ("ErpId__c NOT IN ('C-1', 'C-2') AND Name != 'Eve'", ["Clamp_1", "D'or \\ Co"]),
        ("BillingCity = null AND ErpId__c != null", ["Clamp_1", "D'or \\ Co"]),
        ("IsDeleted = false AND NumberOfEmployees = 7", ["D'or \\ Co"]),
        ("Id IN (SELECT AccountId FROM Order WHERE Brand__c = 'north')", ["Anvil", "bolt"]),
        ("Id NOT IN (SELECT AccountId FROM Order) AND ErpId__c != null", ["Clamp_1", "D'or \\ Co"]),
        ("CreatedDate = TODAY AND Name = 'bolt'", ["bolt"]),
        ("CreatedDate < LAST_N_DAYS:3", []),
        (
            "CreatedDate > 2020-01-01T00:00:00Z AND CreatedDate < 2099-01-01T00:00:00+01:00 AND Name LIKE 'b%'",
            ["bolt"],
        ),
    ],
)
def test_where_finds(ask: Rest, where: str, names: list[str]) -> None:
    assert ask.names(f"SELECT Name FROM Account WHERE {where} ORDER BY Name") == sorted(names, key=str.lower)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT Name FROM Account WHERE ErpId__c != null ORDER BY Name DESC LIMIT 2", ["D'or \\ Co", "Clamp_1"]),
        ("SELECT Name FROM Account WHERE ErpId__c != null ORDER BY Name LIMIT 2 OFFSET 1", ["bolt", "Clamp_1"]),
        (
            "SELECT Name FROM Account WHERE ErpId__c != null ORDER BY AnnualRevenue NULLS LAST, Name",
            ["Anvil", "bolt", "Clamp_1", "D'or \\ Co"],
        ),
        (
            "SELECT Name FROM Account WHERE ErpId__c != null ORDER BY AnnualRevenue DESC",
            ["D'or \\ Co", "Clamp_1", "bolt", "Anvil"],
        ),
        ("SELECT a.Name FROM Account a WHERE a.ErpId__c = 'C-1'", ["Anvil"]),
        ("select name from ACCOUNT where erpid__C = 'C-1' FOR VIEW", ["Anvil"]),
        ("SELECT Brand__c FROM Order WHERE EffectiveDate = 2026-02-01", ["south"]),
        ("SELECT Brand__c FROM Order WHERE Account.ErpId__c = 'C-2' AND Account.Owner.IsActive = true", ["north"]),
    ],
)
def test_order_and_names(ask: Rest, query: str, names: list[str]) -> None:
    assert ask.names(query) == names


def test_parents_are_nested_and_absent_ones_are_null(ask: Rest) -> None:
    (record,) = ask.query("SELECT Account.Name, Account.Parent.Name, Id FROM Order WHERE Brand__c = 'south'")[
        "records"
    ]

    assert record["attributes"]["type"] == "Order"
    assert record["attributes"]["url"] == f"/services/data/v60.0/sobjects/Order/{record['Id']}"
    assert record["Account"]["Name"] == "Anvil"
    assert record["Account"]["attributes"]["type"] == "Account"
    assert record["Account"]["Parent"] is None


def test_children_are_small_results_and_none_is_null(ask: Rest) -> None:
    query = (
        "SELECT Name, (SELECT Quantity, Product2.ProductCode FROM OrderItems WHERE Quantity > 1 "
        "ORDER BY Quantity DESC), "
        "(SELECT Id FROM ReductionOrders) FROM Order WHERE EffectiveDate = 2026-01-31"
    )

    (record,) = ask.query(query)["records"]

    lines = record["OrderItems"]
    assert (lines["totalSize"], lines["done"]) == (2, True)
    assert [(line["Quantity"], line["Product2"]["ProductCode"]) for line in lines["records"]] == [
        (100.0, "P-2"),
        (2.0, "P-1"),
    ]
    assert record["ReductionOrders"] is None


def test_counting_and_grouping(ask: Rest) -> None:
    assert ask.query("SELECT COUNT() FROM Order") == {"totalSize": 3, "done": True, "records": []}
    grouped = ask.query(
        "SELECT Brand__c brand, COUNT(Id) orders, SUM(TotalAmount), MAX(EffectiveDate) FROM Order "
        "GROUP BY Brand__c HAVING COUNT(Id) > 0 ORDER BY COUNT(Id) DESC"
    )
    assert [
        {key: value for key, value in record.items() if key != "attributes"} for record in grouped["records"]
    ] == [
        {"brand": "north", "orders": 2, "expr0": 58.0, "expr1": "2026-03-01"},
        {"brand": "south", "orders": 1, "expr0": 10.0, "expr1": "2026-02-01"},
    ]
    assert grouped["records"][0]["attributes"] == {"type": "AggregateResult"}
    assert ask.names("SELECT COUNT_DISTINCT(AccountId) FROM Order") == [2]


def test_compound_addresses_and_field_sets_can_be_selected(ask: Rest) -> None:
    address = ask.names("SELECT BillingAddress FROM Account WHERE ErpId__c = 'C-1'")[0]
    custom = ask.query("SELECT FIELDS(CUSTOM) FROM Order LIMIT 1")["records"][0]

    assert address["city"] == "Köln"
    assert "Hub_Key__c" in custom
    assert "Id" not in custom


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "ERROR at Row:1:Column:37"),
        ("SELECT Id\nFROM Account\nWHERE ;", "MALFORMED_QUERY", "ERROR at Row:3:Column:7"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Account WHERE " + "(" * 1_000, "MALFORMED_QUERY", "nested too deeply"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "must be grouped"),
        ("SELECT Id, Foo FROM Account", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'"),
        ("SELECT Boss.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Boss'"),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed",
        ),
        ("SELECT Id FROM Order WHERE EffectiveDate = '2026-01-01'", "INVALID_FIELD", "should not be enclosed"),
        ("SELECT Id FROM Order WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Account WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE", "sObject type 'Nothing' is not supported"),
        ("SELECT Id, (SELECT Id FROM Nothings) FROM Account", "INVALID_TYPE", "relationship 'Nothings'"),
        ("SELECT Id FROM Order_Event__e", "INVALID_TYPE", "is not supported"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset"),
        ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:99999999999", "MALFORMED_QUERY", "LAST_N_DAYS"),
    ],
)
def test_a_wrong_query_is_refused_with_a_code_and_the_place(ask: Rest, query: str, code: str, words: str) -> None:
    refused, message = ask.refused(query)

    assert refused == code
    assert words in message
    assert "ERROR at Row:" in message


def test_pages_hold_what_was_there_when_the_query_ran(simulator: SalesforceSimulator, rest: Rest) -> None:
    ids = simulator.seed.rows("Account", [{"Name": f"A {number}"} for number in range(450)])
    first = rest.query("SELECT Id, Name FROM Account ORDER BY CreatedDate, Id")
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)

    simulator.seed.delete("Account", ids[-1])
    second = rest("GET", first["nextRecordsUrl"]).json()
    third = rest("GET", second["nextRecordsUrl"]).json()

    assert first["nextRecordsUrl"].startswith("/services/data/v60.0/query/01g")
    assert first["nextRecordsUrl"].endswith("-200")
    assert [len(second["records"]), len(third["records"])] == [200, 50]
    assert third["done"] is True
    assert "nextRecordsUrl" not in third
    assert third["records"][-1]["Id"] == ids[-1]
    assert error_of(rest("GET", "query/01g000000000000AAA-200")) == "INVALID_QUERY_LOCATOR"


def test_children_come_in_pages_too(simulator: SalesforceSimulator, rest: Rest) -> None:
    simulator.seed.account("C-1", "A")
    simulator.seed.product("P-1", "Hammer", {"EUR": 1})
    simulator.seed.order("C-1", [Line("P-1", number + 1) for number in range(250)])

    (order,) = rest.query("SELECT Id, (SELECT Id FROM OrderItems) FROM Order")["records"]

    lines = order["OrderItems"]
    assert (lines["totalSize"], lines["done"], len(lines["records"])) == (250, False, 200)
    rest_of_lines = rest("GET", lines["nextRecordsUrl"]).json()
    assert (rest_of_lines["done"], len(rest_of_lines["records"])) == (True, 50)


def test_the_caller_may_ask_for_smaller_pages() -> None:
    with SalesforceSimulator() as simulator:
        simulator.seed.rows("Account", [{"Name": f"A {number}"} for number in range(450)])
        rest = Rest(simulator)

        default = rest.query("SELECT Id FROM Account")
        smaller = rest.query("SELECT Id FROM Account", **{"Sforce-Query-Options": "batchSize=250"})
        smallest = rest.query("SELECT Id FROM Account", **{"Sforce-Query-Options": "batchSize=1"})

        assert [len(page["records"]) for page in (default, smaller, smallest)] == [450, 250, 200]
        rest.http.close()


def test_columns_are_described_without_running_the_query(ask: Rest) -> None:
    query = {"q": "SELECT Id, Name FROM Account", "columns": "true"}

    answer: dict[str, Any] = ask("GET", "query", params=query).json()

    assert (answer["entityName"], answer["keyPrefix"], answer["idSelected"]) == ("Account", "001", True)
    assert [column["columnName"] for column in answer["columnMetadata"]] == ["Id", "Name"]


def test_tooling_answers_carry_a_size_and_see_tooling_objects_only(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    subscription = simulator.add_managed_subscription("Hub", "/data/OrderChangeEvent")
    query = {
        "q": "SELECT Id, DeveloperName, Metadata FROM ManagedEventSubscription WHERE DeveloperName = 'Hub' LIMIT 1"
    }

    answer = rest("GET", "tooling/query/", params=query).json()

    assert (answer["size"], answer["entityTypeName"]) == (1, "ManagedEventSubscription")
    assert answer["records"][0]["Id"] == subscription
    assert answer["records"][0]["Metadata"]["topicName"] == "/data/OrderChangeEvent"
    assert rest.refused("SELECT Id FROM ManagedEventSubscription")[0] == "INVALID_TYPE"
    assert error_of(rest("GET", "tooling/query", params={"q": "SELECT Id FROM Account"})) == "INVALID_TYPE"


def test_keys_are_looked_up_without_reading_every_order() -> None:
    with SalesforceSimulator() as simulator:
        account = simulator.seed.account("C-1", "A")
        order = {"AccountId": account, "EffectiveDate": "2026-01-01", "Status": "Draft"}
        simulator.seed.rows("Order", [{**order, "Hub_Key__c": f"key-{number}"} for number in range(20_000)])
        table = simulator.org.table("Order")
        touched: list[str] = []

        class Watched(dict[str, Any]):
            def values(self) -> Any:
                touched.append("all")
                return super().values()

        table.rows = Watched(table.rows)
        rest = Rest(simulator)

        keys = ", ".join(f"'KEY-{number}'" for number in range(0, 20_000, 100))
        found = rest.query(f"SELECT Id FROM Order WHERE Hub_Key__c IN ({keys}) AND Status = 'Draft'")

        assert found["totalSize"] == 200
        assert touched == []
        since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert rest.query(f"SELECT COUNT() FROM Order WHERE SystemModstamp >= {since}")["totalSize"] == 20_000
        assert touched == ["all"]
        rest.http.close()
