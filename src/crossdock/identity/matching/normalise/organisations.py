"""A company's name without its legal form, and the form as a code."""

import re
from functools import lru_cache

from crossdock.identity.matching.normalise.legal_forms import CODES, FILLERS, WORDS_MAX
from crossdock.identity.matching.normalise.text import fold

_KNOWN_AS = re.compile(
    r"(?<=\S)[\s,]+\(?(?:d/b/a|dba|t/a|trading as|doing business as|f/k/a|formerly|a/k/a|aka|vormals)\s+"
    r"([^\s()][^()]{0,120}?)\)?\s*\Z",
    re.IGNORECASE,
)


@lru_cache(maxsize=65_536)
def known_as(name: str) -> str:
    """The brand or former name that a company's name says: `snackbar` of "Vogt GmbH t/a Snackbar"."""
    found = _KNOWN_AS.search(name)
    return organisation_of(found[1])[0] if found else ""


@lru_cache(maxsize=65_536)
def organisation_of(name: str, legal_form: str = "") -> tuple[str, str]:
    """`("muller sohne", "limited")` of "Müller & Söhne GmbH"; the form is empty where none is written.

    A form is taken off the end, again and again ("GmbH & Co. KG" is one, "Holding GmbH" leaves a filler word),
    and off the
    front (Iberian, Slavic and Nordic usage). What is left is never empty: a company called "AG" stays "ag".
    """
    words = fold(_KNOWN_AS.sub("", name).replace("&", " ").replace("+", " ")).split()[:16]
    form = CODES.get(tuple(fold(legal_form).split()), "")
    ended, at_end = _without_form(words, at_end=True)
    started, at_start = _without_form(ended, at_end=False)
    kept = [word for word in started if word not in FILLERS] or started
    return " ".join(kept), form or at_end or at_start


def _without_form(words: list[str], *, at_end: bool) -> tuple[list[str], str]:
    found = ""
    while len(words) > 1:
        for length in range(min(WORDS_MAX, len(words) - 1), 0, -1):
            part = tuple(words[-length:] if at_end else words[:length])
            # A single short word at the front is a name more often than a form ("SE Consulting").
            if part in CODES and (at_end or len(part[0]) > 2):  # noqa: PLR2004 - letters
                words = words[:-length] if at_end else words[length:]
                found = found or CODES[part]
                break
        else:
            if at_end and found and words[-1] in FILLERS:
                words = words[:-1]
                continue
            return words, found
    return words, found


def registration_of(text: str) -> str:
    """A registration number without court, spaces and leading zeros: `HRB 0012345 B` and `hrb12345b` are one."""
    plain = fold(text[:64]).replace(" ", "").upper()
    letters = plain.rstrip("0123456789")
    number = plain[len(letters) :].lstrip("0")
    return letters + number if number else plain
