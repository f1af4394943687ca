"""A phone number as the world dials it: E.164 digits by the country's own plan."""

import re
from functools import lru_cache

import phonenumbers

from crossdock.identity.matching.normalise.text import digits

NUMBER_CHARACTERS_MAX = 40
DIGITS_MIN = 6
HEAD = 6
"""Signs that say how a number is dialled: country code, trunk prefix, area."""
_ONLY_DIGITS = re.compile(r"\+?[0-9 ()./-]+\Z")


def phone_of(text: str, country: str = "") -> str:
    """The number in E.164 with its `+`; bare digits where no plan is known; empty where it is no number.

    `country` (alpha-2) says how to read a number written without its own code. A number that the plan does not
    know stays as digits: a typing error is still worth comparing.
    """
    return _phone_of(text[:NUMBER_CHARACTERS_MAX].strip(), country)


@lru_cache(maxsize=65_536)
def _phone_of(text: str, country: str) -> str:
    plain = digits(text)
    if len(plain) < DIGITS_MIN or len(set(plain)) == 1:
        return ""
    dialled = f"+{plain}" if text.startswith("+") else plain
    if len(dialled) > HEAD and _ONLY_DIGITS.match(text):
        start, taken = plan_of(dialled[:HEAD], len(dialled), country)
        if taken >= 0:
            return start + dialled[taken:]
    return _parsed(text, plain, country)


@lru_cache(maxsize=1 << 17)
def plan_of(head: str, length: int, country: str) -> tuple[str, int]:
    """What numbers of that length with those first digits begin with, and how many signs it replaces; -1: unknown.

    Which numbers are dialled how is settled by length and first digits, so a number of that kind is asked for.
    """
    tail = ("2345678903" * 4)[: length - HEAD]
    parsed = _parsed(head + tail, digits(head + tail), country)
    return (parsed.removesuffix(tail), HEAD) if parsed.endswith(tail) else ("", -1)


def _parsed(text: str, plain: str, country: str) -> str:
    try:
        number = phonenumbers.parse(text, country or None)
    except (phonenumbers.NumberParseException, ValueError):
        return plain.lstrip("0")
    # In Italy a landline keeps its zero, and a mobile has none: without it two people's numbers would be one.
    zeros = "0" * (number.number_of_leading_zeros or 1) if number.italian_leading_zero else ""
    return f"+{number.country_code}{zeros}{number.national_number}"
