"""A storm of edits on both sides of a hub, drawn from a seed, and what has to be true once it is over.

Edits, deletions, merges and their ends in either system; stewards' words in between; messages that come twice,
late or in any order; outages, lost answers, and clocks that are ten minutes off.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.processes.books import SYSTEMS
from tests.processes.clerks import Card, Clerk, RefusedError
from tests.processes.orgs import SALESFORCE_FIELDS, TwoWayHub

from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import RunState
from crossdock.identity.golden.fields import Domain, FieldValue
from crossdock.identity.golden.forms import is_same_form
from crossdock.identity.golden.ledger import PartyFile, QuestionPosition, record_key
from crossdock.identity.golden.ownership import Merging, Ownership, Rule
from crossdock.identity.golden.spreading import NAMES_ONE, Question
from crossdock.identity.golden.survivorship import GoldenValue, Opinion, golden
from crossdock.kit.errors import Conflict, Recovery, Rejected
from crossdock.ports.customer_source import CustomerArrival
from crossdock.processes.customer_stewardship import Word

SKEWS = ({"crm": -600, "erp": 600}, {"crm": 600, "erp": -600}, {"crm": 0, "erp": 0})
REST_ROUNDS_MAX = 60
LETTERS = "abcdefghijklmnoprstuvwz"
BY, WHY = "Ines", "same passport"
SAME, APART = (Word(word="same", by=BY, reason=WHY), Word(word="not_same", by=BY, reason=WHY))
ONE_PARTY_RECORDS_MAX = 6
PAGE = 200


def ownership(*, consents: Sequence[str] = ("erp",), final: bool = False) -> Ownership:
    """Shared, owned and proposed fields; `consents`: who is told of them; `final`: systems merge for good."""
    merging = {"crm": Merging(on_merge="link"), "erp": Merging(on_merge="block")}
    if final:
        merging = dict.fromkeys(SYSTEMS, Merging(on_merge="merge", on_unmerge="recreate"))
    return Ownership(
        domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", readers=("crm",)))
        | {
            Domain.CONTACT: Rule(rule="newest_valid", writers=SYSTEMS, readers=SYSTEMS),
            Domain.SHIPPING: Rule(rule="newest_valid", writers=SYSTEMS, readers=SYSTEMS),
            Domain.IDENTITY: Rule(rule="precedence", precedence=SYSTEMS, readers=SYSTEMS),
            Domain.CONSENT: Rule(rule="owner", owner="crm", readers=tuple(consents), others="propose"),
        },
        marks=("crossdock",),
        creates=("erp",),
        merging=merging,
    )


def an_address(street: str, code: str, city: str, country: str) -> dict[str, FieldValue]:
    parts: dict[str, FieldValue] = {"lines": (street,), "postal_code": code, "city": city, "country": country}
    return {f"shipping.default.address.{part}": value for part, value in parts.items()}


SHARED: list[Card] = [
    {"contact.email": "a@mail.example"},
    {"contact.email": "b@mail.example"},
    {"contact.email": "c@mail.example"},
    {"contact.phone": "+49 30 5550101"},
    {"contact.phone": "+49 30 5550102"},
    {"contact.phone": None},
    {"contact.phone": "+49 30 5550103", "contact.email": "d@mail.example"},
    an_address("1 Rue de la Paix", "75002", "Paris", "FR"),
    an_address("Lindenstr. 12", "80331", "München", "DE"),
    {"shipping.default.address.city": "Lyon"},
]
CREDIT: list[Card] = [{"credit.status": "approved"}, {"credit.status": "on_hold"}]
CONSENTS: list[Card] = [
    {"consents.email-marketing.status": "opt_in"},
    {"consents.email-marketing.status": "opt_out"},
]
CARDS: list[Card] = [
    *SHARED,
    *CREDIT,
    *CONSENTS,
    {"terms.code": "N30"},
    {"terms.code": "N60"},
    {"terms.code": None},
    {"terms.code": "N90", "contact.phone": "+49 30 5550104"},
]


class Weather:
    """What happens, drawn from a seed. `cards`: what may be entered, by system."""

    def __init__(
        self,
        hub: TwoWayHub,
        clerks: Mapping[str, Clerk],
        cards: Mapping[str, Sequence[Card]],
        seed: int,
        edits: int,
    ) -> None:
        self.hub, self.clerks, self.cards = hub, clerks, cards
        self.chance, self.edits_left = random.Random(seed), edits
        self.records: dict[str, list[str]] = {system: [] for system in SYSTEMS}
        self.under_way: dict[str, list[CustomerArrival]] = {system: [] for system in SYSTEMS}
        self.merges: list[str] = []
        self.happened: Counter[str] = Counter()
        self.follows = 0
        """So many writes may follow from what has happened: as many as there are records to be told, twice."""

    async def begin(self, people: int) -> None:
        """Everybody is entered in the org, and the hub makes them known to the ERP."""
        for _number in range(people):
            family, given, box = ("".join(self.chance.sample(LETTERS, 8)) for _ in range(3))
            card = {
                "person.name.family": family.title(),
                "person.name.given": given.title(),
                "contact.email": f"{box}@mail.example",
            }
            self.hub.books["crm"].make(card)
        await self.calm_down()
        await self._look_round()
        assert len(self.records["erp"]) == people

    async def blow(self) -> None:
        """All the edits, and what comes between them."""
        while self.edits_left:
            kinds = ("edit", "deliver", "upheaval", "word", "fault", "outage", "calm")
            what = self.chance.choices(kinds, (70, 20, 4, 4, 3, 1, 6))[0]
            self.happened[what] += 1
            await getattr(self, f"_{what}")()

    async def _edit(self) -> None:
        """Somebody is edited on one side, often the same one on both soon after one another."""
        self.edits_left -= 1
        self.hub.clock.advance(self.chance.choice((1, 1, 5, 30, 400)))
        system = self.chance.choice(SYSTEMS)
        whom = self._draw(system)
        try:
            await self.clerks[system].edit(whom, self.chance.choice(self.cards[system]))
        except RefusedError:
            self.happened["edit refused"] += 1
        await self._count(system, whom)

    def _draw(self, system: str) -> str:
        known = self.records[system]
        return known[int(self.chance.triangular(0, len(known), 0))]

    async def _upheaval(self) -> None:
        """A record is deleted, comes back, or becomes part of another, by its system's own hands."""
        self.hub.clock.advance(self.chance.choice((1, 30)))
        system = self.chance.choice(SYSTEMS)
        clerk, whom, other = self.clerks[system], self._draw(system), self._draw(system)
        deed = self.chance.choice(clerk.deeds)
        try:
            await getattr(clerk, deed)(whom, other)
        except RefusedError:
            self.happened[f"{deed} refused"] += 1
            return
        self.happened[f"{deed} in {system}"] += 1
        await self._count(system, whom, other)

    async def _word(self) -> None:
        """A steward merges two customers, takes a merge back, or answers what was asked."""
        word = self.chance.choice(("merge", "unmerge", "answer", "answer"))
        try:
            await getattr(self, f"_{word}")()
        except (Conflict, Rejected) as refusal:
            self.happened[f"{word} refused: {refusal.code}"] += 1
        await self.hub.engine.settle()

    async def _merge(self) -> None:
        references = [self.hub.reference("crm", self._draw("crm")) for _side in range(2)]
        found = await self.hub.store.find_parties(references)
        one, other = (found[each] for each in references)
        files = [await self.hub.store.read_party(each) for each in (one, other)]
        if sum(len(file.records) for file in files if file) <= ONE_PARTY_RECORDS_MAX:
            self.merges.append(await self.hub.stewards.merge(one, other, by=BY, reason=WHY))
            self.happened["merged by a steward"] += 1
            await self._count_parties(one, other)

    async def _unmerge(self) -> None:
        if self.merges:
            merge_id = self.merges.pop(self.chance.randrange(len(self.merges)))
            merge = await self.hub.store.read_merge(merge_id)
            await self.hub.stewards.unmerge(merge_id, by=BY, reason="mother and daughter")
            self.happened["unmerged by a steward"] += 1
            if merge is not None:
                await self._count_parties(merge.survivor, merge.absorbed)

    async def _answer(self) -> None:
        reviews = await self.hub.store.list_match_reviews(self.hub.clock.now(), limit=PAGE)
        if not reviews:
            return
        review = self.chance.choice(reviews)
        word = self.chance.choice((SAME, APART))
        merge_id = await self.hub.stewards.decide(review.number, word)
        self.merges += [merge_id] if merge_id else []
        self.happened[f"answered {word.word}"] += 1
        await self._count_parties(review.finding.party_id, *review.finding.doubtful)

    async def _count(self, system: str, *numbers: str) -> None:
        references = [self.hub.reference(system, number) for number in numbers]
        await self._count_parties(*set((await self.hub.store.find_parties(references)).values()))

    async def _count_parties(self, *party_ids: str) -> None:
        """Every record of these may have to be told, and again where somebody was faster."""
        for party_id in party_ids:
            file = await self.hub.store.read_party(party_id)
            while file is not None and file.into:
                file = await self.hub.store.read_party(file.into)
            self.follows += 2 * len(file.records) if file is not None else 2

    async def _deliver(self) -> None:
        """Some of what a system told arrives, in any order, some of it twice; the rest is under way still."""
        system = self.chance.choice(SYSTEMS)
        waiting = self.under_way[system] + await self.hub.heard(system)
        self.chance.shuffle(waiting)
        kept = self.chance.randrange(len(waiting) // 3 + 1)
        self.under_way[system], arriving = waiting[:kept], waiting[kept:]
        again = self.chance.sample(arriving, len(arriving) // 4)
        self.happened["arrived twice"] += len(again)
        self.happened["arrived"] += len(arriving)
        await self.hub.take(system, [*arriving, *again])

    async def _calm(self) -> None:
        """A while without edits, in which the hub gets on with what waits."""
        self.hub.clock.advance(self.chance.choice((10, 60, 300)))
        await self.hub.engine.settle()
        await self._look_round()

    async def _look_round(self) -> None:
        """The records that there are by now: new ones are edited, too, and those that are gone no more."""
        living = await all_records(self.hub)
        for system in SYSTEMS:
            numbers = [record.value for record in living if record.system == system]
            stay = [number for number in self.records[system] if number in set(numbers)]
            self.records[system] = stay + [number for number in numbers if number not in set(stay)]

    async def _fault(self) -> None:
        """One write is refused, or its answer lost."""
        lost = self.chance.random() < 0.5
        self.clerks[self.chance.choice(SYSTEMS)].trouble(lost=lost, times=1)

    async def _outage(self) -> None:
        """A system is away; whatever went before it is over."""
        self._clear()
        self.clerks[self.chance.choice(SYSTEMS)].trouble(lost=False, times=None)

    def _clear(self) -> None:
        for clerk in self.clerks.values():
            clerk.clear()

    async def calm_down(self) -> None:
        """Everything under way arrives, and nothing waits for its time any more."""
        self._clear()
        for system, waiting in self.under_way.items():
            await self.hub.take(system, waiting)
            self.under_way[system] = []
        for _round in range(REST_ROUNDS_MAX):
            before = self.hub.writes
            await self._retry_parked()
            arrived = await self.hub.pump()
            self.hub.clock.advance(400)
            await self.hub.engine.settle()
            if not arrived and not await self._unfinished() and before == self.hub.writes:
                return
        raise AssertionError(f"they never come to rest:\n{await self.hub.engine.picture()}")

    async def _retry_parked(self) -> None:
        """What an outage that hit only writes has parked is released by its owner, once that is over."""
        views = await self.hub.store.list_runs(state=RunState.PARKED, limit=PAGE)
        retried = [each.run_id for each in views if each.parking and each.parking.category == Recovery.RETRY]
        if retried:
            await self.hub.engine.desk.retry(retried, actor=BY, reason="it is back")
            self.happened["released by their owner"] += len(retried)

    async def _unfinished(self) -> int:
        counts = await self.hub.store.count_runs()
        return sum(count for state, count in counts.items() if state not in _OVER)


_OVER = {RunState.DONE, RunState.SKIPPED}


async def all_records(hub: TwoWayHub) -> list[Any]:
    """The living records of all parties."""
    found: list[Any] = []
    behind = ""
    while page := await hub.store.list_records(behind=behind, limit=PAGE):
        found += [record.reference for record in page]
        behind = record_key(page[-1].reference)
    return found


async def all_parties(hub: TwoWayHub) -> list[PartyFile]:
    """Everybody, but those who were merged into others."""
    found: list[PartyFile] = []
    while page := await hub.store.read_parties(behind=found[-1].party_id if found else "", limit=PAGE):
        found += page
    return found


# ── after the storm ─────────────────────────────────────────────────────────────────────────────────────


def conflicts(values: Mapping[str, GoldenValue]) -> Iterator[GoldenValue]:
    """Whatever some record says otherwise than what holds."""
    for value in values.values():
        if any(_differs(loser, value) for loser in value.losers):
            yield value


def _differs(loser: Opinion, value: GoldenValue) -> bool:
    return any(value.values.get(name) != said for name, said in loser.values.items())


def explains(value: GoldenValue, asked: Mapping[str, Sequence[Question]]) -> str:
    """Whether somebody can tell who said what, whose word held, and by which rule; by what."""
    assert value.rule
    assert all(loser.why_not and record_key(loser.record) for loser in value.losers)
    if value.winner is not None:
        assert value.winner.record.system in value.why()
        assert all(loser.record.system in value.why() for loser in value.losers)
    kinds = {question.kind for question in asked.get(value.unit, ())}
    if value.review:
        assert value.review in kinds, value
        return value.review
    if any(loser.why_not == "not_owner" and _differs(loser, value) for loser in value.losers):
        assert kinds & {"proposed", "refused"}, value
        return "not theirs to say"
    return "settled"


async def check(weather: Weather) -> Counter[str]:
    """Hub and systems know the same records; every reader shows what holds, except where a person is asked."""
    hub, found = weather.hub, Counter[str]()
    open_questions = await _questions(hub)
    files = await all_parties(hub)
    living = {record.reference for file in files for record in file.records if record.state == "live"}
    for system, clerk in weather.clerks.items():
        present = {hub.reference(system, number) for number in await clerk.present()}
        known = {each for each in living if each.system == system}
        known |= {each for each in present - known if await _is_blocked(hub, each)}
        if known != present:
            raise AssertionError(await _apart(hub, known, present))
    for file in files:
        values = golden(file.records, hub.ownership, hub.clock.now(), file.pins)
        asked: dict[str, list[Question]] = {}
        for one in open_questions.get(file.party_id, ()):
            asked.setdefault(one.unit, []).append(one)
        for value in conflicts(values):
            found[explains(value, asked)] += 1
        await _agree(hub, file, values, asked)
    return found


async def _is_blocked(hub: TwoWayHub, record: ExternalReference) -> bool:
    """Whether it is there still, and closed, since a merge of its customer asked for that."""
    party_id = (await hub.store.find_parties([record])).get(record, "")
    file = await hub.store.read_party(party_id)
    states = {each.reference: each.state for each in file.records} if file else {}
    is_closed = (await hub.shown(record)).get("account.status") == "closed"
    return is_closed and states.get(record) == "merged"


async def _apart(
    hub: TwoWayHub, known: Collection[ExternalReference], present: Collection[ExternalReference]
) -> str:
    """What is known of records that are in the hub only, or in their system only."""
    told = []
    for record in sorted({*known} ^ {*present}, key=record_key):
        party_id = (await hub.store.find_parties([record])).get(record, "")
        file = await hub.store.read_party(party_id)
        states = [(each.reference, each.state) for each in file.records] if file else []
        place = "hub" if record in known else "system"
        history = await hub.store.read_history(party_id)
        told.append(f"{record} is in the {place} only: {states}, {history}")
    return "\n".join(told)


async def _agree(
    hub: TwoWayHub, file: PartyFile, values: Mapping[str, GoldenValue], asked: Mapping[str, Sequence[Question]]
) -> None:
    """Each living record shows what holds of every unit that its system reads, but what it does not keep."""
    for record in file.records:
        if record.state != "live":
            continue
        shown = await hub.shown(record.reference)
        system = record.reference.system
        for unit, value in values.items():
            rule = hub.ownership.rule_of(unit)
            assert rule is not None
            kinds = {each.kind for each in asked.get(unit, ())}
            if system not in rule.readers or value.review == "cannot_know" or "not_kept" in kinds:
                continue
            for name, held in value.values.items():
                if name == NAMES_ONE or (system == "crm" and name not in SALESFORCE_FIELDS):
                    continue
                assert is_same_form(name, held, shown.get(name)), (name, shown.get(name), record, value)


async def _questions(hub: TwoWayHub) -> dict[str, list[Question]]:
    """All that are open, by party."""
    found: dict[str, list[Question]] = {}
    position: QuestionPosition | None = None
    while page := await hub.store.list_questions(behind=position, limit=PAGE):
        for one in page:
            found.setdefault(one.party_id, []).append(one.question)
        position = QuestionPosition(page[-1].since, page[-1].party_id, page[-1].question.unit)
    return found


async def storm(weather: Weather, people: int) -> Counter[str]:
    """The whole of it; how the conflicts that are left are explained."""
    await weather.begin(people)
    before = weather.hub.writes
    await weather.blow()
    await weather.calm_down()
    written = weather.hub.writes - before
    explained = await check(weather)
    await weather.calm_down()
    assert weather.hub.writes - before == written, "at rest nobody writes"
    assert written <= weather.follows, "every write follows from something that happened"
    weather.happened["writes"] = written
    weather.happened["customers"] = people
    return explained


def report(off: Mapping[str, int], edits: int, weather: Weather, explained: Counter[str]) -> str:
    """What came of it, for whoever asked for a storm."""
    told = ", ".join(f"{count} {name}" for name, count in sorted(weather.happened.items()))
    conflicts_ = ", ".join(f"{count} {name}" for name, count in sorted(explained.items()))
    return f"\n{edits} edits with clocks off by {dict(off)}: {told}; conflicts explained: {conflicts_ or 'none'}"
