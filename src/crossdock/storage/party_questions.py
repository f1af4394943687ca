"""The questions about parties in the database: opened, closed, looked at."""

from crossdock.durable.codec import decode, encode
from crossdock.identity.golden.ledger import KeepGolden, OpenQuestion, QuestionPosition, record_key
from crossdock.identity.golden.spreading import Question
from crossdock.kit.clock import Instant
from crossdock.storage.transaction import Transaction

_QUESTION = ("party_id", "unit", "kind", "record", "since", "facts")


def ask_questions(tx: Transaction, effect: KeepGolden, now: Instant) -> tuple[Question, ...]:
    """Open those that are new, close those that nobody asks any more; one about another statement is a new one."""
    rows = tx.select_in("SELECT unit, kind, record, facts FROM party_question WHERE party_id", [effect.party_id])
    known = {(unit, kind, record): decode(facts, Question) for unit, kind, record, facts in rows}
    asked = {
        (each.unit, each.kind, record_key(each.record) if each.record else ""): each for each in effect.questions
    }
    for unit, kind, record in sorted(known.keys() - asked.keys()):
        tx.execute(
            "DELETE FROM party_question WHERE party_id = ? AND unit = ? AND kind = ? AND record = ?",
            (effect.party_id, unit, kind, record),
        )
    new = [key for key in sorted(asked) if known.get(key) != asked[key]]
    rows = [(effect.party_id, *key, now, encode(asked[key])) for key in new]
    tx.insert(
        "party_question",
        _QUESTION,
        rows,
        "ON CONFLICT (party_id, unit, kind, record) DO UPDATE SET since = excluded.since, facts = excluded.facts",
    )
    return tuple(asked[key] for key in new)


def list_questions(tx: Transaction, behind: QuestionPosition | None, limit: int) -> list[OpenQuestion]:
    """Open questions of all parties, oldest first."""
    place = behind or QuestionPosition(-1, "", "")
    rows = tx.execute(
        "SELECT party_id, facts, since FROM party_question WHERE (since, party_id, unit) > (?, ?, ?) "
        "ORDER BY since, party_id, unit LIMIT ?",
        (place.since, place.party_id, place.unit, limit),
    ).fetchall()
    return [OpenQuestion(party_id=row[0], question=decode(bytes(row[1]), Question), since=row[2]) for row in rows]
