"""Another ownership, or another way to decide who is whom, tried on what the hub knows, reading only.

    another ownership ─ every party, read under both
    another way       ─ whom it would put together or part (`regrouping`) ─ those parties, before and after

`Past` is all that a rehearsal may ask of a store, and holds no word that changes anything.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from crossdock.bootstrap.customers import systems_with
from crossdock.bootstrap.deployment import Deployment, ownership_of
from crossdock.identity.golden.joining import Repair, apart, as_one, repairs_of
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyFile
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.rehearsing import Consequences, Regrouped, Tally, Way, seen
from crossdock.identity.golden.survivorship import GoldenValue
from crossdock.identity.matching.model import Model, decoded
from crossdock.identity.recognition.regrouping import Regrouping, Surroundings, regroup, spoken
from crossdock.identity.recognition.rehearsing import SourceChange, Words, rehearse_words
from crossdock.identity.recognition.rehearsing import Way as Deciding
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.identity.recognition.work import RehearsalAsked, RehearsalTold
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.errors import Invalid, Misconfigured
from crossdock.ports.manifest import Role
from crossdock.processes.customer_update import goes_its_own_way

GROUP_MAX = 50
"""So many parties that would be one are followed together; more are told, and followed no further."""

Progress = Callable[[str, float], None]


class Past(Surroundings, Words, Protocol):
    """What is known of parties, to be read."""

    async def read_model(self) -> bytes | None:
        """See MatchIndex."""
        ...

    async def read_party(self, party_id: str) -> PartyFile | None:
        """See PartyLedger."""
        ...

    async def parties_in_doubt(self, party_ids: Collection[str]) -> Collection[str]:
        """See Doubts."""
        ...


def way_of_ownership(deployment: Deployment, ownership: Ownership) -> Way:
    """How a hub of this deployment would carry out that ownership."""
    told = systems_with(replace(deployment, ownership=ownership), Role.CUSTOMER_SINK)
    rules = deployment.policies.onboarding

    def own_way(file: PartyFile, values: Mapping[str, GoldenValue]) -> str:
        return rules.erp if rules and goes_its_own_way(file, values, rules.erp) else ""

    return Way(ownership, told, own_way)


@dataclass(frozen=True)
class HubPast:
    """What a hub of this deployment knows, to be rehearsed on by a process."""

    deployment: Deployment
    past: Past
    clock: Clock

    async def rehearse(self, asked: RehearsalAsked) -> RehearsalTold:
        """Try it. Raises what the function does."""
        return await rehearse(self.past, self.deployment, asked, self.clock.now(), lambda _what, _share: None)


async def rehearse(
    past: Past,
    deployment: Deployment,
    asked: RehearsalAsked,
    now: Instant,
    progress: Progress,
    *,
    show_values: bool = False,
) -> RehearsalTold:
    """Try what is asked for on a hub of this deployment.

    Raises Misconfigured for a hub without ownership or a kept model that cannot be read, StoreUnavailable.
    """
    way, told = way_of_ownership(deployment, ownership_of(deployment)), RehearsalTold()
    if asked.weighs:
        kept = await past.read_model()
        before = Deciding(_kept_model(kept) if kept else starting_model(), deployment.policies.matching)
        model = decoded(asked.model) if asked.model else before.model
        after = Deciding(model, asked.bands or before.bands)
        told = replace(told, words=await rehearse_words(past, before, after, progress))
        if (before.model.version, before.bands) != (after.model.version, after.bands):
            regrouped, sources = await rehearse_grouping(
                past, before, after, way, now, progress, show_values=show_values
            )
            told = replace(told, regrouped=regrouped, sources=sources)
    if asked.ownership is not None:
        other = way_of_ownership(deployment, asked.ownership)
        found = await rehearse_ownership(past, way, other, now, progress, show_values=show_values)
        told = replace(told, ownership=found)
    return told


def _kept_model(content: bytes) -> Model:
    try:
        return decoded(content)
    except ValueError as error:
        words = f"the hub's matching model cannot be read: {error}"
        raise Misconfigured(words, code="model-unreadable") from error


async def rehearse_ownership(
    past: Past, before: Way, after: Way, now: Instant, progress: Progress, *, show_values: bool = False
) -> Consequences:
    """What would change with `after` in place of `before`. Raises StoreUnavailable.

    Each party is as it is when its page is read. Memory holds a page at a time.
    """
    tally, behind, done = Tally(show_values=show_values), "", 0
    total = await past.count_parties()
    while files := await past.read_parties(behind=behind, limit=PAGE_ROWS_MAX):
        doubtful = await past.parties_in_doubt([file.party_id for file in files])
        for file in files:
            _try(file, before, after, now, tally, in_doubt=file.party_id in doubtful)
        behind, done = files[-1].party_id, done + len(files)
        progress("trying the ownership", min(1.0, done / max(total, 1)))
        await asyncio.sleep(0)
    return tally.told()


def _try(file: PartyFile, before: Way, after: Way, now: Instant, tally: Tally, *, in_doubt: bool) -> None:
    try:
        one, other = (seen(file, way, now, in_doubt=in_doubt) for way in (before, after))
        tally.add(file.party_id, one, other)
        tally.judge_pins(file, file, (before, after), now)
    except Invalid:
        tally.skip()


async def rehearse_grouping(
    past: Past,
    before: Deciding,
    after: Deciding,
    way: Way,
    now: Instant,
    progress: Progress,
    *,
    show_values: bool = False,
) -> tuple[Regrouped, tuple[SourceChange, ...]]:
    """What would change, and in records of which system, were customers put together by `after`, not `before`.

    Raises StoreUnavailable. Memory holds a page at a time, and what would change up to a limit (`beyond`).
    """
    found = await regroup(past, before, after, progress)
    follower = _Follower(found, way, now, show_values=show_values)
    groups = found.groups()
    for done, group in enumerate(groups):
        progress("what would follow", done / len(groups))
        if len(group) > GROUP_MAX:
            found.beyond += len(group)
            continue
        files = {party_id: await past.read_party(party_id) for party_id in group}
        known = {party_id: file for party_id, file in files.items() if file is not None and not file.into}
        follower.follow(known, await past.parties_in_doubt(known))
        await asyncio.sleep(0)
    progress("what would follow", 1.0)
    return follower.told(), found.sources(follower.moved)


class _Follower:
    """Follows what would be regrouped into what would hold and be written."""

    def __init__(self, found: Regrouping, way: Way, now: Instant, *, show_values: bool) -> None:
        self._found, self._way, self._now = found, way, now
        self._tally = Tally(show_values=show_values)
        self._followed = self._joined = self._begun = 0
        self.moved: Counter[str] = Counter()

    def follow(self, files: Mapping[str, PartyFile], doubtful: Collection[str]) -> None:
        """The parties of one group."""
        self._followed += len(files)
        try:
            self._follow(files, doubtful)
        except Invalid:
            self._tally.skip()

    def _follow(self, files: Mapping[str, PartyFile], doubtful: Collection[str]) -> None:
        found, way, now = self._found, self._way, self._now
        parts = {party_id: apart(file, found.leaving.get(party_id, ())) for party_id, file in files.items()}
        after: dict[str, tuple[PartyFile, bool]] = {}
        heirs: list[tuple[str, str]] = []
        repairs: list[Repair] = []
        absorbed: list[PartyFile] = []
        for members in found.put_together({party_id: spoken(file.records) for party_id, file in files.items()}):
            survivor, *others = members
            whole = parts[survivor][0]
            for other in others:
                absorbed.append(parts[other][0])
                repairs += repairs_of(whole, absorbed[-1], way.ownership.merging)
                whole = as_one(whole, absorbed[-1])
            after[survivor] = whole, any(self._waits(each, doubtful) for each in members)
            heirs += [(each, survivor) for each in members]
        begun = [(party_id, file) for party_id, (_, *anew) in parts.items() for file in anew]
        heirs += [(party_id, file.party_id) for party_id, file in begun]
        after |= {file.party_id: (file, False) for _, file in begun}
        was = {each: seen(file, way, now, in_doubt=each in doubtful) for each, file in files.items()}
        is_ = {each: seen(file, way, now, in_doubt=waits) for each, (file, waits) in after.items()}
        self._tally.regroup(was, is_, heirs, repairs)
        for one, other in heirs:
            if other in files:
                self._tally.judge_pins(files[one], after[other][0], (way, way), now)
        self._joined += len(absorbed)
        self._begun += len(begun)
        gone = (*absorbed, *(file for _, file in begun))
        self.moved.update(record.reference.system for file in gone for record in file.records)

    def _waits(self, party_id: str, doubtful: Collection[str]) -> bool:
        found = self._found
        return party_id in found.held or (party_id in doubtful and party_id not in found.freed)

    def told(self) -> Regrouped:
        """What came of it."""
        found = self._found
        self._tally.pass_by(found.parties - self._followed)
        for _ in range(found.unreadable):
            self._tally.skip()
        return Regrouped(
            joined=self._joined,
            parted=len(found.leaving),
            begun=self._begun,
            held=len(found.held),
            freed=len(found.freed),
            beyond=found.beyond,
            consequences=self._tally.told(),
        )
