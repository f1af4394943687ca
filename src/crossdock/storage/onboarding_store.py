"""Onboardings in the database: one row per party; a decision, its audit and its signal are one transaction."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from crossdock.durable.codec import decode, encode
from crossdock.identity.onboarding.ledger import (
    PAGE_ROWS_MAX,
    STANDING,
    BeginOnboarding,
    CreditDecision,
    DecideCredit,
    Decided,
    EndOnboarding,
    OnboardingFigures,
    OnboardingFile,
    OpenReview,
    Passed,
    PassOn,
    ReviewPosition,
    Standing,
    signal_of,
)
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.storage.audit import write_audit
from crossdock.storage.signals import leave_signal
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")

_COLUMNS = OnboardingFile.__struct_fields__
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM onboarding"
_NOTHING = b"null"


class OnboardingStore(ABC):
    """See OnboardingLedger."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def read_onboarding(self, party_id: str) -> OnboardingFile | None:
        """See OnboardingLedger."""
        return await self._read(partial(read_onboarding, party_id=party_id))

    async def list_reviews(
        self, *, behind: ReviewPosition | None = None, limit: int = 50
    ) -> Sequence[OnboardingFile]:
        """See OnboardingLedger."""
        return await self._read(partial(list_reviews, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))

    async def list_decided(self, *, limit: int = 12) -> Sequence[OnboardingFile]:
        """See OnboardingLedger."""
        return await self._read(partial(list_decided, limit=min(limit, PAGE_ROWS_MAX)))

    async def find_standing(self, erp_numbers: Collection[str]) -> Mapping[str, Standing]:
        """See OnboardingLedger."""
        return await self._read(partial(find_standing, erp_numbers=erp_numbers))

    async def count_onboardings(self, now: Instant) -> OnboardingFigures:
        """See OnboardingLedger."""
        return await self._read(partial(count_onboardings, now=now))


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────


def begin_onboardings(tx: Transaction, effects: Sequence[BeginOnboarding], _now: Instant) -> list[object]:
    """A row for each that has none."""
    rows = {
        effect.party_id: OnboardingFile(
            party_id=effect.party_id,
            run_id=effect.run_id,
            correlation_id=effect.correlation_id,
            state="checking",
            started_at=effect.started_at,
        )
        for effect in effects
    }
    tx.insert_new("onboarding", _COLUMNS, ("party_id",), [_row(rows[key]) for key in sorted(rows)])
    return [None] * len(effects)


def open_reviews(tx: Transaction, effects: Sequence[OpenReview], now: Instant) -> list[object]:
    """Put each under review."""
    names = ("state", "erp_number", "asked", "currency", "owner", "due_at", "numbered_at")
    rows = [
        ("under_review", each.erp_number, each.asked, each.currency, each.owner, each.due_at, now, each.party_id)
        for each in sorted(effects, key=lambda effect: effect.party_id)
    ]
    tx.update("onboarding", names, ("party_id",), rows)
    return [None] * len(effects)


def pass_on(tx: Transaction, effects: Sequence[PassOn], _now: Instant) -> list[Passed]:
    """Whose turn it is next, unless a decision is there already."""
    known = _locked(tx, [effect.party_id for effect in effects])
    answers = []
    for effect in effects:
        file = known[effect.party_id]
        if file.decision is not None:
            answers.append(Passed(turn=file.turn, decision=file.decision))
            continue
        tx.execute(
            "UPDATE onboarding SET turn = ?, owner = ? WHERE party_id = ?",
            (file.turn + 1, effect.owner, effect.party_id),
        )
        answers.append(Passed(turn=file.turn + 1))
    return answers


def decide_credits(tx: Transaction, effects: Sequence[DecideCredit], now: Instant) -> list[Decided]:
    """Note each decision, tell the run that waits for it, and write it into the audit.

    Its run is locked first: whoever works on that has locked it, too, before he comes to the onboarding.
    """
    wanted = sorted({effect.party_id for effect in effects})
    runs = [row[0] for row in tx.select_in("SELECT run_id FROM onboarding WHERE party_id", wanted)]
    tx.select_in("SELECT id FROM run WHERE id", sorted(runs), f"ORDER BY id {tx.locks}")
    known = _locked(tx, [effect.party_id for effect in effects])
    answers = []
    for effect in effects:
        file = known.get(effect.party_id)
        if file is None or (file.decision is None and file.state != "under_review"):
            answers.append(Decided("not_waiting"))
            continue
        if file.decision is not None:
            answers.append(Decided("known", file.decision))
            continue
        decision = effect.decision
        payload = encode(decision)
        tx.update("onboarding", ("decision",), ("party_id",), [(payload, effect.party_id)])
        leave_signal(tx, file.run_id, signal_of(file.turn), payload, now)
        verb = "approve-credit" if decision.verdict == "approved" else "refuse-credit"
        write_audit(tx, now, decision.by, verb, file.run_id, decision.reason)
        known.update(_locked(tx, [effect.party_id]))
        answers.append(Decided("decided", decision))
    return answers


def end_onboardings(tx: Transaction, effects: Sequence[EndOnboarding], now: Instant) -> list[object]:
    """Note how each ended."""
    rows = [(each.state, now, each.party_id) for each in sorted(effects, key=lambda effect: effect.party_id)]
    tx.update("onboarding", ("state", "ended_at"), ("party_id",), rows)
    return [None] * len(effects)


def _locked(tx: Transaction, party_ids: Sequence[str]) -> dict[str, OnboardingFile]:
    tail = f"ORDER BY party_id {tx.locks}"
    rows = tx.select_in(f"{_SELECT} WHERE party_id", sorted(set(party_ids)), tail)
    return {row[0]: _file(row) for row in rows}


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────


def read_onboarding(tx: Transaction, party_id: str) -> OnboardingFile | None:
    """One onboarding."""
    row = tx.execute(f"{_SELECT} WHERE party_id = ?", (party_id,)).fetchone()
    return _file(row) if row else None


def list_reviews(tx: Transaction, behind: ReviewPosition | None, limit: int) -> list[OnboardingFile]:
    """What waits for a decision, the most urgent first."""
    place = behind or ReviewPosition(-1, "")
    rows = tx.execute(
        f"{_SELECT} WHERE state = 'under_review' AND decision = ? AND (due_at, party_id) > (?, ?) "
        "ORDER BY due_at, party_id LIMIT ?",
        (_NOTHING, place.due_at, place.party_id, limit),
    ).fetchall()
    return [_file(row) for row in rows]


def list_decided(tx: Transaction, limit: int) -> list[OnboardingFile]:
    """What ended, by the index on due dates: each follows its review's beginning by the same time."""
    found = [
        _file(row)
        for state in ("active", "declined")
        for row in tx.execute(f"{_SELECT} WHERE state = ? ORDER BY due_at DESC LIMIT ?", (state, limit)).fetchall()
    ]
    return sorted(found, key=lambda file: file.due_at, reverse=True)[:limit]


def find_standing(tx: Transaction, erp_numbers: Collection[str]) -> dict[str, Standing]:
    """Who may not order on invoice."""
    rows = tx.select_in("SELECT erp_number, state FROM onboarding WHERE erp_number", sorted(erp_numbers))
    return {number: STANDING[state] for number, state in rows if number and state in STANDING}


def count_onboardings(tx: Transaction, now: Instant) -> OnboardingFigures:
    """How many stand where."""
    rows = tx.execute(
        "SELECT state, count(*), sum(ended_at - started_at) FROM onboarding GROUP BY state"
    ).fetchall()
    counted = {row[0]: (int(row[1]), int(row[2])) for row in rows}
    overdue = tx.execute(
        "SELECT count(*) FROM onboarding WHERE state = 'under_review' AND due_at < ?", (now,)
    ).fetchone()
    activated, taken_us = counted.get("active", (0, 0))
    return OnboardingFigures(
        by_state={state: count for state, (count, _) in counted.items()},
        overdue=int(overdue[0]),
        activated=activated,
        activation_seconds=taken_us / MICROSECONDS,
    )


def _row(file: OnboardingFile) -> Row:
    values = {name: getattr(file, name) for name in _COLUMNS}
    values["decision"] = encode(file.decision)
    return tuple(values.values())


def _file(row: Row) -> OnboardingFile:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["decision"] = decode(bytes(values["decision"] or _NOTHING), CreditDecision | None)  # type: ignore[arg-type]
    return OnboardingFile(**values)
