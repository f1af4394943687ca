"""Effects on the hub's own records: which function applies which kind, all of a batch together."""

from collections.abc import Callable, Sequence
from typing import Any

from crossdock.durable.records import Effect
from crossdock.identity.golden.joining import JoinParties, NoteRepair, PartParties
from crossdock.identity.golden.ledger import DecideValue, KeepGolden, NoteTold, TakeChange
from crossdock.identity.onboarding.ledger import (
    BeginOnboarding,
    DecideCredit,
    EndOnboarding,
    OpenReview,
    PassOn,
)
from crossdock.identity.privacy.erasing import ForgetParty, HoldParty
from crossdock.identity.privacy.tracing import TraceOrder
from crossdock.identity.recognition.index import (
    IndexKnown,
    JudgePair,
    KeepModel,
    MoveRecord,
    RaiseDoubt,
    SettleRecord,
)
from crossdock.identity.recognition.reviews import NoteDeed, NoteWord
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Unsupported
from crossdock.ports.order_board import WriteBoard
from crossdock.stock.holds import ConsumeStock, CountStock, HoldStock, ReleaseStock
from crossdock.storage.erasing import forget_parties, hold_parties
from crossdock.storage.match_known import index_known
from crossdock.storage.match_writing import judge_pairs, keep_models, move_records, raise_doubts, settle_records
from crossdock.storage.onboarding_store import (
    begin_onboardings,
    decide_credits,
    end_onboardings,
    open_reviews,
    pass_on,
)
from crossdock.storage.order_board import write_board
from crossdock.storage.order_tracing import trace_orders
from crossdock.storage.party_merging import join_parties, note_repairs, part_parties
from crossdock.storage.party_store import decide_values, keep_golden, note_told, take_changes
from crossdock.storage.review_store import note_deeds, note_words
from crossdock.storage.stock_ledger import consume_stock, count_stock, hold_stock, release_stock
from crossdock.storage.transaction import Transaction

Applier = Callable[[Transaction, Sequence[Any], Instant], Sequence[object]]

APPLIERS: dict[type[Effect], Applier] = {
    ReleaseStock: release_stock,
    ConsumeStock: consume_stock,
    CountStock: count_stock,
    HoldStock: hold_stock,
    WriteBoard: write_board,
    SettleRecord: settle_records,
    IndexKnown: index_known,
    MoveRecord: move_records,
    RaiseDoubt: raise_doubts,
    JudgePair: judge_pairs,
    KeepModel: keep_models,
    NoteWord: note_words,
    JoinParties: join_parties,
    PartParties: part_parties,
    NoteRepair: note_repairs,
    TakeChange: take_changes,
    NoteTold: note_told,
    DecideValue: decide_values,
    KeepGolden: keep_golden,
    BeginOnboarding: begin_onboardings,
    OpenReview: open_reviews,
    PassOn: pass_on,
    DecideCredit: decide_credits,
    EndOnboarding: end_onboardings,
    NoteDeed: note_deeds,
    HoldParty: hold_parties,
    ForgetParty: forget_parties,
    TraceOrder: trace_orders,
}
"""In the order in which a batch applies them: what is given back can be held by others in the same batch."""


def apply_effects(tx: Transaction, effects: Sequence[Effect], now: Instant) -> list[object]:
    """Apply each; what each found, in the order given. Raises Unsupported for an unknown kind."""
    findings: list[object] = [None] * len(effects)
    for kind, applier in APPLIERS.items():
        places = [place for place, effect in enumerate(effects) if type(effect) is kind]
        if places:
            answers = applier(tx, [effects[place] for place in places], now)
            for place, answer in zip(places, answers, strict=True):
                findings[place] = answer
    unknown = {type(effect).__name__ for effect in effects if type(effect) not in APPLIERS}
    if unknown:
        raise Unsupported(f"no store applies {', '.join(sorted(unknown))}", code="unknown-effect")
    return findings
