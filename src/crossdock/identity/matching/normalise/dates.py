"""A date of birth as `YYYYMMDD`, out of what people and systems write."""

import re
from functools import lru_cache

from crossdock.identity.matching.normalise.text import digits, fold

YEAR_MIN, YEAR_MAX = 1000, 2199
_PARTS = re.compile(r"[0-9]+|[a-z]+")
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_YEAR_LAST = re.compile(r"([0-9]{2})[./]([0-9]{2})[./]([0-9]{4})\Z")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier janv enero ene gennaio gen",
            "feb february februar fevrier fevr febrero febbraio",
            "mar march marz mrz mars marzo",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag",
            "jun june juni juin junio giugno giu",
            "jul july juli juillet juil julio luglio lug",
            "aug august aout agosto ago",
            "sep sept september septembre septiembre settembre set",
            "oct october oktober okt octobre octubre ottobre ott",
            "nov november novembre noviembre",
            "dec december dezember dez decembre diciembre dic dicembre",
        ),
        1,
    )
    for name in names.split()
}
_MONTH_FIRST = frozenset({"US", "PH", "CA"})
_CENTURY_PIVOT = 30
"""A two-digit year up to here belongs to this century."""


@lru_cache(maxsize=65_536)
def date_of(text: str, country: str = "") -> str:
    """`text` as `YYYYMMDD`, `YYYYMM00`, `YYYY0000`, or empty where no year can be read.

    ISO order, day first, or month first (where the `country` writes so, or where no other order gives a date). An
    impossible month or day ("1856-87-30") is kept: it is a typing error, and comparing it digit by digit says
    more than dropping it. Swapped day and month are the comparison's business.
    """
    text = text.strip()[:40]
    if usual := _YEAR_FIRST.match(text):
        return _joined(*usual.groups())
    if usual := _YEAR_LAST.match(text):
        return _ordered(usual[3], usual[1], usual[2], country)
    bare = digits(text)
    if len(text) == len(bare) == len("YYYYMMDD"):
        return bare if YEAR_MIN <= int(bare[:4]) <= YEAR_MAX else _ordered(bare[4:], bare[:2], bare[2:4], country)
    parts = _PARTS.findall(fold(text).split("t0", maxsplit=1)[0])
    if any(part.isalpha() and part in _MONTHS for part in parts):
        return _with_month_name(parts)
    numbers = [part for part in parts if part.isdigit()]
    match numbers:
        case [year] if len(year) == len("YYYY"):
            return _joined(year, "00", "00")
        case [year, month] if len(year) == len("YYYY"):
            return _joined(year, month, "00")
        case [month, year] if len(year) == len("YYYY"):
            return _joined(year, month, "00")
        case [year, month, day, *_] if len(year) == len("YYYY"):
            return _joined(year, month, day)
        case [first, second, year, *_]:
            return _ordered(year, first, second, country)
    return ""


def _with_month_name(parts: list[str]) -> str:
    month = next(_MONTHS[part] for part in parts if part in _MONTHS)
    numbers = [part for part in parts if part.isdigit()]
    year = next((part for part in numbers if len(part) == len("YYYY")), numbers[-1] if len(numbers) > 1 else "")
    days = [part for part in numbers if part is not year]
    return _joined(year, str(month), days[0] if days else "00")


def _ordered(year: str, first: str, second: str, country: str) -> str:
    month_first = (country in _MONTH_FIRST or int(second) > 12) and int(first) <= 12  # noqa: PLR2004 - months
    return _joined(year, first, second) if month_first else _joined(year, second, first)


def _joined(year: str, month: str, day: str) -> str:
    if len(year) == 2:  # noqa: PLR2004 - a year without its century
        year = ("20" if int(year) <= _CENTURY_PIVOT else "19") + year
    if len(year) != len("YYYY") or not YEAR_MIN <= int(year) <= YEAR_MAX:
        return ""
    return f"{year}{month[-2:]:0>2}{day[-2:]:0>2}"
