"""The match index in the database, as it is changed.

Everything that adds keys takes their locks first, in one order, and looks again whether anybody came under them
since they were read; then parties are locked, in order of their ids. What was overtaken writes nothing.
"""

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from crossdock.durable.codec import decode, encode
from crossdock.identity.recognition.index import (
    LOCKS,
    PER_KEY_MAX,
    Finding,
    JudgePair,
    KeepModel,
    MoveRecord,
    RaiseDoubt,
    Settled,
    SettleRecord,
    lock_of,
    nearest_of,
    record_lock,
)
from crossdock.identity.recognition.reviews import signature_of
from crossdock.kit.clock import Instant
from crossdock.storage.match_looks import STATE_STEP, lists_of, standing
from crossdock.storage.match_store import read_edges
from crossdock.storage.transaction import Row, Transaction, Words

_FACE = ("party", "record", "features", "keys")
_FACE_AGAIN = "ON CONFLICT (party, record) DO UPDATE SET features = excluded.features, keys = excluded.keys"
_PARTY_AGAIN = "ON CONFLICT (party_id) DO UPDATE SET version = match_party.version + 1"
_KEY = ("hash", "party")
_DECISION = (
    "record party_id other band rule weight_milli model_version "  # as in the table
    "decided_by at open facts signature"
).split()


_UNKNOWN = -2
"""What no look tells."""


@lru_cache(maxsize=8)
def state_query(words: Words) -> str:
    """The state (as in a look) under each of several keys, one JSON array; none of them is common."""
    return (
        "SELECT k.owner AS owner, "
        f"(SELECT CAST(sum({STATE_STEP} + m.party) AS bigint) FROM match_key m WHERE m.hash = k.value) AS state "
        f"FROM {words.numbered} k"
    )


@lru_cache(maxsize=8)
def sharing_query(words: Words, per_key_max: int = PER_KEY_MAX) -> str:
    """The parties under several keys, one JSON array, as one text; each key begins its own."""
    return standing(words, "k.value", per_key_max)


def packed(keys: Iterable[int]) -> bytes:
    """Keys as they stand beside a face: what it brought in can be taken out, whatever keys later releases make."""
    return array("q", sorted(keys)).tobytes()


def unpacked(content: bytes) -> set[int]:
    """The keys again."""
    return set(array("q", bytes(content)))


class _Places:
    """Where records stand, and the parties that a batch touches, locked."""

    def __init__(self, tx: Transaction, records: Iterable[str], party_ids: Iterable[str]) -> None:
        self._tx = tx
        self._new: set[str] = set()
        self.of: dict[str, tuple[int, set[int]]] = {
            record: (party, unpacked(keys)) for record, party, keys in self._faces(sorted(set(records)))
        }
        here = sorted({party for party, _ in self.of.values()})
        known: Sequence[Sequence[str]] = ()
        if here:
            sql = f"SELECT p.party_id FROM {tx.numbers} k JOIN match_party p ON p.number = k.value"
            known = tx.gather(sql, ("party_id",), (_json(here),))
        rows = self._parties(sorted({*party_ids, *(row[0] for row in known)}), tx.locks and f"{tx.locks} OF p")
        self.number = {party_id: number for number, party_id, _ in rows}
        self.id = {number: party_id for number, party_id, _ in rows}
        self.version = {party_id: version for _, party_id, version in rows}
        self._shown: set[str] = set()
        if rows:
            sql = f"SELECT DISTINCT f.party AS party FROM {tx.numbers} k JOIN match_face f ON f.party = k.value"
            shown = tx.gather(sql, ("party",), (_json(sorted(self.id)),))
            self._shown = {self.id[row[0]] for row in shown}

    def _faces(self, records: Sequence[str]) -> Sequence[Sequence[Any]]:
        tx = self._tx
        sql = (
            f"SELECT f.record AS record, f.party AS party, f.keys AS keys FROM {tx.words.texts} t "
            f"JOIN match_face f ON f.record = t.value ORDER BY f.record {tx.locks and f'{tx.locks} OF f'}"
        )
        return tx.gather(sql, ("record", "party"), (_json(records),), "keys")

    def _parties(self, party_ids: Sequence[str], locks: str = "") -> Sequence[Sequence[Any]]:
        sql = (
            "SELECT p.number AS number, p.party_id AS party_id, p.version AS version "
            f"FROM {self._tx.words.texts} t "
            f"JOIN match_party p ON p.party_id = t.value ORDER BY p.party_id {locks}"
        )
        return self._tx.gather(sql, ("number", "party_id", "version"), (_json(party_ids),))

    def has_faces(self, party_id: str) -> bool:
        """Whether the party was one with a record before this batch."""
        return party_id in self._shown

    def party_of(self, record: str) -> str:
        """The party under which a record stands, or an empty text."""
        place = self.of.get(record)
        return self.id[place[0]] if place else ""

    def create(self, party_ids: Iterable[str]) -> None:
        """Begin with these parties, too."""
        new = sorted(set(party_ids) - self.number.keys())
        if not new:
            return
        rows = [(one, 1) for one in new]
        self._tx.insert_at_once("match_party", ("party_id", "version"), rows, _PARTY_AGAIN)
        self._new = set(new)
        for number, party_id, version in self._parties(new):
            self.number[party_id], self.id[number], self.version[party_id] = number, party_id, version

    def begun(self) -> set[str]:
        """The parties that there are since `create`."""
        return {one for one in self._new if self.version[one] == 1}

    def grow(self, party_ids: Iterable[str]) -> None:
        """Note that the faces of these parties are others now; new ones are as they are."""
        rows = [(self.version[one] + 1, one) for one in sorted(set(party_ids) - self._new)]
        self._tx.update("match_party", ("version",), ("party_id",), rows)


def _blinded(tx: Transaction, effects: Sequence[SettleRecord]) -> Sequence[SettleRecord]:
    """The same with their keys as they stand in the index."""
    keys = list({key for effect in effects for key in effect.keys})
    hashed = tx.blinded(keys)
    if hashed == keys:
        return effects
    blind = dict(zip(keys, hashed, strict=True)).__getitem__
    return [
        replace(
            effect,
            keys=tuple(map(blind, effect.keys)),
            added=tuple(map(blind, effect.added)),
            common=tuple(map(blind, effect.common)),
        )
        for effect in effects
    ]


def _json(values: Sequence[Any]) -> str:
    return encode(values).decode()


# ── settling ────────────────────────────────────────────────────────────────────────────────────────


class _Newcomers:
    """Who stands under which keys now, and who came in this very batch."""

    def __init__(self, tx: Transaction, effects: Sequence[SettleRecord], places: _Places) -> None:
        self._places = places
        self._sharing: dict[int, list[int]] = defaultdict(list)
        self._common: set[int] = set()
        self._came: dict[int, set[str]] = {}
        self._grown: set[str] = set()
        self._ids: dict[int, str] = {}
        weighed = [one for one in effects if one.added and not one.certain]
        states = _states(tx, weighed)
        self._changed = {
            one.finding.record for one, state in zip(weighed, states, strict=True) if state != one.state
        }
        wanted = sorted({key for one in weighed if one.finding.record in self._changed for key in one.keys})
        if wanted:
            ((found,),) = tx.execute(sharing_query(tx.words), (_json(wanted),)).fetchall()
            for key, *parties in lists_of(f"[{found or ''}]"):
                if len(parties) > PER_KEY_MAX:
                    self._common.add(key)
                else:
                    self._sharing[key] = parties
            self._ids = _ids(tx, {party for parties in self._sharing.values() for party in parties})

    def overtook(self, effect: SettleRecord) -> bool:
        """Whether somebody came whom the decision did not weigh, or its party is not what it was."""
        target = effect.finding.party_id
        if effect.version >= 0 and (
            target in self._grown or self._places.version.get(target, effect.version) != effect.version
        ):
            return True
        if effect.certain or not effect.added:
            return False
        came = self._came
        if any(
            key not in effect.common and key not in self._common and came[key] != {target}
            for key in came.keys() & effect.keys
        ):
            return True
        return effect.finding.record in self._changed and self._shares_more(effect)

    def _shares_more(self, effect: SettleRecord) -> bool:
        """Whether one of the nearest parties shares more keys with the record than when it was weighed."""
        shared: dict[int, list[int]] = defaultdict(list)
        near: dict[int, float] = defaultdict(float)
        for key in effect.keys:
            parties = self._sharing.get(key, ())
            for party in parties:
                shared[party].append(key)
                near[party] += 1 / len(parties)
        return any(
            len(shared[party]) > effect.seen.get(self._ids[party], 0)
            for party in nearest_of(near, shared)
            if self._ids[party] != effect.finding.party_id
        )

    def add(self, effect: SettleRecord, party_id: str) -> None:
        """Note who came, and under which keys nobody could have seen them."""
        self._grown.add(party_id)
        for key in effect.added:
            self._came.setdefault(key, set()).add(party_id)


def _ids(tx: Transaction, parties: Collection[int]) -> dict[int, str]:
    sql = (
        "SELECT p.number AS number, p.party_id AS party_id "
        f"FROM {tx.numbers} k JOIN match_party p ON p.number = k.value"
    )
    return dict(tx.gather(sql, ("number", "party_id"), (_json(sorted(parties)),)))


def _states(tx: Transaction, effects: Sequence[SettleRecord]) -> list[int]:
    """The state under the keys of each record now, as looks tell it; another one where the look told none."""
    keys = [[key for key in one.keys if key not in one.common] if one.state >= 0 else [] for one in effects]
    flat = [key for some in keys for key in some]
    found = (
        {row[0]: row[1] for row in tx.gather(state_query(tx.words), ("owner", "state"), (_json(flat),))}
        if flat
        else {}
    )
    now = iter(range(len(flat)))
    return [
        sum(found[next(now)] or 0 for _ in some) if one.state >= 0 else _UNKNOWN
        for one, some in zip(effects, keys, strict=True)
    ]


def settle_records(tx: Transaction, effects: Sequence[SettleRecord], now: Instant) -> list[Settled]:
    """Each in turn, where nothing came between."""
    effects = _blinded(tx, effects)
    # All that can be got ready before is: whoever waits for one of the locks waits until the commit.
    shown = [(encode(effect.features), packed(effect.keys)) for effect in effects]
    decisions = [_decision_row(effect.finding, effect.decided_by, now) for effect in effects]
    locks = {record_lock(effect.finding.record) for effect in effects}
    tx.hold_numbers(locks | {lock_of(key) for effect in effects for key in effect.added})
    places = _Places(tx, (one.finding.record for one in effects), (one.finding.party_id for one in effects))
    newcomers = _Newcomers(tx, effects, places)
    created: set[str] = set()
    placed: dict[str, tuple[int, str]] = {}
    answers = []
    for nth, effect in enumerate(effects):
        record, party_id = effect.finding.record, effect.finding.party_id
        known = placed[record][1] if record in placed else places.party_of(record)
        if known:
            placed[record] = nth, known
            newcomers.add(effect, known)
            answers.append(Settled(known, "known"))
        elif newcomers.overtook(effect) or not (effect.creates or places.has_faces(party_id)):
            answers.append(Settled("", "look_again"))
        else:
            created.add(party_id)
            placed[record] = nth, party_id
            newcomers.add(effect, party_id)
            answers.append(Settled(party_id, "settled"))
    places.create(created)
    _write_faces(tx, places, [(*shown[nth], effects[nth], party_id) for nth, party_id in placed.values()])
    rows = [row for row, answer in zip(decisions, answers, strict=True) if answer.fate == "settled"]
    tx.insert_at_once("match_decision", _DECISION, rows)
    return answers


def _write_faces(
    tx: Transaction, places: _Places, placed: Sequence[tuple[bytes, bytes, SettleRecord, str]]
) -> None:
    """Features and keys as they are stored, what they are of, and its party."""
    faces: list[Row] = []
    new: set[tuple[int, int]] = set()
    more: set[tuple[int, int]] = set()
    gone: set[tuple[int, int]] = set()
    begun = places.begun()
    for features, keys, effect, party_id in placed:
        party, record = places.number[party_id], effect.finding.record
        faces.append((party, record, features, keys))
        (new if party_id in begun else more).update((key, party) for key in effect.keys)
        if record in places.of:
            gone |= {(key, party) for key in places.of[record][1] - set(effect.keys)}
    tx.insert_at_once("match_face", _FACE, sorted(faces, key=_record_of), _FACE_AGAIN)
    _drop_keys(tx, gone - more)
    # Nothing can stand under a number that was given a moment ago: PostgreSQL is spared looking whether it does.
    tx.insert_at_once("match_key", _KEY, sorted(new))
    tx.insert_at_once("match_key", _KEY, sorted(more), "ON CONFLICT DO NOTHING")
    places.grow(party_id for _, _, _, party_id in placed)


def _record_of(face: Row) -> Any:
    return face[1]


def _drop_keys(tx: Transaction, gone: set[tuple[int, int]]) -> None:
    """Take keys from parties, but for those that another of their faces has."""
    held: dict[int, set[int]] = defaultdict(set)
    for party in {party for _, party in gone}:
        for (keys,) in tx.execute("SELECT keys FROM match_face WHERE party = ?", (party,)).fetchall():
            held[party] |= unpacked(keys)
    for key, party in sorted(gone):
        if key not in held[party]:
            tx.execute("DELETE FROM match_key WHERE hash = ? AND party = ?", (key, party))


def _decision_row(finding: Finding, decided_by: str, now: Instant) -> Row:
    best = finding.weighed[0] if finding.weighed else None
    return (
        *(finding.record, finding.party_id, best.party_id if best else "", finding.band, finding.rule),
        *(round(best.decision.weight * 1_000) if best else 0, finding.model_version, decided_by, now),
        *(int(bool(finding.doubtful)), encode(finding), signature_of(finding) if finding.doubtful else ""),
    )


# ── moving, judging, models ─────────────────────────────────────────────────────────────────────────


def move_records(tx: Transaction, effects: Sequence[MoveRecord], _now: Instant) -> list[bool]:
    """Each in turn; False for a record that the index does not have.

    No lock of a key is needed: whoever weighed one of the two parties sees that its version is another now.
    """
    places = _Places(tx, (one.record for one in effects), (one.party_id for one in effects if one.party_id))
    places.create(effect.party_id for effect in effects if effect.party_id)
    answers, grown = [], set()
    for effect in effects:
        place = places.of.get(effect.record)
        answers.append(place is not None)
        if place is None:
            continue
        party, keys = place
        grown.add(places.id[party])
        if effect.party_id:
            target = places.number[effect.party_id]
            tx.execute("UPDATE match_face SET party = ? WHERE record = ?", (target, effect.record))
            tx.insert("match_key", _KEY, [(key, target) for key in sorted(keys)], "ON CONFLICT DO NOTHING")
            places.of[effect.record] = target, keys
            grown.add(effect.party_id)
        else:
            tx.execute("DELETE FROM match_face WHERE record = ?", (effect.record,))
            del places.of[effect.record]
        _drop_keys(tx, {(key, party) for key in keys})
    places.grow(grown)
    return answers


def judge_pairs(tx: Transaction, effects: Sequence[JudgePair], now: Instant) -> list[bool]:
    """Note each word; "not the same" stays, whatever is said later. What asked for it is answered."""
    answers = []
    for effect in effects:
        pair = tuple(sorted((effect.one, effect.other)))
        row = (*pair, effect.verdict, effect.decided_by, effect.reason, now)
        tx.insert(
            "match_edge",
            ("one", "other", "verdict", "decided_by", "reason", "at"),
            [row],
            "ON CONFLICT (one, other) DO UPDATE SET verdict = excluded.verdict, decided_by = excluded.decided_by, "
            "reason = excluded.reason, at = excluded.at WHERE match_edge.verdict = 'same'",
        )
        kept = tx.execute("SELECT verdict FROM match_edge WHERE one = ? AND other = ?", pair).fetchone()
        answers.append(kept[0] == effect.verdict)
        for record in pair:
            _close_doubts(tx, record)
    return answers


def _close_doubts(tx: Transaction, record: str) -> None:
    """A record that is said to be one with another, or apart from all in question, asks for nobody any more."""
    doubts = tx.execute(
        "SELECT number, facts FROM match_decision WHERE record = ? AND open = 1 ORDER BY number", (record,)
    ).fetchall()
    edges = read_edges(tx, record) if doubts else []
    same = any(edge.verdict == "same" for edge in edges)
    judged = {edge.party_id for edge in edges}
    for number, facts in doubts:
        if same or judged.issuperset(decode(bytes(facts), Finding).doubtful):
            tx.execute("UPDATE match_decision SET open = 0 WHERE number = ?", (number,))


def raise_doubts(tx: Transaction, effects: Sequence[RaiseDoubt], now: Instant) -> list[bool]:
    """Ask a steward, unless he is asked already or has answered."""
    answers = []
    for effect in effects:
        finding = effect.finding
        judged = {edge.other for edge in read_edges(tx, finding.record)}
        open_ = tx.execute("SELECT facts FROM match_decision WHERE record = ? AND open = 1", (finding.record,))
        asked = [set(decode(bytes(row[0]), Finding).doubtful) for row in open_.fetchall()]
        is_new = judged.isdisjoint(one.record for one in finding.weighed) and not any(
            parties.issuperset(finding.doubtful) for parties in asked
        )
        if is_new:
            tx.insert("match_decision", _DECISION, [_decision_row(finding, effect.decided_by, now)])
        answers.append(is_new)
    return answers


def keep_models(tx: Transaction, effects: Sequence[KeepModel], now: Instant) -> list[str]:
    """Keep each; the last one is active."""
    for effect in effects:
        tx.hold_numbers([LOCKS])
        tx.execute("UPDATE match_model SET active = 0 WHERE active = 1")
        tx.insert(
            "match_model",
            ("version", "content", "note", "at", "active"),
            [(effect.version, effect.content, effect.note, now, 1)],
            "ON CONFLICT (version) DO UPDATE SET active = 1",
        )
    return [effect.version for effect in effects]
