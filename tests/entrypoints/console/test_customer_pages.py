"""The stewards' pages: what they show, what they escape, and words that are taken, by mouse and by keyboard."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from playwright.async_api import async_playwright, expect
from tests.entrypoints.console.browser import axe_source, chromium
from tests.entrypoints.customers import ALMOST_ANNA, ANNA, OWNERSHIP, a_customer, a_review
from tests.entrypoints.doors import client_of
from tests.entrypoints.serving import served
from tests.hubs import a_hub, eventually

from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Stake
from crossdock.durable.records import Commit
from crossdock.entrypoints.api.app import make_app
from crossdock.entrypoints.console.rendering import told
from crossdock.identity.golden.work import ArrivedChange
from crossdock.kit.errors import Invalid
from crossdock.kit.wording import said_at
from crossdock.ports.customer_source import CustomerChange

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script>"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
async def owned(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with a_hub(tmp_path_factory.mktemp("hub"), ownership=OWNERSHIP) as (made, erp):
        await a_customer(made, erp, ANNA | {"contact.phone": EVIL}, "w-1")
        await a_customer(made, erp, ALMOST_ANNA, "w-2")
        await a_review(made)
        yield made


def fields_of(page: str, marked: str) -> dict[str, str]:
    form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if marked in form)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


async def word(client: httpx.AsyncClient, page: str, marked: str, **said: str) -> httpx.Response:
    form = fields_of(page, marked) | {"actor": "Ines", "reason": "called her"} | said
    return await client.post("/console/customers/word", data=form)


async def test_a_doubt_is_read_side_by_side_decided_and_taken_back(owned: Hub) -> None:
    async with client_of(make_app(owned)) as client:
        queue = (await client.get("/console/reviews")).text
        (number,) = re.findall(r'href="/console/reviews/(\d+)"', queue)
        assert "data-stewards" in queue
        page = (await client.get(f"/console/reviews/{number}")).text
        assert ">Anna Seidl</a>" in page
        for words in (
            "Side by side",
            "Seidl",
            "given name",
            "the same initial",
            "would have made it",
            "before anything",
        ):
            assert words in page
        assert EVIL not in page
        assert html.escape(EVIL) in page
        answer = await word(client, page, "data-review", verb="same")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/reviews")
        assert "No customer is in doubt" in (await client.get("/console/reviews")).text
        found = (await client.get("/console/customers", params={"search": ANNA["contact.email"]})).text
        (anna,) = re.findall(r'href="/console/customers/([^"#]+)"', found)

        async def merged() -> str:
            shown = (await client.get(f"/console/customers/{anna}")).text
            return shown if "Take it back, for good" in shown and 'class="survives"' in shown else ""

        shown = await eventually(merged)
        assert "by rule newest_valid" in shown
        assert "Two became one" in shown
        sides = re.search(r'<th scope="row">Name</th><td.*?</tr>', shown, re.DOTALL)
        assert sides is not None
        assert re.findall(r"(A\.|Anna), Seidl", sides[0]) == ["Anna", "A."]
        assert sides[0].count('class="survives"') == 1
        ended = await word(client, shown, 'value="unmerge"')
        assert ended.status_code == 303

        async def parted() -> bool:
            text = (await client.get(f"/console/customers/{anna}")).text
            return "belongs to its own customer again" in text

        await eventually(parted)


async def test_a_value_is_pinned_and_many_are_decided_at_once(owned: Hub) -> None:
    async with client_of(make_app(owned)) as client:
        found = (await client.get("/console/customers", params={"search": ANNA["contact.email"]})).text
        (anna,) = re.findall(r'href="/console/customers/([^"#]+)"', found)
        shown = (await client.get(f"/console/customers/{anna}")).text
        answer = await word(client, shown, 'value="pin"', field="contact.email", value="a@new.example")
        assert answer.status_code == 303
        assert "a@new.example" in (await client.get(f"/console/customers/{anna}")).text
        nameless = await word(client, shown, 'value="pin"', field="contact.email", value="x", actor="")
        assert nameless.status_code == 422
        queue = (await client.get("/console/reviews")).text
        (alike,) = re.findall(r'href="(/console/reviews\?signature=[^"]+)"', queue)
        several = (await client.get(html.unescape(alike))).text
        assert (await word(client, several, 'name="signature"', verb="not_same")).status_code == 303
        assert "No customer is in doubt" in (await client.get("/console/reviews")).text
        assert (await client.get("/console/customers/nobody")).status_code == 404


def test_moments_in_a_sentence_are_put_into_the_readers_zone() -> None:
    shown = told(f"{EVIL} closed; asked again from {said_at(1_763_790_454_436_000)}; later")
    moment = '<time datetime="2025-11-22T05:47:34.000Z" data-moment title="2025-11-22T05:47:34.000Z">'
    assert shown == f"{html.escape(EVIL)} closed; asked again from {moment}2025-11-22 05:47:34</time>; later"
    assert told("nothing of the kind") == "nothing of the kind"


async def test_without_ownership_the_pages_say_what_is_missing(client: httpx.AsyncClient) -> None:
    for address in ("/console/customers", "/console/reviews"):
        assert "ownership.yaml" in (await client.get(address)).text


async def test_a_customer_is_headed_by_his_name_and_what_is_empty_is_folded_away(tmp_path: Path) -> None:
    async with a_hub(tmp_path, ownership=OWNERSHIP) as (hub, erp), client_of(make_app(hub)) as client:
        filled = {"contact.phone": "0171 5551234", "person.name.salutation": "Dr."}
        anna = await a_customer(hub, erp, ANNA | filled, "w-1")
        nameless = await a_customer(hub, erp, {"kind": "person", "tax.number": "DE811907980"}, "w-2")
        file = await hub.store.read_party(anna)
        assert file is not None
        number = file.records[0].reference.value
        erp.partners.write(PartnerWrite(write="w-3", number=number, card=dict.fromkeys(filled)))

        async def folded_away() -> str:
            shown = (await client.get(f"/console/customers/{anna}")).text
            return shown if "1 field is empty" in shown else ""

        page = await eventually(folded_away)
        assert "<h1>Anna Seidl</h1>" in page
        assert f'customer <span class="id">{anna}</span>' in page
        assert page.index('id="person.name"') < page.index('id="contact.email"'), "as people look for it"
        told, folded = page.split("1 field is empty in every record")
        assert 'id="contact.email"' in told
        assert 'id="contact.phone"' not in told
        assert 'id="contact.phone"' in folded
        assert '<span class="under">salutation' not in told
        assert "<h1>Customer without a name</h1>" in (await client.get(f"/console/customers/{nameless}")).text


async def test_who_is_found_is_named_and_that_somebody_looked_is_audited(owned: Hub) -> None:
    async with client_of(make_app(owned)) as client:
        found = (await client.get("/console/customers", params={"search": ANNA["contact.email"]})).text
        ((anna, name),) = re.findall(r'class="row-link" href="/console/customers/([^"#]+)">([^<]+)</a>', found)
        assert name == "Anna Seidl"
        (entry,) = await owned.store.list_audit(run_id=f"customer/{anna}")
        assert entry.verb == "read"
        assert "München, DE" in found
        queue = (await client.get("/console/reviews")).text
        assert "Memory ERP BP-00001" in queue
        assert anna not in queue, "nobody reads an id"
        assert "Seidl" not in queue, "in lists nobody looked up, people have no names"


async def test_a_doubt_marks_where_the_two_say_different_things(owned: Hub) -> None:
    async with client_of(make_app(owned)) as client:
        (number,) = re.findall(r'href="/console/reviews/(\d+)"', (await client.get("/console/reviews")).text)
        page = (await client.get(f"/console/reviews/{number}")).text
        marked = re.findall(r'<tr class="differs"><th scope="row">([^<]+)</th>', page)
        assert marked == ["Given name", "Phone"]


async def test_parked_work_about_a_customer_is_read_and_decided_on_a_page_of_its_own(owned: Hub) -> None:
    record = ExternalReference("erp", "partner", "P-77")
    arrived = ArrivedChange(change=CustomerChange(record=record, changed_at=1), received_at=1)
    assert owned.customers is not None
    fault = Invalid("have it erased there, too", code="customer-erased", system="erp")
    parking = parking_for(fault, owned.customers.change, "capture", Stake())
    start = replace(owned.customers.change.start("w-77", arrived), parking=parking)
    await owned.committer.submit(Commit(starts=(start,)))
    async with client_of(make_app(owned)) as client:
        listed = (await client.get("/console/parked")).text
        (address,) = re.findall(r'href="(/console/parked/run[^"]+)">erp/partner/P-77<', listed)
        page = (await client.get(html.unescape(address))).text
        for words in ("Customer change", "customer-erased", "data-stewards", "erp/partner/P-77"):
            assert words in page
        (look,) = await owned.store.list_audit(run_id="customer-record/erp/partner/P-77")
        assert (look.actor, look.verb) == ("console", "read"), "also of somebody whom nobody has recognised yet"
        form = fields_of(page, 'action="/console/verbs"') | {"actor": "Ines", "reason": "seen", "verb": "skip"}
        answer = await client.post("/console/verbs", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, html.unescape(address))
        assert "It stands still no more" in (await client.get(html.unescape(address))).text
        assert (await client.get("/console/parked/run", params={"id": "nobody"})).status_code == 404


@pytest.mark.browser
async def test_a_review_is_decided_by_one_key_and_read_by_everybody(owned: Hub) -> None:
    where = chromium()
    async with served(owned) as (address, _, _), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(f"{address}/console/reviews")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
        await page.evaluate(axe_source())
        faults = await page.evaluate("tags => axe.run({runOnly: tags}).then(found => found.violations)", TAGS)
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
        await page.keyboard.press("n")
        await page.keyboard.type("Ines")
        await page.get_by_label("Reason").fill("her daughter")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("No customer is in doubt")).to_be_visible()
        await browser.close()
    entries = [each for each in await owned.store.list_audit() if each.verb == "not_same"]
    assert {(each.actor, each.reason) for each in entries} == {("Ines", "her daughter")}
    assert sorted(each.run_id.partition("/")[0] for each in entries) == ["pair", "review"]
