"""Customers in both directions: parties polled by the stamps of all their parts, and written in one call each.

A party's own stamp does not move when an address or a telephone number of it changes, so the parts are watched
too; that one was deleted stands in Tryton's log. Stamps are those of a transaction's start: each poll looks back
over an overlap, and the position lists what was told of it. Tryton keeps no reference unique: whoever creates
looks first, one at a time per key.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.adapters.tryton import mapping, party_mapping
from crossdock.adapters.tryton.catalogue import CatalogueReader
from crossdock.adapters.tryton.client import EVEN_INACTIVE, TrytonClient, as_rows
from crossdock.adapters.tryton.dealings import Dealings, is_worth_telling
from crossdock.adapters.tryton.deletions import LOG, Deletions
from crossdock.adapters.tryton.directories import CREDIT_LIMIT
from crossdock.adapters.tryton.mapping import SYSTEM
from crossdock.adapters.tryton.orders import Turns
from crossdock.adapters.tryton.party_mapping import MODEL
from crossdock.adapters.tryton.relationships import Relationships
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.adapters.tryton.wire import CustomerStateRow, KeyRow, NameRow, TouchedRow, fields_of
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden import fields as golden
from crossdock.identity.golden.forms import other_forms
from crossdock.kit.clock import Clock, Instant, seconds_to_us, to_datetime
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Transient,
    Unsupported,
)
from crossdock.ports.customer_sink import CustomerErasure, CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import ChangeKind, CustomerArrival, CustomerBatch, CustomerChange
from crossdock.ports.order_source import Gap

PAGE_PARTIES = 100
SEEN_MAX = 5_000
PARTS = ("party.address", "party.contact_mechanism", "party.identifier")
_RETRY_SECONDS = 1.0

Outcome = CustomerRecord | CrossdockError
Seen = tuple[str, int, Instant]


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The newest stamp told so far, and what was told within the overlap before it: model, id, stamp.

    What a party that moved no later than `dealt` has bought is told along with it, and after that when it moves.
    `late` are such parties that moved again before they were told.
    """

    at: Instant = 0
    seen: tuple[Seen, ...] = ()
    dealt: Instant = 0
    late: tuple[int, ...] = ()


class Touch(msgspec.Struct, frozen=True):
    """A party that moved or was deleted: when it did last, by whom, and by which records that is known.

    Where `deals`, it was not the party that moved, but documents of it.
    """

    party: int
    at: Instant
    ours: bool
    by: tuple[Seen, ...]
    deals: bool = False


class Customers:
    """The work of both customer roles; see the ports for what they promise."""

    def __init__(
        self, client: TrytonClient, catalogue: CatalogueReader, settings: TrytonSettings, clock: Clock
    ) -> None:
        self._client = client
        self._catalogue = catalogue
        self._settings = settings
        self._clock = clock
        self._deletions = Deletions(client, MODEL)
        self._dealings = Dealings(client)
        self._turns = Turns()
        self._relationships = Relationships(client, settings)
        self._overlap = seconds_to_us(settings.change_overlap_seconds)

    async def changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.customer_changes`: everything there is, then whatever moves."""
        known = _position(position)
        since, seen, left = known.at, set(known.seen), list[Touch]()
        while True:
            try:
                if not left:
                    since, seen = known.at - self._overlap, set(known.seen)
                    touched = await self._touched(since, None, seen)
                    if not known.dealt:
                        # Of whoever there is by now nothing was told yet, also where he moved after his documents.
                        newest = await self._dealings.newest()
                        known = replace(known, dealt=max(1, newest, *(touch.at for touch in touched)))
                    left = sorted([*touched, *await self._dealt(known, seen)], key=_in_order)
                page, left = left[:PAGE_PARTIES], left[PAGE_PARTIES:]
                moved = [touch for touch in page if not touch.deals]
                arrivals, still = await self._told(moved, since, None, seen)
                early = [touch for touch in still if touch.at <= known.dealt or touch.party in known.late]
                dealt = [touch for touch in page if touch.deals]
                arrivals += await self._dealings_told(dealt, early)
                before, known = known.late, replace(known, late=_late(known, moved, still))
                still += dealt
            except Transient as error:
                left.clear()
                await self._clock.sleep(error.retry_after_seconds or _RETRY_SECONDS)
                continue
            if not page:
                await self._clock.sleep(self._settings.customer_poll_seconds)
            if still or known.late != before:
                known = self._moved(known, still)
                yield CustomerBatch(arrivals=tuple(arrivals), position=msgspec.json.encode(known).decode())

    async def refill(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`."""
        since = gap.since - self._overlap
        left = await self._touched(since, gap.until, set())
        while left:
            page = left[:PAGE_PARTIES]
            arrivals, still = await self._told(page, since, gap.until, set())
            if arrivals:
                yield CustomerBatch(arrivals=tuple(arrivals), position="")
            moved = {touch.party for touch in page} - {touch.party for touch in still}
            again = await self._touched(since, gap.until, set()) if moved else []
            left = [*left[PAGE_PARTIES:], *(touch for touch in again if touch.party in moved)]

    async def count(self, gap: Gap) -> int:
        """See `CustomerSource.count_changed_customers`."""
        return len(await self._touched(gap.since - self._overlap, gap.until, set()))

    async def write(self, writes: Sequence[CustomerWrite]) -> Sequence[Outcome]:
        """See `CustomerSink.write_customers`: one call each, for Tryton has no outcome per record."""
        outcomes: list[Outcome] = []
        for write in writes:
            try:
                record = await (self._create(write) if write.record is None else self._update(write, write.record))
                outcomes.append(record)
            except (Rejected, Invalid, Conflict, OutcomeUnknown) as error:
                outcomes.append(error)
            except CrossdockError as error:
                if not outcomes:
                    raise
                outcomes.append(error)
        return outcomes

    async def read(self, records: Sequence[ExternalReference]) -> Sequence[CustomerRecord | None]:
        """See `CustomerSink.read_customers`; a party that was replaced is gone, one that was closed is not."""
        ids = [found for record in records if (found := party_mapping.id_of(record)) is not None]
        rows = {row.id: row for row in await self._rows(ids) if not row.replaced_by} if ids else {}
        return [
            self._record(row) if (row := rows.get(party_mapping.id_of(record) or 0)) else None
            for record in records
        ]

    async def find(self, *, key: str) -> CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        standing = await self._standing(key)
        return self._record(standing[0]) if standing else None

    async def join(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.join_customers`: Tryton's own wizard replaces one party by another.

        A blocked party is closed (`active`): it keeps its documents, and nobody finds it for new ones.
        """
        if merge.how == "link":
            raise Unsupported("the ERP links no parties", code="links-unsupported", system=SYSTEM)
        survivor, absorbed = (party_mapping.id_of(record) for record in (merge.survivor, merge.absorbed))
        rows = {row.id: row for row in await self._rows([one for one in (survivor, absorbed) if one is not None])}
        if survivor is None or absorbed is None or survivor not in rows or absorbed not in rows:
            raise _gone()
        if merge.how == "block":
            if rows[absorbed].active:
                await self._client.write(MODEL, [absorbed], {"active": False})
        elif rows[absorbed].replaced_by != survivor:
            if rows[survivor].replaced_by or rows[absorbed].replaced_by:
                raise Conflict("the party was replaced meanwhile", code="record-moved-on", system=SYSTEM)
            form = {"source": absorbed, "destination": survivor}
            # Tryton would ask whether two parties of different names are meant: who merged them has decided that.
            asked = [f"party.replace {what} {absorbed} {survivor}" for what in ("name", "tax_identifier")]
            record = (MODEL, absorbed)
            await self._client.wizard("party.replace", record, "replace", {"ask": form}, confirmed=asked)
        (row,) = await self._rows([survivor])
        return self._record(row)

    async def part(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.part_customers`: a closed party is opened again, a replaced one stays replaced."""
        absorbed = party_mapping.id_of(merge.absorbed)
        rows = await self._rows([absorbed]) if absorbed is not None else []
        if not rows:
            raise _gone()
        if merge.how != "block" or rows[0].replaced_by:
            raise Unsupported("a replaced party stays replaced", code="merge-is-final", system=SYSTEM)
        if not rows[0].active:
            await self._client.write(MODEL, [rows[0].id], {"active": True})
            rows = await self._rows([rows[0].id])
        return self._record(rows[0])

    async def erase(self, erasure: CustomerErasure) -> None:
        """See `CustomerSink.erase_customer`: Tryton's own wizard, which wants the party closed and settled.

        It takes parties along that were replaced by this one. Where it refuses, the party is as open as before.
        """
        party = party_mapping.id_of(erasure.record)
        rows = await self._rows([party]) if party is not None else []
        if party is None or not rows:
            return
        if rows[0].active:
            await self._client.write(MODEL, [party], {"active": False})
        try:
            await self._client.wizard("party.erase", (MODEL, party), "erase", {"ask": {"party": party}})
        except (Rejected, NotAuthorized):
            if rows[0].active:
                await self._client.write(MODEL, [party], {"active": True})
            raise

    async def _create(self, write: CustomerWrite) -> CustomerRecord:
        async with self._turns.of(write.key):
            standing = await self._standing(write.key)
            if standing:
                row, content = standing
                if content != party_mapping.split_mark(party_mapping.mark_of(write))[1]:
                    raise Conflict("the key was used for another customer", code="key-reused", system=SYSTEM)
                return self._record(row)
            said = golden.fields_of(write.says)
            values = await self._values(said, None) | await self._relationships.values(said)
            mark = ["create", [{"type": None, "code": party_mapping.mark_of(write)}]]
            values["identifiers"] = [*values.get("identifiers", ()), mark]
            # On SQLite Tryton may number two parties of one moment alike, and refuse the second.
            async with self._turns.of(MODEL):
                (created,) = await self._client.create(MODEL, [values])
            record = CustomerRecord(record=party_mapping.reference_to(created), says=write.says)
            return await self._kept(said, await self._seen(created) or record)

    async def _update(self, write: CustomerWrite, record: ExternalReference) -> CustomerRecord:
        async with self._turns.of(record.value):
            party = party_mapping.id_of(record)
            rows = await self._rows([party]) if party is not None else []
            if not rows or rows[0].replaced_by:
                raise _gone()
            row, said = rows[0], golden.fields_of(write.says)
            standing = self._record(row)
            if write.version and write.version != standing.version:
                if _holds(standing.says, said):
                    return standing
                raise Conflict("somebody changed the party meanwhile", code="record-changed", system=SYSTEM)
            values = await self._values(said, row)
            if not values:
                return CustomerRecord(record=record, says=write.says, version=standing.version)
            await self._client.write(MODEL, [row.id], values)
            seen = await self._seen(row.id)
            version = party_mapping.version_after(standing.says, said, seen)
            says = seen.says if seen is not None else write.says
            return await self._kept(said, CustomerRecord(record=record, says=says, version=version))

    async def _values(self, said: golden.Fields, row: CustomerStateRow | None) -> dict[str, Any]:
        catalogue, terms = await self._catalogue.get(), await self._terms(said)
        values = party_mapping.values_of(said, row, catalogue, terms, self._settings.tax_identifiers)
        return values | await self._as_person(said, row)

    async def _as_person(self, said: golden.Fields, row: CustomerStateRow | None) -> dict[str, Any]:
        """Into the category of persons, or out of it, where Tryton has it otherwise than it is told."""
        named = self._settings.person_category
        is_person = row is not None and any(category.name == named for category in row.categories_)
        if said.get("kind") is None or (said["kind"] == "person") == is_person:
            return {}
        return {"categories": [["remove" if is_person else "add", await self._person_category()]]}

    async def _kept(self, said: golden.Fields, written: CustomerRecord) -> CustomerRecord:
        """What was written, with what Tryton made of it that it does not keep as told."""
        kept = party_mapping.kept_of(said, golden.fields_of(written.says), await self._catalogue.get())
        return msgspec.structs.replace(written, kept=golden.party_of(kept))

    async def _seen(self, party: int) -> CustomerRecord | None:
        """The party after a write; None where it cannot be read, which takes nothing back of what was written."""
        try:
            rows = await self._rows([party])
            return self._record(rows[0]) if rows else None
        except (Transient, Invalid):
            return None

    async def _standing(self, key: str) -> tuple[CustomerStateRow, str] | None:
        """The party that was made under `key` (the oldest, should there be two), and the digest then."""
        pattern = f"{key.translate(_WILDCARDS)}{party_mapping.MARK}%"
        domain = [("code", "like", pattern), ("party.replaced_by", "=", None)]
        found = as_rows(await self._client.search_read("party.identifier", domain, fields_of(KeyRow)), KeyRow)
        marks = {one.party: party_mapping.split_mark(one.code) for one in found}
        ours = {party: content for party, (own, content) in marks.items() if own == key}
        if not ours:
            return None
        oldest = min(ours)
        rows = await self._rows([oldest])
        return (rows[0], ours[oldest]) if rows else None

    async def _rows(self, ids: Sequence[int]) -> list[CustomerStateRow]:
        domain = [("id", "in", list(ids)), EVEN_INACTIVE]
        fields = fields_of(CustomerStateRow)
        if not await self._client.has_field(*CREDIT_LIMIT):
            fields = tuple(name for name in fields if name != CREDIT_LIMIT[1])
        if not await self._relationships.are_there():
            fields = tuple(name for name in fields if not name.startswith("relations."))
        return as_rows(await self._client.search_read(MODEL, domain, fields), CustomerStateRow)

    async def _terms(self, said: golden.Fields) -> Mapping[str, int]:
        if said.get("terms.code") is None:
            return {}
        rows = as_rows(
            await self._client.search_read("account.invoice.payment_term", [], fields_of(NameRow)), NameRow
        )
        return {row.name: row.id for row in rows if row.name}

    async def _person_category(self) -> list[int]:
        domain = [("name", "=", self._settings.person_category)]
        return [row["id"] for row in await self._client.search_read("party.category", domain, ["id"])]

    async def _touched(
        self, since: Instant, until: Instant | None, seen: set[Seen], among: Sequence[int] | None = None
    ) -> list[Touch]:
        """The parties (of `among`) that moved since, and up to, an instant, in the order of their latest move."""
        user = (await self._client.session()).user_id
        by_party: dict[int, list[tuple[Seen, bool]]] = {}
        for model in (MODEL, *PARTS):
            for row in await self._stamps(model, since, until, among):
                stamp = mapping.instant(row.last_modified_at)
                entry = (model, row.id, stamp)
                if entry not in seen and row.party is not None:
                    by_party.setdefault(row.party, []).append((entry, (row.write_uid or row.create_uid) == user))
        for party, entry, ours in await self._deleted(since, until, seen):
            by_party.setdefault(party, []).append((entry, ours == user))
        touched = [
            Touch(
                party=party,
                at=max(entry[2] for entry, _ in entries),
                ours=all(ours for _, ours in entries),
                by=tuple(entry for entry, _ in entries),
            )
            for party, entries in by_party.items()
        ]
        return sorted(touched, key=_in_order)

    async def _dealt(self, known: Position, seen: set[Seen]) -> list[Touch]:
        """The parties whose documents moved since."""
        moved = _between("last_modified_at", max(known.at - self._overlap, known.dealt), None)
        by_party = await self._dealings.touched(moved, seen)
        return [
            Touch(party=party, at=max(entry[2] for entry in entries), ours=False, by=entries, deals=True)
            for party, entries in by_party.items()
        ]

    async def _dealings_told(self, dealt: Sequence[Touch], early: Sequence[Touch]) -> list[CustomerArrival]:
        """What is owed by whom, and what was last done for them; of `early` ones only where that is anything."""
        touches = [*early, *dealt]
        found = await self._dealings.read([touch.party for touch in touches]) if touches else {}
        now = self._clock.now()
        return [
            CustomerArrival(
                external_id=f"{touch.party}@{touch.at}+documents",
                received_at=now,
                change=CustomerChange(
                    record=party_mapping.reference_to(touch.party),
                    says=golden.party_of(said),
                    changed_at=touch.at,
                    unset=tuple(name for name, value in said.items() if value is None),
                ),
            )
            for touch in touches
            if (said := found.get(touch.party)) and (touch.deals or is_worth_telling(said))
        ]

    async def _deleted(
        self, since: Instant, until: Instant | None, seen: set[Seen]
    ) -> list[tuple[int, Seen, int | None]]:
        """The parties that were deleted, how that is known, and by whom."""
        found = []
        for line in await self._deletions.since(*_between("create_date", since, until)):
            entry = (LOG, line.id, mapping.instant(line.create_date))
            party = await self._deletions.which(line.id) if entry not in seen else None
            if party is not None:
                found.append((party, entry, line.user))
        return found

    async def _stamps(
        self, model: str, since: Instant, until: Instant | None, among: Sequence[int] | None
    ) -> list[TouchedRow]:
        domain = [*_between("last_modified_at", since, until), EVEN_INACTIVE]
        if among is not None:
            domain.append(("id" if model == MODEL else "party", "in", list(among)))
        names = [name for name in fields_of(TouchedRow) if model != MODEL or name != "party"]
        rows: list[dict[str, Any]] = []
        async for page in self._client.pages(model, domain, names):
            rows += page
        return as_rows([{"party": row["id"], **row} for row in rows], TouchedRow)

    async def _told(
        self, touched: Sequence[Touch], since: Instant, until: Instant | None, seen: set[Seen]
    ) -> tuple[list[CustomerArrival], list[Touch]]:
        """The parties as they are, and whom that is told of: those that nobody touched while they were read.

        Of any other it could not be said whether what was read is ours. It is told when it is touched no more.
        """
        if not touched:
            return [], []
        parties = [touch.party for touch in touched]
        rows = {row.id: row for row in await self._rows(parties)}
        present = {touch.party: touch for touch in await self._touched(since, until, seen, parties)}
        still = [touch for touch in touched if present.get(touch.party) == touch]
        return [self._arrival(touch, rows.get(touch.party)) for touch in still], still

    def _arrival(self, touch: Touch, row: CustomerStateRow | None) -> CustomerArrival:
        external_id, now = f"{touch.party}@{touch.at}", self._clock.now()
        origin = self._settings.origin_mark if touch.ours else ""
        if row is None:
            gone = CustomerChange(
                record=party_mapping.reference_to(touch.party), kind="deleted", changed_at=touch.at, origin=origin
            )
            return CustomerArrival(external_id=external_id, received_at=now, change=gone)
        kind: ChangeKind = "merged" if row.replaced_by else "changed"
        try:
            record = self._record(row)
        except Invalid as error:
            raw = msgspec.json.encode(row)
            return CustomerArrival(external_id=external_id, received_at=now, findings=error.findings, raw=raw)
        change = CustomerChange(
            record=record.record,
            kind=kind,
            says=record.says if kind == "changed" else Party(),
            changed_at=touch.at,
            origin=origin,
            version=record.version if kind == "changed" else "",
            unset=record.unset if kind == "changed" else (),
            into=party_mapping.reference_to(row.replaced_by) if row.replaced_by else None,
        )
        return CustomerArrival(external_id=external_id, received_at=now, change=change)

    def _record(self, row: CustomerStateRow) -> CustomerRecord:
        settings = self._settings
        return party_mapping.record_of(row, settings.person_category, settings.contact_relation)

    def _moved(self, known: Position, page: Sequence[Touch]) -> Position:
        at = max([known.at, *(touch.at for touch in page)])
        seen = {*known.seen, *(entry for touch in page for entry in touch.by)}
        recent = sorted((entry for entry in seen if entry[2] >= at - self._overlap), key=lambda entry: entry[2])
        return replace(known, at=at, seen=tuple(recent[-SEEN_MAX:]))


def _late(known: Position, moved: Sequence[Touch], still: Sequence[Touch]) -> tuple[int, ...]:
    due = {touch.party for touch in moved if touch.at <= known.dealt}
    return tuple(sorted({*known.late, *due} - {touch.party for touch in still}))


def _in_order(touch: Touch) -> tuple[Instant, bool, int]:
    return touch.at, touch.deals, touch.party


_WILDCARDS = str.maketrans({"_": "\\_", "%": "\\%", "\\": "\\\\"})


def _holds(says: Party, said: golden.Fields) -> bool:
    kept = golden.fields_of(says)
    wanted = {name: value for name, value in said.items() if name in kept}
    return all(kept[name] == value for name, value in {**wanted, **other_forms(wanted, kept)}.items())


def _gone() -> Rejected:
    return Rejected("the party does not exist any more", code="record-gone", system=SYSTEM)


def _between(field: str, since: Instant, until: Instant | None) -> list[Any]:
    """The condition that a stamp lies between two instants, both included."""
    latest = [(field, "<=", _naive(until))] if until is not None else []
    return [(field, ">=", _naive(since)), *latest]


def _naive(instant: Instant) -> datetime:
    return to_datetime(max(instant, 0)).astimezone(UTC).replace(tzinfo=None)


def _position(text: str) -> Position:
    if not text:
        return Position()
    try:
        return msgspec.json.decode(text, type=Position)
    except msgspec.MsgspecError:
        finding = Finding(code="position", path="$.position", message="not a position of this dock")
        raise Invalid(finding.message, code="position", system=SYSTEM, findings=[finding]) from None
