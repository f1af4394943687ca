"""The memory ERP's partners: made once per reference, changed name by name, deleted, merged, brought back.

Everything that happens to them joins a stream of messages, as captured orders do.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from crossdock.adapters.memory import wire
from crossdock.adapters.memory.simulator.channel import Channel
from crossdock.adapters.memory.simulator.ledger import Refusal
from crossdock.kit.clock import Clock, to_datetime
from crossdock.transport.loopback import Request

T = TypeVar("T")
Read = Callable[[Request, type[T]], T]


class _Record(msgspec.Struct, kw_only=True):
    """A partner with what the books keep beside it: by `made_of` and `last_write` they know a write again."""

    partner: wire.Partner
    made_of: Mapping[str, Any]
    last_write: str
    gone: bool = False
    blocked: bool = False


class PartnerBook:
    """All partners, and the stream of their changes. Raises Refusal for every no.

    Whatever this ERP does with orders, a partner's reference is unique. `assigns` is what it puts on a new card by
    itself, `rewrites` what it makes of what is entered, by name; unless `answers` it says so nowhere but in its
    messages. With `opens` set, a new partner's card bears its number, and `opens` hears of the debtor that it is.
    With `losing` set, messages are lost for that reason.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._by_reference: dict[str, _Record] = {}
        self.stream = Channel(clock)
        self.calls = 0
        self.losing = ""
        self.assigns: Mapping[str, Any] = {}
        self.rewrites: Mapping[str, Callable[[Any], Any]] = {}
        self.answers = True
        self.opens: Callable[[wire.DebtorRecord], None] | None = None

    def write(self, asked: wire.PartnerWrite) -> wire.Partner:
        """Make or change a partner."""
        if not asked.number:
            return self._make(asked)
        record = self._live(asked.number)
        if record.last_write == asked.write:
            return record.partner
        if asked.revision and asked.revision != record.partner.revision:
            raise Refusal("REVISION_MOVED", "somebody changed it meanwhile", status=409)
        entered = self._entered(asked.card)
        card = {name: value for name, value in (record.partner.card | entered).items() if value is not None}
        before = record.partner.card
        told = {name: entered[name] for name, value in asked.card.items() if before.get(name) != value}
        self._put(record, card=card)
        record.last_write = asked.write
        self._tell(record, "changed", told, asked.origin, asked.correlation)
        if self.answers:
            return record.partner
        return msgspec.structs.replace(record.partner, card={**record.partner.card, **asked.card})

    def _entered(self, card: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.rewrites[name](value) if name in self.rewrites else value for name, value in card.items()
        }

    def delete(self, number: str, *, origin: str = "") -> None:
        """Put a partner aside."""
        record = self._live(number)
        record.gone = True
        self._put(record)
        self._tell(record, "deleted", {}, origin)

    def undelete(self, number: str) -> None:
        """Take a partner back, also one that was merged: it comes back alone."""
        record = self._records[number]
        record.gone = False
        self._put(record)
        self._tell(record, "undeleted", record.partner.card)

    def join(self, asked: wire.PartnerJoin) -> wire.Partner:
        """Link two partners, or block one, or merge it into the other. Again it changes nothing."""
        survivor = self._live(asked.survivor)
        if asked.how == "link":
            absorbed = self._live(asked.absorbed)
            for one, other in ((survivor, asked.absorbed), (absorbed, asked.survivor)):
                if other not in one.partner.links:
                    self._put(one, links=(*one.partner.links, other))
            return survivor.partner
        absorbed = self._records.get(asked.absorbed, survivor)
        if absorbed is survivor:
            raise Refusal("PARTNER_UNKNOWN", "no such partner to merge", status=404)
        if not absorbed.gone:
            absorbed.gone, absorbed.blocked = True, asked.how == "block"
            self._put(absorbed)
            kind, into = ("deleted", "") if absorbed.blocked else ("merged", asked.survivor)
            self._tell(absorbed, kind, {}, asked.origin, asked.correlation, into)
        return survivor.partner

    def part(self, asked: wire.PartnerJoin) -> wire.Partner:
        """Take back a link or a block. Parting what is not joined changes nothing."""
        absorbed = self._records.get(asked.absorbed)
        if absorbed is not None and absorbed.blocked:
            absorbed.gone = absorbed.blocked = False
            self._put(absorbed)
            self._tell(absorbed, "undeleted", absorbed.partner.card, asked.origin, asked.correlation)
        for one, other in ((asked.survivor, asked.absorbed), (asked.absorbed, asked.survivor)):
            linked = self._records.get(one)
            if asked.how == "link" and linked is not None and other in linked.partner.links:
                self._put(linked, links=tuple(link for link in linked.partner.links if link != other))
        return self._live(asked.absorbed).partner

    def present(self) -> list[wire.Partner]:
        """All partners that are not gone."""
        return [record.partner for record in self._records.values() if not record.gone]

    def find(self, reference: str) -> list[wire.Partner]:
        """The partners made under a reference that are not gone."""
        record = self._by_reference.get(reference)
        return [record.partner] if record is not None and not record.gone else []

    def read(self, numbers: Sequence[str]) -> list[wire.Partner | None]:
        """Partners by number, None for one that is gone."""
        records = (self._records.get(number) for number in numbers)
        return [record.partner if record and not record.gone else None for record in records]

    def changed(self, asked: wire.ChangedBetween) -> list[wire.Message]:
        """The latest state of partners that changed in a time, by moment and number, in pages."""
        after = (asked.after or asked.since, asked.after_id)
        found = sorted(self._between(asked.since, asked.until), key=_place)
        page = [record for record in found if _place(record) > after][: asked.limit]
        return [_message(record, record.partner.card) for record in page]

    def count(self, since: datetime, until: datetime) -> int:
        """How many partners changed in a time."""
        return len(self._between(since, until))

    def _make(self, asked: wire.PartnerWrite) -> wire.Partner:
        card = {name: value for name, value in asked.card.items() if value is not None}
        standing = self._by_reference.get(asked.write)
        if standing is not None:
            if standing.gone:
                raise Refusal("PARTNER_GONE", "the partner of this reference was put aside", status=404)
            if standing.made_of != card:
                raise Refusal("REFERENCE_USED", "the reference was used for another partner", status=409)
            return standing.partner
        number = f"BP-{len(self._records) + 1:05d}"
        now = to_datetime(self._clock.now())
        full = {**self.assigns, **self._entered(card)}
        if self.opens is not None:
            full.setdefault("account.number", number)
            self.opens(_debtor(full))
        partner = wire.Partner(number=number, revision=1, changed=now, card=full, reference=asked.write)
        record = self._records[number] = _Record(partner=partner, made_of=card, last_write=asked.write)
        self._by_reference[asked.write] = record
        self._tell(record, "changed", full, asked.origin, asked.correlation)
        return partner

    def _put(self, record: _Record, **changes: Any) -> None:
        partner = record.partner
        now = to_datetime(self._clock.now())
        record.partner = msgspec.structs.replace(partner, revision=partner.revision + 1, changed=now, **changes)

    def _tell(
        self,
        record: _Record,
        kind: str,
        card: Mapping[str, Any],
        origin: str = "",
        correlation: str = "",
        into: str = "",
    ) -> None:
        message = _message(record, card, kind, origin, correlation, into)
        if self.losing:
            self.stream.lose_raw(message.id, bytes(message.body), self.losing)
        else:
            self.stream.offer_raw(message.id, bytes(message.body))

    def _live(self, number: str) -> _Record:
        record = self._records.get(number)
        if record is None or record.gone:
            raise Refusal("PARTNER_GONE", "no such partner, or not any more", status=404)
        return record

    def _between(self, since: datetime, until: datetime) -> list[_Record]:
        records = (record for record in self._records.values() if not record.gone)
        return [record for record in records if since <= record.partner.changed <= until]


def handlers(book: PartnerBook, read: Read[Any]) -> dict[tuple[str, str], Callable[[Request], bytes]]:
    """The places of the surface that concern partners; `read` decodes a request."""

    def write(request: Request) -> bytes:
        book.calls += 1
        results = [_outcome(book, one) for one in read(request, wire.PartnerWrites).writes]
        return msgspec.json.encode(wire.PartnerResults(tuple(results)))

    def join(request: Request) -> bytes:
        return msgspec.json.encode(wire.Partners((book.join(read(request, wire.PartnerJoin)),)))

    def part(request: Request) -> bytes:
        return msgspec.json.encode(wire.Partners((book.part(read(request, wire.PartnerJoin)),)))

    def find(request: Request) -> bytes:
        return msgspec.json.encode(wire.Partners(tuple(book.find(read(request, wire.ByReference).reference))))

    def look(request: Request) -> bytes:
        return msgspec.json.encode(wire.Partners(tuple(book.read(read(request, wire.Numbers).numbers))))

    def changed(request: Request) -> bytes:
        return msgspec.json.encode(wire.Changed(tuple(book.changed(read(request, wire.ChangedBetween)))))

    def count(request: Request) -> bytes:
        asked = read(request, wire.ChangedBetween)
        return msgspec.json.encode(wire.Count(book.count(asked.since, asked.until)))

    places = {"write": write, "join": join, "part": part, "find": find}
    places |= {"read": look, "changed": changed, "count": count}
    return {("POST", f"/partners/{name}"): place for name, place in places.items()}


def _outcome(book: PartnerBook, asked: wire.PartnerWrite) -> wire.PartnerResult:
    try:
        return wire.PartnerResult(partner=book.write(asked))
    except Refusal as refusal:
        return wire.PartnerResult(problem=wire.Problem(refusal.code, refusal.text, refusal.field))


def _debtor(card: Mapping[str, Any]) -> wire.DebtorRecord:
    """The debtor that a partner is, by what its card says."""
    parts = ("organisation.name", "person.name.given", "person.name.family")
    name = " ".join(str(card[part]) for part in parts if card.get(part))
    kind = "person" if card.get("kind") == "person" else "organisation"
    return wire.DebtorRecord(number=str(card["account.number"]), name=name, kind=kind)


def _place(record: _Record) -> tuple[datetime, str]:
    return record.partner.changed, f"{record.partner.number}@{record.partner.revision}"


def _message(
    record: _Record,
    card: Mapping[str, Any],
    kind: str = "changed",
    origin: str = "",
    correlation: str = "",
    into: str = "",
) -> wire.Message:
    partner = record.partner
    change = wire.PartnerChange(
        number=partner.number,
        kind=kind,
        revision=partner.revision,
        changed=partner.changed,
        card=dict(card),
        origin=origin,
        correlation=correlation,
        into=into,
    )
    body = msgspec.Raw(msgspec.json.encode(change))
    return wire.Message(f"{partner.number}@{partner.revision}", partner.changed, body)
