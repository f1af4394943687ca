"""What became of the customers: every system is asked for its records, and the hub whom it takes them for."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from bench.crash.agreement import CRM, DOORS, ERP, OWNERSHIP
from bench.crash.clerks import Log
from bench.crash.erp import Erp
from bench.crash.people import Cast, family_of, mail_of
from crossdock.adapters.memory.wire import Partner
from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import FieldValue, group_of
from crossdock.identity.golden.joining import Merge
from crossdock.identity.golden.ledger import PartyFile, QuestionPosition
from crossdock.identity.golden.ownership import Rule
from crossdock.storage.sql_store import SqlStore

PAGE = 200
ASKED = {"cannot_know", "not_kept"}
"""Questions that leave a field as it is until a person answers."""

APPROVED: Mapping[str, str] = {"account.status": "active", "credit.status": "approved"}


class PeopleLeft(msgspec.Struct, kw_only=True):
    """The figures; all from `undone` on have to be nothing."""

    people: int = 0
    records: int = 0
    merged: int = 0
    parted: int = 0
    erased: int = 0
    approved: int = 0
    asked_of_a_person: int = 0
    undone: list[str] = []
    not_one_party: list[str] = []
    not_once_in_the_erp: list[str] = []
    made_at_doors: list[str] = []
    lost_or_overwritten: list[str] = []
    merged_halfway: list[str] = []
    not_approved: list[str] = []
    not_forgotten: list[str] = []

    @property
    def faults(self) -> Mapping[str, Any]:
        """What is not as it should be, by its name."""
        names = self.__struct_fields__
        wrong = names[names.index("undone") :]
        return {name: value for name in wrong if (value := getattr(self, name))}


class Seen(msgspec.Struct, kw_only=True):
    """What the hub knows: each party, whom each record belongs to, what is asked, and the merges by their ids."""

    files: Mapping[str, PartyFile]
    party_of: Mapping[ExternalReference, str]
    asked: Mapping[str, Collection[str]]
    merges: Mapping[str, Merge | None]


async def look(store: SqlStore, log: Log, systems: Mapping[str, Erp]) -> tuple[Seen, dict[str, list[Partner]]]:
    """Read all that the hub and the systems know."""
    shown = {name: list(system.partners()) for name, system in systems.items()}
    files: dict[str, PartyFile] = {}
    behind = ""
    while page := await store.read_parties(behind=behind, limit=PAGE):
        files |= {file.party_id: file for file in page}
        behind = page[-1].party_id
    numbers = {
        ExternalReference(system, "partner", each.number) for system, found in shown.items() for each in found
    }
    entered = {reference for references in log.entered.values() for reference in references}
    asked: dict[str, set[str]] = defaultdict(set)
    position: QuestionPosition | None = None
    while questions := await store.list_questions(behind=position, limit=PAGE):
        for one in questions:
            if one.question.kind in ASKED:
                asked[one.party_id].add(one.question.unit)
        last = questions[-1]
        position = QuestionPosition(last.since, last.party_id, last.question.unit)
    seen = Seen(
        files=files,
        party_of=await store.find_parties(numbers | entered),
        asked=asked,
        merges={merge_id: await store.read_merge(merge_id) for merge_id in log.merges.values()},
    )
    return seen, shown


def reckon_people(
    cast: Cast, log: Log, seen: Seen, shown: Mapping[str, Sequence[Partner]], *, left: int
) -> PeopleLeft:
    """Hold what was said, what the hub knows and what the systems show against each other."""
    account = _Account(cast, log, seen, shown)
    return PeopleLeft(
        people=len(cast.everybody),
        records=sum(len(found) for found in shown.values()),
        merged=len(log.merges) - len(log.parted),
        parted=len(log.parted),
        erased=len(log.erased),
        approved=len(log.approved),
        asked_of_a_person=sum(len(units) for units in seen.asked.values()),
        undone=[f"{left} doings"] if left else [],
        not_one_party=list(account.not_one_party()),
        not_once_in_the_erp=list(account.not_once_in_the_erp()),
        made_at_doors=list(account.made_at_doors()),
        lost_or_overwritten=list(account.lost_or_overwritten()),
        merged_halfway=list(account.merged_halfway()),
        not_approved=list(account.not_approved()),
        not_forgotten=list(account.not_forgotten()),
    )


class _Account:
    """One look at everything; each question about it yields what is wrong, in words."""

    def __init__(self, cast: Cast, log: Log, seen: Seen, shown: Mapping[str, Sequence[Partner]]) -> None:
        self._cast, self._log, self._seen, self._shown = cast, log, seen, shown
        self._standing = [pair for pair, merge_id in log.merges.items() if merge_id not in log.parted]
        absorbed = {other for _, other in self._standing}
        self._gone = absorbed | set(log.erased)
        self._groups = [
            {who, *(other for one, other in self._standing if one == who)}
            for who in cast.everybody
            if who not in self._gone
        ]
        """Who is one by now: everybody by himself, and those who are merged together."""

    def not_one_party(self) -> Iterator[str]:
        """Everybody is one party, nobody is two, and nobody else is one."""
        parties: list[str] = []
        for group in self._groups:
            found = {self._seen.party_of.get(each, "") for who in group for each in self._log.entered[who]}
            if len(found) != 1 or found & {"", *parties}:
                yield f"{sorted(group)} are {sorted(found)}"
            parties += found
        for party_id in self._seen.files.keys() - set(parties):
            if self._seen.files[party_id].records:
                yield f"nobody is {party_id}"

    def not_once_in_the_erp(self) -> Iterator[str]:
        """One record each in the ERP; those who are merged have one that is not blocked."""
        for group in self._groups:
            found = {each.number for who in group for each in self._of(ERP, who)}
            if len(found) != 1:
                yield f"{sorted(group)}: {sorted(found)}"
        known = {each.number for who in self._cast.everybody for each in self._of(ERP, who)}
        forgotten = {number for number in self._numbers(ERP) if self._tells_of_nobody(ERP, number)}
        for number in self._numbers(ERP) - known - forgotten:
            yield f"{number} is nobody"

    def made_at_doors(self) -> Iterator[str]:
        """At the doors there is what was entered there, and nothing else."""
        for door in DOORS:
            entered = {each.value for found in self._log.entered.values() for each in found if each.system == door}
            for number in entered ^ self._numbers(door):
                yield f"{door}/{number}"

    def lost_or_overwritten(self) -> Iterator[str]:
        """Every system shows of a field what one with a say in it said last, and all that are told it the same."""
        for group in self._groups:
            records = [(system, each) for system in self._shown for who in group for each in self._of(system, who)]
            asked = {
                unit
                for who in group
                for reference in self._log.entered[who]
                for unit in self._seen.asked.get(self._seen.party_of.get(reference, ""), ())
            }
            for name in sorted({name for who in group for _, card in self._log.said[who] for name in card}):
                yield from self._wrong(group, name, records, asked)

    def _wrong(
        self, group: Collection[int], name: str, records: Sequence[tuple[str, Partner]], asked: Collection[str]
    ) -> Iterator[str]:
        rule = OWNERSHIP.rule_of(name)
        assert rule is not None
        may = self._last_words(group, name, rule)
        if not may or group_of(name) in asked:
            return
        shows = {
            f"{system}/{each.number}": _plain(each.card.get(name))
            for system, each in records
            if system in {*rule.readers, *rule.may_write}
        }
        told = {shown for record, shown in shows.items() if record.partition("/")[0] in rule.readers}
        if len(told) > 1 or not set(shows.values()) <= may:
            yield f"{name} of {sorted(group)}: {shows}, said last: {sorted(map(str, may))}"

    def _last_words(self, group: Collection[int], name: str, rule: Rule) -> set[FieldValue]:
        """What may hold: the last word of each record of an owner, or of each that has a say."""
        said: dict[str, FieldValue] = {}
        for who in group:
            said |= {record: _plain(card[name]) for record, card in self._log.said[who] if name in card}
        if rule.rule == "precedence":
            systems = [record.partition("/")[0] for record in said]
            first = next((each for each in rule.precedence if each in systems), "")
            return {value for record, value in said.items() if record.startswith(f"{first}/")}
        return {value for record, value in said.items() if record.partition("/")[0] in rule.may_write}

    def merged_halfway(self) -> Iterator[str]:
        """A merge is whole, in the hub, at the door and in the ERP; one that was taken back is nowhere."""
        for (one, other), merge_id in self._log.merges.items():
            merge = self._seen.merges.get(merge_id)
            stands = merge_id not in self._log.parted
            if merge is None or merge.stands != stands:
                yield f"{merge_id} {'does not stand' if stands else 'stands still'}"
            links = {link for who in (one, other) for each in self._of(CRM, who) for link in each.links}
            numbers = {each.number for who in (one, other) for each in self._of(CRM, who)}
            if links != (numbers if stands else set()):
                yield f"{merge_id} in {CRM}: {sorted(links)} of {sorted(numbers)}"
            in_erp = {each.number for who in (one, other) for each in self._of(ERP, who)}
            if len(in_erp) != (1 if stands else 2):
                yield f"{merge_id} in {ERP}: {sorted(in_erp)}"

    def not_approved(self) -> Iterator[str]:
        """Every company is active with the ERP's number, in the ERP and where it came in."""
        for who in range(self._cast.people, self._cast.people + self._cast.companies):
            in_erp = [each.number for each in self._of(ERP, who)]
            cards = [each.card for system in (ERP, CRM) for each in self._of(system, who)]
            is_active = all(card.get(name) == value for card in cards for name, value in APPROVED.items())
            bears = [each.card.get("account.number") for each in self._of(CRM, who)]
            if not is_active or bears != in_erp:
                yield f"{who}: {in_erp} {bears} {[[card.get(name) for name in APPROVED] for card in cards]}"

    def not_forgotten(self) -> Iterator[str]:
        """Of who was erased no system tells, nor does the hub."""
        for who, party_id in self._log.erased.items():
            if party_id in self._seen.files and self._seen.files[party_id].records:
                yield f"{who} is {party_id} still"
            yield from (f"{each} is known" for each in self._log.entered[who] if each in self._seen.party_of)
            telling = (mail_of(who), family_of(who).casefold(), f"+49 30 555{who:02}")
            for system, partners in self._shown.items():
                for each in partners:
                    told = str(each.card).casefold()
                    yield from (f"{system}/{each.number} tells {name}" for name in telling if name in told)

    # ── who is who ──────────────────────────────────────────────────────────────────────────────────

    def _of(self, system: str, who: int) -> list[Partner]:
        """Somebody's records: what was entered, and in the ERP what the hub made, by the mail on it or its key."""
        entered = {each.value for each in self._log.entered[who] if each.system == system}
        made = self._made_for(who) if system == ERP else set()
        return [each for each in self._shown.get(system, ()) if each.number in entered | made]

    def _made_for(self, who: int) -> set[str]:
        """Records in the ERP that the hub says are this one's, and those that show this one's mail."""
        mine = {self._seen.party_of.get(each) for each in self._log.entered[who]} - {None}
        others = {other for one, other in self._standing if one == who}
        made = set()
        for each in self._shown[ERP]:
            shows = str(each.card.get("contact.email", "")).casefold()
            by_mail = shows in {mail_of(one) for one in {who, *others}}
            by_hub = self._seen.party_of.get(ExternalReference(ERP, "partner", each.number)) in mine
            if by_mail or by_hub:
                made.add(each.number)
        return made

    def _numbers(self, system: str) -> set[str]:
        return {each.number for each in self._shown.get(system, ())}

    def _tells_of_nobody(self, system: str, number: str) -> bool:
        card = next(each.card for each in self._shown.get(system, ()) if each.number == number)
        return bool(self._log.erased) and not card.get("contact.email")


def _plain(value: Any) -> FieldValue:
    """As it is compared here: two forms of a name or a mail are one."""
    if isinstance(value, list | tuple):
        return tuple(str(each).casefold() for each in value)
    return value.casefold() if isinstance(value, str) else value
