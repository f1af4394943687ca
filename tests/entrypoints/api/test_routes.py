"""What holds for every route: a policy as data, a place in OpenAPI, problems with known codes, safe headers."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from crossdock.entrypoints.api.operations import OPERATIONS
from crossdock.entrypoints.entrance.gate import CONTENT_SECURITY_POLICY
from crossdock.entrypoints.entrance.governance import POLICIES
from crossdock.entrypoints.entrance.problems import PROBLEMS

pytestmark = pytest.mark.anyio


def handlers(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.http_methods != {"OPTIONS"}:
                yield route.path, handler


async def test_every_route_has_owner_layer_scope_limit_and_timeout(app: Litestar) -> None:
    for path, handler in handlers(app):
        policy = POLICIES.get(str(handler.name))
        assert policy is not None, f"{path} ({handler.name}) has no policy"
        assert policy.owner
        assert policy.limit.requests > 0
        assert policy.timeout_seconds > 0 or handler.name in {"stream_events", "console_stream"}


async def test_every_policy_belongs_to_a_route_and_every_name_is_one_routes(app: Litestar) -> None:
    names = [str(handler.name) for _, handler in handlers(app)]
    assert sorted(names) == sorted(POLICIES)


WORDS: dict[str, dict[str, Any]] = {
    "decide_customer_review": {"word": "same"},
    "decide_many_reviews": {"numbers": [1], "word": "same"},
    "pin_customer": {"values": {"contact.email": "a@mail.example.net"}},
    "unpin_customer": {"field": "contact.email"},
    "accept_proposal": {"field": "contact.email", "record": "erp/partner/1"},
    "hold_customer": {},
    "release_customer": {},
    "merge_customers": {"survivor": "one", "absorbed": "other"},
    "unmerge_customers": {},
    "rehearse_customers": {"link_from": 8},
    "approve_credit": {},
    "refuse_credit": {},
}
"""What each word about customers is made of, but for whose it is and why."""


async def test_every_word_about_customers_is_bound_to_a_key(app: Litestar, client: httpx.AsyncClient) -> None:
    deciding = {"customers:write", "customers:decide"}
    words = {str(each.name): path for path, each in handlers(app) if POLICIES[str(each.name)].scope in deciding}
    assert words.keys() == WORDS.keys()
    for name, path in words.items():
        address = re.sub(r"\{\w+:(str|int)\}", "7", path)
        headers, said = {"Idempotency-Key": f"k-{name}"}, {"actor": "Ines", **WORDS[name]}
        await client.post(address, headers=headers, json={**said, "reason": "she said so"})
        reused = await client.post(address, headers=headers, json={**said, "reason": "no, he did"})
        assert (name, reused.status_code, reused.json()["code"]) == (name, 422, "key-reused")
        assert "Idempotency-Key" in {each.name for each in OPERATIONS[name].parameters}, name


async def test_only_health_contracts_and_the_way_in_are_public() -> None:
    public = {name for name, policy in POLICIES.items() if policy.scope == "public"}
    assert public == {
        *("health", "readiness", "openapi", "reference", "list_contracts", "get_contract"),
        *("console_home", "console_sign_in", "console_sign_in_form", "console_sign_out", "console_asset"),
    }


async def test_openapi_describes_every_route_of_the_api(app: Litestar, client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    described = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert described == {
        str(handler.name) for _, handler in handlers(app) if not str(handler.name).startswith("console")
    }
    assert described == set(OPERATIONS)


async def test_openapi_points_at_nothing_that_is_not_there(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


async def test_the_order_in_openapi_is_the_published_contract(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    contract = (await client.get("/v1/contracts/order")).json()
    assert contract["$schema"].endswith("2020-12/schema")
    published = json.loads(json.dumps(contract["$defs"]).replace("#/$defs/", "#/components/schemas/"))
    for name, schema in published.items():
        assert document["components"]["schemas"][name] == schema, name


async def test_every_contract_has_a_schema(client: httpx.AsyncClient) -> None:
    contracts = (await client.get("/v1/contracts")).json()["contracts"]
    assert "crossdock.order.accepted.v1" in contracts
    for address in contracts.values():
        answer = await client.get(address)
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$defs"]
    missing = await client.get("/v1/contracts/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "contract-unknown")


async def test_the_reference_can_be_read_without_any_other_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    for name in OPERATIONS:
        assert f'id="{name}"' in page
    for code in PROBLEMS:
        assert f'id="problem-{code}"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


ADDRESSES = [
    "/",
    "/console",
    "/console/orders/nope",
    "/console/parked",
    "/console/lanes",
    "/docs",
    "/openapi.json",
    "/healthz",
    "/metrics",
    "/v1/orders",
    "/v1/orders/nope",
    "/v1/orders?limit=0",
    "/nothing/here",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, address: str) -> None:
    headers = (await client.get(address)).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"]
    assert headers["x-correlation-id"]
    assert "server" not in headers


async def test_the_policy_of_content_is_strict() -> None:
    directives = dict(part.strip().split(" ", 1) for part in CONTENT_SECURITY_POLICY.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "address", ["/v1/orders", "/v1/parked", "/v1/lanes", "/v1/events", "/healthz", "/metrics"]
)
async def test_every_answer_says_how_many_requests_are_left(client: httpx.AsyncClient, address: str) -> None:
    headers = (await client.get(address)).headers
    assert headers["ratelimit-policy"].startswith('"')
    assert ";r=" in headers["ratelimit"]


async def test_a_method_an_address_does_not_take_is_405_with_those_it_takes(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/orders")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))


async def test_a_correlation_id_comes_back_and_a_bad_one_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"X-Correlation-Id": "basket-7"})
    assert answer.headers["x-correlation-id"] == "basket-7"
    answer = await client.get("/healthz", headers={"X-Correlation-Id": "a b"})
    assert answer.headers["x-correlation-id"] != "a b"


async def test_every_problem_has_a_known_code(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get("/v1/orders/nope"),
        await client.get("/v1/orders?limit=0"),
        await client.post("/v1/orders", content="{"),
        await client.put("/v1/orders"),
        await client.get("/nothing"),
    ]
    for answer in answers:
        told = answer.json()
        assert told["code"] in PROBLEMS
        assert told["title"] == PROBLEMS[told["code"]]
        assert told["status"] == answer.status_code
        assert told["type"] == f"/docs#problem-{told['code']}"
