"""Rehearsals over HTTP: begun by name, done by themselves, told without values; and nothing is changed."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.entrypoints.customers import ALMOST_ANNA, ANNA, OWNERSHIP, a_customer, a_review
from tests.entrypoints.doors import client_of
from tests.hubs import a_hub, eventually

from crossdock.bootstrap.hub import Hub
from crossdock.durable.codec import encode
from crossdock.entrypoints.api.app import make_app
from crossdock.identity.matching.model import encoded
from crossdock.identity.recognition.starting_model import starting_model

pytestmark = pytest.mark.anyio

WHO = {"actor": "Ines", "reason": "before it holds"}
REHEARSALS = "/v1/customers/rehearsals"


@pytest.fixture
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """A hub with Anna and somebody who may be Anna."""
    async with (
        a_hub(tmp_path_factory.mktemp("hub"), ownership=OWNERSHIP) as (hub, erp),
        client_of(make_app(hub)) as client,
    ):
        await a_customer(hub, erp, ANNA, "w-1")
        await a_customer(hub, erp, ALMOST_ANNA, "w-2")
        await a_review(hub)
        yield hub, client


async def found(client: httpx.AsyncClient, place: str) -> Any:
    async def done() -> Any:
        told = (await client.get(place)).json()
        return told if told["state"] != "under_way" else None

    return await eventually(done)


async def test_a_rehearsal_goes_on_by_itself_and_tells_what_would_change_by_system(
    door: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, client = door
    begun = await client.post(REHEARSALS, json={**WHO, "link_from": -40, "review_from": -40})
    assert begun.status_code == 202, begun.text
    place = begun.headers["location"]
    assert begun.json()["at"] == place
    told = await found(client, place)
    assert (told["state"], told["by"], told["model"], told["against"]) == ("done", "Ines", "", False)
    regrouped = told["found"]["regrouped"]
    assert (regrouped["joined"], regrouped["consequences"]["changed"]) == (1, 2)
    (erp,) = regrouped["consequences"]["systems"]
    assert (erp["system"], erp["writes"], erp["repairs"]) == ("erp", 2, 1)
    assert ANNA["contact.email"] not in json.dumps(told)
    (row,) = (await client.get(REHEARSALS)).json()["rehearsals"]
    assert (row["rehearsal_id"], row["state"]) == (begun.json()["rehearsal_id"], "done")
    (entry, *_) = await hub.store.list_audit(run_id="customers/rehearsal")
    assert (entry.actor, entry.verb, entry.reason) == ("Ines", "rehearse", "before it holds")
    assert (await client.get("/v1/customers/reviews")).json()["reviews"], "the doubt is as it was"


async def test_a_model_and_an_ownership_are_tried_as_they_are_written(
    door: tuple[Hub, httpx.AsyncClient],
) -> None:
    _, client = door
    model, ownership = json.loads(encoded(starting_model())), json.loads(encode(OWNERSHIP))
    body, key = {**WHO, "model": model, "ownership": ownership}, {"Idempotency-Key": "k-1"}
    begun = [(await client.post(REHEARSALS, json=body, headers=key)).json() for _twice in range(2)]
    assert begun[0] == begun[1], "one key, one rehearsal"
    told = await found(client, begun[0]["at"])
    assert (told["model"], told["ownership"]) == (starting_model().version, True)
    assert told["found"]["regrouped"] is None, "the hub weighs so already"
    assert told["found"]["ownership"]["changed"] == 0
    assert len((await client.get(REHEARSALS)).json()["rehearsals"]) == 1


async def test_what_cannot_be_tried_is_told_with_every_path(door: tuple[Hub, httpx.AsyncClient]) -> None:
    _, client = door
    model, ownership = json.loads(encoded(starting_model())), json.loads(encode(OWNERSHIP))
    model["person"]["comparisons"].pop()
    ownership["creates"] = ["nobody"]
    body = {**WHO, "model": model, "ownership": ownership, "link_from": -9}
    refused = await client.post(REHEARSALS, json=body)
    assert refused.status_code == 422
    paths = {finding["path"] for finding in refused.json()["findings"]}
    assert paths == {"$.model", "$.link_from", "$.ownership.creates[0]"}
    ownership["creates"] = "nobody"
    odd = await client.post(REHEARSALS, json={**WHO, "ownership": ownership})
    assert [finding["path"] for finding in odd.json()["findings"]] == ["$.ownership.creates"]
    assert (await client.get(f"{REHEARSALS}/nothing")).json()["code"] == "rehearsal-unknown"
    assert (await client.get(REHEARSALS)).json() == {"rehearsals": []}
