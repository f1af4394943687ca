"""The console's pages, as the server draws them: what they show, what they escape, what a form needs."""

import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from tests.entrypoints.doors import client_of, until_status
from tests.hubs import a_hub, eventually

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.entrypoints.api.app import make_app
from crossdock.entrypoints.console.assets import ASSETS, STATIC, asset_url, read_asset, vendored
from crossdock.entrypoints.entrance.backlogs import read_backlogs
from crossdock.testing.builders import a_customer, a_line, an_address, an_order

pytestmark = pytest.mark.anyio

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def form_of(page: str, index: int = 0) -> dict[str, str]:
    """The hidden fields of a page's form."""
    form = re.findall(r"<form[^>]*data-decide.*?</form>|<form[^>]*decide row.*?</form>", page, re.DOTALL)[index]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in fields}


async def park(hub: Hub, order_id: str) -> str:
    await hub.capture.take(an_order(order_id, lines=[a_line("1"), a_line("1")]))

    async def parked() -> bool:
        view = await hub.store.find_run(f"order_submission/{order_id}")
        return view is not None and view.parking is not None

    await eventually(parked)
    return f"order_submission/{order_id}"


async def test_an_empty_dock_says_what_to_do(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, _), client_of(make_app(hub)) as client:
        home = await client.get("/")
        assert (home.status_code, home.headers["location"]) == (303, "/console")
        page = (await client.get("/console")).text
        assert "The dock is empty" in page
        assert "crossdock orders submit" in page
        assert "Nothing stands still" in (await client.get("/console/parked")).text


async def test_the_first_page_shows_orders_counts_and_lanes(client: httpx.AsyncClient, hub: Hub) -> None:
    record = ExternalReference("salesforce", "Order", "801Qy0000000077")
    await hub.capture.take(an_order("O-77", references=(record,)))
    await until_status(client, "O-77", "accepted")

    async def shown() -> str | None:
        page = (await client.get("/console")).text
        listed = 'href="/console/orders/O-77"' in page and re.search(r"Accepted <b>\d+</b>", page)
        return page if "SO-" in page and listed else None

    page = await eventually(shown)
    assert page is not None
    assert "Memory ERP" in page
    for number in ("o-77", record.value, "C-1001"):
        found = (await client.get("/console", params={"search": number})).text
        assert 'href="/console/orders/O-77"' in found, number
    nothing = (await client.get("/console", params={"search": "zzz", "status": "refused"})).text
    assert "No order fits" in nothing


async def test_an_order_shows_its_journey_lines_and_raw_facts(client: httpx.AsyncClient, hub: Hub) -> None:
    await hub.capture.take(an_order("O-80", lines=[a_line("1", quantity="2"), a_line("2", product="P-000")]))
    await until_status(client, "O-80", "partly_accepted")
    page = (await client.get("/console/orders/O-80")).text
    for words in (
        "Partly accepted by Memory ERP",
        "Captured",
        "Stock held",
        "product-unknown",
        "order_submission/O-80",
    ):
        assert words in page
    assert page.count('class="moment') == 4
    assert "style=" not in page


async def test_an_order_nobody_heard_of_is_a_page_too(client: httpx.AsyncClient) -> None:
    answer = await client.get("/console/orders/nope")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "We never heard of this order" in answer.text
    wrong = await client.get("/console?status=happy")
    assert (wrong.status_code, "bad-parameter" in wrong.text) == (400, True)


async def test_whatever_an_order_says_is_shown_as_text(client: httpx.AsyncClient, hub: Hub) -> None:
    order = an_order(
        "O-81",
        channel=EVIL,
        brand=EVIL,
        region=EVIL,
        customer=a_customer(EVIL, name=EVIL, email=EVIL),
        shipping_address=an_address(name=EVIL, city=EVIL, lines=(EVIL,)),
        lines=[a_line("1", product=EVIL, description=EVIL)],
        references=(ExternalReference("salesforce", "Order", EVIL),),
    )
    await hub.capture.take(order, correlation_id=EVIL)
    await until_status(client, "O-81", "refused")

    async def on_board() -> str | None:
        page = (await client.get("/console")).text
        return page if "O-81" in page else None

    pages = [
        await eventually(on_board),
        (await client.get("/console/orders/O-81")).text,
        (await client.get("/console/parked")).text,
        (await client.get("/console", params={"search": EVIL})).text,
    ]
    for page in pages:
        assert page is not None
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(\S{0,4})", page)
    assert html.escape(EVIL, quote=False).split("&")[0] in (pages[1] or "")


async def test_no_page_has_anything_inline_or_from_elsewhere(client: httpx.AsyncClient, hub: Hub) -> None:
    await park(hub, "O-82")
    addresses = ["/console", "/console/orders/O-82", "/console/parked", "/console/lanes", "/docs"]
    for address in addresses:
        tags = Tags()
        tags.feed((await client.get(address)).text)
        assert not [tag for tag, _ in tags.found if tag in {"style", "iframe", "object", "base"}], address
        for tag, attributes in tags.found:
            assert not [name for name in attributes if name == "style" or name.startswith("on")], (address, tag)
            assert tag != "script" or "src" in attributes, address
            for name in {"src", "href", "action"} & set(attributes):
                target = attributes[name] or ""
                assert target.startswith(("/", "#")), (address, target)
                assert not target.startswith("//"), (address, target)


async def test_a_verb_from_a_page_is_carried_out_and_leads_back(client: httpx.AsyncClient, hub: Hub) -> None:
    await park(hub, "O-83")
    page = (await client.get("/console/orders/O-83")).text
    fields = {**form_of(page), "verb": "skip", "reason": "given up by phone", "actor": "ada"}
    answer = await client.post("/console/verbs", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/orders/O-83")
    page = (await client.get("/console/orders/O-83")).text
    assert "Skipped by ada" in page
    assert "given up by phone" in page
    again = await client.post("/console/verbs", data=fields)
    assert (again.status_code, "not-parked" in again.text) == (409, True)


async def test_a_repair_from_a_page_goes_on(client: httpx.AsyncClient, hub: Hub) -> None:
    await park(hub, "O-84")
    page = (await client.get("/console/orders/O-84")).text
    (text,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    repaired = html.unescape(text).replace('"line_id": "1"', '"line_id": "2"', 1)
    fields = {**form_of(page), "verb": "repair", "reason": "numbered", "actor": "ada", "input": repaired}
    assert (await client.post("/console/verbs", data={**fields, "input": "{"})).status_code == 422
    assert (await client.post("/console/verbs", data=fields)).status_code == 303
    await until_status(client, "O-84", "accepted", "partly_accepted")


async def test_a_form_of_another_site_does_nothing(client: httpx.AsyncClient, hub: Hub) -> None:
    run_id = await park(hub, "O-85")
    page = (await client.get("/console/orders/O-85")).text
    fields = {**form_of(page), "verb": "skip", "reason": "x", "actor": "mallory"}
    for token in ("", "0" * 64, "é"):
        answer = await client.post("/console/verbs", data={**fields, "form_token": token})
        assert (answer.status_code, "foreign-form" in answer.text) == (403, True)
    cookies = dict(client.cookies)
    client.cookies.clear()
    assert (await client.post("/console/verbs", data=fields)).status_code == 403
    client.cookies.update(cookies)
    view = await hub.store.find_run(run_id)
    assert view is not None
    assert view.parking is not None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"actor": " "}, 422),
        ({"reason": ""}, 422),
        ({"verb": "assign", "owner": ""}, 422),
        ({"verb": "explode"}, 400),
        ({"run_id": "order_submission/never"}, 409),
        ({"run_id": "\x00"}, 409),
    ],
)
async def test_a_verb_that_lacks_something_is_refused_with_words(
    client: httpx.AsyncClient, hub: Hub, changes: dict[str, str], status: int
) -> None:
    await park(hub, "O-86")
    page = (await client.get("/console/orders/O-86")).text
    fields = {**form_of(page), "verb": "skip", "reason": "x", "actor": "ada", **changes}
    answer = await client.post("/console/verbs", data=fields)
    assert (answer.status_code, "code <span" in answer.text) == (status, True)


async def test_what_is_no_form_is_refused(client: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post("/console/verbs", json={})).status_code == 415
    for body in (b"\xff\xfe=\xff", b"a=%ff", b"&".join(b"a=1" for _ in range(400))):
        assert (await client.post("/console/verbs", content=body, headers=form)).status_code == 400


async def test_a_lane_is_paused_and_resumed_from_its_page(client: httpx.AsyncClient) -> None:
    page = (await client.get("/console/lanes")).text
    fields = {**form_of(page), "actor": "ada", "reason": "stocktaking"}
    assert fields["verb"] == "pause"
    assert (await client.post("/console/lanes", data=fields)).status_code == 303
    page = (await client.get("/console/lanes")).text
    assert "ada: stocktaking" in page
    fields = {**form_of(page), "actor": "ada"}
    assert fields["verb"] == "resume"
    assert (await client.post("/console/lanes", data=fields)).status_code == 303
    assert "ada: stocktaking" not in (await client.get("/console/lanes")).text


async def test_the_lanes_page_says_how_far_behind_each_consumer_is(client: httpx.AsyncClient, hub: Hub) -> None:
    async def caught_up() -> bool:
        return all(not backlog.behind for backlog in await read_backlogs(hub.store, hub.clock.now()))

    await eventually(caught_up)
    page = (await client.get("/console/lanes")).text
    assert "Who gets events" in page
    assert re.search(r"order_board</dt><dd>has everything", page)


async def test_equal_causes_stand_together(client: httpx.AsyncClient, hub: Hub) -> None:
    for number in (1, 2):
        await park(hub, f"O-9{number}")
    page = (await client.get("/console/parked")).text
    (run,) = await hub.store.list_runs(subject="order/O-91")
    assert run.parking is not None
    assert page.count('class="panel cause"') == 1
    one = (await client.get("/console/parked", params={"signature": run.parking.signature})).text
    assert "/console/orders/O-91" in one
    assert "/console/orders/O-92" in one


async def test_files_are_kept_by_their_hash_and_nothing_else_is_served(client: httpx.AsyncClient) -> None:
    for name in ASSETS:
        answer = await client.get(asset_url(name))
        assert answer.content == read_asset(name)
        assert "immutable" in answer.headers["cache-control"]
    old = await client.get("/console/static/0ld/console.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
    for address in (
        "/console/static/x/manifest.json",
        "/console/static/x/..%2Fpages.py",
        "/console/static/x/nope.js",
    ):
        assert (await client.get(address)).status_code == 404


def test_what_others_wrote_is_what_we_looked_at() -> None:
    found = {f"vendor/{part.name}" for part in (STATIC / "vendor").iterdir() if part.name.endswith(".js")}
    assert set(vendored()) == found
    for name, digest in vendored().items():
        assert hashlib.sha256(read_asset(name)).hexdigest() == digest
