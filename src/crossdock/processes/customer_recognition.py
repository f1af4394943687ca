"""Whose a customer record is, settled before anything is created for it (CUS-04, CUS-05, CUS-06).

    profile ─ keys ─ candidates ─ decision ─ its place in the index, unless somebody came between: then again

The look and the decision hold nothing up; only the commit at the end takes locks, one per key. In a run the place
is taken in the run's own commit (`settle`); elsewhere in one of its own (`place`), which may be asked for again.

Requirements: CUS-04, CUS-05, CUS-06.
"""

import itertools
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from crossdock.canonical.party import Party
from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep, Outcome
from crossdock.durable.run import Run
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.identity.golden.ledger import PartyLedger, record_key
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import Model, Thresholds, decoded
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Features, Profile
from crossdock.identity.recognition.deciding import Judge
from crossdock.identity.recognition.index import Finding, MatchIndex, Settled, SettleRecord
from crossdock.identity.recognition.profiles import profile_of
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.kit.errors import Unavailable
from crossdock.kit.ids import new_id
from crossdock.ports.customer_source import CustomerChange

LOOKS_MAX = 50
"""Each look that was in vain saw somebody else succeed; who was overtaken so often comes back later."""

Submit = Callable[[Commit], Awaitable[Outcome]]
"""Makes a commit durable: the committer's `submit`."""


class Recogniser:
    """Decides whose a record is, by the index and the active model; one per process."""

    def __init__(self, index: MatchIndex, thresholds: Thresholds | None = None) -> None:
        self._index = index
        self._thresholds = thresholds
        self._judge: Judge | None = None

    async def refresh(self) -> str:
        """Weigh with the active model from now on, or with the built-in one; its version. Raises ValueError."""
        content = await self._index.read_model()
        model: Model = decoded(content) if content else starting_model()
        self._judge = Judge(model, self._thresholds)
        return self._judge.version

    async def weigh(self, record: str, profile: Profile) -> Finding:
        """Whose the record would be, with the evidence; nothing is written."""
        features = features_of(profile)
        nearby = await self._index.look_nearby(record, keys_of(features))
        return (await self._ready()).find(record, features, nearby, "")[0]

    async def look(self, record: str, features: Features, keys: Sequence[int], party_id: str) -> SettleRecord:
        """The decision about a record, as the effect that settles it; `party_id` is that of a new party."""
        judge = await self._ready()
        nearby = await self._index.look_nearby(record, keys)
        return judge.settlement(record, features, keys, nearby, party_id)

    async def settle(self, run: Run, name: str, record: str, profile: Profile) -> Settled:
        """Settle whose a record is in the run's own commits, in steps named after `name`.

        It looks as often as somebody comes between: each time somebody else has been settled, so it ends.
        """
        features = features_of(profile)
        keys = keys_of(features)
        for turn in itertools.count(1):
            found = await run.step(
                f"{name}-look-{turn}",
                lambda _key: self.look(record, features, keys, new_id()),
                returns=SettleRecord,
            )
            settled = await run.record(f"{name}-{turn}", found, returns=Settled)
            if settled.fate != "look_again":
                break
        return settled

    async def place(self, submit: Submit, record: str, profile: Profile, *, party_id: str = "") -> Settled:
        """Settle whose a record is in a commit of its own; again it finds what it settled.

        With `party_id` that is known already, and the index is told so. Raises Unavailable: ask later.
        """
        features = features_of(profile)
        keys = keys_of(features)
        for _turn in range(LOOKS_MAX):
            effect = await self.look(record, features, keys, party_id or new_id())
            if party_id:
                effect = _given(effect, party_id)
            outcome = await submit(Commit(effects=(EffectStep("settle", effect),)))
            settled = decode(outcome.findings[0], Settled)
            if settled.fate != "look_again":
                return settled
        raise _overtaken()

    async def _ready(self) -> Judge:
        if self._judge is None:
            await self.refresh()
        assert self._judge is not None
        return self._judge


def _given(effect: SettleRecord, party_id: str) -> SettleRecord:
    """Others have said whose it is: nothing is weighed."""
    finding = Finding(record=effect.finding.record, party_id=party_id, band="link", rule="reference")
    return msgspec.structs.replace(effect, finding=finding, seen={}, creates=True, version=-1, certain=True)


def _overtaken() -> Unavailable:
    return Unavailable("others changed the same customers all the time", code="recognition-overtaken")


class MatchingRecognition:
    """For changes that systems tell: by the record, by any number it tells, else by what it is like.

    A record that the hub itself has just created is waited for: whose it is will be known in a moment.
    """

    def __init__(self, recogniser: Recogniser, parties: PartyLedger, submit: Submit, mark: str) -> None:
        self._recogniser = recogniser
        self._parties = parties
        self._submit = submit
        self._mark = mark

    async def recognise(self, change: CustomerChange) -> str:
        """The party that the changed record belongs to, or the id of a new one. Raises Unavailable: ask later."""
        told = (change.record, *change.says.references)
        known = await self._parties.find_parties(told)
        party_id = next((known[one] for one in told if one in known), "")
        if not party_id and self._mark and change.origin == self._mark:
            raise Unavailable("the record was made by this hub and is not known yet", code="record-not-known-yet")
        says = await self._whole(change, party_id)
        record = record_key(change.record)
        settled = await self._recogniser.place(
            self._submit, record, profile_of(says, change.record), party_id=party_id
        )
        return party_id or settled.party_id

    async def _whole(self, change: CustomerChange, party_id: str) -> Party:
        """What the record says with the change: a change mentions only what is other than before."""
        file = await self._parties.read_party(party_id) if party_id else None
        held = next((one for one in file.records if one.reference == change.record), None) if file else None
        if held is None:
            return change.says
        before = {name: one.said if one.has_said else one.shown for name, one in held.fields.items()}
        return party_of({**before, **fields_of(change.says)}, change.says.references)
