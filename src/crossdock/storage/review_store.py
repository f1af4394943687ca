"""The queue of stewards in the database: open decisions of the match index, and what people said of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from crossdock.durable.codec import decode
from crossdock.identity.recognition.index import PAGE_ROWS_MAX, Finding
from crossdock.identity.recognition.reviews import (
    STEWARDS,
    Alike,
    NoteDeed,
    NoteWord,
    Review,
    review_subject,
)
from crossdock.kit.clock import Instant
from crossdock.storage.audit import write_audit
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")
_REVIEW = "number, at, open, owner, later_until, signature, facts"


class ReviewStore(ABC):
    """See ReviewDesk."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def list_match_reviews(
        self, now: Instant, *, behind: int = 0, signature: str = "", owner: str = "", limit: int = 50
    ) -> Sequence[Review]:
        """See ReviewDesk."""
        limit = min(limit, PAGE_ROWS_MAX)
        return await self._read(
            partial(list_match_reviews, now=now, behind=behind, signature=signature, owner=owner, limit=limit)
        )

    async def read_match_review(self, number: int) -> Review | None:
        """See ReviewDesk."""
        return await self._read(partial(read_match_review, number=number))

    async def list_alike(self, *, limit: int = 50) -> Sequence[Alike]:
        """See ReviewDesk."""
        return await self._read(partial(list_alike, limit=min(limit, PAGE_ROWS_MAX)))


def list_match_reviews(
    tx: Transaction, now: Instant, behind: int, signature: str, owner: str, limit: int
) -> list[Review]:
    """Open reviews, oldest first."""
    wanted = {"signature": signature, "owner": "" if owner == STEWARDS else owner}
    given = {name: value for name, value in wanted.items() if value}
    conditions = "".join(f" AND {name} = ?" for name in given)
    if owner == STEWARDS:
        conditions += " AND owner = ''"
    rows = tx.execute(
        f"SELECT {_REVIEW} FROM match_decision WHERE open = 1 AND number > ? AND later_until <= ?{conditions} "
        "ORDER BY number LIMIT ?",
        (behind, now, *given.values(), limit),
    )
    return [_review(row) for row in rows.fetchall()]


def read_match_review(tx: Transaction, number: int) -> Review | None:
    """One review."""
    row = tx.execute(f"SELECT {_REVIEW} FROM match_decision WHERE number = ?", (number,)).fetchone()
    review = _review(row) if row else None
    return review if review is not None and review.finding.doubtful else None


def list_alike(tx: Transaction, limit: int) -> list[Alike]:
    """Signatures, the most frequent first."""
    rows = tx.execute(
        "SELECT signature, count(*), min(number) FROM match_decision WHERE open = 1 AND signature <> '' "
        "GROUP BY signature ORDER BY 2 DESC, 3 LIMIT ?",
        (limit,),
    ).fetchall()
    return [Alike(signature=row[0], count=row[1], first=row[2]) for row in rows]


def note_words(tx: Transaction, effects: Sequence[NoteWord], now: Instant) -> list[bool]:
    """Each in turn, with its entry in the audit chain."""
    answers = []
    for effect in effects:
        row = tx.execute(
            f"SELECT open FROM match_decision WHERE number = ? {tx.locks}", (effect.number,)
        ).fetchone()
        answers.append(bool(row and row[0]))
        if row is None:
            continue
        changes = {"later": ("later_until", effect.until), "assign": ("owner", effect.owner)}
        if effect.closes:
            tx.execute("UPDATE match_decision SET open = 0 WHERE number = ?", (effect.number,))
        elif effect.word in changes:
            name, value = changes[effect.word]
            tx.execute(f"UPDATE match_decision SET {name} = ? WHERE number = ?", (value, effect.number))
        write_audit(tx, now, effect.by, effect.word, review_subject(effect.number), effect.reason)
    return answers


def note_deeds(tx: Transaction, effects: Sequence[NoteDeed], now: Instant) -> list[bool]:
    """An entry in the audit chain for each."""
    for effect in effects:
        write_audit(tx, now, effect.by, effect.verb, effect.subject, effect.reason)
    return [True] * len(effects)


def _review(row: Row) -> Review:
    return Review(
        number=row[0],
        at=row[1],
        is_open=bool(row[2]),
        owner=row[3] or STEWARDS,
        later_until=row[4],
        signature=row[5],
        finding=decode(bytes(row[6]), Finding),
    )
