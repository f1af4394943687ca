"""The stream of accounts' changes: what an event tells is passed on, and the rest is looked up in one query."""

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Protocol

from crossdock.adapters.salesforce import party_mapping, wire
from crossdock.adapters.salesforce.changes import ChangeEvent
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.customers import Accounts, raw_row
from crossdock.adapters.salesforce.events import CUSTOMER_ENTITIES, DELETIONS, Interpret, customer_meaning
from crossdock.adapters.salesforce.feed import Delivery
from crossdock.adapters.salesforce.mapping import long_id
from crossdock.adapters.salesforce.pubsub import EventBus
from crossdock.adapters.salesforce.stream import EventStream
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Invalid
from crossdock.ports.customer_source import ChangeKind, CustomerArrival, CustomerBatch
from crossdock.ports.order_source import Gap

_UNDELETIONS = frozenset({"UNDELETE", "GAP_UNDELETE"})


class Beside(Protocol):
    """Tells of what is kept beside the records of customers."""

    async def told(self, events: Sequence[tuple[str, ChangeEvent]], heard_until: Instant) -> list[CustomerArrival]:
        """What it says after events, named by id; events of records have been told up to `heard_until`."""
        ...


class CustomerStream(EventStream[CustomerBatch]):
    """See `CustomerSource.customer_changes`.

    An event that carries values is told as it is. One without (a gap) has its records read; of a deletion the
    recycle bin tells whether it was a merge, and into what. Whether a contact is that of a person account is asked
    once, for events do not tell.
    """

    interpret: Interpret = staticmethod(customer_meaning)

    def __init__(
        self,
        client: SalesforceClient,
        bus: EventBus,
        accounts: Accounts,
        beside: Sequence[Beside],
        position: str,
    ) -> None:
        super().__init__(client, bus, client.settings.customers.listened, position)
        self._accounts = accounts
        self._beside = beside

    async def _prepare(self) -> object:
        await self._accounts.prepare()
        return None

    def _without_arrivals(self, position: str, gap: Gap | None = None) -> CustomerBatch:
        return CustomerBatch(arrivals=(), position=position, gap=gap)

    async def _arrived(
        self,
        deliveries: Sequence[Delivery],
        position: str,
        before: str,  # noqa: ARG002 - one batch needs none
    ) -> AsyncGenerator[CustomerBatch, None]:
        wanted = [
            record
            for delivery in deliveries
            if (event := _event(delivery)) is not None and event.entity in CUSTOMER_ENTITIES
            for record in map(long_id, event.named_records())
            if _needs_query(event) or self._accounts.is_shadow(record) is None
        ]
        unique = list(dict.fromkeys(wanted))
        rows = await self._patiently(partial(self._accounts.by_ids, unique, deleted=True)) if unique else {}
        arrivals = [arrival for delivery in deliveries for arrival in self._told(delivery, rows)]
        events = [(one.event_id, event) for one in deliveries if (event := _event(one)) is not None]
        heard_until = min(self._positions[topic].at for topic in self._client.settings.customers.topics)
        for telling in self._beside:
            arrivals += await self._patiently(partial(telling.told, events, heard_until))
        yield CustomerBatch(arrivals=tuple(arrivals), position=position)

    def _told(self, delivery: Delivery, rows: dict[str, wire.Row]) -> list[CustomerArrival]:
        event = _event(delivery)
        if event is not None and event.entity not in CUSTOMER_ENTITIES:
            return []
        if event is not None:
            named = map(long_id, event.named_records())
            # A person account's contact says nothing that the account does not say.
            own = [record for record in named if not self._accounts.is_shadow(record)]
            return [self._change(delivery, event, record, rows.get(record)) for record in own]
        if delivery.meaning is None or delivery.meaning.fault is None:
            return []
        now, fault = self._clock.now(), delivery.meaning.fault
        return [
            CustomerArrival(external_id=delivery.event_id, received_at=now, findings=(fault,), raw=delivery.raw)
        ]

    def _change(
        self, delivery: Delivery, event: ChangeEvent, record: str, read: wire.Row | None
    ) -> CustomerArrival:
        kind, row = _kind_and_row(event, record, read)
        external_id, now = f"{record}@{delivery.event_id}", self._clock.now()
        origin, is_whole = party_mapping.origin_of(event), event.change_type != "UPDATE"
        try:
            change = party_mapping.change_of(
                row, kind, event.committed_at, self._client.settings, origin=origin, is_whole=is_whole
            )
        except Invalid as error:
            return CustomerArrival(
                external_id=external_id, received_at=now, findings=error.findings, raw=raw_row(row)
            )
        return CustomerArrival(external_id=external_id, received_at=now, change=change)


def _event(delivery: Delivery) -> ChangeEvent | None:
    return delivery.meaning.change if delivery.meaning is not None else None


def _needs_query(event: ChangeEvent) -> bool:
    return event.is_gap or event.change_type in DELETIONS


def _kind_and_row(event: ChangeEvent, record: str, read: wire.Row | None) -> tuple[ChangeKind, wire.Row]:
    """What happened, and the row that tells it; a record that nobody finds any more is gone for good."""
    if event.change_type in DELETIONS or (event.is_gap and read is None):
        row = read if read is not None and read.get("IsDeleted") else {"Id": record}
        return ("merged" if row.get(party_mapping.MASTER) else "deleted"), row
    kind: ChangeKind = "undeleted" if event.change_type in _UNDELETIONS else "changed"
    if not event.is_gap or read is None:
        return kind, party_mapping.changed_row(event, record)
    if read.get("IsDeleted"):
        return ("merged" if read.get(party_mapping.MASTER) else "deleted"), read
    return kind, read
