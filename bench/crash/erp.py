"""The memory ERP in a process of its own, and how to ask it from outside."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

import httpx
import msgspec

from bench.crash.hub import SECRET
from bench.crash.processes import PROCESSES
from crossdock.adapters.memory.simulator.control import PREFIX
from crossdock.adapters.memory.simulator.estate import STANDARD_ESTATE, ArticlePrice, Stock
from crossdock.adapters.memory.simulator.faults import Fault
from crossdock.adapters.memory.simulator.server import MemoryErp
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import Count, Document, Partner, PartnerWrite, SalesOrder, StatusRow

CURRENCIES = ("EUR", "GBP", "SEK", "USD", "CHF")
DEPOT = "W1"
ASK_SECONDS = 60.0


@contextlib.contextmanager
def erp_process(
    on_hand: Mapping[str, int], *, unique_reference: bool, doors: Sequence[str] = ()
) -> Iterator[tuple["Erp", Mapping[str, "Erp"]]]:
    """An ERP with this stock, and the doors where customers come in; all of them go away again."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(
        target=_serve, args=(theirs, dict(on_hand), unique_reference, len(doors)), name="the ERP", daemon=True
    )
    process.start()
    erp, *others = (Erp(port) for port in ours.recv())
    try:
        yield erp, dict(zip(doors, others, strict=True))
    finally:
        for each in (erp, *others):
            each.close()
        process.kill()
        process.join()


def _serve(pipe: Connection, on_hand: dict[str, int], unique_reference: bool, doors: int) -> None:  # noqa: FBT001 - a process's arguments
    async def serve() -> None:
        estate = msgspec.structs.replace(
            STANDARD_ESTATE,
            prices=(*STANDARD_ESTATE.prices, *(ArticlePrice("P-100", currency, "1") for currency in CURRENCIES)),
            stock=tuple(Stock(product, DEPOT, str(pieces)) for product, pieces in on_hand.items()),
        )
        surfaces = [Surface(estate=estate, unique_reference=unique_reference, secret=SECRET)]
        surfaces += [Surface(secret=SECRET) for _ in range(doors)]
        systems = [MemoryErp(surface) for surface in surfaces]
        for system in systems:
            await system.start()
        pipe.send([int(system.url.rpartition(":")[2]) for system in systems])
        await asyncio.Event().wait()

    asyncio.run(serve())


class Erp:
    """The ERP's back door: not through the proxy, and no hub knows of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        # A connection of its own for every question: several threads ask, and none kept open is ever stale.
        once = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}{PREFIX}", timeout=ASK_SECONDS, limits=once)

    def fail(self, fault: Fault) -> None:
        """Let it misbehave, once."""
        self._http.post("faults", content=msgspec.json.encode(fault)).raise_for_status()

    def calm(self) -> None:
        """Forget the faults that met no call."""
        self._http.delete("faults").raise_for_status()

    def offer(self, order: SalesOrder) -> None:
        """Let the channel bring an order, or whatever this is."""
        self._http.post("messages", content=msgspec.json.encode(order)).raise_for_status()

    def delete_record(self, record: str) -> None:
        """The channel refuses to show anything for the record any more."""
        self._http.post(f"records/{record}/delete").raise_for_status()

    def restore_record(self, record: str) -> None:
        """The record is there again."""
        self._http.post(f"records/{record}/restore").raise_for_status()

    def documents(self) -> Mapping[str, list[Document]]:
        """Every order that stands in its books, by the hub's key for it."""
        answer = self._http.get("orders").raise_for_status()
        found: dict[str, list[Document]] = {}
        for document in msgspec.json.decode(answer.content, type=list[Document]):
            if document.state != "CANCELLED":
                found.setdefault(document.content.reference, []).append(document)
        return found

    def shown(self) -> Mapping[str, StatusRow]:
        """What the channel shows, by record."""
        answer: Any = self._http.get("statuses").raise_for_status()
        return msgspec.json.decode(answer.content, type=dict[str, StatusRow])

    def partners(self) -> Sequence[Partner]:
        """All partners that are not put aside."""
        answer = self._http.get("partners").raise_for_status()
        return msgspec.json.decode(answer.content, type=list[Partner])

    def enter(self, write: PartnerWrite) -> Partner:
        """Let a clerk make or change a partner."""
        answer = self._http.post("partners", content=msgspec.json.encode(write)).raise_for_status()
        return msgspec.json.decode(answer.content, type=Partner)

    def end_of_partners(self) -> int:
        """How far the stream of their changes goes."""
        answer = self._http.get("partners/end").raise_for_status()
        return msgspec.json.decode(answer.content, type=Count).count

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()
