"""Records that the ledger knows take their place in the match index, as the ledger has them by then."""

from collections.abc import Collection, Sequence

from crossdock.identity.recognition.index import Finding, IndexKnown, MoveRecord, SettleRecord
from crossdock.kit.clock import Instant
from crossdock.storage.match_writing import move_records, settle_records
from crossdock.storage.transaction import Transaction


def index_known(tx: Transaction, effects: Sequence[IndexKnown], now: Instant) -> list[bool]:
    """Each under its party. Whoever moves a record in the ledger meanwhile comes before or after it."""
    records = sorted({effect.record for effect in effects})
    before = _owners(tx, records)
    placed = [_settlement(effect, before[effect.record]) for effect in effects if effect.record in before]
    settled = settle_records(tx, placed, now) if placed else []
    stands = {effect.finding.record: one.party_id for effect, one in zip(placed, settled, strict=True)}
    now_owned = _owners(tx, records, tx.locks)
    moves = [
        MoveRecord(record=record, party_id=now_owned.get(record, ""))
        for record, party_id in stands.items()
        if now_owned.get(record, "") != party_id
    ]
    if moves:
        move_records(tx, moves, now)
    return [effect.record in now_owned and effect.record in stands for effect in effects]


def _owners(tx: Transaction, records: Collection[str], locks: str = "") -> dict[str, str]:
    """The party of each living record."""
    sql = "SELECT record, party_id, state FROM cross_reference WHERE record"
    rows = tx.select_in(sql, records, f"ORDER BY record {locks}")
    return {record: party_id for record, party_id, state in rows if state == "live"}


def _settlement(effect: IndexKnown, party_id: str) -> SettleRecord:
    return SettleRecord(
        finding=Finding(record=effect.record, party_id=party_id, band="link", rule="reference"),
        features=effect.features,
        keys=effect.keys,
        added=effect.keys,
        seen={},
        creates=True,
        certain=True,
    )
