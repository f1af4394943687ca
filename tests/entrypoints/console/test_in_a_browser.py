"""The console in a real browser: readable by everybody, alive, usable by keyboard alone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.entrypoints.console.browser import axe_source, chromium
from tests.entrypoints.serving import served
from tests.hubs import a_hub, eventually

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.testing.builders import a_line, an_order

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = ["/console", "/console/orders/O-1", "/console/orders/O-3", "/console/parked", "/console/lanes", "/docs"]
SECONDS_MAX = 15_000
UNBROKEN = f"C-{'X' * 40}"
LONG = "WEB-2026-11-22-0000000000-ABCDEFGHIJKLMNOPQRSTUVWXYZ-98765"


@pytest.fixture(scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with a_hub(tmp_path_factory.mktemp("browsed")) as (made, _):
        record = ExternalReference("salesforce", "Order", "801Qy0000000001")
        orders = [
            an_order(
                "O-1", lines=[a_line("1", quantity="2", description="Tarpaulin"), a_line("2", product="P-000")]
            ),
            an_order("O-2", customer="C-9001", references=(record,)),
            an_order("O-3", lines=[a_line("1"), a_line("1")]),
            an_order("O-4"),
            an_order(LONG, customer=UNBROKEN),
        ]
        for order in orders:
            await made.capture.take(order)

        async def settled() -> bool:
            rows = await made.board.list_orders()
            return len(rows) == len(orders) and all(row.status != "captured" for row in rows)

        await eventually(settled)
        yield made


@pytest.fixture(scope="module")
async def address(hub: Hub) -> AsyncIterator[str]:
    async with served(hub) as (where, _, _):
        yield where


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    where = chromium()
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        yield launched
        await launched.close()


CUT_OFF = """[...document.querySelectorAll(".sheet:not(.scroll)")]
    .filter((sheet) => sheet.scrollWidth > sheet.clientWidth + 1)
    .map((sheet) => sheet.textContent.trim().slice(0, 80))"""


@pytest.fixture
async def context(browser: Browser, address: str) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    made.set_default_timeout(SECONDS_MAX)
    yield made
    await made.close()


@pytest.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page on which nothing may go wrong: no error, nothing that the policy of content refuses."""
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert complaints == []


async def check(page: Page) -> None:
    """Nothing is found by axe, and the page is not wider than the window."""
    await page.evaluate(axe_source())
    found = await page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
    told = [
        f"{fault['id']}: {fault['help']} at {[node['target'] for node in fault['nodes']][:3]}"
        for fault in found["violations"]
    ]
    assert told == []
    await check_room(page)


async def check_room(page: Page) -> None:
    """The page is not wider than the window, and hides nothing that nobody can scroll to."""
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    cut_off = await page.evaluate(CUT_OFF)
    assert cut_off == [], "what hides and cannot be scrolled to, nobody reads"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_pages_are_accessible_in_light_and_dark(page: Page, theme: str, path: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.goto(path)
    await check(page)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_fit_a_telephone(page: Page, path: str) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(path)
    await check(page)


@pytest.mark.parametrize("width", [390, 1280])
async def test_names_of_any_length_push_nothing_out_of_sight(page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 740})
    for path in ("/console", f"/console/orders/{LONG}"):
        await page.goto(path)
        await expect(page.get_by_text(UNBROKEN).first).to_be_attached()
        await check_room(page)


async def test_the_list_is_walked_and_opened_by_keyboard(page: Page) -> None:
    await page.goto("/console")
    links = page.locator("[data-row] .row-link")
    await page.keyboard.press("j")
    await expect(links.nth(0)).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("j")
    await expect(links.nth(1)).to_be_focused()
    name = await links.nth(1).inner_text()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text(name)
    await page.keyboard.press("u")
    await expect(page.locator("h1")).to_have_text("Orders")


async def test_keys_lead_everywhere_and_leave_text_fields_alone(page: Page) -> None:
    await page.goto("/console")
    await page.keyboard.press("/")
    search = page.locator("#search")
    await expect(search).to_be_focused()
    await page.keyboard.type("jk?o-2")
    await expect(search).to_have_value("jk?o-2")
    await page.keyboard.press("Escape")
    await expect(search).not_to_be_focused()
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await expect(page.locator("h1")).to_have_text("Parked")
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_be_hidden()


async def test_searching_finds_by_record(page: Page) -> None:
    await page.goto("/console")
    await page.keyboard.press("/")
    await page.keyboard.type("801Qy0000000001")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-row]")).to_have_count(1)
    await expect(page.locator(".row-link")).to_have_text("O-2")


async def test_a_new_order_appears_by_itself_and_the_focus_stays(page: Page, hub: Hub) -> None:
    await page.goto("/console")
    await expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    await page.keyboard.press("/")
    await page.keyboard.type("half a word")
    await hub.capture.take(an_order("O-NEW"))
    row = page.locator("[data-row]", has_text="O-NEW")
    await expect(row).to_be_visible(timeout=SECONDS_MAX)
    await expect(row.locator(".badge")).not_to_have_text("Captured", timeout=SECONDS_MAX)
    await expect(page.locator("#search")).to_be_focused()
    await expect(page.locator("#search")).to_have_value("half a word")


async def test_the_theme_is_chosen_and_remembered(page: Page) -> None:
    await page.goto("/console")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "auto")
    await page.keyboard.press("t")
    await page.keyboard.press("t")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.goto("/console/lanes")
    await expect(root).to_have_attribute("data-theme", "dark")


async def test_what_is_parked_is_decided_from_the_orders_page(page: Page, hub: Hub) -> None:
    await hub.capture.take(an_order("O-5", lines=[a_line("1"), a_line("1")]))

    async def parked() -> bool:
        view = await hub.store.find_run("order_submission/O-5")
        return view is not None and view.parking is not None

    await eventually(parked)
    await page.goto("/console/orders/O-5")
    box = page.locator(".parked-box")
    await expect(box.get_by_label("Corrected input (JSON)")).to_be_hidden()
    await box.get_by_text("Repair", exact=True).click()
    text = box.get_by_label("Corrected input (JSON)")
    await expect(text).to_be_visible()
    await text.fill((await text.input_value()).replace('"line_id": "1"', '"line_id": "2"', 1))
    await box.get_by_role("textbox", name="Reason").fill("lines numbered anew")
    await box.get_by_label("Your name").fill("ada")
    await box.get_by_role("button", name="Decide").click()
    await expect(page.locator(".order-head .badge")).to_contain_text("ccepted", timeout=SECONDS_MAX)
    await expect(page.get_by_text("Repaired and continued by ada")).to_be_visible()
    await expect(page.locator(".parked-box")).to_have_count(0)


async def test_what_somebody_types_survives_what_happens_meanwhile(page: Page, hub: Hub) -> None:
    await page.goto("/console/orders/O-3")
    box = page.locator(".parked-box")
    await box.get_by_text("Skip", exact=True).click()
    await box.get_by_role("textbox", name="Reason").fill("still thinking")
    async with page.expect_response(
        lambda answer: answer.url.endswith("/console/orders/O-3"), timeout=SECONDS_MAX
    ):
        await hub.capture.take(an_order("O-6"))
    await expect(box.get_by_role("textbox", name="Reason")).to_have_value("still thinking")
    await expect(box.locator("input[value=skip]")).to_be_checked()


async def test_without_script_the_console_still_works(browser: Browser, address: str) -> None:
    context = await browser.new_context(base_url=address, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/console?search=O-4")
    await page.locator(".row-link").click()
    await expect(page.locator("h1")).to_have_text("O-4")
    await context.close()
