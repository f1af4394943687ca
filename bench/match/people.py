"""Households and companies of a made-up population, and how they change over six years.

Time is a number from 0 to 6, in years; a record shows what was true when it was made.
"""

from dataclasses import dataclass, field, replace

from bench.match.blemishes import plain
from bench.match.countries import Country
from bench.match.dice import Dice, Weighted
from bench.match.more_countries import COUNTRIES

YEARS = 6.0
NEIGHBOURS_KEPT = 40
"""Addresses remembered, so that some strangers live in one house."""

BRANCHES = Weighted(
    "Bau Elektro Handel Logistik Technik Garten Möbel Druck Sport Media Energie Immobilien Consulting Software "
    "Transport Textil Optik Metall Design Catering".split()
)
TRADES = Weighted(
    "Construction Electric Trading Logistics Plumbing Garden Furniture Printing Sports Media Energy Properties "
    "Consulting Software Transport Textiles Optics Metalworks Design Catering Foods Motors Supplies Dental".split()
)
INVENTED = Weighted(
    "Nova Alpha Delta Omni Euro Inter Uni Pro Tele Micro Bio Eco Geo Medi Agro Aqua Solar Vita Prima Opti Helio "
    "Astra Terra Quanta Flexi Rapid".split()
)
ENDINGS = "tec tech plan net com soft line form mark max trans con sys lux fit pack care dent therm pharm".split()


@dataclass(slots=True)
class Home:
    """A dwelling; `house` is the number with its letter."""

    street: str
    house: str
    flat: str
    postcode: str
    city: str
    region: str
    dialling: str
    house_first: bool


@dataclass(slots=True)
class History:
    """What was true from when on: entries in order of time, the first from ever."""

    entries: list[tuple[float, str]] = field(default_factory=list)

    def at(self, time: float) -> str:
        """What was true then."""
        said = self.entries[0][1]
        for since, value in self.entries:
            if since <= time:
                said = value
        return said


@dataclass(slots=True)
class Person:
    """Somebody with a history."""

    truth: str
    country: Country
    given: str
    middle: str
    title: str
    surname: History
    born: tuple[int, int, int]
    homes: list[tuple[float, Home]]
    email: History
    mobile: History
    landline: str
    shared_email: str
    loyalty: str
    employer: str = ""
    work_email: str = ""

    def home(self, time: float) -> Home:
        """Where they lived then."""
        said = self.homes[0][1]
        for since, home in self.homes:
            if since <= time:
                said = home
        return said


@dataclass(slots=True)
class Company:
    """A legal entity with its sites; `brand` is what it is called in the street."""

    truth: str
    country: Country
    name: str
    forms: tuple[str, ...]
    brand: str
    tax: str
    register: str
    sites: list[Home]
    domain: str
    phone: str
    staff: list[str]


class Population:
    """Draws households and companies, one after another, from a seed.

    No provider gives one mailbox, and no registry one domain, to two: who comes second gets a number behind it.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._taken: dict[str, int] = {}
        self._people = 0
        self._companies = 0
        self._homes: list[tuple[Country, Home]] = []

    def household(self) -> list[Person]:
        """One to five people who share a home for some of the time."""
        dice = self._dice
        country = dice.one(COUNTRIES)
        homes = self._moves(country)
        name = self.surname(country)
        shared = ""
        if dice.chance(0.12):
            shared = f"{_local(name)}.{dice.one(('family', 'home', 'haus', 'casa'))}{dice.below(90)}"
            shared = self._own(shared, "@", dice.drawn(country.mails))
        dialling = homes[0][1].dialling
        landline = dialling + dice.digits(country.phone_digits - len(dialling)) if dice.chance(0.45) else ""
        card = self._card() if dice.chance(0.08) else ""
        size = dice.roll()
        age = 1940 + dice.below(62)
        head_is_man = dice.chance(0.5)
        his, hers = (country.men, country.women) if head_is_man else (country.women, country.men)
        people = [self._person(country, his, name, age, homes, shared, landline, card)]
        if size > 0.38:
            people.append(self._partner(people[0], hers, homes, shared, landline, card))
        if size > 0.62:
            born = age + 22 + dice.below(14)
            twins = dice.chance(0.04)
            for _ in range(1 + dice.below(3)):
                if born > 2006:
                    break
                names = dice.one((country.men, country.women))
                leaving = self._leaves(country, homes)
                child = self._person(country, names, name, born, leaving, shared, landline, card)
                if names is his and dice.chance(0.05):
                    child.given = people[0].given  # a junior
                people.append(child)
                if twins and len(people) > 3:
                    child.born = people[-2].born
                born += 1 + dice.below(4)
        return people

    def company(self) -> Company:
        """A legal entity; every ninth is a sister of the one before in name and place."""
        dice = self._dice
        country = dice.one(COUNTRIES)
        self._companies += 1
        forms = country.forms[0] if dice.chance(0.5) else dice.one(country.forms)
        owner = self.surname(country)
        kind = dice.roll()
        trade = dice.drawn(BRANCHES if country.code == "DE" else TRADES)
        if kind < 0.4:
            core = f"{owner} {trade}"
        elif kind < 0.6:
            other = dice.one(
                (self.surname(country), {"DE": "Söhne", "FR": "Fils", "IT": "Figli"}.get(country.code, "Sons"))
            )
            core = f"{owner} & {other}"
        else:
            core = dice.drawn(INVENTED) + dice.one(ENDINGS) + (f" {trade}" if dice.chance(0.5) else "")
        brand = core.split(" ")[0] if dice.chance(0.7) else dice.drawn(INVENTED) + " " + trade
        sites = [self._home(country) for _ in range(1 + (dice.below(4) if dice.chance(0.3) else 0))]
        called = _local(core.split(" ")[0]) + _local(core.split(" ")[-1])
        domain = self._own(called, ".", "com" if country.code == "US" else country.code.lower())
        staff = [
            f"{dice.drawn(country.men if dice.chance(0.5) else country.women)} {self.surname(country)}"
            for _ in range(2)
        ]
        return Company(
            f"c{self._companies}", country, core, forms, brand, _tax(dice, country), dice.digits(6), sites, domain,
            sites[0].dialling + dice.digits(country.phone_digits - len(sites[0].dialling)), staff,
        )  # fmt: skip

    def sister(self, other: Company) -> Company:
        """Another legal entity of the same group in the same house: only its trade and numbers differ."""
        dice = self._dice
        self._companies += 1
        trade = dice.one(("Holding", "International", "Logistik", "Services", "Immobilien", "Trading"))
        return Company(
            f"c{self._companies}", other.country, f"{other.name.split(' ')[0]} {trade}", other.forms, other.brand,
            _tax(dice, other.country), dice.digits(6), other.sites[:1], other.domain, other.phone, other.staff,
        )  # fmt: skip

    def surname(self, country: Country) -> str:
        """A family name: two of three are common ones, the others made of usual parts."""
        dice = self._dice
        if dice.chance(0.62):
            name = dice.drawn(country.surnames)
        else:
            name = dice.one(country.heads) + dice.one(country.tails)
            if name[0].islower():  # a particle before a name
                name = name.split(" ")[0] + " " + name.rsplit(" ", 1)[-1].capitalize()
        if country.code == "ES":
            name += " " + dice.drawn(country.surnames)
        return name

    def _person(
        self, country: Country, names: Weighted, surname: str, born: int, homes: list[tuple[float, Home]],
        shared: str, landline: str, card: str,
    ) -> Person:  # fmt: skip
        dice = self._dice
        self._people += 1
        given = dice.drawn(names)
        person = Person(
            truth=f"p{self._people}",
            country=country,
            given=given,
            middle=dice.drawn(names) if dice.chance(0.3 if country.code in {"US", "GB"} else 0.08) else "",
            title="Dr." if dice.chance(0.03) else "",
            surname=History([(-1.0, surname)]),
            born=(born, 1 + dice.below(12), 1 + dice.below(28)),
            homes=homes,
            email=History(),
            mobile=History(),
            landline=landline if dice.chance(0.8) else "",
            shared_email=shared if dice.chance(0.5) else "",
            loyalty=card or self._card(),
        )
        self._reachable(person)
        if dice.chance(0.1):
            person.employer = f"{self.surname(country)} {dice.drawn(TRADES)}"
            person.work_email = f"{_local(given)}.{_local(surname)}@{_local(person.employer)}.com"
        return person

    def _partner(
        self, head: Person, names: Weighted, homes: list[tuple[float, Home]], shared: str, landline: str, card: str
    ) -> Person:
        dice = self._dice
        born_as = self.surname(head.country)
        born = head.born[0] - 4 + dice.below(9)
        partner = self._person(head.country, names, born_as, born, homes, shared, landline, card)
        since = dice.between(-30.0, YEARS)
        if since > 0:  # met meanwhile, and lived elsewhere before
            together = max((entry for entry in homes if entry[0] <= since), key=lambda entry: entry[0])[1]
            later = [entry for entry in homes if entry[0] > since]
            partner.homes = [(-1.0, self._home(head.country)), (since, together), *later]
        fate = dice.roll()
        married = head.surname.entries[0][1]
        if fate < head.country.takes_name:
            partner.surname.entries.append((since, married))
            if since > 0 and dice.chance(0.15):
                partner.surname.entries.append((dice.between(since, YEARS + 3), born_as))  # and back again
        elif fate < head.country.takes_name + 0.08:
            partner.surname.entries.append((since, f"{born_as}-{married}"))
        if since < 0 and len(partner.surname.entries) > 1:
            del partner.surname.entries[0]  # married before anybody kept a record
        return partner

    def _reachable(self, person: Person) -> None:
        """Give them mailboxes and numbers, some of which change."""
        dice = self._dice
        since = -1.0
        while since < YEARS:
            person.email.entries.append((since, self._mailbox(person, since)))
            since = max(since, 0.0) + dice.between(4.0, 40.0)
        since = -1.0
        while since < YEARS:
            first = dice.one(person.country.mobile)
            rest = dice.digits(person.country.phone_digits - len(first))
            person.mobile.entries.append((since, first + rest))
            since = max(since, 0.0) + dice.between(4.0, 40.0)

    def _mailbox(self, person: Person, time: float) -> str:
        dice = self._dice
        given, surname = _local(person.given), _local(person.surname.at(time))
        year = str(person.born[0])
        local = dice.one(
            (
                f"{given}.{surname}",
                f"{given}{surname}",
                f"{given[0]}{surname}",
                f"{given}{year[2:]}",
                f"{surname}{given[0]}",
                f"{given}_{surname}",
                dice.one(("sunny", "lucky", "blue", "tiger", "star", "mad", "zen")) + given[:4] + dice.digits(2),
            )
        )
        if dice.chance(0.6):
            local += dice.one((year[2:], year, dice.digits(2), dice.digits(3)))
        return self._own(local, "@", dice.drawn(person.country.mails))

    def _own(self, local: str, sign: str, domain: str) -> str:
        """The address, with the first number behind its name with which nobody has it."""
        wanted = address = f"{local}{sign}{domain}"
        number = self._taken.get(wanted, 1)
        while address in self._taken:
            number += 1
            address = f"{local}{number}{sign}{domain}"
        self._taken[wanted] = number
        self._taken.setdefault(address, 1)
        return address

    def _moves(self, country: Country) -> list[tuple[float, Home]]:
        dice = self._dice
        homes = [(-1.0, self._home(country))]
        since = dice.between(0.0, 28.0)
        while since < YEARS:
            homes.append((since, self._home(country, near=homes[-1][1] if dice.chance(0.6) else None)))
            since += dice.between(2.0, 25.0)
        return homes

    def _leaves(self, country: Country, homes: list[tuple[float, Home]]) -> list[tuple[float, Home]]:
        """A grown child's homes: the parents' until it leaves, if it has not yet done so."""
        leaving = self._dice.between(-10.0, 14.0)
        return [entry for entry in homes if entry[0] < leaving] + [(leaving, self._home(country))]

    def _home(self, country: Country, near: Home | None = None) -> Home:
        dice = self._dice
        if self._homes and dice.chance(0.12):
            of, other = dice.one(self._homes)
            if of is country:
                return replace(other, flat=country.flat.format(1 + dice.below(30)))
        if near:
            city, digits, dialling, region = near.city, near.postcode[:2], near.dialling, near.region
        else:
            city, digits, dialling, region = dice.one(country.towns)
        street = dice.one(country.patterns).format(dice.drawn(country.stems))
        street = street.replace("-straße", "-Straße")
        house = str(1 + int(dice.roll() ** 2 * (4000 if country.code == "US" else 180)))
        if country.code != "US" and dice.chance(0.12):
            house += dice.one("abc")
        flat = country.flat.format(1 + dice.below(30)) if dice.chance(0.3) else ""
        home = Home(
            street, house, flat, _postcode(dice, country, digits), city, region, dialling, country.house_first
        )
        if len(self._homes) < NEIGHBOURS_KEPT:
            self._homes.append((country, home))
        else:
            self._homes[dice.below(NEIGHBOURS_KEPT)] = (country, home)
        return home

    def _card(self) -> str:
        return "7" + self._dice.digits(11)


def _local(text: str) -> str:
    """The letters and digits of a text, without accents, as they stand in a mailbox's name."""
    return "".join(sign for sign in plain(text).lower() if sign.isalnum())


def _postcode(dice: Dice, country: Country, digits: str) -> str:
    if country.code == "GB":
        district = digits[:-1] if digits[-1].isdigit() and len(digits) > 2 else digits
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        return f"{district}{1 + dice.below(19)} {1 + dice.below(9)}{dice.one(letters)}{dice.one(letters)}"
    code = digits + "".join(str(dice.below(10)) for _ in range(5))
    if country.code == "NL":
        return f"{code[:4]} {dice.one('ABCDEGHJKLMNPRSTVWXZ')}{dice.one('ABCDEGHJKLMNPRSTVWXZ')}"
    return code[:5]


def _tax(dice: Dice, country: Country) -> str:
    """A number for taxes whose public checksum holds where the country's rule is short (DE, FR, IT, NL, US)."""
    code = country.code
    if code == "DE":  # ISO 7064 mod 11,10
        digits, product = dice.digits(8), 10
        for digit in digits:
            total = (int(digit) + product) % 10 or 10
            product = 2 * total % 11
        return f"DE{digits}{(11 - product) % 10}"
    if code == "FR":  # a SIREN by Luhn, before it (12 + 3 * SIREN mod 97) mod 97
        siren = _luhn(dice.digits(8))
        return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"
    if code == "IT":
        return "IT" + _luhn(dice.digits(7) + "001")
    if code == "NL":  # eleven-proof
        while True:
            digits = dice.digits(8)
            check = sum(int(digit) * (9 - at) for at, digit in enumerate(digits)) % 11
            if check < 10:
                return f"NL{digits}{check}B01"
    if code == "GB":  # modulus 97 over the weights 8 to 2
        digits = dice.digits(7)
        total = sum(int(digit) * (8 - at) for at, digit in enumerate(digits)) % 97
        return f"GB{digits}{97 - total:02d}"
    if code == "ES":  # a company's CIF, Luhn-like
        digits = dice.digits(7)
        return f"ESB{_luhn(digits)}"
    return f"{10 + dice.below(80):02d}-{dice.digits(7)}"


def _luhn(digits: str) -> str:
    total = 0
    for at, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2 if at % 2 == 0 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{digits}{-total % 10}"
