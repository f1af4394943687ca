"""Erasures in the database: keys destroyed, rows gone, hashes of the numbers left; again after a restore."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from crossdock.canonical.party import ExternalReference
from crossdock.durable.codec import decode, encode
from crossdock.durable.records import RunState
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.privacy.erasing import (
    HOLD_LIFTED,
    ErasureLine,
    ForgetParty,
    Forgotten,
    HoldParty,
    erasure_subject,
)
from crossdock.identity.recognition.index import MoveRecord
from crossdock.kit.clock import Instant
from crossdock.storage.audit import write_audit
from crossdock.storage.match_writing import move_records
from crossdock.storage.order_forgetting import find_hashed, forget_orders, hashed_orders
from crossdock.storage.party_store import HISTORY, lock_parties
from crossdock.storage.sealing import merge_subject, party_subject, record_subject
from crossdock.storage.signals import leave_signal
from crossdock.storage.transaction import Transaction
from crossdock.storage.vault import KEY_COLUMNS, new_key_id

T = TypeVar("T")
HELD, RELEASED = "held", "released"
_ERASURE = ("erasure_id", "at", "facts")
_BY_RECORD = (
    ("contribution", "record"),
    ("match_decision", "record"),
    ("match_edge", "one"),
    ("match_edge", "other"),
)
_BY_PARTY = (
    *(("party_pin", "party_id"), ("party_question", "party_id"), ("onboarding", "party_id")),
    *(("party_merge", "survivor"), ("party_merge", "absorbed"), ("cross_reference", "party_id")),
)


class ErasureStore(ABC):
    """See ErasureLedger."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    @abstractmethod
    async def _write(self, work: Callable[[Transaction], T]) -> T: ...

    async def is_erased(self, record: ExternalReference) -> bool:
        """See ErasureLedger."""
        return await self._read(partial(is_erased, record=record))

    async def held_since(self, party_id: str) -> Instant:
        """See ErasureLedger."""
        return await self._read(partial(held_since, party_id=party_id))

    async def erasure_subjects(self, party_id: str) -> Sequence[str]:
        """See ErasureLedger."""
        return await self._read(partial(erasure_subjects, party_id=party_id))

    async def hashed_orders(self, order_ids: Sequence[str]) -> Sequence[str]:
        """See ErasureLedger."""
        return await self._read(partial(hashed_orders, order_ids=order_ids))

    async def list_erasures(self) -> Sequence[ErasureLine]:
        """See ErasureLedger."""
        return await self._read(list_erasures)

    async def replay_erasures(self, lines: Sequence[ErasureLine], now: Instant) -> int:
        """Do again what the database does not know of, as after a restore; how many erasures that were."""
        return await self._write(partial(replay_erasures, lines=lines, now=now))


# ── holds ───────────────────────────────────────────────────────────────────────────────────────────


def held_since(tx: Transaction, party_id: str) -> Instant:
    """The latest word about each party that is part of this one, in their histories: a hold outlives a merge."""
    return min((at for _, at in _held_parts(tx, party_id)), default=0)


def hold_parties(tx: Transaction, effects: Sequence[HoldParty], now: Instant) -> list[bool]:
    """Note each in the party's history; lifting a hold lifts those that came with merges, too."""
    answers = []
    for effect in effects:
        lock_parties(tx, {effect.party_id}, now)
        is_new = bool(held_since(tx, effect.party_id)) != effect.held
        answers.append(is_new)
        if is_new:
            held = [effect.party_id] if effect.held else [each for each, _ in _held_parts(tx, effect.party_id)]
            word = HELD if effect.held else RELEASED
            tx.insert("party_history", HISTORY, [(each, now, word, "", encode(()), "") for each in held])
            if not effect.held:
                _wake_erasures(tx, {effect.party_id, *held}, now)
    return answers


def _wake_erasures(tx: Transaction, party_ids: Collection[str], now: Instant) -> None:
    for subject in sorted(map(erasure_subject, party_ids)):
        open_runs = tx.execute(
            "SELECT id FROM run WHERE subject = ? AND state NOT IN (?, ?) ORDER BY id",
            (subject, RunState.DONE.value, RunState.SKIPPED.value),
        )
        for (run_id,) in open_runs.fetchall():
            leave_signal(tx, run_id, HOLD_LIFTED, encode(True), now)


def _held_parts(tx: Transaction, party_id: str) -> list[tuple[str, Instant]]:
    found, left = [], [party_id]
    for each in left:
        row = tx.execute(
            "SELECT what, at FROM party_history WHERE party_id = ? AND what IN (?, ?) "
            "ORDER BY number DESC LIMIT 1",
            (each, HELD, RELEASED),
        ).fetchone()
        if row is not None and row[0] == HELD:
            found.append((each, row[1]))
        parts = tx.execute(
            "SELECT absorbed FROM party_merge WHERE survivor = ? AND parted_at = 0 ORDER BY absorbed", (each,)
        )
        left += [absorbed for (absorbed,) in parts.fetchall() if absorbed not in left]
    return found


def is_erased(tx: Transaction, record: ExternalReference) -> bool:
    """Whether the record's key was destroyed."""
    hashed = tx.hashed(record_subject(record_key(record)))
    row = tx.execute("SELECT 1 FROM subject_key WHERE subject = ? AND wrapping = ''", (hashed,)).fetchone()
    return row is not None


def erasure_subjects(tx: Transaction, party_id: str) -> list[str]:
    """Keyed hashes of all that is sealed for a party."""
    return _hashed_subjects(tx, _ids(tx, party_id))


def list_erasures(tx: Transaction) -> list[ErasureLine]:
    """All of them."""
    rows = tx.execute("SELECT facts FROM erasure ORDER BY at, erasure_id").fetchall()
    return [decode(row[0].encode(), ErasureLine) for row in rows]


def forget_parties(tx: Transaction, effects: Sequence[ForgetParty], now: Instant) -> list[Forgotten]:
    """Each in turn, and its entry in the audit the first time."""
    answers = []
    for effect in effects:
        asked = effect.asked
        ids = _ids(tx, asked.party_id)
        subjects = _hashed_subjects(tx, ids)
        systems: dict[str, int] = {}
        for each in effect.cleared:
            systems[each.record.system] = systems.get(each.record.system, 0) + 1
        line = ErasureLine(
            erasure_id=asked.erasure_id,
            at=now,
            by=asked.by,
            reason=asked.reason,
            systems=systems,
            subjects=tuple(subjects),
            orders=tuple(hashed_orders(tx, effect.orders)),
        )
        records = _forget(tx, ids, subjects, now)
        forget_orders(tx, effect.orders)
        if _keep(tx, line):
            write_audit(tx, now, asked.by, "erase", f"party/{asked.party_id}", asked.reason)
        answers.append(Forgotten(keys=len(subjects), records=records))
    return answers


def replay_erasures(tx: Transaction, lines: Sequence[ErasureLine], now: Instant) -> int:
    """What is in the log and not here: its parties and records are found by their hashes."""
    known = {row[0] for row in tx.execute("SELECT erasure_id FROM erasure").fetchall()}
    missing = [line for line in lines if line.erasure_id not in known]
    if not missing:
        return 0
    parties: dict[str, str] = {}
    parts: dict[str, list[str]] = {}
    for party_id, into in tx.execute("SELECT party_id, into_party FROM party").fetchall():
        parties[tx.hashed(party_subject(party_id))] = party_id
        if into:
            parts.setdefault(into, []).append(party_id)
    for line in missing:
        _destroy(tx, line.subjects, now)
        for hashed in line.subjects:
            if hashed in parties:
                ids = _whole(parties[hashed], lambda some: chain.from_iterable(parts.get(one, ()) for one in some))
                _forget(tx, ids, _hashed_subjects(tx, ids), now)
        _keep(tx, line)
        write_audit(tx, now, line.by, "erase-again", f"erasure/{line.erasure_id}", line.reason)
    # Only a look at every order tells which are meant: one look for all erasures.
    forget_orders(tx, find_hashed(tx, {order for line in missing for order in line.orders}))
    return len(missing)


def _hashed_subjects(tx: Transaction, ids: Sequence[str]) -> list[str]:
    return sorted({tx.hashed(subject) for subject in _subjects(tx, ids)})


def _subjects(tx: Transaction, ids: Sequence[str]) -> Iterable[str]:
    for one in ids:
        yield party_subject(one)
        merges = tx.execute("SELECT merge_id FROM party_merge WHERE survivor = ? OR absorbed = ?", (one, one))
        yield from (merge_subject(row[0]) for row in merges.fetchall())
    yield from (record_subject(record) for record in _records(tx, ids))


def _ids(tx: Transaction, party_id: str) -> list[str]:
    """The party, and those that were merged into it, and into those."""

    def parts_of(some: Sequence[str]) -> Iterable[str]:
        return (row[0] for row in tx.select_in("SELECT party_id FROM party WHERE into_party", some))

    return _whole(party_id, parts_of)


def _whole(party_id: str, parts_of: Callable[[Sequence[str]], Iterable[str]]) -> list[str]:
    found = latest = [party_id]
    while latest:
        latest = sorted(set(parts_of(latest)).difference(found))
        found = [*found, *latest]
    return found


def _records(tx: Transaction, ids: Sequence[str]) -> list[str]:
    rows = tx.select_in("SELECT record FROM cross_reference WHERE party_id", ids)
    return sorted(row[0] for row in rows)


def _forget(tx: Transaction, ids: Sequence[str], subjects: Collection[str], now: Instant) -> int:
    """Destroy the keys of a party and its parts and let go of the rows; how many records there were."""
    records = _records(tx, ids)
    _destroy(tx, subjects, now)
    move_records(tx, [MoveRecord(record=record, party_id="") for record in records], now)
    for table, column in _BY_RECORD:
        _delete(tx, table, column, records)
    for table, column in _BY_PARTY:
        _delete(tx, table, column, ids)
    tx.update("party", ("golden", "updated_at"), ("party_id",), [(b"{}", now, one) for one in sorted(ids)])
    if records:
        row = (ids[0], now, "erased", "", encode([]), "")
        tx.insert("party_history", ("party_id", "at", "what", "record", "fields", "correlation_id"), [row])
        tx.ask_in("UPDATE party_history SET record = '' WHERE party_id", ids, "RETURNING number").fetchall()
    return len(records)


def _delete(tx: Transaction, table: str, column: str, keys: Sequence[str]) -> None:
    tx.ask_in(f"DELETE FROM {table} WHERE {column}", keys, f"RETURNING {column}").fetchall()


def _destroy(tx: Transaction, subjects: Collection[str], now: Instant) -> None:
    """Empty every key of these, and leave an empty one where there was none."""
    hashed = sorted(subjects)
    gone = tx.ask_in(
        "UPDATE subject_key SET wrapping = '' WHERE subject", hashed, "RETURNING key_id, subject"
    ).fetchall()
    tx.update("subject_key", ("wrapped",), ("key_id",), [(b"", row[0]) for row in gone])
    left = {row[1] for row in gone}
    new = [(new_key_id(), subject, b"", "", now) for subject in hashed if subject not in left]
    tx.insert("subject_key", KEY_COLUMNS, new)


def _keep(tx: Transaction, line: ErasureLine) -> bool:
    row = (line.erasure_id, line.at, encode(line).decode())
    return bool(tx.insert_new("erasure", _ERASURE, ("erasure_id",), [row]))
