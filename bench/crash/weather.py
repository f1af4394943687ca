"""What befalls everything else while hubs die: the network is cut, PostgreSQL is killed, the ERP refuses."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence

from bench.crash.erp import Erp
from bench.crash.plan import Plan
from bench.crash.proxy import Direction, Network, Rates
from bench.crash.server import PostgresServer
from crossdock.adapters.memory.simulator.faults import Fault, RefuseBeforeCommit, RejectOrder, RejectPosition
from crossdock.durable.store import StoreUnavailable
from crossdock.processes.customer_indexing import CURSOR
from crossdock.storage.sql_store import SqlStore

DIRECTIONS: Sequence[Direction] = ("requests", "answers", "both", "gone")
REFUSALS: Sequence[Fault] = (
    RejectOrder(code="PERIOD_CLOSED", on="/orders"),
    RejectPosition(position="0", code="ARTICLE_DISCONTINUED", on="/orders"),
    RefuseBeforeCommit(status=422, on="/orders/find"),
)
"""What the ERP does by itself: refuse an order, refuse a line, refuse to say whether it has an order."""

REFUSALS_SHARE = 0.15
DELETED_SHARE = 0.05
ANEW_SHARE = 0.3
"""For so many deaths the match index begins anew, as with a release that has other keys."""
DOWN_SECONDS_MAX = 1.5


class Weather:
    """Spreads its faults evenly over the storm, of which `share` says how much is over."""

    def __init__(
        self,
        plan: Plan,
        network: Network,
        erp: Erp,
        server: PostgresServer | None,
        may_start: asyncio.Event,
        store: SqlStore,
    ) -> None:
        self.happened: Counter[str] = Counter()
        self._plan = plan
        self._network = network
        self._erp = erp
        self._server = server
        self._may_start = may_start
        self._store = store
        self._deleted: set[str] = set()
        self._chance = random.Random(plan.seed + 1)

    async def rise(self) -> None:
        """From now on requests meet faults."""
        self._network.let_meet(self._plan.rates)

    async def go_on(self, share: float) -> None:
        """Do what is due when so much of the storm is over."""
        for kind, planned in (
            ("server killed", self._plan.server_kills if self._server else 0),
            ("network cut", self._plan.cuts),
            ("ERP refused", round(self._plan.orders * REFUSALS_SHARE)),
            ("record deleted", round(self._plan.orders * DELETED_SHARE)),
            ("match index begun anew", round(self._plan.deaths * ANEW_SHARE) if self._plan.people else 0),
        ):
            if self.happened[kind] < min(planned, 1 + int(share * planned)):
                self.happened[kind] += 1
                await self._befall(kind)

    async def settle(self) -> None:
        """It is over: whole network, no faults, and what was late has landed."""
        self._network.let_meet(Rates())
        await self._network.mend()
        await asyncio.to_thread(self._erp.calm)
        for record in self._deleted:
            await asyncio.to_thread(self._erp.restore_record, record)
        await self._network.settle()

    @property
    def is_over(self) -> bool:
        """Whether all that was planned has happened."""
        return (
            self.happened["server killed"] >= (self._plan.server_kills if self._server else 0)
            and self.happened["network cut"] >= self._plan.cuts
        )

    async def _befall(self, kind: str) -> None:
        if kind == "ERP refused":
            await asyncio.to_thread(self._erp.fail, self._chance.choice(REFUSALS))
        elif kind == "network cut":
            await self._network.cut_off(self._chance.choice(DIRECTIONS))
            await asyncio.sleep(self._chance.uniform(0.3, self._plan.cut_seconds_max))
            await self._network.mend()
        elif kind == "server killed" and self._server is not None:
            self._may_start.clear()
            await asyncio.to_thread(self._server.kill)
            await asyncio.sleep(self._chance.uniform(0.05, DOWN_SECONDS_MAX))
            await asyncio.to_thread(self._server.recover)
            self._may_start.set()
        elif kind == "record deleted":
            record = f"R-{self._chance.randrange(self._plan.orders):06}"
            self._deleted.add(record)
            await asyncio.to_thread(self._erp.delete_record, record)
        elif kind == "match index begun anew":
            with contextlib.suppress(StoreUnavailable):
                await self._store._write(lambda tx: tx.execute("DELETE FROM cursor WHERE name = ?", (CURSOR,)))
