"""What a data steward sees and says: doubts, disputes, merges; every word by a named person, with time and reason.

    a review ─┬ same      the parties become one (customer_merge)
              ├ not same  for good; who waited for the word gets its records (customer_update)
              ├ later     put off
              └ assign    somebody else's
    a value  ── pin, unpin, accept what was proposed ─ what holds is looked up anew

Each word is one commit: what it changes, the runs it starts and its entry in the audit chain. The same word again
changes nothing. Of contrary words about two customers the first is taken, whichever way each came and however
close: the other is a conflict that says who said what.

Requirements: CUS-11, CUS-12, CUS-16 to CUS-19, CUS-34.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.contracts.customers import customer_subject
from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep, Fate, InboxRow, Outcome, RunStart
from crossdock.durable.run import Startable
from crossdock.durable.store import AuditEntry
from crossdock.identity.golden.fields import Fields, group_of, party_of
from crossdock.identity.golden.joining import Merge, MergeLedger, Unmerged, pairs_apart, report
from crossdock.identity.golden.ledger import ChangeTaken, DecideValue, PartyFile, PartyLedger, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import GoldenValue, Pin, golden
from crossdock.identity.golden.work import MergeAsked, TouchedParty, UnmergeAsked
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Profile
from crossdock.identity.privacy.erasing import HoldParty
from crossdock.identity.recognition.index import JudgePair, MatchIndex, Verdict
from crossdock.identity.recognition.reviews import NoteDeed, NoteWord, Review, ReviewDesk, review_subject
from crossdock.kit.clock import Clock, seconds_to_us
from crossdock.kit.errors import Conflict, Finding, Invalid, Rejected
from crossdock.kit.ids import new_id
from crossdock.kit.wording import said_at

LATER_SECONDS = 24 * 3_600.0
FOUND_MAX = 50
_PAIRS = "steward:pairs"
_CLOSING = ("same", "not_same")


class StewardStore(PartyLedger, MergeLedger, MatchIndex, ReviewDesk, Protocol):
    """Where customers, doubts and merges are kept, and who said what of them."""

    async def list_audit(self, *, run_id: str = "", limit: int = 100) -> Sequence[AuditEntry]:
        """See Store."""
        ...


Deed = DecideValue | HoldParty | JudgePair | NoteDeed | NoteWord


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as a steward sees him: all that is known, what holds and why."""

    file: PartyFile
    values: dict[str, GoldenValue]


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A review with the customers it is about: first the one that was in doubt, then whom he may be one with."""

    review: Review
    customers: tuple[Customer, ...]


class Word(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A steward's word about a review.

    `other`: the party that is meant, where there are several. `survivor` keeps its id in a merge; else it is the
    one that was there first. `pins`: values that shall survive, by field. `later_seconds`: for how long it is put
    off. `owner`: whose it is from now on.
    """

    word: Literal["assign", "later", "not_same", "same"]
    by: str
    reason: str
    other: str = ""
    survivor: str = ""
    pins: Fields = {}
    later_seconds: float = LATER_SECONDS
    owner: str = ""


Submit = Callable[[Commit], Awaitable[Outcome]]


class Stewards:
    """The stewards' desk of one hub. `submit` makes a commit durable.

    Its methods raise Rejected (`review-unknown`, `customer-unknown`, `merge-unknown`), Conflict (`review-closed`,
    `customer-changed`, `said-not-same`, `already-one`) and Invalid, each with nothing done.
    """

    def __init__(
        self,
        store: StewardStore,
        ownership: Ownership,
        submit: Submit,
        clock: Clock,
        *,
        merge: Startable[MergeAsked],
        unmerge: Startable[UnmergeAsked],
        update: Startable[TouchedParty],
    ) -> None:
        self._store, self._ownership, self._submit, self._clock = store, ownership, submit, clock
        self._merge, self._unmerge, self._update = merge, unmerge, update

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────

    async def customer(self, party_id: str) -> Customer | None:
        """A customer, also a retired one, which has nothing but where it went; None for nobody."""
        found = await self._store.read_party(party_id) if "\x00" not in party_id else None
        if found is None:
            return None
        return Customer(file=found, values=golden(found.records, self._ownership, self._clock.now(), found.pins))

    async def present(self, party_id: str) -> Customer | None:
        """The same, or whom a retired one went to."""
        found = await self.customer(party_id)
        while found is not None and found.file.into:
            found = await self.customer(found.file.into)
        return found

    async def search(self, text: str) -> list[str]:
        """Ids of parties: by an id or any system's number, else by name, e-mail or phone through the index."""
        text = text.strip()
        if not text:
            return []
        found = [text] if await self.customer(text) else []
        found += await self._store.find_by_number(text, limit=FOUND_MAX)
        if not found:
            contact = {"emails": (text,)} if "@" in text else {"name": text}
            if sum(character.isdigit() for character in text) > len(text) // 2:
                contact = {"phones": (text,)}
            keys = keys_of(features_of(msgspec.convert(contact, Profile)))
            nearby = await self._store.look_nearby("", keys)
            found = [candidate.party_id for candidate in nearby.candidates][:FOUND_MAX]
        return list(dict.fromkeys(found))

    async def doubt(self, number: int) -> Doubt | None:
        """A review with the customers it is about; None where there is none of this number."""
        review = await self._store.read_match_review(number)
        if review is None:
            return None
        customers: dict[str, Customer] = {}
        for party_id in (review.finding.party_id, *review.finding.doubtful):
            found = await self.present(party_id)
            if found is not None:
                customers.setdefault(found.file.party_id, found)
        return Doubt(review=review, customers=tuple(customers.values()))

    async def merge_of(self, merge_id: str) -> tuple[Merge, Unmerged] | None:
        """A merge, and what came of its end, if it has ended."""
        merge = await self._store.read_merge(merge_id) if "\x00" not in merge_id else None
        if merge is None or merge.stands:
            return (merge, Unmerged()) if merge else None
        absorbed, holder = await self.customer(merge.absorbed), await self.present(merge.survivor)
        assert absorbed is not None, "its row was locked by the merge"
        assert holder is not None, "the same"
        return merge, report(merge, holder.file, absorbed.file)

    async def note_look(self, by: str, *party_ids: str, reason: str = "") -> None:
        """Let the audit chain know who looked at the personal data of customers."""
        looks = [NoteDeed(subject=customer_subject(each), verb="read", by=by, reason=reason) for each in party_ids]
        if looks:
            await self._do(effects=looks)

    async def note_look_at(self, by: str, subject: str) -> None:
        """The same of work about a customer whom nobody has recognised yet."""
        await self._do(effects=[NoteDeed(subject=subject, verb="read", by=by)])

    # ── words about doubts ──────────────────────────────────────────────────────────────────────────

    async def decide(self, number: int, said: Word) -> str:
        """Take a word about a review; the id of the merge that it began, if it did."""
        doubt = await self.doubt(number)
        if doubt is None:
            raise Rejected("there is no such review", code="review-unknown")
        note = NoteWord(number=number, word=said.word, by=said.by, reason=said.reason)
        changed = msgspec.structs.replace
        match said.word:
            case "later":
                until = self._clock.now() + seconds_to_us(said.later_seconds)
                return await self._note(changed(note, until=until))
            case "assign":
                return await self._note(changed(note, owner=_named(said.owner, "$.owner")))
        if not doubt.review.is_open:
            first = await self._first_word(review_subject(number))
            if first is None or first.verb != said.word:
                raise _closed(first)
        elif said.word == "not_same":
            await self._say_apart(doubt, note, said)
        else:
            await self._say_same(doubt, note, said)
        return _merge_id(number) if said.word == "same" else ""

    async def decide_many(self, numbers: Sequence[int], said: Word) -> tuple[tuple[int, ...], dict[int, str]]:
        """One word about many reviews, each taken by itself: those it was taken about, and codes of why not."""
        taken, not_taken = [], {}
        for number in dict.fromkeys(numbers):
            try:
                await self.decide(number, said)
                taken.append(number)
            except (Conflict, Invalid, Rejected) as refusal:
                not_taken[number] = refusal.code
        return tuple(taken), not_taken

    async def _note(self, note: NoteWord) -> str:
        outcome = await self._do(effects=[note])
        if not decode(outcome.findings[0], bool):
            raise _closed(await self._first_word(review_subject(note.number)))
        return ""

    async def _say_apart(self, doubt: Doubt, note: NoteWord, said: Word) -> None:
        """Between all records of the two stands "not the same"; whoever waited for the word goes on."""
        one, others = _sides(doubt, said.other)
        closes = len(others) == len(doubt.customers) - 1
        for other in others:
            judged = [
                JudgePair(one=first, other=second, verdict="not_same", decided_by=said.by, reason=said.reason)
                for first, second in pairs_apart(_records(one.file), _records(other.file))
            ]
            last = [msgspec.structs.replace(note, closes=closes)] if other is others[-1] else []
            ids = one.file.party_id, other.file.party_id
            starts = [self._look_again(party_id) for party_id in ids]
            await self._say(ids, "not_same", said.by, said.reason, effects=[*judged, *last], starts=starts)

    async def _say_same(self, doubt: Doubt, note: NoteWord, said: Word) -> None:
        one, others = _sides(doubt, said.other)
        if len(others) != 1:
            raise _unclear("$.other", "say which of them he is one with")
        (other,) = others
        ids = {one.file.party_id: other.file.party_id, other.file.party_id: one.file.party_id}
        survivor = said.survivor or other.file.party_id
        if survivor not in ids:
            raise _unclear("$.survivor", "is none of the two")
        await self._check_pair(survivor, ids[survivor])
        asked = MergeAsked(
            merge_id=_merge_id(note.number),
            survivor=survivor,
            absorbed=ids[survivor],
            by=said.by,
            reason=said.reason,
            pins=self._pins(said.pins, said.by, said.reason),
        )
        await self._say(
            (asked.survivor, asked.absorbed),
            "same",
            said.by,
            said.reason,
            effects=[msgspec.structs.replace(note, closes=True)],
            starts=[self._merge.start(asked.merge_id, asked)],
        )

    # ── merges ──────────────────────────────────────────────────────────────────────────────────────

    async def merge(
        self, survivor: str, absorbed: str, *, by: str, reason: str, pins: Fields | None = None
    ) -> str:
        """Two customers are one; the id of the merge."""
        stays, goes = await self._known(survivor), await self._known(absorbed)
        await self._check_pair(stays.file.party_id, goes.file.party_id)
        asked = MergeAsked(
            merge_id=f"{absorbed}@{goes.file.sequence}",
            survivor=stays.file.party_id,
            absorbed=goes.file.party_id,
            by=by,
            reason=reason,
            pins=self._pins(pins or {}, by, reason),
        )
        deed = NoteDeed(subject=customer_subject(asked.absorbed), verb="merge", by=by, reason=reason)
        starts = [self._merge.start(asked.merge_id, asked)]
        await self._say((asked.survivor, asked.absorbed), "same", by, reason, effects=[deed], starts=starts)
        return asked.merge_id

    async def unmerge(self, merge_id: str, *, by: str, reason: str) -> None:
        """Two customers who were merged are two after all."""
        merge = await self._store.read_merge(merge_id) if "\x00" not in merge_id else None
        if merge is None:
            raise Rejected("there is no such merge", code="merge-unknown")
        holder = await self._known(merge.survivor)
        asked = UnmergeAsked(merge_id=merge_id, survivor=holder.file.party_id, by=by, reason=reason)
        deed = NoteDeed(subject=customer_subject(merge.absorbed), verb="unmerge", by=by, reason=reason)
        await self._do(effects=[deed], starts=[self._unmerge.start(merge_id, asked)])

    async def _check_pair(self, survivor: str, absorbed: str) -> None:
        if survivor == absorbed:
            raise Conflict("they are one customer already", code="already-one")
        stays, goes = await self._known(survivor), await self._known(absorbed)
        there = set(_records(stays.file))
        for record in _records(goes.file):
            edges = (await self._store.look_nearby(record, ())).edges
            if any(edge.verdict == "not_same" and edge.other in there for edge in edges):
                first = await self._first_word(_pair(survivor, absorbed))
                words = _quoted(first) if first and first.verb == "not_same" else "they are not the same"
                raise Conflict(f"this was said for good: {words}", code="said-not-same")

    # ── words about values ──────────────────────────────────────────────────────────────────────────

    async def pin(
        self, party_id: str, values: Fields, *, by: str, reason: str, expected: int | None = None
    ) -> None:
        """These values hold, whatever is said, until that is taken back; `expected`: only at that sequence."""
        pins = self._pins(values, by, reason)
        if not pins:
            raise _unclear("$.values", "say which value")
        held = {pin.unit: pin for pin in (await self._known(party_id)).file.pins}
        if all(_is_same(pin, held.get(pin.unit)) for pin in pins):
            return
        await self._decide_values(party_id, [(pin.unit, pin) for pin in pins], by, "pin", reason, expected)

    async def unpin(self, party_id: str, unit: str, *, by: str, reason: str, expected: int | None = None) -> None:
        """The rules decide on the field or group again."""
        customer = await self._known(party_id)
        if all(pin.unit != unit for pin in customer.file.pins):
            raise Rejected("nobody has decided on this field", code="not-pinned")
        await self._decide_values(party_id, [(unit, None)], by, "unpin", reason, expected)

    async def accept(
        self, party_id: str, unit: str, record: str, *, by: str, reason: str, expected: int | None = None
    ) -> None:
        """What that record says of the field or group shall hold, though its word would not count."""
        customer = await self._known(party_id)
        value = customer.values.get(unit)
        opinions = (*value.losers, *([value.winner] if value.winner else [])) if value else ()
        said = next((each.values for each in opinions if record_key(each.record) == record), None)
        if said is None:
            raise Rejected("that record says nothing about it", code="nothing-said")
        await self.pin(party_id, said, by=by, reason=reason, expected=expected)

    async def _decide_values(
        self,
        party_id: str,
        pins: Sequence[tuple[str, Pin | None]],
        by: str,
        verb: str,
        reason: str,
        expected: int | None,
    ) -> None:
        customer = await self._known(party_id)
        if expected not in {None, customer.file.sequence}:
            raise _moved()
        party_id = customer.file.party_id
        subject = customer_subject(party_id)
        decided = [
            DecideValue(party_id=party_id, unit=unit, pin=pin, expected=None if place else expected)
            for place, (unit, pin) in enumerate(pins)
        ]
        deeds = [NoteDeed(subject=subject, verb=verb, by=by, reason=f"{unit}: {reason}") for unit, _ in pins]
        outcome = await self._do(effects=[*decided, *deeds], starts=[self._look_again(party_id)])
        if not decode(outcome.findings[0], ChangeTaken).moved:
            raise _moved()

    def _pins(self, values: Fields, by: str, reason: str) -> tuple[Pin, ...]:
        """A decision per group. Raises Invalid for what is no field, or does not fit it, with its path."""
        party_of(values)
        groups: dict[str, dict[str, object]] = {}
        for name, value in values.items():
            groups.setdefault(group_of(name), {})[name] = value
        now = self._clock.now()
        return tuple(
            Pin(unit=unit, values=held, by=by, reason=reason, at=now)  # type: ignore[arg-type]
            for unit, held in sorted(groups.items())
        )

    # ── what the law wants kept ─────────────────────────────────────────────────────────────────────

    async def hold(self, party_id: str, *, by: str, reason: str) -> bool:
        """Nobody may erase the customer until that is lifted; whether that is new."""
        return await self._hold(party_id, "hold", by, reason)

    async def release(self, party_id: str, *, by: str, reason: str) -> bool:
        """The customer may be erased again, whoever of him was held; whether that is new."""
        return await self._hold(party_id, "release", by, reason)

    async def _hold(self, party_id: str, verb: str, by: str, reason: str) -> bool:
        known = (await self._known(party_id)).file.party_id
        deed = NoteDeed(subject=customer_subject(known), verb=verb, by=by, reason=reason)
        outcome = await self._do(effects=[HoldParty(party_id=known, held=verb == "hold"), deed])
        return decode(outcome.findings[0], bool)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────

    async def _known(self, party_id: str) -> Customer:
        found = await self.present(party_id)
        if found is None:
            raise Rejected("nobody has heard of this customer", code="customer-unknown")
        return found

    def _look_again(self, party_id: str) -> RunStart:
        return self._update.start(f"{party_id}@{new_id()}", TouchedParty(party_id=party_id))

    async def _do(
        self,
        *,
        effects: Sequence[Deed],
        starts: Sequence[RunStart] = (),
        once: InboxRow | None = None,
    ) -> Outcome:
        """One commit; with `once` it is made once, and its fate says whether this was the time."""
        steps = tuple(EffectStep(f"word_{place}", effect) for place, effect in enumerate(effects))
        return await self._submit(Commit(effects=steps, starts=tuple(starts), inbox=once))

    async def _say(
        self,
        ids: tuple[str, str],
        verdict: Verdict,
        by: str,
        reason: str,
        *,
        effects: Sequence[Deed],
        starts: Sequence[RunStart],
    ) -> None:
        """Whether two customers are one, with all that goes along. Raises Conflict where the contrary was said."""
        pair = _pair(*ids)
        told = NoteDeed(subject=pair, verb=verdict, by=by, reason=reason)
        once = InboxRow(_PAIRS, pair, verdict)
        outcome = await self._do(effects=[*effects, told], starts=starts, once=once)
        if outcome.fate is Fate.CONFLICT:
            raise _contrary(await self._first_word(pair))
        if outcome.fate is Fate.DUPLICATE:
            await self._do(effects=effects, starts=starts)

    async def _first_word(self, subject: str) -> AuditEntry | None:
        """The first word that decided it, as the audit has it."""
        said = await self._store.list_audit(run_id=subject)
        return next((entry for entry in reversed(said) if entry.verb in _CLOSING), None)


def _merge_id(number: int) -> str:
    return f"review-{number}"


def _is_same(said: Pin, held: Pin | None) -> bool:
    """Whether a word is one that holds already: sent again, it changes nothing."""
    return held is not None and msgspec.structs.replace(said, at=held.at) == held


def _records(file: PartyFile) -> list[str]:
    return [record_key(record.reference) for record in file.records]


def _sides(doubt: Doubt, other: str) -> tuple[Customer, list[Customer]]:
    """The one in doubt, and those he is compared with: all, or the one named. Raises Conflict or Invalid."""
    one, *others = doubt.customers
    if not others:
        raise Conflict("they are one customer already", code="already-one")
    if not other:
        return one, others
    named = [each for each in others if each.file.party_id == other]
    if not named:
        raise _unclear("$.other", "is none of those he may be one with")
    return one, named


def _named(text: str, path: str) -> str:
    if not text.strip():
        raise _unclear(path, "say whose it is from now on")
    return text.strip()


def _unclear(path: str, words: str) -> Invalid:
    return Invalid(words, code="unclear-word", findings=[Finding("unclear-word", path, words)])


def _pair(one: str, other: str) -> str:
    """The name of two customers in the audit chain, whoever is named first."""
    return f"pair/{'/'.join(sorted((one, other)))}"


def _closed(first: AuditEntry | None) -> Conflict:
    words = _quoted(first) if first else "it was settled by another decision"
    return Conflict(f"this is decided already: {words}", code="review-closed")


def _contrary(first: AuditEntry | None) -> Conflict:
    words = _quoted(first) if first else "the contrary"
    return Conflict(f"somebody was faster: {words}", code="said-otherwise")


def _quoted(first: AuditEntry) -> str:
    verdict = "they are the same" if first.verb == "same" else "they are not the same"
    return f"{first.actor} said on {said_at(first.at)} that {verdict} ({first.reason})"


def _moved() -> Conflict:
    return Conflict("the customer has changed since you looked: look again", code="customer-changed")
