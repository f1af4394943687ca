"""The memory ERP misbehaves on demand, from Python and over HTTP, and keeps its books straight all the while."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from crossdock.adapters.memory import ADAPTER, mapping
from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.adapters.memory.simulator.faults import (
    CommitLate,
    Latency,
    LoseAnswer,
    RejectPosition,
    Throttle,
    spread_unknown_fields,
    strip_field,
)
from crossdock.adapters.memory.simulator.server import LocalMemory, share_surface, shared_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.kit.clock import ManualClock, SystemClock
from crossdock.kit.errors import (
    Invalid,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.kit.money import Money, Quantity
from crossdock.testing.builders import a_line, an_order

pytestmark = pytest.mark.anyio


@pytest.fixture
async def local() -> AsyncIterator[tuple[LocalMemory, MemoryDock, httpx.AsyncClient]]:
    """A server, a dock, and a stranger with an HTTP client."""
    server = LocalMemory()
    settings = await server.start()
    dock = ADAPTER.make_dock(ADAPTER.load_settings({**settings, "timeout_seconds": 0.5}), SystemClock())
    await dock.open()
    async with httpx.AsyncClient(base_url=f"{settings['url']}/_simulator") as stranger:
        yield server, dock, stranger
    await dock.close()
    await server.stop()


async def submit(dock: MemoryDock, key: str = "K-1", **changes: Any) -> Any:
    return await dock.submit_order(an_order(lines=2, **changes), key=key, correlation_id="c-1")


async def count(stranger: httpx.AsyncClient, key: str) -> int:
    return len((await stranger.get("orders", params={"reference": key})).json())


async def test_faults_are_added_listed_and_forgotten_over_http(local: Any) -> None:
    _, dock, stranger = local
    for fault in ({"fault": "throttle", "wait_seconds": 7}, {"fault": "lose_answer", "times": 2}):
        assert (await stranger.post("faults", json=fault)).status_code == 200

    with pytest.raises(Throttled) as throttled:
        await submit(dock)
    with pytest.raises(OutcomeUnknown):
        await submit(dock)

    assert throttled.value.retry_after_seconds == 7
    assert await count(stranger, "K-1") == 1
    assert (await stranger.get("faults")).json() == [{"fault": "lose_answer"}]
    assert (await stranger.delete("faults")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "faults", b'{"fault": "earthquake"}', 400, "FIELD"),
        ("POST", "faults", b'{"fault": "throttle"}', 400, "FIELD"),
        ("POST", "faults", b"no json", 400, "FIELD"),
        ("POST", "faults", b"[" * 50_000, 400, "FIELD"),
        ("PUT", "faults", b"", 404, "NO_SUCH_PLACE"),
        ("GET", "nowhere", b"", 404, "NO_SUCH_PLACE"),
        ("POST", "credential/forge", b"", 404, "NO_SUCH_VERB"),
        ("POST", "orders/SO-1/ship", b"", 404, "ORDER_UNKNOWN"),
        ("POST", "stock", b'{"article": "P-100", "depot": "W1", "on_hand": "many"}', 400, "FIELD"),
    ],
)
async def test_nonsense_on_the_control_endpoints_gets_a_clear_no(
    local: Any, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    _, _, stranger = local

    answer = await stranger.request(method, path, content=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_outage_refuses_connections_and_ends(local: Any) -> None:
    _, dock, stranger = local
    await stranger.post("outage", json={"seconds": 0.3})
    await asyncio.sleep(0.15)

    with pytest.raises(Unavailable, match="cannot be reached"):
        await submit(dock)

    async with asyncio.timeout(10):
        while True:
            try:
                await submit(dock)
                break
            except (Unavailable, OutcomeUnknown):
                await asyncio.sleep(0.05)
    assert await count(stranger, "K-1") == 1


async def test_a_credential_is_expired_revoked_and_restored_over_http(local: Any) -> None:
    _, dock, stranger = local
    await stranger.post("credential/expire")
    await submit(dock)
    await stranger.post("credential/revoke")
    with pytest.raises(NotAuthorized):
        await submit(dock)

    await stranger.post("credential/restore")

    await submit(dock)
    assert await count(stranger, "K-1") == 1


async def test_a_clerk_ships_bills_and_counts_over_http(local: Any) -> None:
    _, dock, stranger = local
    _, cursor = [], (await dock.read_changes("", limit=10)).cursor
    accepted = await submit(dock)
    await stranger.post("stock", json={"article": "P-100", "depot": "W1", "on_hand": "50", "promised": "1"})
    await stranger.post(f"orders/{accepted.number}/ship")
    await stranger.post(f"orders/{accepted.number}/invoice")

    changes = (await dock.read_changes(cursor, limit=10)).changes
    levels = {level.location: level for level in await dock.read_stock(["P-100"])}

    assert [change.kind for change in changes] == ["order", "shipment", "invoice"]
    assert (levels["W1"].on_hand.value, levels["W1"].forecast.value) == ("49", "49")


async def test_an_order_captured_over_http_arrives(local: Any) -> None:
    server, dock, stranger = local
    order = mapping.order_to_wire(an_order("WEB-1"), "")
    await stranger.post("messages", content=msgspec.json.encode(order))

    stream = dock.arrivals("")
    batch = await anext(stream)
    await stream.aclose()

    assert [arrival.external_id for arrival in batch.arrivals] == ["WEB-1"]
    assert server.surface.channel.delivered == 1


async def test_strangers_must_sign_in(local: Any) -> None:
    server, _, stranger = local
    erp = str(stranger.base_url).removesuffix("/_simulator/")

    refused = await stranger.post(f"{erp}/orders", content=b"{}")

    assert (refused.status_code, refused.json()["code"]) == (401, "SESSION_EXPIRED")
    assert not server.surface.ledger.orders()


async def test_a_clerk_writes_partners_over_http_and_the_hub_hears_of_it(local: Any) -> None:
    server, _, stranger = local
    asked = {"write": "slip-1", "card": {"kind": "person", "person.name.family": "Łoś"}}

    made = (await stranger.post("partners", json=asked)).json()
    terms = {"write": "terms-1", "number": made["number"], "card": {"terms.code": "N30"}}
    await stranger.post("partners", json=terms)
    refused = await stranger.post("partners", json={**terms, "write": "terms-2", "number": "BP-9"})

    (kept,) = (await stranger.get("partners")).json()
    assert kept["card"] == {"kind": "person", "person.name.family": "Łoś", "terms.code": "N30"}
    assert (refused.status_code, refused.json()["code"]) == (404, "PARTNER_GONE")
    assert (await stranger.get("partners/end")).json() == {"count": 2}
    server.surface.partners.delete(made["number"])
    assert (await stranger.get("partners")).json() == []


async def test_with_accounts_open_a_new_partner_may_order_under_its_number(local: Any) -> None:
    server, dock, stranger = local
    asked = {"write": "slip-1", "card": {"kind": "organisation", "organisation.name": "Łódź Lamps"}}
    before = (await stranger.post("partners", json=asked)).json()
    server.surface.open_accounts()

    after = (await stranger.post("partners", json={**asked, "write": "slip-2"})).json()

    known = await dock.find_customers([before["number"], after["number"]])
    assert "account.number" not in before["card"]
    assert after["card"]["account.number"] == after["number"]
    assert [(one.number, one.name, one.kind) for one in known.values()] == [
        (after["number"], "Łódź Lamps", "organisation")
    ]


class TestInProcess:
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    async def surface(self, clock: ManualClock) -> AsyncIterator[Surface]:
        surface = Surface(clock=clock)
        share_surface("here", surface)
        yield surface
        share_surface("here", None)

    @pytest.fixture
    async def dock(self, surface: Surface, clock: ManualClock) -> AsyncIterator[MemoryDock]:
        dock = ADAPTER.make_dock(ADAPTER.load_settings({"ledger": "here"}), clock)
        await dock.open()
        yield dock
        await dock.close()

    async def test_docks_with_one_ledger_share_it_and_others_do_not(self, surface: Surface) -> None:
        assert shared_surface("here") is surface
        assert shared_surface("elsewhere") is shared_surface("elsewhere")
        assert shared_surface("elsewhere") is not surface
        share_surface("elsewhere", None)

    async def test_trouble_takes_its_time_on_the_clock_that_was_given(
        self, surface: Surface, dock: MemoryDock, clock: ManualClock
    ) -> None:
        surface.faults.add(Latency(seconds=3600), CommitLate(seconds=60, on="/orders"))
        slow = asyncio.create_task(dock.find_order(key="K-1"))
        await asyncio.sleep(0)
        clock.advance(3600)
        assert await slow is None
        with pytest.raises(OutcomeUnknown):
            await submit(dock)
        await asyncio.sleep(0)  # the late commit falls asleep
        assert await dock.find_order(key="K-1") is None

        clock.advance(60)
        await surface.settle()

        assert await dock.find_order(key="K-1") is not None

    async def test_without_a_unique_reference_a_hasty_repeat_makes_two_orders(self, clock: ManualClock) -> None:
        surface = Surface(clock=clock, unique_reference=False)
        share_surface("look-up", surface)
        settings = ADAPTER.load_settings({"ledger": "look-up", "unique_reference": False})
        dock = ADAPTER.make_dock(settings, clock)
        await dock.open()
        surface.faults.add(CommitLate(seconds=60, on="/orders"))
        with pytest.raises(OutcomeUnknown):
            await submit(dock)
        await asyncio.sleep(0)

        await submit(dock)  # before the time in which a lost write settles
        clock.advance(60)
        await surface.settle()

        assert len(surface.ledger.orders("K-1")) == 2
        share_surface("look-up", None)

    async def test_a_fault_waits_for_its_path_and_for_as_many_calls_as_it_says(
        self, surface: Surface, dock: MemoryDock
    ) -> None:
        surface.faults.add(Throttle(wait_seconds=1, on="/stock", times=2), LoseAnswer(times=0))

        await dock.find_products(["P-100"])
        for _ in range(2):
            with pytest.raises(Throttled):
                await dock.read_stock(["P-100"])
        await dock.read_stock(["P-100"])
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                await submit(dock)

        assert [type(fault) for fault in surface.faults.waiting()] == [LoseAnswer]
        assert len(surface.ledger.orders("K-1")) == 1

    async def test_promised_stock_is_given_back_by_a_cancellation(
        self, surface: Surface, dock: MemoryDock
    ) -> None:
        async def forecast() -> Quantity:
            return (await dock.read_stock(["P-100"]))[0].forecast

        before = await forecast()
        await submit(dock)
        promised = await forecast()
        await dock.cancel_order(key="K-1", reason="changed mind")

        assert promised.decimal == before.decimal - 1
        assert await forecast() == before

    async def test_an_order_wanted_complete_is_refused_whole(self, surface: Surface, dock: MemoryDock) -> None:
        surface.faults.add(RejectPosition(position="2", code="OUT_OF_STOCK"))

        with pytest.raises(Rejected) as refused:
            await submit(dock, accepts_partial=False)

        assert (refused.value.code, refused.value.vendor_code) == ("not-complete", "INCOMPLETE")
        assert not surface.ledger.orders("K-1")

    async def test_an_order_of_nothing_deliverable_is_refused_with_the_lines_reason(
        self, dock: MemoryDock
    ) -> None:
        with pytest.raises(Rejected) as refused:
            await dock.submit_order(an_order(lines=[a_line(product="P-900")]), key="K-1", correlation_id="c")

        assert (refused.value.code, refused.value.vendor_code) == ("product-inactive", "ARTICLE_DISCONTINUED")

    async def test_mixed_currencies_are_invalid_with_their_path(self, dock: MemoryDock) -> None:
        order = an_order(lines=[a_line("1"), a_line("2", currency="USD")])

        with pytest.raises(Invalid) as invalid:
            await dock.submit_order(order, key="K-1", correlation_id="c")

        assert [finding.path for finding in invalid.value.findings] == ["$.lines[1].unit_price"]

    @pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣"])
    async def test_a_foreign_cursor_or_position_is_invalid(self, dock: MemoryDock, cursor: str) -> None:
        with pytest.raises(Invalid):
            await dock.read_changes(cursor, limit=1)
        with pytest.raises(Invalid):
            await anext(dock.arrivals(cursor))

    async def test_a_late_reader_is_told_what_the_channel_forgot(self, surface: Surface, dock: MemoryDock) -> None:
        for index in range(3):
            surface.channel.offer(mapping.order_to_wire(an_order(f"O-{index}"), ""))
        stream = dock.arrivals("")
        stored = (await anext(stream)).position
        await stream.aclose()
        surface.channel.offer(mapping.order_to_wire(an_order("O-9"), ""))
        surface.channel.forget()

        stream = dock.arrivals(stored)
        batch = await anext(stream)
        await stream.aclose()

        assert batch.gap is not None
        assert batch.gap.reason == "retention"
        found = [arrival.external_id async for page in dock.refill(batch.gap) for arrival in page.arrivals]
        assert "O-9" in found


async def test_a_url_without_a_secret_is_misconfigured() -> None:
    settings = ADAPTER.load_settings({"url": "http://127.0.0.1:1"})

    with pytest.raises(Misconfigured):
        ADAPTER.make_dock(settings, SystemClock())


def test_an_order_comes_back_from_the_wire_as_it_went() -> None:
    order = an_order(lines=3, total=Money("30", "EUR"), brand="Löwe", accepts_partial=False, priority=2)

    assert mapping.order_from_wire(mapping.order_to_wire(order, "K-1")) == order


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"currency": "EURO"}, "$.currency"),
        ({"external": ""}, "$.order_id"),
        ({"positions": ()}, "$.lines"),
        ({"urgency": 11}, "$.priority"),
        ({"total": "1e5"}, "$.total"),
    ],
)
def test_a_captured_order_that_makes_no_sense_is_invalid_with_its_path(change: dict[str, Any], path: str) -> None:
    captured = msgspec.structs.replace(mapping.order_to_wire(an_order(), ""), **change)

    with pytest.raises(Invalid) as invalid:
        mapping.order_from_wire(captured)

    assert [finding.path for finding in invalid.value.findings] == [path]


def test_fields_are_stripped_and_spread_wherever_they_are() -> None:
    value = {"a": [{"b": 1, "c": {"d": 2}}]}

    strip_field(value, "$.a[0].c.d")
    strip_field(value, "$.a[7].c")
    strip_field(value, "$.nowhere.at.all")

    assert value == {"a": [{"b": 1, "c": {}}]}
    spread_unknown_fields(value)
    assert "x_new_in_this_release" in value
    assert "x_new_in_this_release" in value["a"][0]
