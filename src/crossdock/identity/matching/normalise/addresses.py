"""A postal address in comparable parts: street in one spelling, house number, the rest, postcode, city."""

import re
from functools import lru_cache

from crossdock.identity.matching.normalise.street_words import JOINED_ENDINGS, LONG, UNIT_WORDS
from crossdock.identity.matching.normalise.text import compact, fold
from crossdock.identity.matching.record import Place, PostalAddress

LINES_MAX = 4
POSTCODE_MAX = 12
_HOUSE = re.compile(r"\d{1,6}[a-z]?\Z")
_BOX = re.compile(
    r"(?:p ?o ?box|po box|postfach|boite postale|bp|apartado(?: de correos)?|casella postale|cp) (\d+)"
)
BOX_ENDS = ("box", "postfach", "postale", "bp", "apartado", "correos", "cp")
"""What ends the words before a box's number."""
_IN_ONE_LINE = re.compile(
    r"(?P<city>[^\W\d][^\d,]*?)?[ ,]*(?P<region>\b[A-Z]{2}\b)?[ ,]*(?P<postcode>\d{4,5})(?:-\d{4})?\s*\Z"
)
_COUNTRIES = {
    name: code
    for code, names in {
        "DE": "de deu ger germany deutschland allemagne alemania germania",
        "AT": "at aut austria osterreich autriche",
        "CH": "ch che switzerland schweiz suisse svizzera",
        "FR": "fr fra france frankreich francia",
        "ES": "es esp spain spanien espana espagne",
        "IT": "it ita italy italien italia italie",
        "NL": "nl nld netherlands niederlande nederland pays-bas",
        "BE": "be bel belgium belgien belgique belgie",
        "GB": "gb gbr uk england scotland wales",
        "US": "us usa america",
        "CA": "ca can canada kanada",
        "AU": "au aus australia",
        "PL": "pl pol poland polen polska",
        "CZ": "cz cze czechia",
        "DK": "dk dnk denmark danemark",
        "SE": "se swe sweden schweden sverige",
        "NO": "no nor norway norwegen norge",
        "FI": "fi fin finland suomi",
        "PT": "pt prt portugal",
        "IE": "ie irl ireland irland",
        "LU": "lu lux luxembourg luxemburg",
        "SG": "sg sgp singapore",
        "MX": "mx mex mexico",
        "BR": "br bra brazil brasil",
    }.items()
    for name in names.split()
} | {"united kingdom": "GB", "great britain": "GB", "united states": "US", "united states of america": "US"}


def country_of(text: str) -> str:
    """ISO 3166-1 alpha-2 of a code or of a name that is often written; else the text, folded, in capitals."""
    plain = fold(text)
    return _COUNTRIES.get(plain, plain.upper()[:20])


def place_of(address: PostalAddress) -> Place:
    """The parts of `address`. The first line holds street and house number; what else is said goes to `more`."""
    lines = tuple(line for line in address.lines[:LINES_MAX] if line.strip())
    if len(lines) == 1 and not (address.postcode or address.city) and "," in lines[0]:
        return _from_one_line(lines[0], address)
    street, house, more = street_of(lines)
    return Place(
        street=street,
        house=house_of(address.house) or house,
        more=more,
        postcode=postcode_of(address.postcode),
        city=city_of(address.city),
        region=region_of(address.region),
        country=country_of(address.country),
    )


def _from_one_line(line: str, address: PostalAddress) -> Place:
    """Everything in one line: "123 Main Street, Las Vegas NV 89132"."""
    first, _, rest = line.partition(",")
    found = _IN_ONE_LINE.search(rest.strip())
    street, house, more = street_of((first,))
    if not found:
        return Place(street=street, house=house, more=more, city=city_of(rest.rpartition(",")[2]))
    return Place(
        street=street,
        house=house,
        more=more,
        postcode=found["postcode"],
        city=city_of((found["city"] or "").rpartition(",")[2]),
        region=fold(found["region"] or address.region),
        country=country_of(address.country),
    )


@lru_cache(maxsize=65_536)
def street_of(lines: tuple[str, ...]) -> tuple[str, str, str]:
    """Street, house number and what else the lines say."""
    streets = [_spelled_out(line) for line in lines]
    if not streets:
        return "", "", ""
    chosen = next((place for place, words in enumerate(streets) if any(map(_HOUSE.match, words))), 0)
    rest = [" ".join(words) for place, words in enumerate(streets) if place != chosen]
    text = " ".join(streets[chosen])
    if box := _BOX.search(text):
        return "box", box[1], " ".join(rest)
    street, house, unit = _without_house(streets[chosen])
    return street, house, " ".join([*unit, *rest]).strip()


def _without_house(words: list[str]) -> tuple[str, str, list[str]]:
    """House number first (English, French) or last (German, Italian, Spanish); a unit's words apart."""
    unit: list[str] = []
    for place, word in enumerate(words):
        if word in UNIT_WORDS and place:
            words, unit = words[:place], words[place:]
            break
    for place in (0, -1, -2):
        if len(words) >= max(2, -place) and _HOUSE.match(words[place]):
            house = words[place]
            kept = words[1:] if place == 0 else words[:place]
            tail = words[place + 1 :] if place < -1 else []
            if tail and len(tail[0]) == 1 and tail[0].isalpha():
                house, tail = house + tail[0], []
            return " ".join(kept), house_of(house), [*unit, *tail]
    return " ".join(words), "", unit


def _spelled_out(line: str) -> list[str]:
    """The words of a line, street types in their long form; German joined types are parted."""
    words = [part for word in fold(line).split() for part in long_forms(word)]
    if "saint" not in words or words[0] == "saint":
        return words
    return [
        ("street" if word == "saint" and place == len(words) - 1 else word) for place, word in enumerate(words)
    ]


@lru_cache(maxsize=65_536)
def long_forms(word: str) -> tuple[str, ...]:
    """A word in its long form; a name and its street type are parted."""
    ending = next((end for end in JOINED_ENDINGS if word.endswith(end) and len(word) > len(end) + 2), "")
    if ending:
        return word[: -len(ending)], "strasse" if ending.startswith("str") else ending
    return (LONG.get(word, word),)


def is_house(word: str) -> bool:
    """Whether a folded word is a house number."""
    return _HOUSE.match(word) is not None


@lru_cache(maxsize=65_536)
def house_of(text: str) -> str:
    """A house number without leading zeros: `0012 A` is 12a."""
    return fold(text).replace(" ", "").lstrip("0")[:12]


@lru_cache(maxsize=65_536)
def city_of(text: str) -> str:
    """A town's name, folded, saints and mountains spelled out."""
    words = fold(text)[:80].split()
    return " ".join(
        {"st": "saint", "ste": "saint", "sankt": "saint", "mt": "mount", "ft": "fort"}.get(word, word)
        for word in words
    )


def postcode_of(text: str) -> str:
    """A postcode without blanks."""
    return compact(text)[:POSTCODE_MAX]


def region_of(text: str) -> str:
    """A region's name or code, folded."""
    return fold(text)[:40]
