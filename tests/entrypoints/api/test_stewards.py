"""Customers over HTTP: what holds and why, doubts side by side, words that are taken once and by name."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.entrypoints.customers import ALMOST_ANNA, ANNA, OWNERSHIP, a_customer, a_review
from tests.entrypoints.doors import client_of
from tests.hubs import a_hub, eventually

from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import make_app

pytestmark = pytest.mark.anyio

WHO = {"actor": "Ines", "reason": "called her"}
EMAIL = "contact.email"


class Desk:
    """A hub with Anna and her double."""

    def __init__(self, hub: Hub, erp: Surface, client: httpx.AsyncClient) -> None:
        self.hub, self.erp, self.client = hub, erp, client
        self.anna = self.almost = ""
        self.review = 0

    async def get(self, address: str, **headers: str) -> Any:
        answer = await self.client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, address: str, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return await self.client.post(address, json=WHO | body, headers=headers)


@pytest.fixture
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with (
        a_hub(tmp_path_factory.mktemp("hub"), ownership=OWNERSHIP) as (hub, erp),
        client_of(make_app(hub)) as client,
    ):
        made = Desk(hub, erp, client)
        made.anna = await a_customer(hub, erp, ANNA, "w-1")
        made.almost = await a_customer(hub, erp, ALMOST_ANNA, "w-2")
        made.review = await a_review(hub)
        yield made


async def test_a_customer_tells_each_value_and_why_and_who_looked_is_audited(desk: Desk) -> None:
    found = await desk.client.get(f"/v1/customers/{desk.anna}", headers={"X-Actor": "Ines"})
    told = found.json()
    assert found.headers["etag"] == told["version"]
    assert told["name"] == "Anna Seidl"
    (email,) = [value for value in told["values"] if value["field"] == EMAIL]
    assert email["values"] == {EMAIL: ANNA[EMAIL]}
    assert "by rule newest_valid" in email["why"]
    assert email["opinions"][0]["record"] == told["records"][0]["record"]
    entry = (await desk.hub.store.list_audit(run_id=f"customer/{desk.anna}"))[0]
    assert (entry.actor, entry.verb) == ("Ines", "read")
    history = await desk.get(f"/v1/customers/{desk.anna}/history")
    assert {event["what"] for event in history["history"]} >= {"golden", "linked"}
    assert (await desk.client.get("/v1/customers/nobody")).json()["code"] == "customer-unknown"
    assert (await desk.get(f"/v1/customers?search={ANNA[EMAIL]}"))["customers"] == [desk.anna]


async def test_consents_tell_by_whose_word_and_who_shows_them_and_who_looked_is_audited(desk: Desk) -> None:
    (record,) = (await desk.get(f"/v1/customers/{desk.anna}"))["records"]
    card = {"consents.email.status": "opt_out", "consents.email.captured_from": "zyxwv shop"}
    number = record["record"].rpartition("/")[2]
    desk.erp.partners.write(PartnerWrite(write="w-3", number=number, card=card))
    address = f"/v1/customers/{desk.anna}/consents"

    async def told() -> list[Any]:
        return list((await desk.get(address, **{"X-Actor": "Ines"}))["consents"])

    (consent,) = await eventually(told)
    assert (consent["consent"], consent["status"], consent["record"]) == (
        "consents.email",
        "opt_out",
        record["record"],
    )
    (place,) = consent["places"]
    assert (place["system"], place["state"], place["status"]) == ("erp", "shows", "opt_out")
    assert place["waiting_seconds"] == 0
    assert "zyxwv" not in (await desk.client.get(address)).text, "nothing but the status"
    entries = await desk.hub.store.list_audit(run_id=f"customer/{desk.anna}")
    assert ("Ines", "read") in {(entry.actor, entry.verb) for entry in entries[1:]}
    assert (await desk.client.get("/v1/customers/nobody/consents")).json()["code"] == "customer-unknown"


async def test_a_doubt_shows_both_and_a_word_is_taken_once(desk: Desk) -> None:
    (row,) = (await desk.get("/v1/customers/reviews"))["reviews"]
    assert (row["number"], row["owner"], row["candidates"]) == (desk.review, "data-stewards", [desk.anna])
    review = await desk.get(f"/v1/customers/reviews/{desk.review}")
    assert [each["customer_id"] for each in review["customers"]] == [desk.almost, desk.anna]
    assert review["weighed"][0]["evidence"]
    assert review["weighed"][0]["flips"]
    address, key = f"/v1/customers/reviews/{desk.review}/word", {"Idempotency-Key": "k-1"}
    first = await desk.post(address, headers=key, word="same")
    assert first.status_code == 200, first.text
    merge_id = first.json()["merge_id"]

    async def merged() -> bool:
        return bool((await desk.get(f"/v1/customers/{desk.almost}"))["into"])

    await eventually(merged)
    assert (await desk.post(address, headers=key, word="same")).json() == {"merge_id": merge_id}
    reused = await desk.post(address, headers=key, word="not_same")
    assert (reused.status_code, reused.json()["code"]) == (422, "key-reused")
    late = await desk.post(address, word="not_same")
    assert (late.status_code, late.json()["code"]) == (409, "review-closed")
    merge = await desk.get(f"/v1/customers/merges/{merge_id}")
    assert (merge["survivor"], merge["by"], merge["stands"]) == (desk.anna, "Ines", True)
    ended = await desk.post(f"/v1/customers/merges/{merge_id}/unmerge")
    assert ended.status_code == 202

    async def restored() -> list[Any]:
        told = await desk.get(f"/v1/customers/merges/{merge_id}")
        return list(told["restored"]) if not told["under_way"] else []

    lines = await eventually(restored)
    assert {line["what"] for line in lines} == {"record"}
    again = await desk.post("/v1/customers/merges", survivor=desk.anna, absorbed=desk.almost)
    assert (again.status_code, again.json()["code"]) == (409, "said-not-same")


async def test_many_doubts_are_decided_by_one_word_and_what_was_not_taken_is_told(desk: Desk) -> None:
    (alike,) = (await desk.get("/v1/customers/reviews/alike"))["alike"]
    assert (alike["count"], alike["first"]) == (1, desk.review)
    numbers = [desk.review, desk.review + 1_000]
    answer = await desk.post("/v1/customers/reviews/words", numbers=numbers, word="not_same")
    assert answer.json() == {"taken": [desk.review], "not_taken": {str(numbers[1]): "review-unknown"}}
    assert (await desk.get("/v1/customers/reviews")) == {"reviews": [], "next": ""}


async def test_a_pin_holds_only_for_the_version_that_was_seen(desk: Desk) -> None:
    address = f"/v1/customers/{desk.anna}"
    seen = (await desk.get(address))["version"]
    pinned = await desk.post(f"{address}/pin", headers={"If-Match": seen}, values={EMAIL: "a@new.example"})
    assert pinned.status_code == 200, pinned.text
    late = await desk.post(f"{address}/pin", headers={"If-Match": seen}, values={EMAIL: "b@new.example"})
    assert (late.status_code, late.json()["code"]) == (412, "customer-changed")
    odd = await desk.post(f"{address}/pin", headers={"If-Match": '"odd"'}, values={EMAIL: "b@new.example"})
    assert odd.status_code == 412
    (email,) = [value for value in (await desk.get(address))["values"] if value["field"] == EMAIL]
    assert (email["values"], email["pinned_by"]) == ({EMAIL: "a@new.example"}, "Ines")
    assert (await desk.post(f"{address}/unpin", field=EMAIL)).status_code == 200
    assert (await desk.post(f"{address}/unpin", field=EMAIL)).json()["code"] == "not-pinned"
    wrong = await desk.post(f"{address}/pin", values={"no.such": "x"})
    assert wrong.status_code == 422
    said = await desk.post(f"{address}/accept", field=EMAIL, record="erp/partner/none")
    assert said.json()["code"] == "nothing-said"


async def test_a_legal_hold_is_put_on_and_lifted_by_name_and_by_one_key(desk: Desk) -> None:
    address, key = f"/v1/customers/{desk.anna}", {"Idempotency-Key": "k-2"}
    for _twice in range(2):
        assert (await desk.post(f"{address}/hold", headers=key)).status_code == 200
    assert await desk.hub.store.held_since(desk.anna) > 0
    reused = await desk.post(f"{address}/release", headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "key-reused")
    assert (await desk.post(f"{address}/release")).status_code == 200
    assert await desk.hub.store.held_since(desk.anna) == 0
    deeds = [entry.verb for entry in await desk.hub.store.list_audit(run_id=f"customer/{desk.anna}")]
    assert {"hold", "release"} <= set(deeds)
    assert (await desk.post("/v1/customers/nobody/hold")).json()["code"] == "customer-unknown"
    assert (await desk.post(f"{address}/hold", reason="")).status_code == 422


async def test_a_key_of_a_pin_is_for_one_pin(desk: Desk) -> None:
    address, key = f"/v1/customers/{desk.anna}", {"Idempotency-Key": "k-3"}
    for _twice in range(2):
        pinned = await desk.post(f"{address}/pin", headers=key, values={EMAIL: "a@new.example"})
        assert pinned.status_code == 200, pinned.text
    reused = await desk.post(f"{address}/pin", headers=key, values={EMAIL: "b@new.example"})
    assert (reused.status_code, reused.json()["code"]) == (422, "key-reused")
    (email,) = [value for value in (await desk.get(address))["values"] if value["field"] == EMAIL]
    assert email["values"] == {EMAIL: "a@new.example"}
    unkey = {"Idempotency-Key": "k-4"}
    for _twice in range(2):
        assert (await desk.post(f"{address}/unpin", headers=unkey, field=EMAIL)).status_code == 200
    other = await desk.post(f"{address}/unpin", headers=unkey, field="contact.phone")
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    deeds = [entry.verb for entry in await desk.hub.store.list_audit(run_id=f"customer/{desk.anna}")]
    assert deeds.count("unpin") == 1


async def test_a_merge_that_was_done_is_the_answer_to_its_key_again(desk: Desk) -> None:
    key = {"Idempotency-Key": "k-5"}
    pair: dict[str, Any] = {"survivor": desk.anna, "absorbed": desk.almost}
    first = await desk.post("/v1/customers/merges", headers=key, **pair)
    assert first.status_code == 202, first.text

    async def merged() -> bool:
        return bool((await desk.get(f"/v1/customers/{desk.almost}"))["into"])

    await eventually(merged)
    again = await desk.post("/v1/customers/merges", headers=key, **pair)
    assert (again.status_code, again.json()) == (202, first.json())
    assert (await desk.post("/v1/customers/merges", **pair)).json()["code"] == "already-one"


async def test_a_hub_without_ownership_keeps_no_customers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/customers/reviews")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-customers")
