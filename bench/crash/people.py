"""The customers of a run: who they are, at which doors they come in, and what befalls each, in its order."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from stdnum.iso7064 import mod_11_10

from bench.crash.agreement import CRM, ERP, SHOP

LETTERS = "abcdefghijklmnoprstuvwz"
LETTERS_IN_A_NAME = 8
CELL = 6
"""Of so many people one is forgotten in the end and two are taken for one; of every second such two, wrongly."""

COMPANY_SHARE = 8
"""For so many people there is a company."""

EDITS_MAX = 5
PHONE, TERMS, CONSENT = "contact.phone", "terms.code", "consents.email-marketing.status"
STREET = "shipping.default.address"

Card = Mapping[str, Any]
What = Literal["enter", "edit", "merge", "unmerge", "erase", "approve"]


class Doing(msgspec.Struct, frozen=True, kw_only=True):
    """What befalls somebody: a clerk enters or edits a card at a system, or a steward says a word about him.

    `other` is who he is said to be one with.
    """

    who: int
    what: What
    system: str = ""
    card: Card = {}
    other: int = -1


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody by number, companies behind people; `courses`: what befalls them, each course in its order."""

    people: int
    companies: int
    courses: Sequence[Sequence[Doing]]

    @property
    def doings(self) -> int:
        """How many there are in all."""
        return sum(len(course) for course in self.courses)

    @property
    def everybody(self) -> range:
        """The number of each."""
        return range(self.people + self.companies)


def mail_of(who: int) -> str:
    """By this a record is known to be of this one: nobody edits it."""
    return f"p{who}@crash.example"


def make_cast(people: int, seed: int) -> Cast:
    """So many people; equal for equal seeds. A cast of nobody is empty."""
    chance = random.Random(seed)
    companies = people // COMPANY_SHARE
    courses: list[Sequence[Doing]] = []
    for first in range(0, people, CELL):
        cell = list(range(first, min(first + CELL, people)))
        *alone, one, other = cell if len(cell) > 1 else [*cell, -1, -1]
        if other >= 0:
            courses.append(_pair(one, other, chance, parts=first // CELL % 2 == 0))
        for who in alone:
            end = [Doing(who=who, what="erase")] if who == first and len(alone) > 1 else []
            courses.append([*_beginning(who, chance), *_edits(who, chance), *end])
    courses += [
        [Doing(who=who, what="enter", system=CRM, card=a_company(who)), Doing(who=who, what="approve")]
        for who in range(people, people + companies)
    ]
    return Cast(people=people, companies=companies, courses=courses)


def _pair(one: int, other: int, chance: random.Random, *, parts: bool) -> list[Doing]:
    """Two are taken for one once all is said of both; where that was wrong, more is said of both afterwards."""
    before = [*_beginning(one, chance), *_beginning(other, chance), *_edits(one, chance), *_edits(other, chance)]
    course = [*before, Doing(who=one, what="merge", other=other)]
    if parts:
        course += [Doing(who=one, what="unmerge", other=other)]
        course += [_edit(who, ERP, TERMS, chance) for who in (one, other)]
    return course


def _beginning(who: int, chance: random.Random) -> list[Doing]:
    """The same person comes in by each door, written otherwise there; every third one twice at the shop."""
    doors = [CRM, SHOP, *([SHOP] if who % 3 == 0 else [])]
    chance.shuffle(doors)
    return [Doing(who=who, what="enter", system=door, card=a_card(who, shouted=door == SHOP)) for door in doors]


def _edits(who: int, chance: random.Random) -> list[Doing]:
    """Values whose owner is one system, a value that it does not own, and one that both may say."""
    edits = [_edit(who, ERP, TERMS, chance), _edit(who, CRM, CONSENT, chance)]
    for _number in range(chance.randint(2, EDITS_MAX)):
        system, name = chance.choice(
            ((ERP, TERMS), (CRM, CONSENT), (CRM, PHONE), (ERP, PHONE), (CRM, TERMS), (CRM, STREET))
        )
        edits.append(_edit(who, system, name, chance))
    return edits


def _edit(who: int, system: str, name: str, chance: random.Random) -> Doing:
    """An edit that nobody else makes, so that whoever shows it was told of just this one."""
    nonce = chance.randrange(10_000)
    cards: Mapping[str, Card] = {
        PHONE: {PHONE: f"+49 30 555{who:02}{nonce:04}"},
        TERMS: {TERMS: f"N{who}-{nonce}"},
        CONSENT: {CONSENT: chance.choice(("opt_in", "opt_out"))},
        STREET: {
            f"{STREET}.lines": (f"Lindenstr. {nonce}",),
            f"{STREET}.postal_code": "80331",
            f"{STREET}.city": "München",
            f"{STREET}.country": "DE",
        },
    }
    return Doing(who=who, what="edit", system=system, card=cards[name])


def a_card(who: int, *, shouted: bool) -> Card:
    """A person's card; at the shop the name is in capitals."""
    family, given = family_of(who), drawn(who, "given")
    return {
        "kind": "person",
        "person.name.given": given.upper() if shouted else given,
        "person.name.family": family.upper() if shouted else family,
        "person.birth_date": f"{1930 + who % 70}-{1 + who % 12:02}-{1 + who % 28:02}",
        "contact.email": mail_of(who),
    }


def a_company(who: int) -> Card:
    """A company's card: all that it has to tell, with a tax number that can be one."""
    digits = f"{13_669_597 + who * 1_017:08}"
    return {
        "kind": "organisation",
        "organisation.name": f"{family_of(who)}werke GmbH",
        "organisation.registered_in": "DE",
        "tax.number": f"DE{digits}{mod_11_10.calc_check_digit(digits)}",
        "contact.email": mail_of(who),
        "billing.address.lines": (f"{family_of(who)}weg 1",),
        "billing.address.postal_code": "10115",
        "billing.address.city": "Berlin",
        "billing.address.country": "DE",
    }


def family_of(who: int) -> str:
    """By this name, too, somebody is known."""
    return drawn(who, "family")


def drawn(who: int, what: str) -> str:
    """A name that nobody takes for another one's."""
    return "".join(random.Random(f"{what}-{who}").sample(LETTERS, LETTERS_IN_A_NAME)).title()
