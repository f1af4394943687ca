"""A retailer's customers as four systems hold them, with the truth: seeded, streaming, of any size.

Salesforce, the tills, the shop and the ERP each have habits: what they ask, how they write it, what goes wrong.
The same seed gives the same records on every machine. Of the records made only the mailboxes are kept in memory,
since no two people have the same one.
"""

import itertools
from collections.abc import Callable, Iterator

from bench.match.blemishes import ascii_of, plain, scanned, shortened, spoiled, typed
from bench.match.dice import Dice
from bench.match.more_countries import NICKNAMES
from bench.match.people import YEARS, Company, Home, Person, Population
from bench.match.rows import Row

COMPANIES_SHARE = 0.08
SHUFFLED_TOGETHER = 5_000
"""Records that wait to be handed out in any order: a person's records do not come one after another."""

NOBODYS_EMAILS = ("noemail@store.com", "none@none.com", "kunde@filiale.de")
NOBODYS_PHONES = ("0000000000", "1111111111", "999")


def retail_rows(count: int, seed: int = 1) -> Iterator[Row]:
    """So many records of a made-up retailer's customers; `truth` tells who they are."""
    dice = Dice(seed)
    waiting: list[Row] = []
    numbers = itertools.count()
    for row in itertools.islice(_records(dice), count):
        waiting.append(row)
        if len(waiting) >= SHUFFLED_TOGETHER:
            at = dice.below(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            yield _numbered(waiting.pop(), next(numbers))
    while waiting:
        at = dice.below(len(waiting))
        waiting[at], waiting[-1] = waiting[-1], waiting[at]
        yield _numbered(waiting.pop(), next(numbers))


def _numbered(row: Row, number: int) -> Row:
    row.key = f"r{number}"
    return row


def _records(dice: Dice) -> Iterator[Row]:
    population = Population(dice)
    while True:
        if dice.chance(COMPANIES_SHARE):
            company = population.company()
            yield from _company_records(dice, company)
            if dice.chance(0.12):
                yield from _company_records(dice, population.sister(company))
        else:
            for person in population.household():
                yield from _person_records(dice, person)


def _person_records(dice: Dice, person: Person) -> Iterator[Row]:
    makers = [maker for maker, share, more in MAKERS for _ in range(_times(dice, share, more))]
    for maker in makers or [MAKERS[dice.below(3)][0]]:
        yield maker(dice, person, dice.between(0.0, YEARS))


def _times(dice: Dice, share: float, more: float) -> int:
    """How many records of one person a system has: one in that `share` of cases, `more` on top of it."""
    if not dice.chance(share):
        return 0
    count = 1
    while count < 5 and dice.chance(more):
        count += 1
    return count


def _salesforce(dice: Dice, person: Person, time: float) -> Row:
    """Typed by an agent or by a form: parts apart, mostly with an e-mail."""
    row = _named(dice, person, time, "salesforce", slips=0.05)
    row.email = _email(dice, person, time, 0.9)
    row.phone = _phone(dice, person, time, 0.75)
    row.born = _born(dice, person, 0.28, iso=True)
    row.loyalty = person.loyalty if dice.chance(0.3) else ""
    row.middle = person.middle if dice.chance(0.4) else ""
    if dice.chance(0.55):
        _placed(dice, row, person.home(time), 0.04)
    if person.employer and dice.chance(0.4):
        row.organisation = person.employer
        row.email = person.work_email if dice.chance(0.6) else row.email
    return _reached(dice, row, person, time)


def _till(dice: Dice, person: Person, time: float) -> Row:
    """Spelled to a cashier, or scanned from a card filled in by hand."""
    row = _named(dice, person, time, "pos", slips=0.12)
    row.email = dice.one(NOBODYS_EMAILS) if dice.chance(0.04) else _email(dice, person, time, 0.52)
    row.phone = dice.one(NOBODYS_PHONES) if dice.chance(0.03) else _phone(dice, person, time, 0.78)
    row.born = _born(dice, person, 0.6, iso=False)
    row.loyalty = person.loyalty if dice.chance(0.45) else ""
    if dice.chance(0.45):
        _placed(dice, row, person.home(time), 0.12)
    if dice.chance(0.15):
        row.given, row.surname = scanned(dice, row.given), scanned(dice, row.surname)
    if dice.chance(0.05):
        row.given, row.surname = row.surname, row.given
    elif dice.chance(0.12):
        row.full, row.given, row.surname = f"{row.given} {row.surname}".strip(), "", ""
    return _reached(dice, row, person, time)


def _shop(dice: Dice, person: Person, time: float) -> Row:
    """Typed by the customers themselves, in a hurry; goods may go to somebody else's door."""
    row = _named(dice, person, time, "commerce", slips=0.05)
    row.email = _email(dice, person, time, 1.0)
    if dice.chance(0.04):
        row.email = f"{plain(person.given)[:2].lower()}{dice.digits(7)}@relay.marketplace.com"
    row.phone = _phone(dice, person, time, 0.62)
    row.born = _born(dice, person, 0.06, iso=True)
    row.loyalty = person.loyalty if dice.chance(0.12) else ""
    if dice.chance(0.93):
        _placed(dice, row, person.home(dice.between(0.0, YEARS) if dice.chance(0.06) else time), 0.06)
    if dice.chance(0.15):
        row.given, row.surname, row.street, row.city = (
            text.lower() for text in (row.given, row.surname, row.street, row.city)
        )
    return _reached(dice, row, person, time)


def _erp(dice: Dice, person: Person, time: float) -> Row:
    """Capitals without accents, family name first, all in one field of 35 signs; always an address."""
    row = _named(dice, person, time, "erp", slips=0.03)
    row.given = person.given if len(row.given) < 3 else row.given
    row.full = ascii_of(dice, f"{row.surname} {row.given}").upper()[:35]
    row.given = row.surname = ""
    row.email = _email(dice, person, time, 0.5)
    row.phone = _phone(dice, person, time, 0.6)
    row.born = _born(dice, person, 0.1, iso=True)
    _placed(dice, row, person.home(time), 0.03)
    row.street, row.city = (ascii_of(dice, text).upper()[:35] for text in (row.street, row.city))
    return _reached(dice, row, person, time)


Maker = Callable[[Dice, Person, float], Row]
MAKERS: tuple[tuple[Maker, float, float], ...] = (
    (_salesforce, 0.5, 0.12),
    (_till, 0.5, 0.15),
    (_shop, 0.6, 0.3),
    (_erp, 0.22, 0.04),
)
"""Each system: the share of people it knows, and the chance of each further record of the same one."""


def _named(dice: Dice, person: Person, time: float, source: str, slips: float) -> Row:
    """The name as it was then: short forms, an initial, a title, a second given name, slips."""
    given, surname = person.given, person.surname.at(time)
    short = NICKNAMES.get(given)
    if short and dice.chance(0.2):
        given = dice.one(short)
    elif dice.chance(0.03):
        given = given[0] + dice.one(("", "."))
    elif person.middle and dice.chance(0.2):
        given = f"{given} {dice.one((person.middle, person.middle[0], person.middle[0] + '.'))}"
    if "-" in surname and dice.chance(0.3):
        surname = dice.one((surname.replace("-", " "), surname.split("-")[0], surname.split("-")[-1]))
    if person.country.code == "ES" and dice.chance(0.35):
        surname = surname.split(" ", maxsplit=1)[0]
    if not surname.isascii() and dice.chance(0.2):
        surname = ascii_of(dice, surname)
    return Row(
        "",
        person.truth,
        source,
        given=f"{person.title} {spoiled(dice, given, slips)}".strip()
        if dice.chance(0.5)
        else spoiled(dice, given, slips),
        surname=spoiled(dice, surname, slips),
    )


def _reached(dice: Dice, row: Row, person: Person, time: float) -> Row:
    """No system keeps a bare name: add what it must have."""
    nobodys = row.email in NOBODYS_EMAILS and row.phone in NOBODYS_PHONES
    if nobodys or not (row.email or row.phone or row.street):
        row.phone = _phone(dice, person, time, 1.0)
    row.country = person.country.code
    return row


def _email(dice: Dice, person: Person, time: float, share: float) -> str:
    if not dice.chance(share):
        return ""
    if person.shared_email and dice.chance(0.45):
        return person.shared_email
    address = person.email.at(time)
    if dice.chance(0.03):
        local, _, domain = address.partition("@")
        return f"{typed(dice, local)}@{domain}"
    if dice.chance(0.02):
        return address.replace(".com", dice.one((".con", ".cmo", ".co"))).replace(".de", ".dee")
    return address.upper() if dice.chance(0.02) else address


def _phone(dice: Dice, person: Person, time: float, share: float) -> str:
    if not dice.chance(share):
        return ""
    number = person.landline if person.landline and dice.chance(0.4) else person.mobile.at(time)
    if dice.chance(0.025):
        number = typed(dice, number)
    return _dialled(dice, number, person.country.calling)


def _dialled(dice: Dice, number: str, calling: str) -> str:
    """A number as people write it: with or without the country, with strokes or blanks."""
    trunk = "" if calling in {"1", "39", "34"} else "0"
    form = dice.below(6)
    if form == 0:
        return f"+{calling}{number}"
    if form == 1:
        return f"00{calling} {number[:3]} {number[3:]}"
    if form == 2:
        return f"({trunk}{number[:3]}) {number[3:6]}-{number[6:]}"
    if form == 3:
        return f"{trunk}{number[:3]}/{number[3:]}"
    if form == 4:
        return f"+{calling} {number[:3]} {number[3:6]} {number[6:]}"
    return trunk + number


def _born(dice: Dice, person: Person, share: float, *, iso: bool) -> str:
    if not dice.chance(share):
        return ""
    year, month, day = person.born
    if dice.chance(0.02):
        return f"{year}-01-01" if iso else f"01.01.{year}"
    if dice.chance(0.02) and day <= 12:
        month, day = day, month
    elif dice.chance(0.03):
        year, month, day = dice.one(
            (
                (year, month, min(28, day + 1)),
                (year, 1 + month % 12, day),
                (year - 1, month, day),
                (year + 10, month, day),
            )
        )
    if iso:
        return f"{year}-{month:02d}-{day:02d}"
    return f"{month:02d}/{day:02d}/{year}" if person.country.code == "US" else f"{day:02d}.{month:02d}.{year}"


def _placed(dice: Dice, row: Row, home: Home, slips: float) -> None:
    """Write an address into a row, in the order and with the short forms of the country."""
    street = spoiled(dice, shortened(dice, home.street), slips)
    house = home.house if not dice.chance(slips / 4) else typed(dice, home.house + "1")
    row.street = f"{house} {street}" if home.house_first else f"{street} {house}"
    if home.flat and dice.chance(0.6):
        if dice.chance(0.5):
            row.extra = home.flat
        else:
            row.street = f"{row.street}, {home.flat}"
    row.postcode = spoiled(dice, home.postcode, slips / 2) if dice.chance(0.96) else ""
    row.city = spoiled(dice, home.city, slips)
    row.region = home.region if dice.chance(0.8) else ""


def _company_records(dice: Dice, company: Company) -> Iterator[Row]:
    """The ERP knows most companies, Salesforce and the shop some, each under one site or another."""
    plan = (("erp", 0.85, 0.12), ("salesforce", 0.75, 0.25), ("commerce", 0.45, 0.2))
    sources = [source for source, share, more in plan for _ in range(_times(dice, share, more))]
    for source in sources or ["erp"]:
        row = Row("", company.truth, source, "organisation", country=company.country.code)
        row.organisation = _company_name(dice, company, source)
        site = company.sites[0] if dice.chance(0.6) else dice.one(company.sites)
        if source == "erp" or dice.chance(0.75):
            _placed(dice, row, site, 0.04)
        if dice.chance({"erp": 0.85, "salesforce": 0.35}.get(source, 0.25)):
            row.tax = company.tax if dice.chance(0.85) else company.tax.removeprefix(company.country.code)
        row.number = company.register if source == "erp" and dice.chance(0.3) else ""
        if dice.chance({"erp": 0.5}.get(source, 0.7)):
            box = dice.one(("info", "office", "einkauf", "sales", plain(company.staff[0].split(" ")[0]).lower()))
            row.email = f"{box}@{company.domain}"
        if dice.chance(0.6):
            row.phone = _dialled(dice, company.phone, company.country.calling)
        row.website = f"www.{company.domain}" if source == "salesforce" and dice.chance(0.6) else ""
        if not (row.street or row.email or row.phone or row.tax):
            _placed(dice, row, site, 0.0)
        yield row


def _company_name(dice: Dice, company: Company, source: str) -> str:
    """One spelling of its legal form or none, `&` as a word, capitals, a site behind it, or the brand alone."""
    core = company.name
    if "&" in core and dice.chance(0.4):
        core = core.replace("&", {"DE": "und", "FR": "et", "IT": "e", "ES": "y"}.get(company.country.code, "and"))
    core = spoiled(dice, core, 0.05)
    form = "" if dice.chance(0.22) else f" {dice.one(company.forms)}"
    if source != "erp" and dice.chance(0.08):
        core, form = company.brand, ""
    if len(company.sites) > 1 and dice.chance(0.15):
        form += f" {dice.one(('-', ','))} {dice.one(company.sites).city}"
    name = f"{core}{form}"
    return ascii_of(dice, name).upper()[:40] if source == "erp" else name
