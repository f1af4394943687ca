"""Orders into Tryton, exactly one per key: find what stands under the key, create, quote, confirm, withdraw.

Tryton keeps no reference unique and confirms in three steps, so everything here starts by reading what is there
and goes on from it; doing it again is always safe. The key is the sale's `reference`.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from crossdock.adapters.tryton import mapping
from crossdock.adapters.tryton.client import TrytonClient, as_rows
from crossdock.adapters.tryton.drafting import Drafting
from crossdock.adapters.tryton.mapping import SYSTEM
from crossdock.adapters.tryton.wire import FulfilmentRow, SaleRow, StateRow, fields_of
from crossdock.canonical.order import Order
from crossdock.kit.errors import Conflict, Invalid, Rejected
from crossdock.ports.order_gateway import Acceptance

# Somebody else may press the same button in between; more often than this is not chance.
_ATTEMPTS_MAX = 4


class Turns:
    """One at a time per key, within this process; the hub itself sees to the others."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Wait for the key's turn."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._waiting[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]


class Orders:
    """The order gateway's work; see the port for what it promises."""

    def __init__(self, client: TrytonClient, drafting: Drafting) -> None:
        self._client = client
        self._drafting = drafting
        self._turns = Turns()

    async def submit(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        """See `OrderGateway.submit_order`."""
        async with self._turns.of(key):
            content = mapping.content_of(order)
            made: list[int] = []
            try:
                sale = await self._standing(key)
                if sale is None:
                    await self._drafting.create(order, key, content, correlation_id, made)
                    sale = await self._standing(key)
                if sale is None:
                    raise Conflict("the new order vanished from the ERP", code="record-moved-on", system=SYSTEM)
                memo = mapping.memo_of(sale)
                if memo is None or memo.content != content:
                    raise Conflict("this key was used for another order", code="key-reused", system=SYSTEM)
                return mapping.acceptance_of(await self._carry_through(sale, key))
            except (Rejected, Invalid):
                if made:  # addresses that only the refused order needed
                    await self._client.write("party.address", made, {"active": False})
                raise

    async def find(self, *, key: str) -> Acceptance | None:
        """See `OrderGateway.find_order`."""
        sale = min(await self._live(key), key=mapping.rank, default=None)
        return None if sale is None or mapping.is_undecided(sale.state) else mapping.acceptance_of(sale)

    async def cancel(self, *, key: str, reason: str) -> None:
        """See `OrderGateway.cancel_order`."""
        async with self._turns.of(key):
            for sale in await self._sales(key):
                await self._withdraw(sale, key, "cancelled", reason)

    async def _standing(self, key: str) -> SaleRow | None:
        """The one sale of this key; younger twins that nobody confirmed are withdrawn.

        Raises Rejected where somebody at the ERP has cancelled it: the hub does not overrule a clerk.
        """
        sales = await self._sales(key)
        live = sorted((sale for sale in sales if sale.state != "cancelled"), key=mapping.rank)
        for twin in live[1:]:
            if mapping.is_undecided(twin.state):
                await self._withdraw(twin, key, "twin", "")
        if not live and sales:
            raise Rejected("the order was cancelled in the ERP", code="cancelled-in-erp", system=SYSTEM)
        return live[0] if live else None

    async def _live(self, key: str) -> list[SaleRow]:
        return [sale for sale in await self._sales(key) if sale.state != "cancelled"]

    async def _sales(self, key: str) -> list[SaleRow]:
        rows = await self._client.search_read("sale.sale", [("reference", "=", key)], fields_of(SaleRow))
        return as_rows(rows, SaleRow)

    async def _carry_through(self, sale: SaleRow, key: str) -> SaleRow:
        """Quote and confirm, from wherever the sale stands. Refused, it is withdrawn before the reason is told."""
        for _ in range(_ATTEMPTS_MAX):
            if not mapping.is_undecided(sale.state) and sale.state != "confirmed":
                return sale
            try:
                if sale.state == "draft":
                    await self._client.button("sale.sale", "quote", [sale.id])
                # Confirming also processes; a sale that was left confirmed lost its server in between.
                press = "process" if sale.state == "confirmed" else "confirm"
                await self._client.button("sale.sale", press, [sale.id])
            except Conflict:
                pass  # somebody was faster: see how far it is
            except (Rejected, Invalid) as refusal:
                await self._withdraw(sale, key, "refused", refusal.message)
                raise
            standing = await self._standing(key)
            if standing is None:
                break
            if standing.state == "confirmed":
                return standing  # a queue of the ERP's own processes it
            sale = standing
        raise Conflict("the order keeps changing in the ERP", code="record-moved-on", system=SYSTEM)

    async def _withdraw(self, sale: SaleRow, key: str, word: str, reason: str) -> None:
        """Take a sale out of force and free the key. Raises Rejected where goods have left or were billed."""
        if sale.state == "confirmed":
            await self._client.button("sale.sale", "draft", [sale.id])
        if sale.state in {"draft", "quotation", "confirmed"}:
            await self._client.button("sale.sale", "cancel", [sale.id])
        elif sale.state != "cancelled":
            await self._unwind(sale)
        values: dict[str, Any] = {"reference": mapping.withdrawn(key, word)}
        if reason:
            values["notes"] = [["create", [{"message": reason}]]]
        await self._client.write("sale.sale", [sale.id], values)

    async def _unwind(self, sale: SaleRow) -> None:
        """Cancel what came of a sale in process. Tryton then calls it done, with nothing shipped or billed."""
        rows = await self._client.read("sale.sale", [sale.id], fields_of(FulfilmentRow))
        (came,) = as_rows(rows, FulfilmentRow)
        if any(move.state == "done" for move in came.moves_) or _in(came.shipments_, "shipped", "done"):
            raise Rejected("the goods have left the warehouse", code="already-shipped", system=SYSTEM)
        if _in(came.invoices_, "posted", "paid"):
            raise Rejected("the order was invoiced", code="already-invoiced", system=SYSTEM)
        for model, documents in (("stock.shipment.out", came.shipments_), ("account.invoice", came.invoices_)):
            if standing := [document.id for document in documents if document.state != "cancelled"]:
                await self._client.button(model, "cancel", standing)
        for what, documents in (("shipment", came.moves_), ("invoice", came.invoices_)):
            ids = [document.id for document in documents]
            name = "moves" if what == "shipment" else "invoices"
            form = {f"domain_{name}": ids, f"ignore_{name}": ids, f"recreate_{name}": []}
            if ids:
                await self._client.wizard(
                    f"sale.handle.{what}.exception", ("sale.sale", sale.id), "handle", {"ask": form}
                )


def _in(documents: Iterable[StateRow], *states: str) -> bool:
    return any(document.state in states for document in documents)
