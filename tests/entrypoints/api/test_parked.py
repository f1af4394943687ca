"""Parked work over HTTP: seen with its findings, previewed, put right; every verb needs a name and a reason."""

from typing import Any

import httpx
import pytest
from tests.entrypoints.doors import on_the_wire, until_status
from tests.hubs import eventually

from crossdock.bootstrap.hub import Hub
from crossdock.testing.builders import a_line, an_order

pytestmark = pytest.mark.anyio

WHO = {"actor": "ada", "reason": "checked with the customer"}


async def park(hub: Hub, order_id: str) -> str:
    """Let an order in by a door that asks fewer questions, and wait until it stands still."""
    order = an_order(order_id, lines=[a_line("1"), a_line("1")])
    await hub.capture.take(order)

    async def parked() -> bool:
        view = await hub.store.find_run(f"order_submission/{order_id}")
        return view is not None and view.parking is not None

    await eventually(parked)
    return f"order_submission/{order_id}"


async def verb(client: httpx.AsyncClient, name: str, **body: Any) -> httpx.Response:
    return await client.post(f"/v1/parked/{name}", json=body)


async def test_what_is_parked_is_listed_with_findings_owner_and_what_is_at_risk(
    client: httpx.AsyncClient, hub: Hub
) -> None:
    run_id = await park(hub, "P-1")
    (row,) = [row for row in (await client.get("/v1/parked")).json()["parked"] if row["run_id"] == run_id]
    assert (row["order_id"], row["owner"], row["at_risk"]) == ("P-1", "order-desk", "20.00 EUR")
    assert row["findings"][0]["path"] == "$.lines[1].line_id"
    alike = (await client.get("/v1/parked", params={"signature": row["signature"], "limit": 1})).json()
    assert len(alike["parked"]) == 1
    none = (await client.get("/v1/parked", params={"signature": "v1:none"})).json()
    assert (none["parked"], none["next"]) == ([], "")


async def test_pages_of_parked_work_follow_each_other(client: httpx.AsyncClient, hub: Hub) -> None:
    wanted = {await park(hub, f"P-2{number}") for number in range(3)}
    seen, address = [], "/v1/parked?limit=1"
    while address:
        page = (await client.get(address)).json()
        seen += [row["run_id"] for row in page["parked"]]
        address = page["next"]
    assert wanted <= set(seen)
    assert len(seen) == len(set(seen))


async def test_a_repaired_order_goes_on_and_is_accepted(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "P-3")
    preview = (await verb(client, "preview", run_ids=[run_id, "no/such"])).json()["previews"]
    assert preview == [{"run_id": run_id, "stays_done": [], "asked_first": [], "done_again": ""}]
    right = on_the_wire(an_order("P-3", lines=2))
    answer = await verb(client, "repair", run_id=run_id, input=right, **WHO)
    assert (answer.status_code, answer.json()["done"]) == (200, {run_id: True})
    await until_status(client, "P-3", "accepted")
    told = (await client.get("/v1/orders/P-3/journey")).json()["moments"]
    (person,) = [moment for moment in told if moment["place"] == "person"]
    assert (person["title"], person["detail"]) == ("Repaired and continued by ada", WHO["reason"])
    assert [moment["spent_on"] for moment in told if moment["place"] == "person"] == ["stand"]


async def test_a_repair_that_is_no_order_is_refused_with_its_path(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "P-4")
    wrong = on_the_wire(an_order("P-4"))
    wrong["lines"][0]["quantity"]["value"] = "-1"
    answer = await verb(client, "repair", run_id=run_id, input=wrong, **WHO)
    assert answer.status_code == 422
    assert answer.json()["findings"][0]["path"].startswith("$.lines[0].quantity")
    assert (await client.get("/v1/orders/P-4")).json()["status"]["value"] == "needs_attention"


async def test_a_retried_order_without_repair_stands_still_again(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "P-5")
    before = (await hub.store.find_run(run_id)).parked_at  # type: ignore[union-attr]
    assert (await verb(client, "retry", run_ids=[run_id], **WHO)).json()["done"] == {run_id: True}

    async def parked_again() -> bool:
        view = await hub.store.find_run(run_id)
        return view is not None and view.parked_at is not None and view.parked_at != before

    await eventually(parked_again)


async def test_skipping_ends_an_order_and_says_so(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "P-6")
    assert (await verb(client, "skip", run_ids=[run_id], **WHO)).status_code == 200
    state = await until_status(client, "P-6", "refused")
    assert WHO["reason"] in state["headline"]


async def test_an_assigned_order_stays_parked_with_somebody_else(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "P-7")
    assert (await verb(client, "assign", run_ids=[run_id], actor="ada", owner="bea")).status_code == 200
    (row,) = [row for row in (await client.get("/v1/parked")).json()["parked"] if row["run_id"] == run_id]
    assert row["owner"] == "bea"


async def test_several_at_once_answer_for_each(client: httpx.AsyncClient, hub: Hub) -> None:
    parked = [await park(hub, "P-8"), await park(hub, "P-9")]
    answer = await verb(client, "skip", run_ids=[*parked, "order_submission/never"], **WHO)
    assert answer.json()["done"] == {parked[0]: True, parked[1]: True, "order_submission/never": False}


@pytest.mark.parametrize("name", ["retry", "skip", "compensate"])
async def test_a_verb_on_what_is_not_parked_is_a_conflict(client: httpx.AsyncClient, name: str) -> None:
    answer = await verb(client, name, run_ids=["order_submission/never"], **WHO)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-parked")


async def test_a_repair_of_what_is_not_parked_is_a_conflict(client: httpx.AsyncClient) -> None:
    answer = await verb(client, "repair", run_id="order_submission/never", input={}, **WHO)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-parked")


async def test_every_verb_is_in_the_audit_with_who_and_why(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "P-10")
    await verb(client, "skip", run_ids=[run_id], **WHO)
    (entry,) = await hub.store.list_audit(run_id=run_id)
    assert (entry.verb, entry.actor, entry.reason) == ("skip", WHO["actor"], WHO["reason"])
