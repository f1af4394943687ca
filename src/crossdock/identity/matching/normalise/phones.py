"""A phone number as the world dials it: E.164 digits by the country's own plan."""

from functools import lru_cache

import phonenumbers

from crossdock.identity.matching.normalise.text import digits

NUMBER_CHARACTERS_MAX = 40
DIGITS_MIN = 6


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
    try:
        number = phonenumbers.parse(text, country or None)
    except (phonenumbers.NumberParseException, ValueError):
        return plain.lstrip("0")
    return f"+{number.country_code}{number.national_number}"
