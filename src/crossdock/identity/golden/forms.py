"""What systems make of what they are told: the same in another form, and how that is known.

A system may keep a telephone number as it likes to write it, or one name where it was told two. What comes back
then is neither what was told nor anybody's opinion, and to tell it again would change nothing (CUS-03).
"""

import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from crossdock.identity.golden.fields import Fields, FieldValue

TOLD_MAX = 2
"""So often a record is told a value that it turns into another one. Then that is how it keeps it."""

DIGITS_ALIKE = 7
"""Telephone numbers that end alike in so many digits are one, with or without the country's."""

_NUMBERS = ("phone", "mobile")
_NAMES = tuple(f"person.name.{part}" for part in ("given", "middle", "family"))


class Kept(msgspec.Struct, frozen=True):
    """What a record was `told` by the hub and has `shown` instead; how many `times` that was seen to come of it.

    0 times: nobody had to see it, the system itself says so.
    """

    told: FieldValue
    shown: FieldValue
    times: int = 1

    @property
    def is_for_good(self) -> bool:
        """Whether to tell it again would change nothing."""
        return self.times == 0 or self.times >= TOLD_MAX


def is_same_form(field: str, one: FieldValue, other: FieldValue) -> bool:
    """Whether values differ in nothing but case, accents, signs and blanks; telephones, in their prefix.

    Of an amount the point is no sign like others: 12.5 is 12.50, and not 125.
    """
    if isinstance(one, tuple) and isinstance(other, tuple):
        one, other = " ".join(one), " ".join(other)
    if not (isinstance(one, str) and isinstance(other, str)):
        return one == other
    if field.endswith(".amount"):
        return Decimal(one) == Decimal(other)
    if field.rpartition(".")[2] in _NUMBERS:
        ends = [_signs(each, str.isdigit)[-DIGITS_ALIKE:] for each in (one, other)]
        return len(ends[0]) == DIGITS_ALIKE and ends[0] == ends[1]
    signs = [_signs(each, str.isalnum) for each in (one, other)]
    return bool(signs[0]) and signs[0] == signs[1]


def other_forms(told: Fields, shows: Fields) -> dict[str, FieldValue]:
    """Of what a record was told, that which it shows in another form: what it shows.

    A system that has one name for a person may part it elsewhere: then all its words are there, in their order.
    """
    words = [_words({**shows, **told}), _words(shows)]
    same_name = bool(words[0]) and words[0] == words[1]
    return {
        name: shows[name]
        for name, value in told.items()
        if name in shows
        and shows[name] != value
        and ((same_name and name in _NAMES) or is_same_form(name, value, shows[name]))
    }


def _words(fields: Mapping[str, FieldValue]) -> list[str]:
    return [word for name in _NAMES for word in str(fields.get(name) or "").split()]


def _signs(text: str, counts: Callable[[str], bool]) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if counts(sign))
