"""One simulated org: its metadata, rows, event bus, users and faults, and the transactions over them."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.calls import Calls
from crossdock.adapters.salesforce.simulator.directory import Directory
from crossdock.adapters.salesforce.simulator.events.avro import SchemaRegistry, topic_of
from crossdock.adapters.salesforce.simulator.events.changes import Announcement, Announcer, Commit
from crossdock.adapters.salesforce.simulator.events.log import EventLog
from crossdock.adapters.salesforce.simulator.failures import locked
from crossdock.adapters.salesforce.simulator.faults import Faults, LateCommit, LockRows
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.adapters.salesforce.simulator.tables.catalog import CHANGE_OBJECTS, first_day
from crossdock.adapters.salesforce.simulator.tables.ids import IdSequence
from crossdock.adapters.salesforce.simulator.tables.moments import stamp_text
from crossdock.adapters.salesforce.simulator.tables.schema import Field, ObjectDefinition, Schema, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Store, Table
from crossdock.kit.clock import Clock, Instant, seconds_to_us

UI_ORIGIN = "com/salesforce/ui"
ALL_CHANGES_CHANNEL = "/data/ChangeEvents"
_FIRST_COMMIT = 11_046_000_000_000


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf something is written; `origin` is what change events call changeOrigin."""

    user_id: str
    origin: str
    request: str = ""
    allow_duplicates: bool = False


class Transaction(msgspec.Struct, kw_only=True):
    """What is written together, or not at all. A `silent` one announces nothing."""

    actor: Actor
    at: Instant
    silent: bool = False
    backdate_us: int | None = None
    touched: set[str] = msgspec.field(default_factory=set)
    announcements: list[Announcement] = msgspec.field(default_factory=list)


class Org:
    """All state of the simulator. Whoever reads or writes rows holds `guard`."""

    def __init__(self, settings: OrgSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.guard = threading.RLock()
        self.ids = IdSequence()
        self.schema = Schema(first_day(settings.without))
        self.store = Store()
        self.faults = Faults(self.schema)
        self.calls = Calls(clock)
        self.organization_id = self.ids.next("00D")
        self.directory = Directory(clock, self.organization_id, settings.session_seconds)
        self.registry = SchemaRegistry(self.schema)
        self.log = EventLog(clock, settings.event_retention_seconds)
        self.announcer = Announcer(self.schema, self.registry, self.faults)
        self.instance_url = ""
        self.schema_changed_at = clock.now()
        self.binned_with: dict[str, list[tuple[str, str]]] = {}
        self._open: Transaction | None = None
        self._commits = 0
        self._held: dict[str, tuple[str, Instant]] = {}
        self.enable_changes(*(name for name in CHANGE_OBJECTS if name not in settings.without))

    def table(self, name: str) -> Table:
        """The rows of an object. Raises ApiError NOT_FOUND."""
        return self.store.table(self.schema.get(name))

    def enable_changes(self, *names: str) -> None:
        """Announce the changes of these objects. Raises ApiError NOT_FOUND."""
        for name in names:
            self.announcer.enabled.add(self.schema.get(name).name)
        topics = {topic_of(self.schema.get(name)) for name in self.announcer.enabled}
        self.log.channel(ALL_CHANGES_CHANNEL, topics)

    def add_object(self, definition: ObjectDefinition) -> SObject:
        """Add an object or platform event while the org runs. Raises ValueError."""
        with self.guard:
            self.schema_changed_at = self.clock.now()
            return self.schema.add_object(definition)

    def add_field(self, name: str, field: Field) -> None:
        """Add a field while the org runs; rows that are there get its default. Raises ValueError."""
        with self.guard:
            self.schema_changed_at = self.clock.now()
            sobject = self.schema.add_field(name, field)
            if sobject.kind != "event":
                self.store.table(sobject).extend(field)

    def now_text(self) -> str:
        """The present moment as a system stamp."""
        return stamp_text(self.clock.now())

    @contextmanager
    def transaction(self, actor: Actor, *, silent: bool = False) -> Iterator[Transaction]:
        """Write together: commit at the end, roll back on any exception. Inside another one it is a savepoint."""
        with self.guard:
            if self._open is not None:
                with self._savepoint(self._open) as outer:
                    yield outer
                return
            self._open = Transaction(actor=actor, at=self.clock.now(), silent=silent)
            try:
                yield self._open
                self._commit(self._open)
            except BaseException:
                self.store.rollback()
                raise
            finally:
                self._open = None

    @contextmanager
    def _savepoint(self, outer: Transaction) -> Iterator[Transaction]:
        mark, announced = self.store.mark(), len(outer.announcements)
        try:
            yield outer
        except BaseException:
            self.store.rollback(mark)
            del outer.announcements[announced:]
            raise

    def stamp(self, transaction: Transaction, sobject: SObject) -> str:
        """The stamp of a write; a late commit gives a whole transaction stamps of the past."""
        if transaction.backdate_us is None and not transaction.silent:
            late = self.faults.take(LateCommit, sobject=sobject.name)
            transaction.backdate_us = seconds_to_us(late.seconds) if late else None
        return stamp_text(transaction.at - (transaction.backdate_us or 0))

    def lock(self, actor: Actor, sobject: SObject, record_ids: frozenset[str]) -> None:
        """Take the rows a write needs: itself and its parents. Raises ApiError UNABLE_TO_LOCK_ROW.

        With `lock_hold_seconds` they stay taken that long against every other request, and the request that took
        them is answered only then: whoever writes one parent's rows one after another is never refused.
        """
        fault = self.faults.take(LockRows, sobject=sobject.name, records=record_ids)
        if fault is not None:
            raise locked(fault.record or min(record_ids, default=""))
        if not self.settings.lock_hold_seconds:
            return
        now = self.clock.now()
        for record_id in record_ids:
            holder, until = self._held.get(record_id, ("", 0))
            if until > now and holder != actor.request:
                raise locked(record_id)
        until = now + seconds_to_us(self.settings.lock_hold_seconds)
        self._held.update((record_id, (actor.request, until)) for record_id in record_ids)

    def hold_seconds(self, request: str) -> float:
        """How long a request must wait for its answer, because it holds rows."""
        if not self.settings.lock_hold_seconds:
            return 0.0
        now = self.clock.now()
        self._held = {record: (holder, until) for record, (holder, until) in self._held.items() if until > now}
        holds = any(holder == request for holder, _ in self._held.values())
        return self.settings.lock_hold_seconds if holds else 0.0

    def commit_mark(self, actor: Actor) -> Commit:
        """A fresh commit, as event headers describe it."""
        self._commits += 1
        key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.organization_id}/{self._commits}"))
        return Commit(
            key=key,
            number=_FIRST_COMMIT + self._commits * 7,
            origin=actor.origin,
            user=actor.user_id,
            at=self.clock.now(),
        )

    def publish(self, announcements: list[Announcement]) -> list[int]:
        """Put events on the bus; return their replay ids."""
        self.calls.note_published(len(announcements))
        return [
            self.log.publish(event.topic, event.event_id, event.schema_id, event.payload)
            for event in announcements
        ]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Copies of the rows of an object that are not deleted, oldest first. Raises ApiError NOT_FOUND."""
        with self.guard:
            return [dict(row) for row in self.table(name).rows.values() if not row["IsDeleted"]]

    def _commit(self, transaction: Transaction) -> None:
        undos = self.store.commit()
        if transaction.silent:
            return
        commit = self.commit_mark(transaction.actor)
        announcements = self.announcer.announce(commit, undos, transaction.touched)
        self.publish([*transaction.announcements, *announcements])
