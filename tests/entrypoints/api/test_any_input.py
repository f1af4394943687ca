"""Generated requests, right and wrong, against a hub behind a real socket: never a 5xx, always as published.

What fits the published contract is taken, or refused with a finding that the contract cannot express (a currency
that does not exist, a line that is there twice): never for its form.
"""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.entrypoints.doors import on_the_wire
from tests.entrypoints.serving import served
from tests.hubs import a_hub

from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import Address, Customer
from crossdock.entrypoints.api.operations import OPERATIONS
from crossdock.kit.currencies import MINOR_UNITS
from crossdock.kit.money import Price, Quantity

CASES_PER_ROUTE = 14
ORDERS = 60
FORM = {"missing", "unknown-field", "wrong-type", "too-short", "too-long", "too-few", "too-many", "unknown-value"}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNHURRIED: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub at work in a thread of its own."""
    folder, up, down = tmp_path_factory.mktemp("any"), threading.Event(), threading.Event()
    told: list[str] = []

    async def work() -> None:
        async with a_hub(folder) as (hub, _), served(hub) as (where, _, _):
            told.append(where)
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    assert up.wait(30)
    yield told[0]
    down.set()
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def schema(address: str) -> schemathesis.schemas.BaseSchema:
    document = httpx.get(f"{address}/openapi.json").json()
    del document["paths"]["/v1/events/stream"]  # it never ends
    loaded = schemathesis.openapi.from_dict(document)
    loaded.config.update(base_url=address)
    return loaded


def operation(schema: schemathesis.schemas.BaseSchema, name: str) -> Any:
    for found in schema.get_all_operations():
        loaded: Any = found.ok()  # type: ignore[union-attr]
        if loaded.definition.raw["operationId"] == name:
            return loaded
    raise AssertionError(name)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"stream_events"}))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_hub_and_every_answer_is_as_published(
    schema: schemathesis.schemas.BaseSchema, name: str, mode: GenerationMode
) -> None:
    found = operation(schema, name)

    @given(case=found.as_strategy(generation_mode=mode))
    @settings(max_examples=CASES_PER_ROUTE, **UNHURRIED)
    def ask(case: Any) -> None:
        checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS
        answer = case.call_and_validate(checks=checks)
        if mode is GenerationMode.POSITIVE and answer.status_code == 422:
            codes = {finding["code"] for finding in answer.json().get("findings", ())}  # a used key has none
            assert not codes & FORM, codes

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("nothing of this route can be wrong")


names = st.text(st.characters(categories=("L", "N", "P", "Zs"), codec="utf-8"), min_size=1, max_size=40)
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@+#-]{0,40}", fullmatch=True)


@st.composite
def right_orders(draw: st.DrawFn) -> Order:
    """Orders that nobody can find fault with at the door."""
    currency = draw(st.sampled_from(sorted(MINOR_UNITS)))
    decimals = MINOR_UNITS[currency]
    amounts = st.integers(0, 10**6).map(lambda whole: f"{whole}.{'5' * decimals}" if decimals else str(whole))
    lines = tuple(
        OrderLine(
            line_id=str(number),
            product=draw(names),
            quantity=Quantity(draw(st.integers(1, 10**6).map(str))),
            unit_price=Price(draw(amounts), currency),
            description=draw(st.one_of(st.just(""), names)),
        )
        for number in range(draw(st.integers(1, 6)))
    )
    address = Address(lines=(draw(names),), city=draw(names), country="DE")
    return Order(
        order_id=draw(ids),
        channel=draw(names),
        currency=currency,
        ordered_at=draw(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001 - the zone is drawn
        customer=Customer(number=draw(names)),
        lines=lines,
        shipping_address=address,
    )


def test_every_right_order_is_taken(address: str) -> None:
    with httpx.Client(base_url=address, timeout=30) as client:

        @given(order=right_orders())
        @settings(max_examples=ORDERS, **UNHURRIED)
        def ask(order: Order) -> None:
            answer = client.post("/v1/orders", json=on_the_wire(order))
            assert answer.status_code in {200, 202, 409}, answer.text
            assert answer.status_code != 409 or answer.json()["code"] == "order-changed"

        ask()


def test_bytes_that_mean_nothing_are_refused(address: str) -> None:
    with httpx.Client(base_url=address, timeout=30) as client:

        @given(body=st.binary(max_size=400), route=st.sampled_from(["/v1/orders", "/v1/parked/repair"]))
        @settings(max_examples=ORDERS, **UNHURRIED)
        def ask(body: bytes, route: str) -> None:
            answer = client.post(route, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code in {400, 422}
            assert answer.headers["content-type"] == "application/problem+json"

        ask()
