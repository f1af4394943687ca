"""The stewards' pages: what they show, what they escape, and words that are taken, by mouse and by keyboard."""

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import async_playwright, expect
from tests.entrypoints.console.browser import axe_source, chromium
from tests.entrypoints.customers import ALMOST_ANNA, ANNA, OWNERSHIP, a_customer, a_review
from tests.entrypoints.doors import client_of
from tests.entrypoints.serving import served
from tests.hubs import a_hub, eventually

from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import make_app

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
        for words in ("Side by side", "Seidl", "given name", "the same initial", "would have made it"):
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
            return shown if "Take it back, for good" in shown else ""

        shown = await eventually(merged)
        assert "by rule newest_valid" in shown
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


async def test_without_ownership_the_pages_say_what_is_missing(client: httpx.AsyncClient) -> None:
    for address in ("/console/customers", "/console/reviews"):
        assert "ownership.yaml" in (await client.get(address)).text


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
