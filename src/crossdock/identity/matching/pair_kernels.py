"""Whole comparisons of pairs in one loop each, compiled by numba as in `kernels`.

What the levels are called say `people` and `contacts`; `online` finds the same for one pair.
"""

from typing import Any

import numpy as np

from crossdock.identity.matching.kernels import (
    ALIKE,
    CUT,
    EXACT,
    NEAR,
    NEARLY,
    NOTHING,
    ONE_EDIT,
    OPEN,
    SIMILAR,
    compiled,
    distance,
    far,
    hopeless,
    one_edit,
    open_level,
    plain_level,
    room,
    similarity,
)
from crossdock.identity.matching.word_kernels import number_of

DASH, DOT, AT, LOWLINE, ASCII_MAX = 45, 46, 64, 95, 127


@compiled
def crossed(
    givens: Any, given: Any, families: Any, family: Any,
    others: Any, other: Any, kin: Any, theirs: Any, least: int, longest: int,
) -> Any:  # fmt: skip
    """Where one's given name is nearly the other's family name, while like parts are not alike.

    Words and places: given and family names of the left rows, then of the right ones.
    """
    one, at, marks, numbers = givens
    two, to, signs, codes = families
    three, at_3, marks_3, numbers_3 = others
    four, at_4, marks_4, numbers_4 = kin
    found = np.zeros(given.size, np.bool_)
    _, seen = room(longest)
    for pair in range(given.size):
        a, b, c, d = given[pair], family[pair], other[pair], theirs[pair]
        if (numbers[a] != 0 and numbers[a] == numbers_3[c]) or (codes[b] != 0 and codes[b] == numbers_4[d]):
            continue
        i, j, k, m = at[a], to[b], at_3[c], at_4[d]
        first, second, third, fourth = at[a + 1] - i, to[b + 1] - j, at_3[c + 1] - k, at_4[d + 1] - m
        near: Any = False
        if min(first, fourth) >= least:
            near = numbers[a] == numbers_4[d]
            if not near and not hopeless(first, fourth, marks[a], marks_4[d]):
                near = np.float32(similarity(one, i, first, four, m, fourth, seen)) >= NEAR
        if not near and min(second, third) >= least:
            near = codes[b] == numbers_3[c]
            if not near and not hopeless(second, third, signs[b], marks_3[c]):
                near = np.float32(similarity(two, j, second, three, k, third, seen)) >= NEAR
        if near and not hopeless(first, third, marks[a], marks_3[c]):
            near = np.float32(similarity(one, i, first, three, k, third, seen)) < ALIKE
        if near and not hopeless(second, fourth, signs[b], marks_4[d]):
            near = np.float32(similarity(two, j, second, four, m, fourth, seen)) < ALIKE
        found[pair] = near
    return found


@compiled
def number_levels(left: Any, p: Any, right: Any, q: Any) -> Any:
    """Levels of `comparisons.NUMBERS`."""
    one, starts, masks, hashes = left
    other, their_starts, their_masks, their_hashes = right
    found = np.empty(p.size, np.int8)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        if hashes[a] == 0 or their_hashes[b] == 0:
            found[pair] = NOTHING
        elif hashes[a] == their_hashes[b]:
            found[pair] = 0
        else:
            at, to = starts[a], their_starts[b]
            n, m = starts[a + 1] - at, their_starts[b + 1] - to
            found[pair] = 2
            if not far(n, m, masks[a], their_masks[b]) and one_edit(one, at, n, other, to, m):
                found[pair] = 1
    return found


@compiled
def phone_levels(left: Any, p: Any, mobiles: Any, right: Any, q: Any, tail: int) -> Any:
    """Levels of `contacts.PHONE`. `mobiles` says it of every left word."""
    one, starts, masks, hashes = left
    other, their_starts, their_masks, their_hashes = right
    found = np.empty(p.size, np.int8)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        at, to, end, stop = starts[a], their_starts[b], starts[a + 1], their_starts[b + 1]
        if hashes[a] == their_hashes[b]:
            found[pair] = 0 if mobiles[a] else 1
            continue
        found[pair] = 3
        size = min(tail, end - at)
        if size == min(tail, stop - to) and one[end - 1] == other[stop - 1]:
            step = 2
            while step <= size and one[end - step] == other[stop - step]:
                step += 1
            if step > size:
                found[pair] = 2
                continue
        if not far(end - at, stop - to, masks[a], their_masks[b]) and one_edit(
            one, at, end - at, other, to, stop - to
        ):
            found[pair] = 2
    return found


@compiled
def mailbox_levels(
    fi: Any, fj: Any, left: Any, p: Any, facts: Any, called: Any, right: Any, q: Any, their_facts: Any,
    their_called: Any, same_name_from: int, longest: int, strange: int,
) -> Any:  # fmt: skip
    """Levels of `contacts.EMAIL` of the mailboxes at `fi` and `fj`.

    `facts` has of every word a number of the name in it without what parts names, how long that name is, a number
    of the domain, and whether that is somebody's own. `called` says of each mailbox whether it bears its owner's
    name, and whether it says nothing else. Who is near and has letters beyond ASCII gets `strange`, or if that is
    -1 is taken for no slip of the fingers.
    """
    one, starts, masks, hashes = left
    other, their_starts, their_masks, their_hashes = right
    found = np.empty(fi.size, np.int8)
    rows, _ = room(longest)
    for pair in range(fi.size):
        i, j = fi[pair], fj[pair]
        a, b = p[i], q[j]
        if hashes[a] == their_hashes[b]:
            found[pair] = 0 if called[0, i] and their_called[0, j] else 1
            continue
        at, to, end, stop = starts[a], their_starts[b], starts[a + 1], their_starts[b + 1]
        level, near = 5, 0
        if facts[2, a] == their_facts[2, b] and facts[3, a] != 0:
            level = 4
        if facts[0, a] == their_facts[0, b] and facts[1, a] >= same_name_from:
            level = 3
        if (
            not far(end - at, stop - to, masks[a], their_masks[b])
            and distance(one, at, end - at, other, to, stop - to, rows) <= CUT
        ):
            near = slip(one, at, end, other, to, stop)
        if near == 2 and strange != NOTHING:  # noqa: PLR2004 - strange letters
            found[pair] = strange
            continue
        if near == 1:
            level = 2
        # Two mailboxes called by nothing but alike names say what the names say, once more. Who is called the same
        # there may be misspelt on one side: that it is nothing but the other's name will do.
        plain = (called[1, i] != 0) + (their_called[1, j] != 0)
        wanted = 1 if level == 3 else 2  # noqa: PLR2004 - the same name in another mailbox
        found[pair] = NOTHING if level < 4 and plain >= wanted else level  # noqa: PLR2004 - the company's
    return found


@compiled
def slip(one: Any, at: int, end: int, other: Any, to: int, stop: int) -> Any:
    """Whether one of two mailboxes may be the other mistyped, as `contacts.typed_alike`; 2 beyond ASCII."""
    for place in range(at, end):
        if one[place] > ASCII_MAX:
            return 2
    for place in range(to, stop):
        if other[place] > ASCII_MAX:
            return 2
    return (
        1
        if _same_signs(one, at, end, other, to, stop, True) and _same_signs(one, at, end, other, to, stop, False)
        else 0
    )


@compiled
def _same_signs(one: Any, at: int, end: int, other: Any, to: int, stop: int, digits: Any) -> Any:
    """Whether two texts have the same digits, or the same signs between names, in the same order."""
    gap, their_gap = True, True
    while True:
        # Runs of signs count as they stand: `a-.b` is parted by one run of two.
        while at < end and not _is_sign(one[at], digits):
            at, gap = at + 1, True
        while to < stop and not _is_sign(other[to], digits):
            to, their_gap = to + 1, True
        if at == end or to == stop:
            return at == end and to == stop
        if one[at] != other[to] or (not digits and gap != their_gap):
            return False
        at, to, gap, their_gap = at + 1, to + 1, False, False


@compiled
def _is_sign(letter: Any, digits: Any) -> Any:
    if digits:
        return 48 <= letter <= 57  # noqa: PLR2004 - 0 to 9
    return letter in (DASH, DOT, LOWLINE)


@compiled
def mailbox_facts(points: Any, starts: Any, seed: Any) -> Any:
    """What `mailbox_levels` asks of every word but whose domain it is, and where the domain begins."""
    facts, domains = np.zeros((4, starts.size - 1), np.int64), np.empty(starts.size - 1, np.int64)
    longest = 0
    for word in range(domains.size):
        longest = max(longest, starts[word + 1] - starts[word])
    kept = np.empty(longest, np.uint32)
    for word in range(domains.size):
        at = starts[word + 1] - 1
        while at >= starts[word] and points[at] != AT:
            at -= 1
        size = 0
        for place in range(starts[word], at):
            if not _is_sign(points[place], False):
                kept[size] = points[place]
                size += 1
        facts[0, word] = number_of(kept, 0, size, seed)
        facts[1, word] = max(at - starts[word], 0)
        domains[word] = max(at + 1, starts[word])
        facts[2, word] = number_of(points, domains[word], starts[word + 1], seed)
    return facts, domains


@compiled
def address_levels(
    fi: Any, fj: Any,
    streets: Any, street: Any, right_streets: Any, right_street: Any, houses: Any, right_houses: Any,
    cities: Any, city: Any, right_cities: Any, right_city: Any,
    postcodes: Any, postcode: Any, right_postcodes: Any, right_postcode: Any,
    areas: Any, right_areas: Any, wholes: Any, longest: int,
) -> Any:  # fmt: skip
    """Levels of `contacts.ADDRESS` of the addresses at `fi` and `fj`, and each one's term.

    Terms are three columns in a row: whole addresses, postcodes, cities.
    """
    one, at, marks, numbers = streets
    two, to, signs, codes = right_streets
    town, town_at, town_marks, town_numbers = cities
    their_town, their_at, their_marks, their_numbers = right_cities
    post, post_at, post_marks, post_numbers = postcodes
    code, code_at, code_marks, code_numbers = right_postcodes
    levels, terms = np.empty(fi.size, np.int8), np.full(fi.size, -1, np.int64)
    rows, seen = room(longest)
    for pair in range(fi.size):
        i, j = fi[pair], fj[pair]
        a, b = street[i], right_street[j]
        n, m = at[a + 1] - at[a], to[b + 1] - to[b]
        name = plain_level(numbers[a], codes[b], n, m, marks[a], signs[b])
        if name == OPEN:
            name = open_level(one, at[a], n, two, to[b], m, rows, seen)
        a, b = houses[i], right_houses[j]
        road = _street(name, (a == b and a != 0) or (a == 0 and b == 0 and name == EXACT))
        a, b = city[i], right_city[j]
        n, m = town_at[a + 1] - town_at[a], their_at[b + 1] - their_at[b]
        where = plain_level(town_numbers[a], their_numbers[b], n, m, town_marks[a], their_marks[b])
        if where == OPEN:
            where = open_level(town, town_at[a], n, their_town, their_at[b], m, rows, seen)
        a, b = postcode[i], right_postcode[j]
        n, m = post_at[a + 1] - post_at[a], code_at[b + 1] - code_at[b]
        x, y = post_numbers[a], code_numbers[b]
        near = False
        if 0 not in (x, y) and x != y and not far(n, m, post_marks[a], code_marks[b]):
            near = one_edit(post, post_at[a], n, code, code_at[b], m)
        place = _locality(where, x, y, near, areas[i] == right_areas[j] and areas[i] != 0)
        levels[pair] = NOTHING if road == 6 and place == 8 else road * 9 + place  # noqa: PLR2004 - both unknown
        if road <= 1 and wholes[i] != 0:
            terms[pair] = i
        elif place <= 1:
            terms[pair] = i + wholes.size
        elif place == 4:  # noqa: PLR2004 - the city
            terms[pair] = i + 2 * wholes.size
    return levels, terms


@compiled
def _street(name: int, house: Any) -> Any:
    nearly = name in (ONE_EDIT, NEARLY, SIMILAR)
    if name == NOTHING:
        return 6
    if name == EXACT:
        return 0 if house else 2
    if nearly:
        return 1 if house else 3
    return 4 if house else 5


@compiled
def _locality(city: int, one: int, other: int, near: Any, area: Any) -> Any:
    same_city, near_city = city == EXACT, city in (ONE_EDIT, NEARLY)
    if (one == 0 or other == 0) and city == NOTHING:
        return 8
    if one == other and one != 0:
        return 0 if same_city or near_city else 1
    if near:
        return 2 if same_city or near_city else 3
    if same_city:
        return 4
    if near_city:
        return 5
    return 6 if area else 7


@compiled
def best_of(size: int, pair: Any, levels: Any, terms: Any) -> Any:
    """The best (lowest) level of each pair over its pairs of values, and that value's term; of equals the last."""
    found, kept = np.full(size, NOTHING, np.int8), np.full(size, -1, np.int64)
    for place in range(pair.size):
        level, of = levels[place], pair[place]
        if level != NOTHING and (found[of] == NOTHING or level <= found[of]):
            found[of], kept[of] = level, terms[place]
    return found, kept


@compiled
def calls(
    emails: Any, p: Any, givens: Any, q: Any, roots: Any, r: Any, families: Any, s: Any, longest: int
) -> Any:
    """Of each mailbox whether it bears somebody's name and whether it says nothing else: two rows of flags.

    As `contacts.bears` and `contacts.is_plain`; 2 says that somebody has to look.
    """
    found = np.zeros((2, p.size), np.int8)
    room_for = np.empty(longest + 1, np.uint32)
    for row in range(p.size):
        one = emails[0][emails[1][p[row]] : emails[1][p[row] + 1]]
        given = givens[0][givens[1][q[row]] : givens[1][q[row] + 1]]
        root = roots[0][roots[1][r[row]] : roots[1][r[row] + 1]]
        family = families[0][families[1][s[row]] : families[1][s[row] + 1]]
        if not (_ascii(one) and _ascii(given) and _ascii(root) and _ascii(family)):
            found[0, row] = found[1, row] = 2
            continue
        local = one[: max(_last(one, AT), 0)]
        found[0, row] = _bears(local, given, root, family)
        found[1, row] = _is_plain(local, given, root, family, room_for)
    return found


@compiled
def _ascii(word: Any) -> Any:
    plain = True
    for letter in word:
        plain = plain and letter <= ASCII_MAX
    return plain


@compiled
def _last(word: Any, letter: int) -> Any:
    for place in range(word.size - 1, -1, -1):
        if word[place] == letter:
            return place
    return -1


@compiled
def _within(part: Any, word: Any, size: int) -> Any:
    """Where a part stands first in a word of so many letters, or -1."""
    for place in range(size - part.size + 1):
        step = 0
        while step < part.size and word[place + step] == part[step]:
            step += 1
        if step == part.size:
            return place
    return -1


@compiled
def _bears(local: Any, given: Any, root: Any, family: Any) -> Any:
    if given.size == 0:
        return False
    if given.size >= 3 and _within(given, local, local.size) >= 0:  # noqa: PLR2004 - letters
        return True
    if root.size >= 3 and _within(root, local, local.size) >= 0:  # noqa: PLR2004 - letters
        return True
    return family.size > 0 and (
        _is_made_of(local, given[0], family, True) or _is_made_of(local, given[0], family, False)
    )


@compiled
def _is_made_of(local: Any, initial: int, family: Any, first: Any) -> Any:
    """Whether the letters of a mailbox are an initial and a family name, in this order or the other."""
    at, size, letters = 0, 0, 0
    for letter in family:
        letters += letter != 32  # noqa: PLR2004 - a blank
    for sign in local:
        if not (97 <= sign <= 122 or 65 <= sign <= 90):  # noqa: PLR2004 - letters
            continue
        if (size == 0 and first) or (size == letters and not first):
            wanted = initial
        else:
            while at < family.size and family[at] == 32:  # noqa: PLR2004 - a blank
                at += 1
            if at == family.size:
                return False
            wanted = family[at]
            at += 1
        if sign != wanted:
            return False
        size += 1
    return size == letters + 1 and letters > 0


@compiled
def _is_plain(local: Any, given: Any, root: Any, family: Any, left: Any) -> Any:
    if given.size == 0 and family.size == 0:
        return False
    size = 0
    for sign in local:
        if not _is_sign(sign, False):
            left[size] = sign
            size += 1
    size = _removed(left, size, given)
    size = _removed(left, size, root)
    begin = 0
    for place in range(family.size + 1):
        if place == family.size or family[place] == 32:  # noqa: PLR2004 - a blank
            size = _removed(left, size, family[begin:place])
            begin = place + 1
    if size > 2:  # noqa: PLR2004 - initials
        return False
    plain = True
    for place in range(size):
        plain = plain and (97 <= left[place] <= 122 or 65 <= left[place] <= 90)  # noqa: PLR2004 - letters
    return plain


@compiled
def _removed(word: Any, size: int, part: Any) -> Any:
    """The size of a word without a part, wherever that stood, if it has three letters."""
    if part.size < 3:  # noqa: PLR2004 - letters
        return size
    kept, place = 0, 0
    while place < size:
        step = 0
        while step < part.size and place + step < size and word[place + step] == part[step]:
            step += 1
        if step == part.size:
            place += part.size
        else:
            word[kept] = word[place]
            kept, place = kept + 1, place + 1
    return kept
