"""Orders are read exactly and whole; what cannot be read is listed with its place, all of it at once."""

import copy
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from crossdock.adapters.salesforce.mapping import long_id, status_row, to_arrival, to_order
from crossdock.adapters.salesforce.settings import OrderFields, SalesforceSettings, StatusFields
from crossdock.adapters.salesforce.wire import decode_row
from crossdock.canonical.status import OrderStatus
from crossdock.kit.money import Money, Price, Quantity
from crossdock.ports.status_sink import StatusUpdate

SETTINGS = SalesforceSettings(client_id="x")
ROW: dict[str, Any] = {
    "attributes": {"type": "Order", "url": "/services/data/v67.0/sobjects/Order/801xx000003GZ0AAAW"},
    "Id": "801xx000003GZ0AAAW",
    "OrderNumber": "00000100",
    "Status": "Draft",
    "CreatedDate": "2026-01-01T10:00:00.000+0000",
    "CurrencyIsoCode": "EUR",
    "TotalAmount": 0.1,
    "AccountId": "001D000000IRFma",
    "Account": {"attributes": {"type": "Account"}, "Name": "Müller & Söhne", "ErpId__c": "C-1001"},
    "Channel__c": "B2B",
    "Brand__c": None,
    "Region__c": "EU",
    "ShippingStreet": "Domstraße 1\r\nHinterhaus",
    "ShippingCity": "Köln",
    "ShippingPostalCode": "50667",
    "ShippingCountry": "Germany",
    "OrderItems": {
        "totalSize": 1,
        "done": True,
        "records": [
            {
                "attributes": {"type": "OrderItem"},
                "Id": "802xx000001nDzYAAU",
                "Quantity": 2.5,
                "UnitPrice": 0.04,
                "Description": None,
                "Product2": {"ProductCode": "P-100"},
            }
        ],
    },
}


def row(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ROW), **changes}


def line(**changes: Any) -> dict[str, Any]:
    made = row()
    made["OrderItems"]["records"][0].update(changes)
    return made


def read(values: dict[str, Any], settings: SalesforceSettings = SETTINGS) -> Any:
    order, findings = to_order(decode_row(msgspec.json.encode(values)), settings)
    assert not findings
    return order


def faults(values: dict[str, Any], settings: SalesforceSettings = SETTINGS) -> list[tuple[str, str]]:
    order, findings = to_order(decode_row(msgspec.json.encode(values)), settings)
    assert order is None
    return [(finding.code, finding.path) for finding in findings]


def test_an_order_is_read_whole() -> None:
    order = read(row())
    assert order.order_id == "SF-00000100"
    assert order.ordered_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert (order.channel, order.brand, order.region) == ("B2B", "", "EU")
    assert (order.customer.number, order.customer.name) == ("C-1001", "Müller & Söhne")
    assert order.customer.kind == "organisation"
    assert order.reference("salesforce", "Order") == "801xx000003GZ0AAAW"
    assert order.customer.references[0].value == "001D000000IRFmaIAH"
    assert order.total == Money("0.10", "EUR")
    assert order.shipping_address.lines == ("Domstraße 1", "Hinterhaus")
    assert order.shipping_address.country == "DE"
    assert order.billing_address is None
    (only,) = order.lines
    assert (only.line_id, only.product) == ("802xx000001nDzYAAU", "P-100")
    assert (only.quantity, only.unit_price) == (Quantity("2.5"), Price("0.04", "EUR"))


def test_numbers_never_pass_through_floats() -> None:
    text = msgspec.json.encode(row()).replace(b"0.04", b"123456789012.123456")
    order, findings = to_order(decode_row(text), SETTINGS)
    assert not findings
    assert order is not None
    assert order.lines[0].unit_price.amount == "123456789012.123456"


@pytest.mark.parametrize(("written", "meant"), [("1.0", "1"), ("1E+2", "100"), ("3", "3"), ("0.500000000", "0.5")])
def test_a_quantity_means_the_same_however_it_is_written(written: str, meant: str) -> None:
    text = msgspec.json.encode(row()).replace(b"2.5", written.encode())
    order, _ = to_order(decode_row(text), SETTINGS)
    assert order is not None
    assert order.lines[0].quantity.value == meant


def test_a_price_of_zero_is_a_price() -> None:
    assert read(line(UnitPrice=0)).lines[0].unit_price == Price("0.00", "EUR")


def test_everything_wrong_with_an_order_is_said_at_once() -> None:
    wrong = line(Quantity=-1, UnitPrice="free", Product2=None)
    wrong |= {"OrderNumber": None, "CreatedDate": "yesterday", "ShippingCountry": "Atlantis", "AccountId": None}
    assert set(faults(wrong)) == {
        ("missing", "$.OrderNumber"),
        ("wrong-type", "$.CreatedDate"),
        ("country-unknown", "$.ShippingCountry"),
        ("missing", "$.AccountId"),
        ("missing", "$.OrderItems.records[0].Product2.ProductCode"),
        ("wrong-type", "$.OrderItems.records[0].UnitPrice"),
        ("not-allowed", "$.OrderItems.records[0].Quantity"),
    }


@pytest.mark.parametrize("children", [None, {"totalSize": 0, "done": True, "records": []}, [], "x"])
def test_an_order_without_lines_is_a_finding(children: Any) -> None:
    assert faults(row(OrderItems=children)) == [("no-lines", "$.OrderItems")]


@pytest.mark.parametrize("number", ["1e999999", "1e-400", "123456789012345678901234"])
def test_absurd_numbers_are_findings_and_cost_nothing(number: str) -> None:
    text = msgspec.json.encode(row()).replace(b"2.5", number.encode())
    order, findings = to_order(decode_row(text), SETTINGS)
    assert order is None
    assert findings[0].path == "$.OrderItems.records[0].Quantity"


def test_a_wrong_currency_is_one_finding_and_not_one_for_every_price() -> None:
    assert faults(row(CurrencyIsoCode="EURO")) == [("currency-unknown", "$.CurrencyIsoCode")]


def test_an_org_with_one_currency_has_it_in_the_settings() -> None:
    settings = SalesforceSettings(client_id="x", currency="JPY")
    single = line(UnitPrice=1200)
    del single["CurrencyIsoCode"]
    single["TotalAmount"] = 3000.0
    order = read(single, settings)
    assert order.total == Money("3000", "JPY")
    assert order.lines[0].unit_price == Price("1200", "JPY")


def test_too_many_decimals_are_a_finding() -> None:
    assert faults(line(UnitPrice=0.1234567)) == [("not-allowed", "$.OrderItems.records[0].UnitPrice")]


@pytest.mark.parametrize(
    ("country", "code"), [("Germany", "DE"), ("germany", "DE"), ("de", "DE"), ("DE", "DE"), ("Allemagne", "DE")]
)
def test_a_country_is_known_by_name_by_code_and_by_the_deployments_own_words(country: str, code: str) -> None:
    settings = SalesforceSettings(client_id="x", countries={"Allemagne": "DE"})
    assert read(row(ShippingCountry=country), settings).shipping_address.country == code


def test_the_country_code_of_an_org_with_picklists_comes_first() -> None:
    assert read(row(ShippingCountry="Deutschland", ShippingCountryCode="DE")).shipping_address.country == "DE"


def test_half_an_address_is_a_finding() -> None:
    assert faults(row(ShippingCity=None)) == [("missing", "$.ShippingCity")]
    assert faults(row(ShippingStreet=" \n ")) == [("missing", "$.ShippingStreet")]
    assert read(row(ShippingStreet=None, ShippingCity=None)).shipping_address is None


def test_units_are_translated() -> None:
    settings = SalesforceSettings(
        client_id="x", orders=OrderFields(line_unit="Product2.QuantityUnitOfMeasure"), units={"Each": "EA"}
    )
    product = {"ProductCode": "P-100", "QuantityUnitOfMeasure": "Each"}
    assert read(line(Product2=product), settings).lines[0].quantity.unit == "EA"
    product["QuantityUnitOfMeasure"] = "six-pack"
    assert faults(line(Product2=product), settings) == [("not-allowed", "$.OrderItems.records[0].Quantity")]


def test_a_number_that_cannot_be_a_key_is_a_finding() -> None:
    assert faults(row(OrderNumber="1/2 3")) == [("business-key", "$.OrderNumber")]


def test_the_canonical_limits_hold() -> None:
    assert faults(row(Brand__c="b" * 65)) == [("not-allowed", "$.Brand__c")]
    assert faults(row(ShippingPostalCode="5" * 21)) == [("not-allowed", "$.ShippingPostalCode")]
    assert faults(row(ShippingStreet="\n".join("abcdef"))) == [("not-allowed", "$.ShippingStreet")]
    assert faults(line(Product2={"ProductCode": "p" * 65})) == [
        ("not-allowed", "$.OrderItems.records[0].Product2.ProductCode")
    ]


def test_a_field_may_be_read_through_a_parent() -> None:
    settings = SalesforceSettings(client_id="x", orders=OrderFields(region="Account.Region__r.Code__c"))
    made = row()
    made["Account"]["Region__r"] = {"Code__c": "NORTH"}
    assert read(made, settings).region == "NORTH"
    made["Account"] = None
    assert read(made, settings).region == ""


def test_unknown_fields_are_ignored() -> None:
    assert read(row(Later__c={"any": ["thing"]})) == read(row())


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{", b"\xff", b'{"a":' * 50_000, b'{"a": 1e99999999999999999999}']
)
def test_rubbish_arrives_as_a_finding_with_the_text_as_it_came(raw: bytes) -> None:
    arrival = to_arrival(raw, SETTINGS, 1, "event-1")
    assert (arrival.external_id, arrival.order, arrival.raw) == ("event-1", None, raw)
    assert arrival.findings


def test_an_arrival_has_the_same_external_id_however_the_id_is_written() -> None:
    short = to_arrival(msgspec.json.encode(row(Id="801D000000IRFma")), SETTINGS, 1, "e")
    long = to_arrival(msgspec.json.encode(row(Id="801D000000IRFmaIAH")), SETTINGS, 1, "e")
    assert short.external_id == long.external_id == "801D000000IRFmaIAH"
    assert short.order is not None
    assert short.raw == b""


def test_ids_are_extended_as_the_vendor_does() -> None:
    assert long_id("001D000000IRFma") == "001D000000IRFmaIAH"
    assert long_id("001D000000IRFmaIAH") == "001D000000IRFmaIAH"


UPDATE = StatusUpdate(
    order_id="SF-1",
    record="801xx000003GZ0AAAW",
    status=OrderStatus.PARTLY_ACCEPTED,
    as_of=1_767_225_600_000_000,
    reason="Line 2 is not sold any more",
    erp_number="SO1",
    correlation_id="c-1",
)


def test_a_status_is_shown_in_the_orders_own_fields() -> None:
    assert status_row(UPDATE, StatusFields(correlation="Hub_Correlation__c")) == {
        "attributes": {"type": "Order"},
        "id": "801xx000003GZ0AAAW",
        "Hub_Status__c": "Partly accepted",
        "Hub_Reason__c": "Line 2 is not sold any more",
        "Hub_Updated__c": "2026-01-01T00:00:00.000Z",
        "ErpOrderNumber__c": "SO1",
        "Hub_Correlation__c": "c-1",
    }


def test_a_status_wipes_an_old_reason_and_keeps_a_known_erp_number() -> None:
    shown = status_row(msgspec.structs.replace(UPDATE, reason="", erp_number=""), StatusFields())
    assert shown["Hub_Reason__c"] is None
    assert "ErpOrderNumber__c" not in shown


def test_labels_lengths_and_fields_follow_the_org() -> None:
    fields = StatusFields(labels={"partly_accepted": "Teilweise"}, reason_characters_max=20, updated="")
    shown = status_row(msgspec.structs.replace(UPDATE, reason="x" * 40), fields)
    assert shown["Hub_Status__c"] == "Teilweise"
    assert shown["Hub_Reason__c"] == "x" * 19 + "…"
    assert "Hub_Updated__c" not in shown
    assert "" not in shown
