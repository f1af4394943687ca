"""Whose a customer record is, settled before anything is created for it (CUS-04, CUS-05, CUS-06).

    profile ─ keys ─ candidates ─ decision ─ its place in the index, unless somebody came between: then again

The look and the decision hold nothing up; only the commit at the end takes locks, one per key. In a run the place
is taken in the run's own commit (`settle`); elsewhere in one of its own (`place`), which may be asked for again.

Requirements: CUS-04, CUS-05, CUS-06.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from crossdock.canonical.party import ExternalReference
from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep, Outcome
from crossdock.durable.run import Run
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.identity.golden.ledger import PartyLedger, record_key
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import Bands, Model, decoded
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Features, Profile
from crossdock.identity.matching.scoring import Band
from crossdock.identity.recognition.deciding import Judge
from crossdock.identity.recognition.index import (
    Candidate,
    Face,
    Finding,
    MatchIndex,
    Nearby,
    Settled,
    SettleRecord,
)
from crossdock.identity.recognition.profiles import profile_held, profile_of, said
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.kit.clock import Clock, SystemClock, seconds_to_us
from crossdock.kit.errors import Misconfigured, Unavailable
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import new_id
from crossdock.ports.customer_source import GONE, CustomerChange

LOOKS_MAX = 50
"""Each look that was in vain saw somebody else succeed; who was overtaken so often comes back later."""

MODEL_SECONDS = 10.0
"""So long a worker may go on with the model before, after another was kept."""

Submit = Callable[[Commit], Awaitable[Outcome]]
"""Makes a commit durable: the committer's `submit`."""


MERGED_IN_SYSTEM = "merged_in_system"
"""A system made one record of two that belong to different parties: it may know better."""

log = structlog.get_logger("recognition")


class Recogniser:
    """Decides whose a record is, by the index and the active model; one per process.

    Another model that was kept is noticed within MODEL_SECONDS. One that cannot be read is told in the log, and
    the one before weighs on.
    """

    def __init__(self, index: MatchIndex, bands: Bands | None = None, *, clock: Clock | None = None) -> None:
        self._index = index
        self._bands = bands
        self._clock = clock or SystemClock()
        self._judge: Judge | None = None
        self._first = asyncio.Lock()
        self._active = ""
        self._look_at = 0
        self.outcomes: Counter[Band] = Counter()
        """What was decided on records that came new, since this process began."""

    async def refresh(self) -> str:
        """Weigh with the active model from now on, or with the built-in one; its version.

        Raises Misconfigured (`model-unreadable`) for a model that this release cannot read.
        """
        self._look_at = self._clock.now() + seconds_to_us(MODEL_SECONDS)
        active = await self._index.active_model()
        content = await self._index.read_model() if active else None
        try:
            model: Model = decoded(content) if content else starting_model()
        except ValueError as error:
            raise Misconfigured(
                f"the matching model {active} cannot be read: {error}", code="model-unreadable"
            ) from error
        self._judge, self._active = Judge(model, self._bands), active
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
        if settled.fate == "settled":
            self.outcomes[found.finding.band] += 1
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
            failpoint("recognition.settled")
            settled = decode(outcome.findings[0], Settled)
            if settled.fate != "look_again":
                if settled.fate == "settled" and not party_id:
                    self.outcomes[effect.finding.band] += 1
                return settled
        raise _overtaken()

    async def compare(self, record: str, profile: Profile, others: Candidate) -> Finding:
        """How alike a record and those of one party are, whatever people said."""
        nearby = await self._index.look_nearby(record, ())
        alone = Nearby(candidates=(others,), population=nearby.population)
        return (await self._ready()).find(record, features_of(profile), alone, nearby.party_id)[0]

    async def _ready(self) -> Judge:
        if self._judge is None:
            async with self._first:  # who comes meanwhile waits for it
                if self._judge is None:
                    await self.refresh()
        elif self._clock.now() >= self._look_at:
            await self._refresh_in_passing()
        assert self._judge is not None
        return self._judge

    async def _refresh_in_passing(self) -> None:
        self._look_at = self._clock.now() + seconds_to_us(MODEL_SECONDS)
        if await self._index.active_model() == self._active:
            return
        try:
            log.info("another model weighs", model=await self.refresh())
        except Misconfigured as fault:
            log.error("the model stays as it was", code=fault.code, reason=fault.message)  # noqa: TRY400 - its reason says it all


def _given(effect: SettleRecord, party_id: str) -> SettleRecord:
    """Others have said whose it is: nothing is weighed."""
    finding = Finding(record=effect.finding.record, party_id=party_id, band="link", rule="reference")
    return msgspec.structs.replace(effect, finding=finding, seen={}, creates=True, version=-1, certain=True)


def _overtaken() -> Unavailable:
    return Unavailable("others changed the same customers all the time", code="recognition-overtaken")


class MatchingRecognition:
    """For changes that systems tell: by the record, by any number it tells, else by what it is like.

    A record that the hub itself has just created is waited for: whose it is will be known in a moment. `filled`
    returns once the index has all that the ledger knows; before that, nobody can say who is new.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        parties: PartyLedger,
        submit: Submit,
        mark: str,
        filled: Callable[[], Awaitable[None]],
    ) -> None:
        self._recogniser = recogniser
        self._parties = parties
        self._submit = submit
        self._mark = mark
        self._filled = filled

    async def recognise(self, change: CustomerChange) -> str:
        """The party that the changed record belongs to, or the id of a new one. Raises Unavailable: ask later."""
        told = (change.record, *change.says.references)
        known = await self._parties.find_parties(told)
        party_id = next((known[one] for one in told if one in known), "")
        if not party_id and self._mark and change.origin == self._mark:
            raise Unavailable("the record was made by this hub and is not known yet", code="record-not-known-yet")
        held = await self._held(change.record, party_id)
        if _is_gone(change, held):
            return party_id or new_id()
        if not party_id:
            await self._filled()
        says = party_of({**said(held), **fields_of(change.says)}, change.says.references)
        settled = await self._recogniser.place(
            self._submit, record_key(change.record), profile_of(says, change.record), party_id=party_id
        )
        return party_id or settled.party_id

    async def compare_merged(self, change: CustomerChange, party_id: str, other_id: str) -> Finding:
        """How alike the record that was merged away and the one of another party are that it was merged into."""
        assert change.into is not None
        gone, stays = await self._held(change.record, party_id), await self._held(change.into, other_id)
        assert gone is not None
        faces = (Face(record_key(change.into), features_of(profile_held(stays))),) if stays else ()
        found = await self._recogniser.compare(
            record_key(change.record), profile_held(gone), Candidate(other_id, 0, 0, faces)
        )
        return msgspec.structs.replace(
            found, party_id=party_id, band="review", rule=MERGED_IN_SYSTEM, doubtful=(other_id,)
        )

    async def _held(self, record: ExternalReference, party_id: str) -> HeldRecord | None:
        file = await self._parties.read_party(party_id) if party_id else None
        return next((one for one in file.records if one.reference == record), None) if file else None


def _is_gone(change: CustomerChange, held: HeldRecord | None) -> bool:
    """Whether the record is no more after the change: nobody is to be recognised by it."""
    return change.kind in GONE or (held is not None and held.state != "live" and change.kind != "undeleted")
