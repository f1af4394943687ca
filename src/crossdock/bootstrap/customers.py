"""The customer processes of a hub, put together: who is read, who is told, by the deployment's ownership."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, Protocol

import structlog

from crossdock.bootstrap.deployment import Deployment
from crossdock.bootstrap.doubles import IndexedDoubles
from crossdock.bootstrap.onboarding import addresses_of, looking_again_of, onboarding_of
from crossdock.canonical.status import OrderStatus
from crossdock.durable.process import Process
from crossdock.durable.store import Positions
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.work import OwedTelling, TouchedParty
from crossdock.identity.onboarding.work import NewCompany
from crossdock.identity.privacy.erasing import ErasureLedger, ErasureLog
from crossdock.identity.privacy.tracing import OrderTraces
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Misconfigured
from crossdock.ports.customer_sink import CustomerSink
from crossdock.ports.customer_source import CustomerBatch, CustomerSource
from crossdock.ports.manifest import Role
from crossdock.ports.order_board import BoardPosition, BoardRow, OrderBoard
from crossdock.ports.order_source import Gap
from crossdock.processes import (
    customer_change,
    customer_merge,
    customer_repair,
    customer_telling,
    customer_unmerge,
    customer_update,
    party_erasure,
)
from crossdock.processes.consent_audit import ConsentAudit
from crossdock.processes.customer_beginning import Beginning
from crossdock.processes.customer_indexing import CustomerIndexing
from crossdock.processes.customer_recognition import MatchingRecognition, Recogniser, Submit
from crossdock.processes.customer_stewardship import Stewards, StewardStore

ORDERS_MAX = 200
FINISHED = frozenset({OrderStatus.INVOICED, OrderStatus.REFUSED, OrderStatus.CANCELLED})
log = structlog.get_logger("customers")


def systems_with(deployment: Deployment, role: Role) -> tuple[str, ...]:
    """The systems that the ownership names and that can do this."""
    named = deployment.ownership.systems if deployment.ownership else frozenset()
    return tuple(
        name for name in deployment.systems if name in named and role in deployment.manifest_of(name).roles
    )


class CustomerStore(StewardStore, ErasureLedger, OrderTraces, OrderBoard, Positions, Protocol):
    """What is known of parties, how they are found and how far that got, what they ordered, who was forgotten."""

    async def busy_subjects(self, subjects: Collection[str]) -> Collection[str]:
        """See Store."""
        ...


class CustomerProcesses:
    """The customer processes, made for each other. `docks` are behind their lanes, `submit` commits durably.

    `resume` lets a parked onboarding go on (see `Releasing`).
    """

    def __init__(
        self,
        deployment: Deployment,
        ownership: Ownership,
        store: CustomerStore,
        submit: Submit,
        worker_id: Callable[[], str],
        docks: Mapping[str, Any],
        clock: Clock,
        erasure_log: ErasureLog,
        resume: Callable[[str], Awaitable[bool]],
    ) -> None:
        sinks = _sinks(deployment, docks)
        mark = ownership.marks[0] if ownership.marks else deployment.hub.name
        settle_seconds = {name: deployment.manifest_of(name).outcome_settles_seconds for name in sinks}
        self.telling: Process[OwedTelling] = customer_telling.customer_telling(
            customer_telling.Collaborators(
                parties=store,
                doubts=store,
                ownership=ownership,
                sinks=sinks,
                clock=clock,
                mark=mark,
                settle_seconds=settle_seconds,
                update=lambda: self.update,
            )
        )
        self.recogniser = Recogniser(store, deployment.policies.matching, clock=clock)
        self.indexing = CustomerIndexing(store, store, submit, worker_id, clock)
        self.beginning = Beginning(store, store, submit, worker_id, clock)
        self.addresses = addresses_of(deployment, docks, clock)
        self.looking_again = looking_again_of(deployment, ownership, store, self.addresses, clock)
        self.onboarding = onboarding_of(
            deployment,
            ownership,
            store,
            IndexedDoubles(self.recogniser, store, sinks),
            sinks,
            self.addresses,
            clock,
            mark,
            lambda: self.update,
            self.looking_again,
        )
        self.update: Process[TouchedParty] = customer_update.customer_update(
            customer_update.Collaborators(
                parties=store,
                doubts=store,
                ownership=ownership,
                told=tuple(sinks),
                clock=clock,
                telling=self.telling,
                onboarding=_way_into_the_erp(deployment, self.onboarding, resume),
            )
        )
        self.change = customer_change.customer_change(
            customer_change.Collaborators(
                recognition=MatchingRecognition(self.recogniser, store, submit, mark, self.indexing.wait),
                ownership=ownership,
                clock=clock,
                update=self.update,
                began=lambda: self.beginning.at,
            )
        )
        self._make_mergers(ownership, store, sinks, settle_seconds, clock, mark)
        self._make_desks(ownership, store, submit, clock)
        self._make_erasers(ownership, store, sinks, settle_seconds, clock, mark, erasure_log)

    @property
    def all(self) -> tuple[Process[Any], ...]:
        """Every process."""
        return (
            *(self.change, self.update, self.telling),
            *(self.merge, self.unmerge, self.repair, self.erasure, self.erasing_again),
            *(each for each in (self.onboarding, self.looking_again) if each is not None),
        )

    def _make_erasers(
        self,
        ownership: Ownership,
        store: CustomerStore,
        sinks: Mapping[str, CustomerSink],
        settle_seconds: Mapping[str, float],
        clock: Clock,
        mark: str,
        erasure_log: ErasureLog,
    ) -> None:
        self.erasing = party_erasure.Collaborators(
            parties=store,
            erasures=store,
            traces=store,
            ownership=ownership,
            sinks=sinks,
            log=erasure_log,
            open_orders=partial(open_orders, store),
            orders_of=partial(orders_of, store),
            busy=store.busy_subjects,
            clock=clock,
            mark=mark,
            settle_seconds=settle_seconds,
            again=lambda: self.erasing_again,
            erasure=lambda: self.erasure,
        )
        self.erasure = party_erasure.party_erasure(self.erasing)
        self.erasing_again = party_erasure.erasure_again(self.erasing)

    def _make_desks(self, ownership: Ownership, store: CustomerStore, submit: Submit, clock: Clock) -> None:
        self.stewards = Stewards(
            store, ownership, submit, clock, merge=self.merge, unmerge=self.unmerge, update=self.update
        )
        self.consents = ConsentAudit(store, ownership, clock)

    def _make_mergers(
        self,
        ownership: Ownership,
        store: CustomerStore,
        sinks: Mapping[str, CustomerSink],
        settle_seconds: Mapping[str, float],
        clock: Clock,
        mark: str,
    ) -> None:
        self.repair = customer_repair.customer_repair(
            customer_repair.Collaborators(
                parties=store,
                merges=store,
                ownership=ownership,
                sinks=sinks,
                clock=clock,
                mark=mark,
                settle_seconds=settle_seconds,
                update=self.update,
            )
        )
        self.merge = customer_merge.customer_merge(
            customer_merge.Collaborators(
                parties=store,
                index=store,
                ownership=ownership,
                clock=clock,
                update=self.update,
                repair=self.repair,
            )
        )
        self.unmerge = customer_unmerge.customer_unmerge(
            customer_unmerge.Collaborators(parties=store, clock=clock, update=self.update, repair=self.repair)
        )

    async def prepare(self) -> None:
        """Make the active model ready. Without one that can be read, changes of unknown customers are parked."""
        try:
            await self.recogniser.refresh()
        except Misconfigured as fault:
            log.error("no customer can be recognised", code=fault.code, reason=fault.message)  # noqa: TRY400 - its reason says it all


def _sinks(deployment: Deployment, docks: Mapping[str, Any]) -> dict[str, CustomerSink]:
    return {name: docks[name] for name in systems_with(deployment, Role.CUSTOMER_SINK)}


async def open_orders(board: OrderBoard, customer_number: str) -> list[str]:
    """The orders of a customer that are not finished."""
    return [row.order_id async for row in _rows_of(board, customer_number) if row.status not in FINISHED]


async def orders_of(board: OrderBoard, customer_number: str) -> list[str]:
    """All orders of a customer."""
    return [row.order_id async for row in _rows_of(board, customer_number)]


async def _rows_of(board: OrderBoard, customer_number: str) -> AsyncIterator[BoardRow]:
    behind: BoardPosition | None = None
    while rows := await board.list_orders(search=customer_number, behind=behind, limit=ORDERS_MAX):
        for row in rows:
            if row.customer == customer_number:
                yield row
        behind = rows[-1].position


def _way_into_the_erp(
    deployment: Deployment, process: Process[NewCompany] | None, resume: Callable[[str], Awaitable[bool]]
) -> customer_update.Onboarding | None:
    rules = deployment.policies.onboarding
    return customer_update.Onboarding(rules.erp, process, resume) if rules and process else None


class CustomerStream:
    """A customer source under the names by which the intake pumps a stream."""

    def __init__(self, source: CustomerSource) -> None:
        self._source = source

    def arrivals(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.customer_changes`."""
        return self._source.customer_changes(position)

    def refill(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`."""
        return self._source.refill_customers(gap)

    async def count_changed(self, gap: Gap) -> int:
        """See `CustomerSource.count_changed_customers`."""
        return await self._source.count_changed_customers(gap)
