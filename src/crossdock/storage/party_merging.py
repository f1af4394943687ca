"""Merges of parties in the database: records change hands, ids are retired and come back, nothing is copied.

Locks are taken as by every change of a party: records first, then parties, each in order of their keys. Whoever
adds a record to a party that was retired meanwhile finds that out under the party's lock (see `party_store`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from crossdock.durable.codec import decode, encode
from crossdock.identity.golden.joining import (
    Joined,
    JoinParties,
    Merge,
    NoteRepair,
    Parted,
    PartParties,
    Repair,
    repairs_of,
)
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyFile, record_key
from crossdock.identity.recognition.index import Finding
from crossdock.kit.clock import Instant
from crossdock.storage.party_store import HISTORY, advance, lock_parties, read_party, root_of
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")
_MERGE = ("merge_id", "survivor", "absorbed", "at", "parted_at", "facts")
_PIN = ("party_id", "unit", "facts")


class MergeStore(ABC):
    """See MergeLedger."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def read_merge(self, merge_id: str) -> Merge | None:
        """See MergeLedger."""
        return await self._read(partial(read_merge, merge_id=merge_id))

    async def list_merges(self, party_id: str) -> Sequence[Merge]:
        """See MergeLedger."""
        return await self._read(partial(list_merges, party_id=party_id))


def read_merge(tx: Transaction, merge_id: str, locks: str = "") -> Merge | None:
    """A merge."""
    row = tx.execute(f"SELECT facts FROM party_merge WHERE merge_id = ? {locks}", (merge_id,)).fetchone()
    return decode(bytes(row[0]), Merge) if row else None


def list_merges(tx: Transaction, party_id: str) -> list[Merge]:
    """A party's merges, newest first."""
    rows = tx.execute(
        "SELECT facts FROM party_merge WHERE survivor = ? OR absorbed = ? ORDER BY at DESC, merge_id LIMIT ?",
        (party_id, party_id, PAGE_ROWS_MAX),
    ).fetchall()
    return [decode(bytes(row[0]), Merge) for row in rows]


# ── putting together ────────────────────────────────────────────────────────────────────────────────


def join_parties(tx: Transaction, effects: Sequence[JoinParties], now: Instant) -> list[Joined]:
    """Each in turn."""
    return [_join(tx, effect, now) for effect in effects]


def _join(tx: Transaction, effect: JoinParties, now: Instant) -> Joined:
    known = read_merge(tx, effect.merge_id)
    if known is not None:
        return _joined(known)
    survivor = root_of(tx, effect.survivor)
    absorbed = root_of(tx, effect.absorbed)
    if not (survivor and absorbed):
        return Joined(fate="unknown")
    _lock_records(tx, "party_id", {survivor, absorbed})
    sequences = lock_parties(tx, {survivor, absorbed}, now)
    if root_of(tx, survivor) != survivor or root_of(tx, absorbed) != absorbed:
        return _join(tx, effect, now)  # somebody was merged while we waited for the lock
    if survivor == absorbed:
        return Joined(fate="already", survivor=survivor)
    if absorbed != effect.absorbed:
        return Joined(fate="moved_on", survivor=survivor, absorbed=absorbed)
    stays, goes = _file(tx, survivor), _file(tx, absorbed)
    sequence = max(now, *sequences.values()) + 1
    merge = Merge(
        merge_id=effect.merge_id,
        survivor=survivor,
        absorbed=absorbed,
        at=now,
        by=effect.by,
        reason=effect.reason,
        sequence=sequence,
        moved=_keys(goes),
        stayed=_keys(stays),
        pins=_join_pins(tx, effect, stays, goes),
        repairs=repairs_of(stays, goes, effect.merging),
    )
    tx.execute("UPDATE cross_reference SET party_id = ? WHERE party_id = ?", (survivor, absorbed))
    tx.update("party", ("into_party", "golden"), ("party_id",), [(survivor, b"{}", absorbed)])
    tx.execute("DELETE FROM party_question WHERE party_id = ?", (absorbed,))
    _close_doubts(tx, (*merge.moved, *merge.stayed), {survivor, absorbed})
    advance(tx, dict.fromkeys((survivor, absorbed), sequence), now)
    tx.insert("party_merge", _MERGE, [_row(merge)])
    tx.insert(
        "party_history",
        HISTORY,
        [
            (survivor, now, "merged", absorbed, encode(()), effect.correlation_id),
            (absorbed, now, "retired", survivor, encode(()), effect.correlation_id),
        ],
    )
    return _joined(merge)


def _join_pins(tx: Transaction, effect: JoinParties, stays: PartyFile, goes: PartyFile) -> tuple[str, ...]:
    """Let the survivor's decisions hold, then the absorbed one's; those of the merge before both.

    What a decision of the merge takes the place of is set aside under the merge's id.
    """
    chosen = {pin.unit: pin for pin in effect.pins}
    aside = [(effect.merge_id, pin.unit, encode(pin)) for pin in stays.pins if pin.unit in chosen]
    tx.insert("party_pin", _PIN, aside)
    for _, unit, _ in aside:
        tx.execute("DELETE FROM party_pin WHERE party_id = ? AND unit = ?", (stays.party_id, unit))
    own = {pin.unit for pin in stays.pins}
    come = {pin.unit: pin for pin in goes.pins if pin.unit not in own} | chosen
    tx.insert("party_pin", _PIN, [(stays.party_id, unit, encode(pin)) for unit, pin in sorted(come.items())])
    return tuple(sorted(come))


def _joined(merge: Merge) -> Joined:
    return Joined(
        fate="joined",
        survivor=merge.survivor,
        absorbed=merge.absorbed,
        sequence=merge.sequence,
        moved=merge.moved,
        repairs=merge.repairs,
    )


def _close_doubts(tx: Transaction, records: Collection[str], parties: set[str]) -> None:
    """Nobody need look at doubts that were about these parties alone."""
    rows = tx.select_in(
        "SELECT number, facts FROM match_decision WHERE open = 1 AND record", sorted(records), "ORDER BY number"
    )
    for number, facts in rows:
        if parties.issuperset(decode(bytes(facts), Finding).doubtful):
            tx.execute("UPDATE match_decision SET open = 0 WHERE number = ?", (number,))


# ── taking apart ────────────────────────────────────────────────────────────────────────────────────


def part_parties(tx: Transaction, effects: Sequence[PartParties], now: Instant) -> list[Parted]:
    """Each in turn."""
    return [_part(tx, effect, now) for effect in effects]


def _part(tx: Transaction, effect: PartParties, now: Instant) -> Parted:
    merge = read_merge(tx, effect.merge_id)
    if merge is None:
        return Parted(fate="unknown")
    _lock_records(tx, "record", merge.moved)
    holder = root_of(tx, merge.survivor)
    sequences = lock_parties(tx, {holder, merge.absorbed}, now)
    merge = read_merge(tx, effect.merge_id, tx.locks) or merge
    if not merge.stands:
        return _parted(merge, "already", holder, sequences[merge.absorbed])
    for record in merge.moved:
        row = (merge.absorbed, record, holder)
        tx.execute("UPDATE cross_reference SET party_id = ? WHERE record = ? AND party_id = ?", row)
    tx.execute("UPDATE party SET into_party = '' WHERE party_id = ?", (merge.absorbed,))
    away = [each for each in merge.repairs if each.state == "done" and each.how != "link"]
    for each in away:
        _set_state(tx, each, "parting", now)
    _part_pins(tx, merge, holder)
    sequence = max(now, *sequences.values()) + 1
    advance(tx, dict.fromkeys((holder, merge.absorbed), sequence), now)
    parted = msgspec.structs.replace(merge, parted_at=now, parted_by=effect.by, parted_reason=effect.reason)
    _write(tx, parted)
    tx.insert(
        "party_history",
        HISTORY,
        [
            (holder, now, "parted", merge.absorbed, encode(()), effect.correlation_id),
            (merge.absorbed, now, "restored", holder, encode(()), effect.correlation_id),
        ],
    )
    return _parted(parted, "parted", holder, sequence)


def _part_pins(tx: Transaction, merge: Merge, holder: str) -> None:
    """Take back the decisions that came with the merge, unless somebody decided anew since."""
    pins = {pin.unit: pin for pin in _file(tx, holder).pins}
    for unit in merge.pins:
        if unit in pins and pins[unit].at <= merge.at:
            tx.execute("DELETE FROM party_pin WHERE party_id = ? AND unit = ?", (holder, unit))
            del pins[unit]
    aside = tx.execute("SELECT unit, facts FROM party_pin WHERE party_id = ?", (merge.merge_id,)).fetchall()
    back = [(holder, unit, bytes(facts)) for unit, facts in aside if unit not in pins]
    tx.insert("party_pin", _PIN, back)
    tx.execute("DELETE FROM party_pin WHERE party_id = ?", (merge.merge_id,))


def _parted(merge: Merge, fate: str, holder: str, sequence: int) -> Parted:
    return Parted(
        fate=fate,  # type: ignore[arg-type]
        holder=holder,
        absorbed=merge.absorbed,
        sequence=sequence,
        moved=merge.moved,
        stayed=merge.stayed,
        repairs=merge.repairs,
    )


# ── what becomes of it outside ──────────────────────────────────────────────────────────────────────


def note_repairs(tx: Transaction, effects: Sequence[NoteRepair], now: Instant) -> list[bool]:
    """Note how each went; a record that was blocked or merged away no longer counts, one set free counts again."""
    answers = []
    for effect in effects:
        merge = read_merge(tx, effect.merge_id, tx.locks)
        answers.append(merge is not None)
        if effect.repair is not None:
            _note_state(tx, effect.repair, now, stands=merge is None or merge.stands)
        if merge is not None:
            repairs = tuple(_newer(each, effect.repair) for each in merge.repairs)
            left = (*merge.left, *(line for line in effect.left if line not in merge.left))
            _write(tx, msgspec.structs.replace(merge, repairs=repairs, left=left))
    return answers


def _newer(known: Repair, noted: Repair | None) -> Repair:
    return noted if noted is not None and known.absorbed == noted.absorbed else known


def _note_state(tx: Transaction, repair: Repair, now: Instant, *, stands: bool) -> None:
    if repair.how == "link":
        return
    if repair.state == "undone":
        _set_state(tx, repair, "live", now)
    elif repair.state == "done":
        _set_state(tx, repair, "merged" if stands else "parting", now)
    elif repair.state in {"final", "recreated"}:
        row = ("merged", now, record_key(repair.absorbed), "parting")
        tx.execute("UPDATE cross_reference SET state = ?, at = ? WHERE record = ? AND state = ?", row)


def _set_state(tx: Transaction, repair: Repair, state: str, now: Instant) -> None:
    tx.update("cross_reference", ("state", "at"), ("record",), [(state, now, record_key(repair.absorbed))])


def _lock_records(tx: Transaction, column: str, keys: Collection[str]) -> None:
    if tx.locks:
        sql = f"SELECT record FROM cross_reference WHERE {column}"
        tx.select_in(sql, sorted(keys), f"ORDER BY record {tx.locks}")


def _file(tx: Transaction, party_id: str) -> PartyFile:
    found = read_party(tx, party_id)
    assert found is not None, "its row is locked"
    return found


def _keys(party: PartyFile) -> tuple[str, ...]:
    return tuple(record_key(record.reference) for record in party.records)


def _row(merge: Merge) -> Row:
    return merge.merge_id, merge.survivor, merge.absorbed, merge.at, merge.parted_at, encode(merge)


def _write(tx: Transaction, merge: Merge) -> None:
    row = (merge.parted_at, encode(merge), merge.merge_id)
    tx.update("party_merge", ("parted_at", "facts"), ("merge_id",), [row])
