"""The party ledger in the database: whose a record is, what it said, what is asked and decided.

Records a batch touches are locked in one order, then their parties; statements are judged in the batch's order by
the rules of `identity`, and written back together.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.durable.codec import decode, encode
from crossdock.identity.golden.contributions import Held, HeldRecord, known_until, take, tell
from crossdock.identity.golden.fields import Fields, FieldValue
from crossdock.identity.golden.forms import Kept
from crossdock.identity.golden.ledger import (
    PAGE_ROWS_MAX,
    ChangeTaken,
    DecideValue,
    GoldenKept,
    KeepGolden,
    NoteTold,
    OpenQuestion,
    PartyEvent,
    PartyFile,
    QuestionPosition,
    TakeChange,
    record_key,
)
from crossdock.identity.golden.survivorship import Pin
from crossdock.kit.clock import Instant
from crossdock.storage.party_questions import ask_questions, list_questions
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")

_HELD = Held.__struct_fields__
_CONTRIBUTION = ("record", *_HELD)
_SAID_AGAIN = "ON CONFLICT (record, field) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _HELD if name != "field"
)
_REFERENCE = ("record", "party_id", "system", "kind", "number", "state", "version", "at")
HISTORY = ("party_id", "at", "what", "record", "fields", "correlation_id")
_GONE = frozenset({"deleted", "merged"})
_VALUES = frozenset({"said", "shown"})
_ENCODED = _VALUES | {"kept"}
_MaybeKept: Any = Kept | None


class PartyStore(ABC):
    """See PartyLedger."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def find_parties(self, records: Collection[ExternalReference]) -> Mapping[ExternalReference, str]:
        """See PartyLedger."""
        return await self._read(partial(find_parties, records=records))

    async def read_party(self, party_id: str) -> PartyFile | None:
        """See PartyLedger."""
        return await self._read(partial(read_party, party_id=party_id))

    async def read_parties(self, *, behind: str = "", limit: int = 50) -> Sequence[PartyFile]:
        """See PartyLedger."""
        return await self._read(partial(read_parties, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))

    async def count_parties(self) -> int:
        """See PartyLedger."""
        return await self._read(count_parties)

    async def list_parties(self, *, behind: str = "", limit: int = 50) -> Sequence[str]:
        """See PartyLedger."""
        return await self._read(partial(list_parties, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))

    async def list_records(self, *, behind: str = "", limit: int = 50) -> Sequence[HeldRecord]:
        """See PartyLedger."""
        return await self._read(partial(list_records, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))

    async def find_by_number(self, number: str, *, limit: int = 50) -> Sequence[str]:
        """See PartyLedger."""
        return await self._read(partial(find_by_number, number=number, limit=min(limit, PAGE_ROWS_MAX)))

    async def list_questions(
        self, *, behind: QuestionPosition | None = None, limit: int = 50
    ) -> Sequence[OpenQuestion]:
        """See PartyLedger."""
        return await self._read(partial(list_questions, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))

    async def read_history(self, party_id: str, *, before: int = 0, limit: int = 50) -> Sequence[PartyEvent]:
        """See PartyLedger."""
        limit = min(limit, PAGE_ROWS_MAX)
        return await self._read(partial(read_history, party_id=party_id, before=before, limit=limit))


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────


class _Parties:
    """The records and parties of a batch, locked, and what became of them."""

    def __init__(self, tx: Transaction, effects: Sequence[TakeChange | NoteTold], now: Instant) -> None:
        self._tx, self._now = tx, now
        wanted = {record_key(effect.record): effect for effect in reversed(effects)}
        new = [
            (key, effect.party_id, *msgspec.structs.astuple(effect.record), "live", "", now)
            for key, effect in sorted(wanted.items())
        ]
        self.new = {row[0] for row in tx.insert_new("cross_reference", _REFERENCE, ("record",), new)}
        rows = tx.select_in(
            "SELECT record, party_id, state, version, moved_at FROM cross_reference WHERE record",
            sorted(wanted),
            f"ORDER BY record {tx.locks}",
        )
        self.owner = {row[0]: row[1] for row in rows}
        self._state: dict[str, tuple[str, str, Instant]] = {row[0]: (row[2], row[3], row[4]) for row in rows}
        self.sequences = lock_parties(tx, set(self.owner.values()), now)
        if self.new:
            self._follow_merges()
        self.held = _held(tx, sorted(wanted))
        self._changed: dict[tuple[str, str], Held] = {}
        self._moved: set[str] = set()
        self._happened: list[Row] = []

    def _follow_merges(self) -> None:
        """A record that is new to a party which was merged meanwhile belongs to whoever has its records now."""
        for party_id in retired(self._tx, self.sequences):
            root = root_of(self._tx, party_id)
            self.sequences |= lock_parties(self._tx, {root}, self._now)
            self._tx.execute("UPDATE cross_reference SET party_id = ? WHERE party_id = ?", (root, party_id))
            self.owner = {record: root if owner == party_id else owner for record, owner in self.owner.items()}

    def next(self, party_id: str) -> int:
        """The party's next sequence: later than all before, over parties that may be put together as well."""
        self.sequences[party_id] = max(self._now, self.sequences[party_id] + 1)
        return self.sequences[party_id]

    def change(self, record: str, rows: Mapping[str, Held]) -> None:
        self.held.setdefault(record, {}).update(rows)
        self._changed.update({(record, field): held for field, held in rows.items()})

    def state_said(self, record: str, effect: TakeChange) -> str | None:
        """What the statement says of the record's being there; None where that is nothing, or of before.

        One clock agrees with itself. Who speaks after he was gone is back, also where nobody heard of that. What
        the hub itself put aside for a merge may be told late, when that was taken back: it comes back, too.
        """
        state, _, moved_at = self._state[record]
        said = effect.statement
        if said.from_us and effect.state in _GONE and self._was_parted(self.owner[record]):
            return None
        if effect.state is not None:
            return None if said.said_at < moved_at else effect.state
        is_back = state in _GONE and 0 < moved_at < said.said_at and not said.was_read
        return "live" if is_back else None

    def _was_parted(self, party_id: str) -> bool:
        row = self._tx.execute(
            "SELECT 1 FROM party_merge WHERE (absorbed = ? OR survivor = ?) AND parted_at > 0",
            (party_id, party_id),
        ).fetchone()
        return row is not None

    def move(self, record: str, state: str | None, version: str, at: Instant = 0) -> bool:
        """Note state and version, and when the record's clock says that it moved; whether the state is another."""
        before = self._state[record]
        moved_at = max(before[2], at) if state is not None else before[2]
        self._state[record] = (state or before[0], version or before[1], moved_at)
        if self._state[record] != before:
            self._moved.add(record)
        return self._state[record][0] != before[0]

    def is_gone(self, record: str) -> bool:
        return self._state[record][0] in _GONE

    def tell(self, party_id: str, what: str, record: str, fields: Iterable[str], correlation_id: str) -> None:
        self._happened.append(
            (party_id, self._now, what, record, encode(sorted(fields)), _storable(correlation_id))
        )

    def write(self) -> None:
        rows = [(record, *_columns(self._changed[record, field])) for record, field in sorted(self._changed)]
        self._tx.insert("contribution", _CONTRIBUTION, rows, _SAID_AGAIN)
        moved = [(*self._state[record], self._now, record) for record in sorted(self._moved)]
        self._tx.update("cross_reference", ("state", "version", "moved_at", "at"), ("record",), moved)
        advance(self._tx, self.sequences, self._now)
        self._tx.insert("party_history", HISTORY, self._happened)


def take_changes(tx: Transaction, effects: Sequence[TakeChange], now: Instant) -> list[ChangeTaken]:
    """Judge and store each statement, in order."""
    parties = _Parties(tx, effects, now)
    into = find_parties(tx, [effect.into for effect in effects if effect.into is not None])
    answers, seen = [], set(parties.new)
    for effect in effects:
        record = record_key(effect.record)
        party_id = parties.owner[record]
        sequence = parties.next(party_id)
        rows, taken = take(parties.held.get(record, {}), effect.statement, sequence)
        parties.change(record, rows)
        state = parties.state_said(record, effect)
        moved = parties.move(record, state, effect.version, known_until(effect.statement))
        other = into.get(effect.into, "") if effect.into else ""
        is_new = record in seen
        seen.discard(record)
        what = "linked" if is_new else (state or "changed") if moved else "changed"
        if moved or is_new or taken.stated:
            parties.tell(party_id, what, record, taken.stated, effect.statement.correlation_id)
        answers.append(
            ChangeTaken(
                party_id=party_id,
                sequence=sequence,
                taken=msgspec.structs.replace(taken, echoed=_written(taken.echoed, rows, sequence)),
                is_new=is_new,
                moved=moved,
                is_gone=parties.is_gone(record),
                merged_with=other if state is not None and other != party_id else "",
            )
        )
    parties.write()
    return answers


def _written(echoed: Iterable[str], rows: Mapping[str, Held], sequence: int) -> tuple[str, ...]:
    """Of what is nobody's opinion: what is shown there now and was not before."""
    return tuple(name for name in echoed if name in rows and rows[name].told == sequence)


def note_told(tx: Transaction, effects: Sequence[NoteTold], now: Instant) -> list[ChangeTaken]:
    """Note what the hub wrote where."""
    parties = _Parties(tx, effects, now)
    answers = []
    for effect in effects:
        record = record_key(effect.record)
        party_id = parties.owner[record]
        sequence = parties.next(party_id)
        known = parties.held.get(record, {})
        told = tell(known, effect.fields, sequence, kept=effect.kept, since=effect.since, mark=effect.mark)
        parties.change(record, told)
        parties.move(record, None, effect.version)
        parties.tell(party_id, "told", record, effect.fields, effect.correlation_id)
        answers.append(ChangeTaken(party_id=party_id, sequence=sequence, is_new=record in parties.new))
    parties.write()
    return answers


def keep_golden(tx: Transaction, effects: Sequence[KeepGolden], now: Instant) -> list[GoldenKept]:
    """Note what others are told now, open new questions, close those that nobody asks any more."""
    lock_parties(tx, {effect.party_id for effect in effects}, now)
    answers = []
    for effect in effects:
        (row,) = tx.select_in("SELECT golden FROM party WHERE party_id", [effect.party_id])
        before = _fields(row[0])
        if before != effect.fields:
            tx.update(
                "party", ("golden", "updated_at"), ("party_id",), [(encode(effect.fields), now, effect.party_id)]
            )
            names = {*before, *effect.fields}
            changed = [name for name in names if _other(before, effect.fields, name)]
            happened = (
                effect.party_id,
                now,
                "golden",
                "",
                encode(sorted(changed)),
                _storable(effect.correlation_id),
            )
            tx.insert("party_history", HISTORY, [happened])
        answers.append(GoldenKept(before=before, asked=ask_questions(tx, effect, now)))
    return answers


def _other(before: Fields, after: Fields, name: str) -> bool:
    return (name in before, before.get(name)) != (name in after, after.get(name))


def decide_values(tx: Transaction, effects: Sequence[DecideValue], now: Instant) -> list[ChangeTaken]:
    """Note decisions of people, and their end."""
    sequences = lock_parties(tx, {effect.party_id for effect in effects}, now)
    answers = []
    for effect in effects:
        if effect.expected not in {None, sequences[effect.party_id]}:
            answers.append(ChangeTaken(party_id=effect.party_id, sequence=sequences[effect.party_id]))
            continue
        tx.execute("DELETE FROM party_pin WHERE party_id = ? AND unit = ?", (effect.party_id, effect.unit))
        if effect.pin is not None:
            row = (effect.party_id, effect.unit, encode(effect.pin))
            tx.insert("party_pin", ("party_id", "unit", "facts"), [row])
        sequences[effect.party_id] = max(now, sequences[effect.party_id] + 1)
        what = "decided" if effect.pin else "decision ended"
        tx.insert("party_history", HISTORY, [(effect.party_id, now, what, "", encode([effect.unit]), "")])
        answers.append(ChangeTaken(party_id=effect.party_id, sequence=sequences[effect.party_id], moved=True))
    advance(tx, sequences, now)
    return answers


def lock_parties(tx: Transaction, party_ids: Collection[str], now: Instant) -> dict[str, int]:
    """Lock parties in the order of their ids, beginning with those that are new; the sequence of each."""
    ids = sorted(party_ids)
    new = [(party_id, 0, b"{}", now, now) for party_id in ids]
    columns = ("party_id", "sequence", "golden", "created_at", "updated_at")
    tx.insert("party", columns, new, "ON CONFLICT DO NOTHING")
    rows = tx.select_in(
        "SELECT party_id, sequence FROM party WHERE party_id", ids, f"ORDER BY party_id {tx.locks}"
    )
    return {row[0]: row[1] for row in rows}


def retired(tx: Transaction, party_ids: Collection[str]) -> list[str]:
    """Which of these were merged into others."""
    rows = tx.select_in("SELECT party_id, into_party FROM party WHERE party_id", sorted(party_ids))
    return sorted(party_id for party_id, into in rows if into)


def root_of(tx: Transaction, party_id: str) -> str:
    """The party that has its records now: itself, or the last of those it was merged into; "" for no party."""
    while True:
        row = tx.execute("SELECT into_party FROM party WHERE party_id = ?", (party_id,)).fetchone()
        if row is None:
            return ""
        if not row[0]:
            return party_id
        party_id = row[0]


def advance(tx: Transaction, sequences: Mapping[str, int], now: Instant) -> None:
    """Write the sequences of parties that changed."""
    rows = [(sequences[party_id], now, party_id) for party_id in sorted(sequences)]
    tx.update("party", ("sequence", "updated_at"), ("party_id",), rows)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────


def find_parties(tx: Transaction, records: Collection[ExternalReference]) -> dict[ExternalReference, str]:
    """To which party each record belongs."""
    wanted = {record_key(record): record for record in records}
    rows = tx.select_in("SELECT record, party_id FROM cross_reference WHERE record", sorted(wanted))
    return {wanted[record]: party_id for record, party_id in rows}


def read_party(tx: Transaction, party_id: str) -> PartyFile | None:
    """All that is known of a party."""
    found = tx.execute("SELECT sequence, golden, into_party FROM party WHERE party_id = ?", (party_id,)).fetchone()
    if found is None:
        return None
    references = tx.execute(
        "SELECT record, system, kind, number, state, version FROM cross_reference "
        "WHERE party_id = ? ORDER BY record",
        (party_id,),
    ).fetchall()
    pins = tx.execute("SELECT facts FROM party_pin WHERE party_id = ? ORDER BY unit", (party_id,)).fetchall()
    return PartyFile(
        party_id=party_id,
        sequence=found[0],
        records=_records(tx, references),
        pins=tuple(decode(bytes(row[0]), Pin) for row in pins),
        told=_fields(found[1]),
        into=found[2],
    )


def read_parties(tx: Transaction, behind: str, limit: int) -> list[PartyFile]:
    """Several parties at once, in the order of their ids; retired ones are left out."""
    found = tx.execute(
        "SELECT party_id, sequence, golden FROM party WHERE party_id > ? AND into_party = '' "
        "ORDER BY party_id LIMIT ?",
        (behind, limit),
    ).fetchall()
    ids = [row[0] for row in found]
    references = tx.select_in(
        "SELECT record, system, kind, number, state, version, party_id FROM cross_reference WHERE party_id",
        ids,
        "ORDER BY record",
    )
    records: dict[str, list[HeldRecord]] = {}
    for row, record in zip(references, _records(tx, references), strict=True):
        records.setdefault(row[6], []).append(record)
    pins: dict[str, list[Pin]] = {}
    for party_id, facts in tx.select_in(
        "SELECT party_id, facts FROM party_pin WHERE party_id", ids, "ORDER BY unit"
    ):
        pins.setdefault(party_id, []).append(decode(bytes(facts), Pin))
    return [
        PartyFile(
            party_id=party_id,
            sequence=sequence,
            records=tuple(records.get(party_id, ())),
            pins=tuple(pins.get(party_id, ())),
            told=_fields(told),
        )
        for party_id, sequence, told in found
    ]


def count_parties(tx: Transaction) -> int:
    """How many parties there are that are not part of another."""
    row = tx.execute("SELECT count(*) FROM party WHERE into_party = ''").fetchone()
    return int(row[0])


def list_records(tx: Transaction, behind: str, limit: int) -> tuple[HeldRecord, ...]:
    """Living records in order."""
    rows = tx.execute(
        "SELECT record, system, kind, number, state, version FROM cross_reference "
        "WHERE record > ? AND state = 'live' ORDER BY record LIMIT ?",
        (behind, limit),
    ).fetchall()
    return _records(tx, rows)


def _records(tx: Transaction, references: Sequence[Row]) -> tuple[HeldRecord, ...]:
    held = _held(tx, [row[0] for row in references])
    return tuple(
        HeldRecord(
            reference=ExternalReference(*row[1:4]), state=row[4], version=row[5], fields=held.get(row[0], {})
        )
        for row in references
    )


def list_parties(tx: Transaction, behind: str, limit: int) -> list[str]:
    """Party ids in order."""
    rows = tx.execute(
        "SELECT party_id FROM party WHERE party_id > ? AND into_party = '' ORDER BY party_id LIMIT ?",
        (behind, limit),
    )
    return [row[0] for row in rows.fetchall()]


def find_by_number(tx: Transaction, number: str, limit: int) -> list[str]:
    """Parties that have a record of that number, in any system."""
    sql = "SELECT DISTINCT party_id FROM cross_reference WHERE number = ? ORDER BY party_id LIMIT ?"
    return [row[0] for row in tx.execute(sql, (number, limit)).fetchall()]


def read_history(tx: Transaction, party_id: str, before: int, limit: int) -> list[PartyEvent]:
    """A party's history, newest first."""
    rows = tx.execute(
        "SELECT number, at, what, record, fields, correlation_id FROM party_history "
        "WHERE party_id = ? AND number < ? ORDER BY number DESC LIMIT ?",
        (party_id, before or 2**62, limit),
    ).fetchall()
    return [
        PartyEvent(
            number=row[0],
            at=row[1],
            what=row[2],
            record=row[3],
            fields=decode(bytes(row[4]), tuple[str, ...]),
            correlation_id=row[5],
        )
        for row in rows
    ]


def _held(tx: Transaction, records: Sequence[str]) -> dict[str, dict[str, Held]]:
    columns = ", ".join(_CONTRIBUTION)
    found: dict[str, dict[str, Held]] = {}
    for record, *values in tx.select_in(f"SELECT {columns} FROM contribution WHERE record", records):
        facts: dict[str, Any] = dict(zip(_HELD, values, strict=True))
        for name in _VALUES:
            facts[name] = _value(facts[name])
        facts["kept"] = decode(bytes(facts["kept"]), _MaybeKept) if facts["kept"] else None
        found.setdefault(record, {})[facts["field"]] = Held(**facts)
    return found


def _columns(held: Held) -> Row:
    return tuple(
        encode(getattr(held, name)) if name in _ENCODED else _plain(getattr(held, name)) for name in _HELD
    )


def _value(stored: bytes) -> FieldValue:
    value = decode(bytes(stored), object)
    return tuple(value) if isinstance(value, list) else value  # type: ignore[return-value]


def _fields(stored: bytes) -> dict[str, FieldValue]:
    content = decode(bytes(stored), dict[str, Any])
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}


def _plain(value: Any) -> Any:
    return _storable(value) if isinstance(value, str) else value


def _storable(text: str) -> str:
    """Without the one character that no database keeps in a text."""
    return text.replace("\x00", "")
