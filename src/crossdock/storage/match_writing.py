"""The match index in the database, as it is changed.

Everything that adds keys takes their locks first, in one order, and looks again whether anybody came under them
since they were read; then parties are locked, in order of their ids. What was overtaken writes nothing.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from crossdock.durable.codec import decode, encode
from crossdock.identity.recognition.index import (
    CANDIDATES_MAX,
    LOCKS,
    Finding,
    JudgePair,
    KeepModel,
    MoveRecord,
    RaiseDoubt,
    Settled,
    SettleRecord,
    lock_of,
    record_lock,
)
from crossdock.kit.clock import Instant
from crossdock.storage.match_store import read_edges, sharing_query
from crossdock.storage.transaction import Row, Transaction

_FACE = ("party", "record", "features", "keys")
_FACE_AGAIN = "ON CONFLICT (party, record) DO UPDATE SET features = excluded.features, keys = excluded.keys"
_KEY = ("hash", "party")
_DECISION = (
    "record party_id other band rule weight_milli model_version decided_by at open facts"  # as in the table
).split()


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
        self.of: dict[str, tuple[int, set[int]]] = {
            record: (party, unpacked(keys))
            for record, party, keys in tx.select_in(
                "SELECT record, party, keys FROM match_face WHERE record",
                sorted(set(records)),
                f"ORDER BY record {tx.locks}",
            )
        }
        here = encode(sorted({party for party, _ in self.of.values()})).decode()
        known = tx.execute(
            f"SELECT p.party_id FROM {tx.numbers} k JOIN match_party p ON p.number = k.value", (here,)
        ).fetchall()
        wanted = sorted({*party_ids, *(row[0] for row in known)})
        rows = tx.select_in(
            "SELECT number, party_id, version FROM match_party WHERE party_id",
            wanted,
            f"ORDER BY party_id {tx.locks}",
        )
        self.number = {row[1]: row[0] for row in rows}
        self.id = {row[0]: row[1] for row in rows}
        self.version = {row[1]: row[2] for row in rows}
        numbers = encode(sorted(self.id)).decode()
        shown = tx.execute(
            f"SELECT DISTINCT f.party FROM {tx.numbers} k JOIN match_face f ON f.party = k.value", (numbers,)
        ).fetchall()
        self._shown = {self.id[row[0]] for row in shown}

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
        self._tx.insert(
            "match_party", ("party_id", "version"), [(one, 0) for one in new], "ON CONFLICT DO NOTHING"
        )
        for number, party_id, version in self._tx.select_in(
            "SELECT number, party_id, version FROM match_party WHERE party_id", new, "ORDER BY party_id"
        ):
            self.number[party_id], self.id[number], self.version[party_id] = number, party_id, version

    def grow(self, party_ids: Iterable[str]) -> None:
        """Note that the faces of these parties are others now."""
        rows = [(self.version[one] + 1, one) for one in sorted(set(party_ids))]
        self._tx.update("match_party", ("version",), ("party_id",), rows)


def _blinded(tx: Transaction, effect: SettleRecord) -> SettleRecord:
    """The same with its keys as they stand in the index."""
    return replace(effect, keys=tuple(tx.blinded(effect.keys)), added=tuple(tx.blinded(effect.added)))


# ── settling ────────────────────────────────────────────────────────────────────────────────────────


class _Newcomers:
    """Who stands under which keys now, and who came in this very batch."""

    def __init__(self, tx: Transaction, effects: Sequence[SettleRecord], places: _Places) -> None:
        self._places = places
        self._sharing: dict[int, list[int]] = defaultdict(list)
        self._common: set[int] = set()
        self._came: dict[int, set[str]] = defaultdict(set)
        self._grown: set[str] = set()
        self._ids: dict[int, str] = {}
        wanted = sorted({key for one in effects if one.added and not one.certain for key in one.keys})
        if wanted:
            found = tx.execute(sharing_query(tx.numbers), (encode(wanted).decode(),)).fetchall()
            for key, party, party_id in found:
                if party_id:
                    self._sharing[key].append(party)
                    self._ids[party] = party_id
                else:
                    self._common.add(key)

    def overtook(self, effect: SettleRecord) -> bool:
        """Whether somebody came whom the decision did not weigh, or its party is not what it was."""
        target = effect.finding.party_id
        if effect.version >= 0 and (
            target in self._grown or self._places.version.get(target, effect.version) != effect.version
        ):
            return True
        if effect.certain or not effect.added:
            return False
        came = {one for key in effect.keys if key not in self._common for one in self._came.get(key, ())}
        if came - {target}:
            return True
        shared = Counter(party for key in effect.keys for party in self._sharing.get(key, ()))
        nearest = sorted(shared, key=lambda party: (-shared[party], party))[:CANDIDATES_MAX]
        return any(
            shared[party] > effect.seen.get(self._ids[party], 0) for party in nearest if self._ids[party] != target
        )

    def add(self, effect: SettleRecord, party_id: str) -> None:
        """Note who came, and under which keys nobody could have seen them."""
        self._grown.add(party_id)
        for key in effect.added:
            self._came[key].add(party_id)


def settle_records(tx: Transaction, effects: Sequence[SettleRecord], now: Instant) -> list[Settled]:
    """Each in turn, where nothing came between."""
    effects = [_blinded(tx, effect) for effect in effects]
    locks = {record_lock(effect.finding.record) for effect in effects}
    tx.hold_numbers(locks | {lock_of(key) for effect in effects for key in effect.added})
    places = _Places(tx, (one.finding.record for one in effects), (one.finding.party_id for one in effects))
    newcomers = _Newcomers(tx, effects, places)
    created: set[str] = set()
    placed: dict[str, tuple[SettleRecord, str]] = {}
    answers = []
    for effect in effects:
        record, party_id = effect.finding.record, effect.finding.party_id
        known = placed[record][1] if record in placed else places.party_of(record)
        if known:
            placed[record] = effect, known
            newcomers.add(effect, known)
            answers.append(Settled(known, "known"))
        elif newcomers.overtook(effect) or not (effect.creates or places.has_faces(party_id)):
            answers.append(Settled("", "look_again"))
        else:
            created.add(party_id)
            placed[record] = effect, party_id
            newcomers.add(effect, party_id)
            answers.append(Settled(party_id, "settled"))
    places.create(created)
    _write_faces(tx, places, placed)
    rows = [
        _decision_row(effect.finding, effect.decided_by, now)
        for effect, answer in zip(effects, answers, strict=True)
        if answer.fate == "settled"
    ]
    tx.insert("match_decision", _DECISION, rows)
    return answers


def _write_faces(tx: Transaction, places: _Places, placed: dict[str, tuple[SettleRecord, str]]) -> None:
    faces, keys, gone = [], set(), set()
    for record, (effect, party_id) in sorted(placed.items()):
        party = places.number[party_id]
        faces.append((party, record, encode(effect.features), packed(effect.keys)))
        keys |= {(key, party) for key in effect.keys}
        if record in places.of:
            gone |= {(key, party) for key in places.of[record][1] - set(effect.keys)}
    tx.insert("match_face", _FACE, faces, _FACE_AGAIN)
    _drop_keys(tx, gone - keys)
    tx.insert("match_key", _KEY, sorted(keys), "ON CONFLICT DO NOTHING")
    places.grow(party_id for _, party_id in placed.values())


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
        *(int(bool(finding.doubtful)), encode(finding)),
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
