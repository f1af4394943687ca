"""A person's name in tokens: titles, generation marks and particles gone, nicknames led to a root."""

import re
from functools import lru_cache

from crossdock.identity.matching.normalise.nicknames import ROOTS
from crossdock.identity.matching.normalise.text import fold

TITLES = frozenset(
    """
    mr mrs ms miss mx sir dame lord lady dr prof professor rev reverend hon herr frau hr fr dipl ing
    mag monsieur madame mademoiselle mme mlle senor senora sr sra srta don dona sig signor signora
    dott dottssa dhr mevr mw phd md mba esq msc bsc pan pani doctor doktor capt captain col colonel
    maj major gen general lt
    """.split()
)
GENERATIONS = {
    **dict.fromkeys(("sr", "snr", "senior"), "1"),
    **dict.fromkeys(("jr", "jnr", "junior", "ii"), "2"),
    "iii": "3",
    "iv": "4",
}
"""What tells namesakes of a family apart, and which of them it means."""
_BEHIND = re.compile(r"(?<=\w)[\s,]+(père|sen\.|fils|hijo|filho|jun\.|2nd|3rd|(?-i:I))\s*\Z", re.IGNORECASE)
"""Words that say so only at the end of a name: elsewhere they are names (Pere, Sen, Jun)."""
_BEHIND_IS = {"père": "1", "sen.": "1", "i": "1", "3rd": "3"}
_AT_BIRTH = re.compile(
    r"(?<=\w)[\s,]+\(?(?:geb\.|geborene[r]?|née|nee|maiden name)\s+([^\s()][^()]{0,60}?)\)?\s*\Z", re.IGNORECASE
)
PARTICLES = frozenset(
    """
    von van de der den del della di da do dos das du la le lo el al bin ibn ben bint ter ten zu zum
    zur vom af av mac mc o st san santa y e
    """.split()
)
BEFORE_FAMILY = frozenset("von van de del della di da dos das du ter ten zu zum zur vom".split())
NOBODY = frozenset(
    """
    unknown unbekannt inconnu desconocido sconosciuto none null na nan test tester anonymous anonym
    guest gast n a firstname lastname vorname nachname name
    """.split()
)
TOKENS_MAX = 8


@lru_cache(maxsize=65_536)
def tokens_of(text: str) -> tuple[str, ...]:
    """The words of a name that distinguish, in writing order; all of them where nothing else would be left."""
    words = [word for word in fold(text.replace("-", " ")).split() if word not in NOBODY or len(word) == 1]
    if words == ["n", "a"]:
        return ()
    kept = [word for word in words if word not in TITLES and word not in GENERATIONS]
    return tuple(_cut(kept or words))


def _cut(words: list[str]) -> list[str]:
    return [word[:40] for word in words[:TOKENS_MAX]]


@lru_cache(maxsize=65_536)
def generation_in(text: str) -> str:
    """Which generation a name says behind its first word: `"2"` of "Huber jun." and "Brown Jr, Jeffrey"."""
    if found := _BEHIND.search(text):
        return _BEHIND_IS.get(found[1].lower(), "2")
    return next((GENERATIONS[word] for word in fold(text).split()[1:] if word in GENERATIONS), "")


def generation_said(suffix: str) -> str:
    """The generation where a source keeps what stands behind a name apart: `"2"` of "Jr."."""
    return generation_in(f"x {suffix}") if suffix else ""


@lru_cache(maxsize=65_536)
def bare(text: str) -> str:
    """A name without what `tokens_of` would take for words of it: a generation's mark, a name at birth."""
    return _BEHIND.sub("", _AT_BIRTH.sub("", text))


@lru_cache(maxsize=65_536)
def name_at_birth(text: str) -> str:
    """The family name at birth where a name says it: `schmidt` of "Huber geb. Schmidt"."""
    found = _AT_BIRTH.search(text)
    return " ".join(family_of(found[1])) if found else ""


@lru_cache(maxsize=65_536)
def family_of(text: str) -> tuple[str, ...]:
    """A family name without its particles ("van der Berg" → berg); they stay where nothing else is left."""
    words = tokens_of(text)
    return tuple(word for word in words if word not in PARTICLES) or words


def root_of(given: tuple[str, ...]) -> str:
    """The name behind the first given name: `bob` → `robert`; itself where no table knows it."""
    return ROOTS.get(given[0], given[0]) if given else ""


@lru_cache(maxsize=65_536)
def split_full_name(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Given and family tokens out of a full name.

    After a comma the given names follow, else the last word is the family.

    A particle before the last word belongs to the family. A single word is taken as family.
    """
    before, comma, after = text.partition(",")
    if comma and tokens_of(after):
        return tokens_of(after), family_of(before)
    words = tokens_of(text)
    if len(words) <= 1:
        return (), words
    if len(words) > 2 and words[0] in BEFORE_FAMILY:  # noqa: PLR2004 - with a given name behind it
        # "Van den Berg Sanne": nobody's given name begins like that.
        ends = next((place for place, word in enumerate(words[:-1]) if word not in PARTICLES), 0) + 1
        if ends > 1:
            return words[ends:], words[ends - 1 : ends]
    if words[-1] in ROOTS and words[0] not in ROOTS and words[0] not in PARTICLES and len(words[0]) > 1:
        # "Zellberg Renate": some systems write the family name first.
        return words[1:], words[:1]
    first_of_family = len(words) - 1
    while first_of_family > 1 and words[first_of_family - 1] in PARTICLES:
        first_of_family -= 1
    return words[:first_of_family], words[-1:]
