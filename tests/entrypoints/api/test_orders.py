"""An order over HTTP: taken once, its status with age and source, found by any number, told as a journey."""

import httpx
import pytest
from tests.entrypoints.doors import an_order_on_the_wire, until_status
from tests.hubs import eventually

from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.canonical.party import ExternalReference
from crossdock.testing.builders import a_line

pytestmark = pytest.mark.anyio

RECORD = ExternalReference("salesforce", "Order", "801Qy0000000042")


async def test_an_order_is_taken_with_202_and_the_address_of_its_status(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/orders", json=an_order_on_the_wire("A-1"))
    assert answer.status_code == 202
    assert answer.headers["location"] == "/v1/orders/A-1"
    assert answer.json()["known"] is False
    state = await until_status(client, "A-1", "accepted")
    assert state["headline"].startswith("Accepted by Memory ERP as SO-")


async def test_the_same_order_again_is_the_same_order_by_either_door(client: httpx.AsyncClient) -> None:
    order = an_order_on_the_wire("A-2")
    assert (await client.put("/v1/orders/A-2", json=order)).status_code == 202
    for again in (await client.put("/v1/orders/A-2", json=order), await client.post("/v1/orders", json=order)):
        assert (again.status_code, again.json()["known"]) == (200, True)
        assert again.headers["location"] == "/v1/orders/A-2"


async def test_spelling_an_order_differently_makes_no_other_order(client: httpx.AsyncClient) -> None:
    order = an_order_on_the_wire("A-3")
    assert (await client.post("/v1/orders", json=order)).status_code == 202
    order["lines"][0]["unit_price"]["amount"] = "10.0000"
    order["accepts_partial"] = True
    order["brand"] = ""
    assert (await client.post("/v1/orders", json=dict(reversed(order.items())))).status_code == 200


async def test_other_content_under_a_known_id_is_a_conflict_and_changes_nothing(client: httpx.AsyncClient) -> None:
    await client.post("/v1/orders", json=an_order_on_the_wire("A-4"))
    answer = await client.post("/v1/orders", json=an_order_on_the_wire("A-4", priority=1))
    assert (answer.status_code, answer.json()["code"]) == (409, "order-changed")
    state = await until_status(client, "A-4", "accepted")
    assert len(state["lines"]) == 1


async def test_the_id_in_the_address_and_in_the_body_must_be_one(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/orders/A-5", json=an_order_on_the_wire("A-6"))
    assert answer.status_code == 422
    assert [finding["path"] for finding in answer.json()["findings"]] == ["$.order_id"]


async def test_an_idempotency_key_belongs_to_one_order(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    order = an_order_on_the_wire("A-7")
    assert (await client.post("/v1/orders", json=order, headers=key)).status_code == 202
    assert (await client.post("/v1/orders", json=order, headers=key)).status_code == 200
    reused = await client.post("/v1/orders", json=an_order_on_the_wire("A-8"), headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "key-reused")
    assert (await client.get("/v1/orders/A-8")).status_code == 404
    changed = await client.post("/v1/orders", json=an_order_on_the_wire("A-7", priority=2), headers=key)
    assert (changed.status_code, changed.json()["code"]) == (422, "key-reused")


@pytest.mark.parametrize("key", ["", "a" * 201, "with blank", "tab\t", 'quo"te'])
async def test_an_idempotency_key_that_is_none_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/orders", json=an_order_on_the_wire("A-9"), headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["findings"][0]["path"]) == (400, "Idempotency-Key")


async def test_every_fact_has_its_age_and_its_source(client: httpx.AsyncClient) -> None:
    order = an_order_on_the_wire("A-10", lines=[a_line("1"), a_line("2", product="P-000")], references=(RECORD,))
    await client.post("/v1/orders", json=order)
    state = await until_status(client, "A-10", "partly_accepted")
    assert state["status"]["source"] == "Memory ERP"
    assert state["facts"]["net"]["source"] == "crossdock"
    assert state["facts"]["record"]["value"] == RECORD.value
    assert all(0 <= fact["age_seconds"] < 60 for fact in [state["status"], *state["facts"].values()])
    taken, refused = state["lines"]
    assert (taken["accepted_micro"], taken["refused_micro"]) == (1_000_000, 0)
    assert (refused["accepted_micro"], refused["refused_micro"]) == (0, 1_000_000)
    assert refused["reasons"] == ["product-unknown"]


async def test_while_the_erp_is_down_orders_are_taken_and_say_what_they_wait_for(
    client: httpx.AsyncClient, erp: Surface
) -> None:
    erp.down = True
    try:
        for number in range(8):
            answer = await client.post("/v1/orders", json=an_order_on_the_wire(f"D-{number}"))
            assert answer.status_code == 202

        async def lane() -> bool:
            (told,) = (await client.get("/v1/lanes")).json()["lanes"]
            return bool(told["status"] == "closed" and told["reason"])

        await eventually(lane)
    finally:
        erp.down = False
    for number in range(8):
        await until_status(client, f"D-{number}", "accepted")


async def test_a_list_is_paged_filtered_and_searched(client: httpx.AsyncClient) -> None:
    for number in range(5):
        order = an_order_on_the_wire(f"L-{number}", customer="C-1003", references=(RECORD,))
        assert (await client.post("/v1/orders", json=order)).status_code == 202

    async def all_there() -> bool:
        page = (await client.get("/v1/orders", params={"search": "C-1003", "status": "accepted"})).json()
        return len(page["orders"]) == 5

    await eventually(all_there)
    seen, address = [], "/v1/orders?search=c-1003&limit=2&status=accepted"
    while address:
        page = (await client.get(address)).json()
        seen += [row["order_id"] for row in page["orders"]]
        address = page["next"]
    assert seen == ["L-4", "L-3", "L-2", "L-1", "L-0"]
    found = (await client.get("/v1/orders", params={"search": "l-3"})).json()["orders"]
    assert [row["order_id"] for row in found] == ["L-3"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=ten",
        "limit=-1",
        "limit=%C2%B2",
        "status=happy",
        "cursor=nonsense",
        "cursor=e30",
        "cursor=%F0%9F%9A%9A",
        "cursor=eyJjYXB0dXJlZF9hdCI6LTEsIm9yZGVyX2lkIjoieCJ9",
        "search=" + "x" * 121,
        "search=%00",
    ],
)
async def test_a_parameter_that_is_not_understood_is_named(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/orders?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter")
    assert answer.json()["findings"][0]["path"] == query.partition("=")[0]


async def test_an_order_nobody_heard_of_is_404(client: httpx.AsyncClient) -> None:
    for address in ("/v1/orders/nope", "/v1/orders/nope/journey", "/v1/orders/%00", "/v1/orders/%F0%9F%9A%9A"):
        answer = await client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "order-unknown")


async def test_the_journey_tells_what_happened_in_order_and_who_said_so(client: httpx.AsyncClient) -> None:
    order = an_order_on_the_wire("J-1", references=(RECORD,))
    await client.post("/v1/orders", json=order, headers={"X-Correlation-Id": "basket-77"})
    await until_status(client, "J-1", "accepted")
    told = (await client.get("/v1/orders/J-1/journey")).json()
    assert told["correlation_id"] == "basket-77"
    assert [moment["place"] for moment in told["moments"]] == ["channel", "hub", "hub", "erp"]
    assert told["moments"][0]["system"] == "web"
    assert told["moments"][-1]["system"] == "Memory ERP"
    assert [moment["at"] for moment in told["moments"]] == sorted(moment["at"] for moment in told["moments"])

    async def shown() -> bool:
        told = (await client.get("/v1/orders/J-1/journey")).json()
        return bool(told["shown_in"]["Memory ERP"])

    await eventually(shown)


async def test_a_refused_order_says_why_in_words(client: httpx.AsyncClient) -> None:
    await client.post("/v1/orders", json=an_order_on_the_wire("R-1", customer="C-9001"))
    state = await until_status(client, "R-1", "refused")
    assert "C-9001 is blocked" in state["headline"]
