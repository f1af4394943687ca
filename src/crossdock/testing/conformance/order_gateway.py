"""The promises of an order gateway: one order per key whatever is lost, and a no that leaves nothing behind."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from crossdock.canonical.order import Order
from crossdock.kit.errors import (
    Conflict,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Transient,
    Unavailable,
)
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.ports.order_gateway import Acceptance
from crossdock.testing.bench import GatewayBench, StoredOrder
from crossdock.testing.builders import an_address
from crossdock.testing.conformance.manners import PERSONAL, ReadingManners, a_persons_order
from crossdock.testing.conformance.suite import Connect, raised
from crossdock.testing.estate import Estate

KEY = "XDCONFORMANCE0000000000000001"
OTHER_KEY = "XDCONFORMANCE0000000000000002"
CORRELATION = "01890f3e-7b1c-7cc2-98c4-dc0c0c07398f"
FOREIGN_WORDS = "Größe Œuvre Łódź 漢字 “ß” 🧦"


class GatewayRules(ReadingManners):
    """The fixtures and steps that the gateway's rules share."""

    role_name = Role.ORDER_GATEWAY.value
    role = Role.ORDER_GATEWAY

    async def prepare(self, dock: Any, bench: Any, estate: Estate) -> None:
        """An order that can be found."""
        await submit(dock, estate.order())

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Find it."""
        found = await dock.find_order(key=KEY)
        assert found is not None, "an accepted order cannot be found by its key"
        return found


async def submit(dock: Any, order: Order, key: str = KEY) -> Acceptance:
    """Submit `order`."""
    accepted: Acceptance = await dock.submit_order(order, key=key, correlation_id=CORRELATION)
    return accepted


async def standing(bench: GatewayBench, key: str = KEY) -> Sequence[StoredOrder]:
    """The orders under `key` that are not cancelled."""
    return [order for order in await bench.stored_orders(key) if not order.cancelled]


async def the_one(bench: GatewayBench, key: str = KEY) -> StoredOrder:
    """The only order under `key`."""
    orders = await standing(bench, key)
    assert len(orders) == 1, f"{len(orders)} orders stand under one key"
    return orders[0]


class RoundTripRules(GatewayRules):
    """What was sent is what the system has."""

    async def test_decimals_survive(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """Quantities and prices reach the system to the last digit."""
        lines = [
            estate.line("1", quantity="0.125", price="1234567.89"),
            estate.line("2", quantity="3", price="0.01", product=estate.products[1]),
        ]

        await submit(dock, estate.order(lines=lines))

        stored = {line.line_id: line for line in (await the_one(bench)).lines}
        assert (stored["1"].quantity, stored["1"].unit_price) == (Decimal("0.125"), Decimal("1234567.89"))
        assert (stored["2"].quantity, stored["2"].unit_price) == (Decimal(3), Decimal("0.01"))

    async def test_moments_keep_their_instant(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """An order taken at 23:30 in Kolkata is the same instant in the system, not another day."""
        ordered_at = datetime(2026, 3, 29, 23, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

        await submit(dock, estate.order(ordered_at=ordered_at))

        assert (await the_one(bench)).ordered_at == ordered_at.astimezone(UTC)

    async def test_umlauts_survive(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """Letters of every script reach the system as they are."""
        line = estate.line(description=FOREIGN_WORDS)
        address = an_address(name="Ærø Łoś", lines=("Größe 1",), city="Ñandú")

        await submit(dock, estate.order(lines=[line], shipping_address=address))

        stored = await the_one(bench)
        assert stored.lines[0].description == FOREIGN_WORDS
        if stored.shipping_address is not None:
            assert (stored.shipping_address.lines, stored.shipping_address.city) == (("Größe 1",), "Ñandú")

    async def test_a_zero_price_survives(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """A free line stays free; the system's price list does not fill it."""
        await submit(dock, estate.order(lines=[estate.line(price="0")]))

        assert [line.unit_price for line in (await the_one(bench)).lines] == [0]

    async def test_two_hundred_lines_survive(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """A long order arrives with every line, in its order."""
        order = estate.order(lines=200)

        accepted = await submit(dock, order)

        assert [line.line_id for line in accepted.lines] == [line.line_id for line in order.lines]
        stored = await the_one(bench)
        assert [(line.line_id, line.product) for line in stored.lines] == [
            (line.line_id, line.product) for line in order.lines
        ]

    async def test_the_correlation_id_reaches_the_system(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """Support finds the order's journey from what the system itself shows."""
        await submit(dock, estate.order())

        assert (await the_one(bench)).correlation_id == CORRELATION


class KeyRules(GatewayRules):
    """One key, one order."""

    async def test_the_same_key_twice_makes_one_order(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """Submitting again under the same key returns the order that is there."""
        first = await submit(dock, estate.order(lines=3))
        second = await submit(dock, estate.order(lines=3))

        assert second == first
        assert (await the_one(bench)).number == first.number

    async def test_the_same_key_at_once_makes_one_order(
        self, connect: Connect, bench: GatewayBench, estate: Estate, *, unique_reference: bool
    ) -> None:
        """Eight at once, from two workers where the system knows a unique reference, make one order."""
        one = await connect()
        two = await connect() if unique_reference else one
        order = estate.order(lines=3)

        results = await asyncio.gather(*(submit(dock, order) for dock in (one, two) * 4), return_exceptions=True)

        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Transient | OutcomeUnknown):
                raise result
        numbers = {result.number for result in results if isinstance(result, Acceptance)}
        assert len(numbers) == 1
        assert (await the_one(bench)).number == numbers.pop()

    async def test_two_keys_make_two_orders(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """The same content under two keys is two orders: a customer may well buy twice."""
        first = await submit(dock, estate.order("O-1"))
        second = await submit(dock, estate.order("O-2"), OTHER_KEY)

        assert first.number != second.number
        assert (await the_one(bench)).number == first.number
        assert (await the_one(bench, OTHER_KEY)).number == second.number

    async def test_the_same_key_with_other_content_is_a_conflict(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """A key that was used for something else raises Conflict, and what is there stays as it is."""
        await submit(dock, estate.order(lines=[estate.line(quantity="1")]))

        await raised(Conflict, submit(dock, estate.order(lines=[estate.line(quantity="2")])))

        assert [line.quantity for line in (await the_one(bench)).lines] == [1]

    async def test_an_unknown_key_is_not_found(self, dock: Any) -> None:
        """Nothing under a key is None, not an error."""
        assert await dock.find_order(key="XDNEVERUSED00000000000000000") is None


class LossRules(GatewayRules):
    """Whatever is lost on the way, the truth can be found by key."""

    async def _settled_once(self, dock: Any, bench: GatewayBench, order: Order) -> None:
        found = await dock.find_order(key=KEY)
        assert found is not None, "the order landed, and cannot be found by its key"
        assert found.number == (await the_one(bench)).number
        again = await submit(dock, order)
        assert again.number == found.number
        await the_one(bench)

    async def test_a_lost_answer_is_outcome_unknown(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """An answer lost after the commit is OutcomeUnknown; the order is found, and repeating makes no other."""
        order = estate.order(lines=2)
        await bench.lose_next_answer()

        await raised(OutcomeUnknown, submit(dock, order))

        await self._settled_once(dock, bench, order)

    async def test_a_silent_system_is_outcome_unknown(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """A system that commits and then says nothing until the time limit is the same: OutcomeUnknown."""
        order = estate.order(lines=2)
        await bench.stay_silent_next()

        await raised(OutcomeUnknown, submit(dock, order))

        await self._settled_once(dock, bench, order)

    async def test_a_late_commit_is_found_once_settled(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """A submission that lands after its connection broke is OutcomeUnknown, and found when it landed."""
        order = estate.order(lines=2)
        await bench.commit_next_late()

        await raised(OutcomeUnknown, submit(dock, order))

        await bench.settle()
        await self._settled_once(dock, bench, order)

    async def test_a_half_finished_order_is_continued(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """What an attempt left half-finished is no order yet, and the next attempt finishes it."""
        order = estate.order(lines=2)
        await bench.stop_next_halfway()
        await raised(OutcomeUnknown, submit(dock, order))
        assert await dock.find_order(key=KEY) is None
        half = await the_one(bench)

        accepted = await submit(dock, order)

        assert (accepted.status, accepted.number) == ("accepted", half.number)
        await self._settled_once(dock, bench, order)

    async def test_what_was_not_taken_leaves_nothing_behind(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """Unavailable and Throttled mean that nothing happened, and the same key goes through later."""
        await bench.refuse_next()
        await raised(Unavailable, submit(dock, estate.order()))
        await bench.throttle_next(1)
        await raised(Throttled, submit(dock, estate.order()))
        assert not await standing(bench)

        await submit(dock, estate.order())

        await the_one(bench)


class RefusalRules(GatewayRules):
    """A no has a reason, and leaves nothing behind."""

    async def test_a_refusal_has_our_reason_and_the_vendors_code(
        self, dock: Any, bench: GatewayBench, estate: Estate, manifest: AdapterManifest
    ) -> None:
        """A refusal raises Rejected: the hub's code, words for the shop, and the vendor's own code kept."""
        assert estate.refusals, "give `estate` some of the vendor's refusals and the hub's code for each"
        for vendor_code, code in estate.refusals.items():
            await bench.reject_next_order(vendor_code)

            error = await raised(Rejected, submit(dock, estate.order()))

            assert (error.vendor_code, error.code, error.system) == (vendor_code, code, manifest.name)
            assert " " in error.message, "the reason is a code, not words"
            assert vendor_code not in error.message

    async def test_a_refusal_leaves_nothing_behind(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """After Rejected nothing stands under the key, and the same key may be used again."""
        await bench.reject_next_order(next(iter(estate.refusals)))
        await raised(Rejected, submit(dock, estate.order()))

        assert await dock.find_order(key=KEY) is None
        assert not await standing(bench)
        await submit(dock, estate.order())
        await the_one(bench)

    async def test_a_blocked_customers_order_is_refused(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """The system's own refusal, not a scripted one, is Rejected too and leaves nothing behind."""
        error = await raised(Rejected, submit(dock, estate.order(customer=estate.blocked_customer)))

        assert error.code
        assert not await standing(bench)

    async def test_partial_acceptance_is_a_result_per_line(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """A refused line is a result with its reason; the other lines are accepted, and nothing is raised."""
        vendor_code, code = next(iter(estate.line_refusals.items()))
        order = estate.order(lines=3)
        await bench.reject_line("2", vendor_code)

        accepted = await submit(dock, order)

        assert accepted.status == "partly_accepted"
        results = {line.line_id: line for line in accepted.lines}
        assert list(results) == ["1", "2", "3"]
        for line in order.lines:
            result = results[line.line_id]
            assert result.accepted_micro + result.refused_micro == line.quantity.micro
        refused = results["2"]
        assert (refused.accepted_micro, refused.reason_code, refused.vendor_code) == (0, code, vendor_code)
        assert refused.reason
        assert await dock.find_order(key=KEY) == accepted

    async def test_an_unknown_status_is_pending(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """A status that nobody here knows is pending, never success, and kept as the vendor wrote it."""
        await submit(dock, estate.order())
        status = await bench.set_unknown_status(KEY)

        found = await dock.find_order(key=KEY)

        assert found is not None
        assert (found.status, found.vendor_status) == ("pending", status)


class CancellationRules(GatewayRules):
    """Undo by key, content with nothing to undo."""

    async def test_cancelling_withdraws_the_order(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """A cancelled order does not stand any more and is not found as accepted."""
        await submit(dock, estate.order())

        await dock.cancel_order(key=KEY, reason="changed mind")

        assert not await standing(bench)
        assert await dock.find_order(key=KEY) is None

    async def test_cancelling_nothing_succeeds(self, dock: Any) -> None:
        """Undoing what never happened is success."""
        await dock.cancel_order(key=OTHER_KEY, reason="never happened")

    async def test_cancelling_twice_succeeds(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """Undoing again is success."""
        await submit(dock, estate.order())

        await dock.cancel_order(key=KEY, reason="changed mind")
        await dock.cancel_order(key=KEY, reason="changed mind")

        assert not await standing(bench)

    async def test_a_half_finished_order_is_cancelled(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """Undo also removes what an attempt left half-finished."""
        await bench.stop_next_halfway()
        await raised(OutcomeUnknown, submit(dock, estate.order()))

        await dock.cancel_order(key=KEY, reason="gave up")

        assert not await standing(bench)

    async def test_what_left_the_house_is_not_cancelled(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """Once the goods have left, cancelling is Rejected and the order stands."""
        await submit(dock, estate.order())
        await bench.ship(KEY)

        await raised(Rejected, dock.cancel_order(key=KEY, reason="too late"))

        await the_one(bench)


class ChangeRules(GatewayRules):
    """What the system does afterwards is heard, and never skipped."""

    async def _changes(self, dock: Any, cursor: str, limit: int = 100) -> tuple[list[Any], str]:
        """All changes after `cursor`, and the cursor behind them."""
        changes: list[Any] = []
        for _ in range(100):
            page = await dock.read_changes(cursor, limit=limit)
            assert len(page.changes) <= limit
            changes += page.changes
            cursor = page.cursor
            if not page.more:
                return changes, cursor
        raise AssertionError("a hundred pages, and still more: does the cursor move?")

    async def test_changes_begin_now(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """An empty cursor asks for nothing old; the cursor it returns hears of everything new."""
        await submit(dock, estate.order("O-1"))
        old, cursor = await self._changes(dock, "")
        assert not [change for change in old if change.key == KEY], "an empty cursor asked for what is past"
        await submit(dock, estate.order("O-2"), OTHER_KEY)
        await bench.ship(OTHER_KEY)

        changes, _ = await self._changes(dock, cursor)

        heard = [change for change in changes if change.key == OTHER_KEY]
        assert "shipment" in {change.kind for change in heard}
        assert {change.number for change in heard} == {(await the_one(bench, OTHER_KEY)).number}

    async def test_a_cancellation_by_a_clerk_arrives(self, dock: Any, bench: GatewayBench, estate: Estate) -> None:
        """What was taken away in the system itself is heard like any change."""
        await submit(dock, estate.order())
        _, cursor = await self._changes(dock, "")
        await bench.cancel_in_system(KEY)

        changes, _ = await self._changes(dock, cursor)

        assert [change for change in changes if change.key == KEY]

    async def test_changes_read_but_not_stored_are_read_again(
        self, dock: Any, bench: GatewayBench, estate: Estate
    ) -> None:
        """A crash between reading and storing the cursor loses nothing."""
        await submit(dock, estate.order())
        _, cursor = await self._changes(dock, "")
        await bench.cancel_in_system(KEY)
        first, _ = await self._changes(dock, cursor)

        second, _ = await self._changes(dock, cursor)

        assert {(change.key, change.document) for change in first} <= {
            (change.key, change.document) for change in second
        }
        assert first

    async def test_changes_come_in_pages(self, dock: Any, estate: Estate) -> None:
        """With a limit of two, many changes come page by page, oldest first, and none is skipped."""
        _, cursor = await self._changes(dock, "")
        keys = [f"XDPAGE{index:022d}" for index in range(7)]
        for index, key in enumerate(keys):
            await submit(dock, estate.order(f"O-{index}"), key)

        changes, _ = await self._changes(dock, cursor, limit=2)

        assert {change.key for change in changes} >= set(keys)
        moments = [change.changed_at for change in changes]
        assert moments == sorted(moments)


class OrderGatewayConformance(RoundTripRules, KeyRules, LossRules, RefusalRules, CancellationRules, ChangeRules):
    """Everything an order gateway promises. The bench is a `GatewayBench`."""

    async def mishaps(self, dock: Any, bench: GatewayBench, estate: Estate) -> list[str]:
        """Submit a person's order, well and badly, besides what every role does."""
        order = a_persons_order(estate)
        told = []
        for trouble in (bench.reject_next_order(next(iter(estate.refusals), "")), bench.lose_next_answer()):
            with contextlib.suppress(NotImplementedError):
                await trouble
                told += await self.told(submit(dock, order, OTHER_KEY))
        told += await self.told(submit(dock, estate.order(lines=2), OTHER_KEY))
        found = await dock.find_order(key=OTHER_KEY)
        assert not any(word in repr(found) for word in PERSONAL)
        return told + await super().mishaps(dock, bench, estate)
