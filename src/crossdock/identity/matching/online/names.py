"""What is compared of one pair of persons or organisations: the scalar sibling of `people` and `companies`."""

from rapidfuzz import fuzz

from crossdock.identity.matching.companies import ALSO, LETTERS_MAX, name_level
from crossdock.identity.matching.comparisons import (
    ALIKE,
    DIFFERENT,
    EXACT,
    NEARLY,
    NOTHING,
    ONE_EDIT,
    SIMILAR,
)
from crossdock.identity.matching.normalise.names import root_of
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.words import (
    NEAR_FROM,
    UNKNOWN,
    Found,
    best,
    likeness,
    number,
    often,
    within,
    words,
)
from crossdock.identity.matching.people import FORMER, INITIAL, LETTERS_MIN, OTHER, PART, ROOT

WHOLE = 100.0
"""All words of the shorter name are in the longer one where `token_set_ratio` is this."""


def of_persons(one: Side, other: Side) -> list[Found]:
    """What is found in the comparisons of `people.NAMES`, in their order."""
    if _swapped(one, other):
        givens, families = _crosswise(one, other)
        given: Found = (givens, -1, "")
        family: Found = (families, -1, "")
    else:
        level = _given(one, other)
        given = (level, 0, one.given) if level == EXACT else (level, -1, "")
        level = _family(one, other)
        family = (level, 0, one.family) if level == EXACT else (level, -1, "")
    return [given, _middle(one.middle, other.middle), family, _birth(one.record.birth, other.record.birth)]


def of_organisations(one: Side, other: Side) -> list[Found]:
    """What is found in the comparisons of `companies.COMPANY`, in their order."""
    mine, theirs = one.record, other.record
    form: Found = UNKNOWN
    if mine.form and theirs.form:
        form = (0, 0, mine.form) if mine.form == theirs.form else (1, -1, "")
    return [
        _organisation(one, other),
        form,
        best(mine.registrations, theirs.registrations, number),
    ]


def _swapped(one: Side, other: Side) -> bool:
    if (one.given and one.given == other.given) or (one.family and one.family == other.family):
        return False
    if not (_nearly(one.given, other.family) or _nearly(one.family, other.given)):
        return False
    return likeness(one.given, other.given) < ALIKE and likeness(one.family, other.family) < ALIKE


def _nearly(one: str, other: str) -> bool:
    if len(one) < LETTERS_MIN or len(other) < LETTERS_MIN:
        return False
    return one == other or likeness(one, other) >= NEAR_FROM


def _crosswise(one: Side, other: Side) -> tuple[int, int]:
    first, second = often(one.given, other.family), often(one.family, other.given)
    if NOTHING in {first, second}:
        return NOTHING, max(first, second)
    given, family = max(first, second), min(first, second)
    if given > ONE_EDIT:
        mine, theirs = (one.given, other.family) if first >= second else (one.family, other.given)
        if root_of((mine,)) == root_of((theirs,)):
            given = ROOT
        elif 1 in {len(mine), len(theirs)} and mine[0] == theirs[0]:
            given = INITIAL
    return given, family


def _given(one: Side, other: Side) -> int:
    level = often(one.given, other.given)
    if level <= ONE_EDIT:
        return level
    if one.record.root and one.record.root == other.record.root:
        return ROOT
    if 1 in {len(one.given), len(other.given)} and one.given[0] == other.given[0]:
        return INITIAL
    if level in {DIFFERENT, SIMILAR}:
        mine, theirs = one.record.given, other.record.given
        if mine[0] in theirs[1:] or theirs[0] in mine[1:]:
            return OTHER
    return level


def _family(one: Side, other: Side) -> int:
    level = often(one.family, other.family)
    if level < NEARLY:
        return level
    if _known_as(one, other, one.family, other.family):
        return FORMER
    apart = " " in one.family or " " in other.family
    return PART if apart and not set(one.record.family).isdisjoint(other.record.family) else level


def _known_as(one: Side, other: Side, name: str, their_name: str) -> bool:
    """Whether another name of one is the name of the other, or another name of theirs."""
    mine, theirs = one.record.aliases, other.record.aliases
    if not (mine or theirs):
        return False
    return name in theirs or their_name in mine or any(alias in theirs for alias in mine)


def _middle(one: str, other: str) -> Found:
    if not (one and other):
        return UNKNOWN
    level = words(one, other)
    if level == EXACT:
        return 0, 0, one
    initial = 1 in {len(one), len(other)} and one[0] == other[0]
    return 1 if level != DIFFERENT or initial else 2, -1, ""


def _birth(one: str, other: str) -> Found:
    if not (one and other):
        return UNKNOWN
    return (0, 0, one) if one == other else (_birth_level(one, other), -1, "")


def _birth_level(one: str, other: str) -> int:
    (year, rest), (their_year, their_rest) = divmod(int(one), 10_000), divmod(int(other), 10_000)
    (month, day), (their_month, their_day) = divmod(rest, 100), divmod(their_rest, 100)
    years, vague = year % 10_000 == their_year % 10_000, not (day and their_day)
    if years and not vague and (month, day) == (their_day, their_month):
        return 1
    if years and vague and (month == their_month or not (month and their_month)):
        return 3
    if within(one, other, 1):
        return 2
    if years + (month == their_month) + (day == their_day) == 2:  # noqa: PLR2004 - of three
        return 4
    return 5 if years else 6


def _organisation(mine: Side, theirs: Side) -> Found:
    one, other = mine.record.organisation, theirs.record.organisation
    level = words(one, other)
    if level == EXACT:
        return 0, 0, one
    if level < NEARLY:
        return level, -1, ""
    if _known_as(mine, theirs, one, other):
        return ALSO, -1, ""
    short = len(one) <= LETTERS_MAX or len(other) <= LETTERS_MAX
    if short or fuzz.token_set_ratio(one, other, score_cutoff=WHOLE) >= WHOLE:
        level = name_level(one.split(), other.split(), level)
    return level, -1, ""
