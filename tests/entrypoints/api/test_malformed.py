"""Whatever comes in at the door: a clear problem with path and code, nothing stored half, never a 5xx."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.entrypoints.doors import an_order_on_the_wire

from crossdock.bootstrap.hub import Hub
from crossdock.testing.builders import a_line

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
Spoil = Callable[[dict[str, Any]], object]


def spoiled(spoil: Spoil) -> bytes:
    order = an_order_on_the_wire("M-1")
    spoil(order)
    return json.dumps(order).encode()


def line(order: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = order["lines"][0]
    return first


PRICE, QUANTITY = "$.lines[0].unit_price", "$.lines[0].quantity"


def price(**changes: object) -> Spoil:
    return lambda order: line(order)["unit_price"].update(changes)


def quantity(**changes: object) -> Spoil:
    return lambda order: line(order)["quantity"].update(changes)


def total(amount: str) -> Spoil:
    return lambda order: order.update(total={"amount": amount, "currency": "EUR"})


def pay(method: str) -> Spoil:
    return lambda order: order.update(payment={"method": method})


def many_lines(order: dict[str, Any]) -> None:
    order["lines"] = [{"line_id": str(number)} for number in range(10_000)]


WRONG_IN_ONE_PLACE: dict[str, tuple[Spoil, str, str]] = {
    "a field that is missing": (lambda o: o.pop("currency"), "$.currency", "missing"),
    "a field nobody knows": (lambda o: o.update(prize=1), "$.prize", "unknown-field"),
    "an odd field nobody knows": (lambda o: o.update({"a b": 1}), '$["a b"]', "unknown-field"),
    "a number for a text": (lambda o: o.update(channel=3), "$.channel", "wrong-type"),
    "a text for a number": (lambda o: o.update(priority="5"), "$.priority", "wrong-type"),
    "null for a text": (lambda o: o.update(brand=None), "$.brand", "wrong-type"),
    "an object for a list": (lambda o: o.update(lines={}), "$.lines", "wrong-type"),
    "a float for an amount": (price(amount=9.99), f"{PRICE}.amount", "wrong-type"),
    "an exponent": (price(amount="1e999999"), f"{PRICE}.amount", "bad-format"),
    "an amount that is no number": (price(amount="NaN"), f"{PRICE}.amount", "bad-format"),
    "another script's digits": (price(amount="١٢"), f"{PRICE}.amount", "bad-format"),
    "underscores": (price(amount="1_000"), f"{PRICE}.amount", "bad-format"),
    "a negative quantity": (quantity(value="-1"), f"{QUANTITY}.value", "bad-format"),
    "no quantity": (quantity(value="0"), f"{QUANTITY}.value", "zero-quantity"),
    "a negative price": (price(amount="-1.00"), f"{PRICE}.amount", "negative-price"),
    "a currency that is none": (price(currency="QQQ"), PRICE, "does-not-fit"),
    "another currency than the order's": (price(currency="USD"), f"{PRICE}.currency", "wrong-currency"),
    "more decimals than the currency has": (total("1.001"), "$.total", "does-not-fit"),
    "no line": (lambda o: o.update(lines=[]), "$.lines", "too-few"),
    "10,000 lines": (many_lines, "$.lines", "too-many"),
    "a line twice": (lambda o: o["lines"].append(dict(line(o))), "$.lines[1].line_id", "duplicate-line"),
    "an empty id": (lambda o: o.update(order_id=""), "$.order_id", "too-short"),
    "an id that cannot stand in an address": (lambda o: o.update(order_id="a/b c"), "$.order_id", "business-key"),
    "an id too long": (lambda o: o.update(order_id="x" * 65), "$.order_id", "too-long"),
    "a day without a time": (lambda o: o.update(ordered_at="2026-01-01"), "$.ordered_at", "bad-format"),
    "a time without a zone": (lambda o: o.update(ordered_at="2026-01-01T12:00:00"), "$.ordered_at", "bad-format"),
    "a month that is none": (lambda o: o.update(ordered_at="2026-13-01T12:00:00Z"), "$.ordered_at", "bad-format"),
    "an address with holes": (lambda o: o["shipping_address"].pop("city"), "$.shipping_address.city", "missing"),
    "no address to ship to": (lambda o: o.pop("shipping_address"), "$.shipping_address", "address-missing"),
    "nobody who buys": (lambda o: o["customer"].pop("number"), "$.customer", "customer-missing"),
    "a way to pay nobody knows": (pay("barter"), "$.payment.method", "unknown-value"),
    "NUL in a text": (lambda o: o.update(channel="a\x00b"), "$.channel", "no-text"),
    "half a character": (lambda o: o.update(channel="\ud800"), "$.channel", "no-text"),
    "a priority beyond all": (lambda o: o.update(priority=10**30), "$.priority", "too-large"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_IN_ONE_PLACE)
async def test_a_fault_is_told_by_its_path_and_code_and_nothing_is_stored(
    client: httpx.AsyncClient, hub: Hub, name: str
) -> None:
    spoil, path, code = WRONG_IN_ONE_PLACE[name]
    answer = await client.post("/v1/orders", content=spoiled(spoil), headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = {(finding["path"], finding["code"]) for finding in answer.json()["findings"]}
    assert (path, code) in told
    assert await hub.store.last_sequence() == 0


async def test_all_faults_are_told_at_once(client: httpx.AsyncClient) -> None:
    def spoil(order: dict[str, Any]) -> None:
        order.pop("channel")
        order["currency"] = "euro"
        line(order)["quantity"] = {"value": "-1", "unit": "piece"}
        order["lines"].append({"line_id": 5})

    answer = await client.post("/v1/orders", content=spoiled(spoil), headers=JSON)
    paths = {finding["path"] for finding in answer.json()["findings"]}
    assert paths >= {
        "$.channel",
        "$.currency",
        "$.lines[0].quantity.value",
        "$.lines[0].quantity.unit",
        "$.lines[1].line_id",
        "$.lines[1].product",
    }


NOT_JSON = {
    "nothing": (b"", "not-json"),
    "half an order": (b'{"order_id": "M', "not-json"),
    "NaN": (b'{"order_id": NaN}', "not-json"),
    "infinity": (b"[-Infinity]", "not-json"),
    "bytes that are no UTF-8": (b'{"order_id": "\xff\xfe"}', "not-json"),
    "UTF-16": ('{"order_id": "M-1"}'.encode("utf-16"), "not-json"),
    "a byte-order mark": (b"\xef\xbb\xbf{}", "not-json"),
    "single quotes": (b"{'order_id': 'M-1'}", "not-json"),
    "a comma too many": (b'{"order_id": "M-1",}', "not-json"),
    "a control character": (b'{"order_id": "M\n1"}', "not-json"),
    "a number of 100,000 digits": (b'{"priority": ' + b"9" * 100_000 + b"}", "not-json"),
    "a list in a list, 10,000 deep": (b"[" * 10_000 + b"]" * 10_000, "too-deep"),
    "objects, 100,000 deep": (b'{"a":' * 100_000, "too-deep"),
    "a list just too deep": (b"[" * 80 + b"]" * 80, "too-deep"),
}


@pytest.mark.parametrize("name", NOT_JSON)
async def test_what_is_no_json_is_400(client: httpx.AsyncClient, name: str) -> None:
    body, code = NOT_JSON[name]
    for address in ("/v1/orders", "/v1/parked/retry"):
        answer = await client.post(address, content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


NOT_AN_ORDER = ["null", "true", "1", '"M-1"', "[]", "{}", "[1, 2]"]


@pytest.mark.parametrize("body", NOT_AN_ORDER)
async def test_json_that_is_no_order_is_422(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post("/v1/orders", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "does-not-fit")


async def test_a_name_that_is_there_twice_is_told_with_its_path(client: httpx.AsyncClient) -> None:
    text = json.dumps(an_order_on_the_wire("M-2"))
    text = text.replace('"amount": "10.00"', '"amount": "10.00", "amount": "1.00"')
    answer = await client.post("/v1/orders", content='{"priority": 1, ' + text[1:], headers=JSON)
    assert answer.status_code == 422
    told = [(finding["path"], finding["code"]) for finding in answer.json()["findings"]]
    assert told == [(f"{PRICE}.amount", "name-twice")]


async def test_a_body_of_more_than_a_megabyte_is_413(client: httpx.AsyncClient) -> None:
    order = an_order_on_the_wire("M-3", lines=[a_line(str(n), description="x" * 900) for n in range(1_000)])
    body = json.dumps(order).encode()
    assert len(body) > 1_000_000
    answer = await client.post("/v1/orders", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    async def chunks() -> Any:
        for begin in range(0, len(body), 65_536):
            yield body[begin : begin + 65_536]

    answer = await client.post("/v1/orders", content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "", "application/jsonp"])
async def test_another_media_type_is_415(client: httpx.AsyncClient, kind: str) -> None:
    body = json.dumps(an_order_on_the_wire("M-4"))
    answer = await client.post("/v1/orders", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong-media-type")


@pytest.mark.parametrize(
    ("address", "body", "path"),
    [
        ("/v1/parked/retry", {"run_ids": [], "actor": "ada", "reason": "x"}, "$.run_ids"),
        ("/v1/parked/retry", {"run_ids": ["a"], "actor": "ada"}, "$.reason"),
        ("/v1/parked/retry", {"run_ids": ["a"] * 201, "actor": "ada", "reason": "x"}, "$.run_ids"),
        ("/v1/parked/skip", {"run_ids": ["a"], "reason": "x"}, "$.actor"),
        ("/v1/parked/compensate", {"run_ids": [1], "actor": "ada", "reason": "x"}, "$.run_ids[0]"),
        ("/v1/parked/assign", {"run_ids": ["a"], "actor": "ada", "owner": ""}, "$.owner"),
        ("/v1/parked/repair", {"run_id": "", "actor": "ada", "reason": "x"}, "$.run_id"),
        ("/v1/parked/retry", {"run_ids": ["a\x00"], "actor": "ada", "reason": "x"}, "$.run_ids[0]"),
        ("/v1/lanes/erp/pause", {"actor": "ada"}, "$.reason"),
    ],
)
async def test_verbs_name_what_is_missing(
    client: httpx.AsyncClient, address: str, body: dict[str, Any], path: str
) -> None:
    answer = await client.post(address, json=body)
    assert answer.status_code == 422
    assert path in {finding["path"] for finding in answer.json()["findings"]}
