"""The reckoning of customers sees what it is there to see: each flaw by its name, and none where there is none."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bench.crash.agreement import CRM, ERP, SHOP
from bench.crash.clerks import Log
from bench.crash.people import CONSENT, PHONE, STREET, TERMS, Cast, Doing, mail_of, make_cast
from bench.crash.people_reckoning import PeopleLeft, Seen, reckon_people
from msgspec.structs import replace

from crossdock.adapters.memory.wire import Partner
from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.joining import Merge
from crossdock.identity.golden.ledger import PartyFile
from crossdock.testing.builders import NOON

PEOPLE = 12
MERGED, PARTED = (10, 11), (4, 5)
ERASED = (0, 6)
OWNER = {TERMS: ERP, CONSENT: CRM}


class World:
    """Twelve people and a company for whom all went well: two were merged, two parted again, two forgotten."""

    def __init__(self) -> None:
        self.cast: Cast = make_cast(PEOPLE, seed=1)
        self.log = Log(said={}, entered={}, merges={}, parted=set(), erased={}, approved={PEOPLE})
        self.party_of: dict[ExternalReference, str] = {}
        self.shown: dict[str, list[Partner]] = {ERP: [], CRM: [], SHOP: []}
        self.asked: dict[str, set[str]] = {}
        self.left = 0
        self._say_everything()
        for who in self.cast.everybody:
            self._show(who)
        self._merge(*MERGED)
        self._merge(*PARTED, parted_at=2)
        for who in ERASED:
            self._forget(who)

    def _say_everything(self) -> None:
        for doing in (each for course in self.cast.courses for each in course if each.what in {"enter", "edit"}):
            self._say(doing)

    def _say(self, doing: Doing) -> None:
        entered = self.log.entered.setdefault(doing.who, [])
        if doing.what == "enter":
            number = f"{doing.system}-{doing.who}-{len(entered)}"
            entered.append(ExternalReference(doing.system, "partner", number))
        known = [each.value for each in entered if each.system == doing.system]
        number = known[-1] if known else f"{ERP}-{doing.who}"
        self.log.said.setdefault(doing.who, []).append((f"{doing.system}/{number}", doing.card))

    def _show(self, who: int) -> None:
        """Each record shows what was said last by whom it is to say."""
        holds: dict[str, Any] = {}
        for record, card in self.log.said[who]:
            system = record.partition("/")[0]
            for name, value in card.items():
                is_theirs = OWNER.get(name, system) == system
                is_first = name.startswith("person.") and name in holds and system != CRM
                if is_theirs and not is_first:
                    holds[name] = value
        if who >= PEOPLE:
            holds |= {"account.status": "active", "credit.status": "approved", "account.number": f"{ERP}-{who}"}
        for reference in [*self.log.entered[who], ExternalReference(ERP, "partner", f"{ERP}-{who}")]:
            self.party_of[reference] = f"P-{who}"
            self.shown[reference.system].append(_partner(reference.value, holds))

    def _merge(self, one: int, other: int, *, parted_at: int = 0) -> None:
        merge_id = f"M-{one}"
        self.log.merges[one, other] = merge_id
        if parted_at:
            self.log.parted.add(merge_id)
            return
        for reference in [each for each, party in self.party_of.items() if party == f"P-{other}"]:
            self.party_of[reference] = f"P-{one}"
        gone = next(each.card for each in self.shown[ERP] if each.number == f"{ERP}-{other}")
        self.shown[ERP] = [each for each in self.shown[ERP] if each.number != f"{ERP}-{other}"]
        numbers = tuple(each.value for who in (one, other) for each in self.log.entered[who] if each.system == CRM)
        survivor = gone | next(each.card for each in self.shown[ERP] if each.number == f"{ERP}-{one}")
        for system, found in self.shown.items():
            mine = {each.value for who in (one, other) for each in self.log.entered[who]} | {f"{ERP}-{one}"}
            self.shown[system] = [
                replace(each, card=survivor, links=tuple(n for n in numbers if n != each.number))
                if each.number in mine
                else each
                for each in found
            ]

    def _forget(self, who: int) -> None:
        self.log.erased[who] = f"P-{who}"
        gone = {reference for reference, party in self.party_of.items() if party == f"P-{who}"}
        self.party_of = {each: party for each, party in self.party_of.items() if each not in gone}
        for system, found in self.shown.items():
            numbers = {each.value for each in gone if each.system == system}
            self.shown[system] = [
                replace(each, card={"person.name.family": "erased"}) if each.number in numbers else each
                for each in found
            ]

    def card(self, system: str, who: int) -> dict[str, Any]:
        numbers = {reference.value for reference, party in self.party_of.items() if party == f"P-{who}"}
        return next(each.card for each in self.shown[system] if each.number in numbers)

    def reckon(self) -> PeopleLeft:
        files = {
            party: PartyFile(
                party_id=party,
                sequence=1,
                records=tuple(HeldRecord(reference=each) for each, its in self.party_of.items() if its == party),
            )
            for party in set(self.party_of.values())
        }
        merges = {
            merge_id: Merge(
                merge_id=merge_id,
                survivor=f"P-{one}",
                absorbed=f"P-{other}",
                at=1,
                by="Ines",
                reason="",
                sequence=1,
                parted_at=2 if (one, other) == PARTED else 0,
            )
            for (one, other), merge_id in self.log.merges.items()
        }
        seen = Seen(files=files, party_of=self.party_of, asked=self.asked, merges=merges)
        return reckon_people(self.cast, self.log, seen, self.shown, left=self.left)


def _partner(number: str, card: dict[str, Any]) -> Partner:
    return Partner(number=number, revision=1, changed=NOON, card=dict(card))


def make_twice_in_the_erp(world: World) -> None:
    world.shown[ERP].append(_partner("ERP-99", {"contact.email": mail_of(1)}))


def make_at_the_door(world: World) -> None:
    world.shown[SHOP].append(_partner("SHOP-99", {"contact.email": mail_of(1)}))


def take_one_for_two(world: World) -> None:
    world.party_of[world.log.entered[1][0]] = "P-99"


def take_two_for_one(world: World) -> None:
    for reference, party in world.party_of.items():
        world.party_of[reference] = "P-1" if party == "P-2" else party


def let_who_may_not_say_so(world: World) -> None:
    for system in (ERP, CRM):
        world.card(system, 1)[TERMS] = "N-crm"


def leave_one_behind(world: World) -> None:
    world.card(ERP, 1)[CONSENT] = "never asked"


def merge_by_half(world: World) -> None:
    world.shown[CRM] = [replace(each, links=()) for each in world.shown[CRM]]


def leave_blocked(world: World) -> None:
    world.shown[ERP] = [each for each in world.shown[ERP] if each.number != f"{ERP}-{PARTED[1]}"]


def remember(world: World) -> None:
    number = next(each.value for each in world.log.entered[0] if each.system == SHOP)
    next(each for each in world.shown[SHOP] if each.number == number).card["contact.email"] = mail_of(0)


def approve_in_one_system_only(world: World) -> None:
    world.card(CRM, PEOPLE)["credit.status"] = "pending"


def stop_early(world: World) -> None:
    world.left = 3


def test_where_all_went_well_nothing_is_found() -> None:
    reckoning = World().reckon()
    assert not reckoning.faults
    assert (reckoning.people, reckoning.merged, reckoning.parted, reckoning.erased) == (PEOPLE + 1, 1, 1, 2)


@pytest.mark.parametrize(
    ("flaw", "named"),
    [
        (make_twice_in_the_erp, ["not_once_in_the_erp"]),
        (make_at_the_door, ["made_at_doors"]),
        (take_one_for_two, ["not_one_party"]),
        (take_two_for_one, ["not_one_party"]),
        (let_who_may_not_say_so, ["lost_or_overwritten"]),
        (leave_one_behind, ["lost_or_overwritten"]),
        (merge_by_half, ["merged_halfway"]),
        (leave_blocked, ["merged_halfway", "not_once_in_the_erp"]),
        (remember, ["not_forgotten"]),
        (approve_in_one_system_only, ["not_approved"]),
        (stop_early, ["undone"]),
    ],
)
def test_each_flaw_is_found_by_its_name(flaw: Callable[[World], None], named: Sequence[str]) -> None:
    world = World()
    flaw(world)
    assert set(named) <= set(world.reckon().faults)


def test_a_field_that_a_person_is_asked_about_is_no_fault() -> None:
    world = World()
    leave_one_behind(world)
    world.asked["P-1"] = {CONSENT.rpartition(".")[0]}
    reckoning = world.reckon()
    assert not reckoning.faults
    assert reckoning.asked_of_a_person == 1


def test_the_same_seed_is_the_same_cast_in_which_everything_befalls_somebody() -> None:
    cast = make_cast(PEOPLE, seed=7)
    assert cast == make_cast(PEOPLE, seed=7)
    doings = [each for course in cast.courses for each in course]
    assert {each.what for each in doings} == {"enter", "edit", "merge", "unmerge", "erase", "approve"}
    assert {(each.who, each.other) for each in doings if each.what == "merge"} == {MERGED, PARTED}
    assert {each.who for each in doings if each.what == "erase"} == set(ERASED)
    said = [name for each in doings for name in each.card]
    assert {PHONE, TERMS, CONSENT} <= set(said)
    assert any(name.startswith(STREET) for name in said)
    assert not make_cast(0, seed=7).doings
