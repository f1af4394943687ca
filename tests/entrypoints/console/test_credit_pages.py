"""The pages about credit: what waits, a company with its figures, a decision by mouse and by one key."""

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import async_playwright, expect
from tests.entrypoints.console.browser import axe_source, chromium
from tests.entrypoints.customers import OWNERSHIP, a_customer
from tests.entrypoints.doors import client_of
from tests.entrypoints.serving import served
from tests.hubs import a_hub

from crossdock.bootstrap.hub import Hub
from crossdock.durable.records import Commit, EffectStep
from crossdock.entrypoints.api.app import make_app
from crossdock.identity.onboarding.ledger import BeginOnboarding, EndOnboarding, OpenReview
from crossdock.policies.customer_onboarding import ApprovalLevel, CreditRules, OnboardingRules

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script>"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RULES = OnboardingRules(
    erp="erp",
    credit=CreditRules(
        currency="EUR",
        levels=(ApprovalLevel(team="credit", up_to="6000", approvers=("Anna",)), ApprovalLevel(team="finance")),
        terms="N30",
    ),
)
LATER = 4_102_444_800_000_000


async def waits(hub: Hub, party_id: str, number: str, *, due_at: int, ended: bool = False) -> None:
    run_id = f"customer_onboarding/{party_id}"
    begun = BeginOnboarding(party_id=party_id, run_id=run_id, correlation_id="c", started_at=1)
    review = OpenReview(
        party_id=party_id, erp_number=number, asked="5000", currency="EUR", owner="credit", due_at=due_at
    )
    effects = [EffectStep("begin", begun), EffectStep("open", review)]
    effects += [EffectStep("end", EndOnboarding(party_id=party_id, state="active"))] if ended else []
    await hub.committer.submit(Commit(effects=tuple(effects)))


@pytest.fixture
async def waiting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    async with a_hub(folder, ownership=OWNERSHIP, onboarding=RULES) as (made, erp):
        for index, name in enumerate((f"Rad & Tat {EVIL}", "Anvil")):
            card = {"kind": "organisation", "organisation.name": name, "tax.number": f"DE13669597{index}"}
            party_id = await a_customer(made, erp, card, f"w-{index}")
            await waits(made, party_id, f"K-{index}", due_at=LATER * index + 1)
        await waits(made, "P-settled", "K-9", due_at=7, ended=True)
        yield made


async def decide(client: httpx.AsyncClient, page: str, **said: str) -> httpx.Response:
    form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if "data-review" in form)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    kept = {name: html.unescape(value) for name, value in hidden.items()}
    limit = re.search(r'name="limit" value="([^"]*)"', form)
    assert limit is not None
    given = {"actor": "Anna", "reason": "pays well", "limit": limit[1], "terms": "N30", "verb": "approve"}
    return await client.post("/console/credit/word", data=kept | given | said)


async def test_what_waits_is_listed_by_urgency_and_decided_with_who_and_why(waiting: Hub) -> None:
    async with client_of(make_app(waiting)) as client:
        board = (await client.get("/console/credit")).text
        first, second, settled = re.findall(r'class="row-link" href="/console/credit/([^"]+)"', board)
        assert settled == "P-settled"
        assert re.findall(r"<dt>(wait for a decision|of them overdue|active)</dt><dd>(\d+)", board) == [
            ("wait for a decision", "2"),
            ("of them overdue", "1"),
            ("active", "1"),
        ]
        assert "the credit policy" in board
        page = (await client.get(f"/console/credit/{first}")).text
        assert html.escape(EVIL) in page
        assert EVIL not in page
        for words in ("5\u2009000 EUR", "K-0", "DE136695970", "Up to 6000 EUR: credit (Anna)", "overdue"):
            assert words in page
        assert (await decide(client, page, actor="Mallory", limit="5000")).status_code == 303  # finance is open
        again = await decide(client, page, verb="refuse", reason="no")
        assert again.status_code == 409
        page = (await client.get(f"/console/credit/{second}")).text
        assert (await decide(client, page, reason=" ")).status_code == 422
        assert (await decide(client, page, verb="forget")).status_code == 400
        assert (await decide(client, page, limit="many")).status_code == 422
        answer = await decide(client, page, verb="refuse", reason="two unpaid invoices")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/credit")
        assert "No credit waits for a decision" in (await client.get("/console/credit")).text
        page = (await client.get(f"/console/credit/{second}")).text
        assert "Anna has refused it: two unpaid invoices" in page
        assert "data-review" not in page
    decision = await waiting.store.read_onboarding(first)
    assert decision is not None
    assert decision.decision is not None
    assert (decision.decision.by, decision.decision.limit, decision.decision.terms) == ("Mallory", "5000", "N30")


async def test_only_who_may_decides(tmp_path_factory: pytest.TempPathFactory) -> None:
    levels = (ApprovalLevel(team="credit", approvers=("Anna",)),)
    rules = OnboardingRules(erp="erp", credit=CreditRules(currency="EUR", levels=levels))
    folder = tmp_path_factory.mktemp("hub")
    async with a_hub(folder, ownership=OWNERSHIP, onboarding=rules) as (made, erp):
        party_id = await a_customer(made, erp, {"kind": "organisation", "organisation.name": "Anvil"}, "w")
        await waits(made, party_id, "K-1", due_at=LATER)
        async with client_of(make_app(made)) as client:
            page = (await client.get(f"/console/credit/{party_id}")).text
            for verb in ("approve", "refuse"):
                assert (await decide(client, page, actor="Mallory", verb=verb)).status_code == 403
            assert (await client.get("/console/credit/nobody")).status_code == 404


async def test_where_nobody_onboards_the_page_says_what_is_missing(client: httpx.AsyncClient) -> None:
    assert "policies.yaml" in (await client.get("/console/credit")).text
    assert (await client.get("/console/credit/P-1")).status_code == 404


@pytest.mark.browser
async def test_credit_is_decided_by_one_key_and_read_by_everybody(waiting: Hub) -> None:
    where = chromium()
    async with served(waiting) as (address, _, _), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 360, "height": 740})
        for path in ("/console/credit", "the first of them"):
            if path.startswith("/"):
                await page.goto(f"{address}{path}")
            else:
                await page.keyboard.press("j")
                await page.keyboard.press("Enter")
                await expect(page.get_by_role("heading", name="What is known of it")).to_be_visible()
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
            await page.evaluate(axe_source())
            faults = await page.evaluate("tags => axe.run({runOnly: tags}).then(found => found.violations)", TAGS)
            assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
        await page.keyboard.press("s")  # a word that this page does not have
        await page.keyboard.press("x")
        await expect(page.get_by_label("Your name")).to_be_focused()
        await expect(page.get_by_label("Limit in EUR")).to_be_hidden()
        await page.keyboard.type("Anna")
        await page.get_by_label("Reason").fill("too young")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Anvil")).to_be_visible()
        await page.get_by_label("Reason").fill("pays well")
        await page.get_by_role("link", name="← Credit").focus()
        await page.keyboard.press("a")
        await expect(page.get_by_text("No credit waits for a decision")).to_be_visible()
        await browser.close()
    entries = [each for each in await waiting.store.list_audit() if each.verb.endswith("-credit")]
    assert {(each.verb, each.actor, each.reason) for each in entries} == {
        ("refuse-credit", "Anna", "too young"),
        ("approve-credit", "Anna", "pays well"),
    }
