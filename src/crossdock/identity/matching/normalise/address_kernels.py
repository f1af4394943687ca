"""Streets, house numbers and what else lines say, read word by word by compiled loops.

It is what `addresses.street_of` says of lines; tests hold both together.
"""

from typing import Any

import numpy as np

from crossdock.identity.matching.kernels import compiled
from crossdock.identity.matching.word_kernels import BLANK

HOUSE, UNIT, LETTER, BOX = 1, 2, 4, 8
"""What a word may be: a house number, the begin of a unit, a single letter, what stands before a box's number."""
STREET, NUMBER, MORE = 0, 1, 2
HOUSE_MAX = 12
ZERO = 48


@compiled
def pieces(points: Any, starts: Any) -> Any:
    """The words between blanks: where each begins and ends, and per line the number of its first one."""
    firsts = np.zeros(starts.size, np.int64)
    count = 0
    for line in range(starts.size - 1):
        inside = False
        for place in range(starts[line], starts[line + 1]):
            blank = points[place] == BLANK
            count += not blank and not inside
            inside = not blank
        firsts[line + 1] = count
    begins, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    count = 0
    for line in range(starts.size - 1):
        inside = False
        for place in range(starts[line], starts[line + 1]):
            blank = points[place] == BLANK
            if not blank and not inside:
                begins[count] = place
            if blank and inside:
                ends[count], count = place, count + 1
            inside = not blank
        if inside:
            ends[count], count = starts[line + 1], count + 1
    return begins, ends, firsts


@compiled
def spelled_out(words: Any, firsts: Any, parts: Any, part_firsts: Any, saint: int, street: int) -> Any:
    """Each line's words in their long form: `parts` of a word from `part_firsts[word]` on.

    Behind the first word a `saint` at the end is a `street`.
    """
    begins = np.zeros(firsts.size, np.int64)
    for line in range(firsts.size - 1):
        size = 0
        for place in range(firsts[line], firsts[line + 1]):
            size += part_firsts[words[place] + 1] - part_firsts[words[place]]
        begins[line + 1] = begins[line] + size
    found = np.empty(begins[-1], np.int64)
    to = 0
    for line in range(firsts.size - 1):
        for place in range(firsts[line], firsts[line + 1]):
            for part in range(part_firsts[words[place]], part_firsts[words[place] + 1]):
                found[to], to = parts[part], to + 1
        if to > begins[line] and found[to - 1] == saint and found[begins[line]] != saint:
            found[to - 1] = street
    return found, begins


@compiled
def chosen_line(words: Any, begins: Any, lines: Any, present: Any, kinds: Any) -> Any:
    """The place of the line that has a house number, else of the first one that is there; -1 without any."""
    first = -1
    for place in range(lines.size):
        if not present[lines[place]]:
            continue
        first = place if first < 0 else first
        for at in range(begins[lines[place]], begins[lines[place] + 1]):
            if kinds[words[at]] & HOUSE:
                return place
    return first


@compiled
def may_be_a_box(words: Any, begin: int, end: int, kinds: Any) -> Any:
    """Whether somebody has to look whether a line is a box."""
    found = False
    for at in range(begin, end - 1):
        found = found or kinds[words[at]] & BOX != 0
    return found


@compiled
def cut(words: Any, begin: int, end: int, kinds: Any) -> Any:
    """Where a line's unit begins, and which word is its house number, or -1."""
    unit = end
    for at in range(begin + 1, end):
        if kinds[words[at]] & UNIT:
            unit = at
            break
    size = unit - begin
    if size >= 2:  # noqa: PLR2004 - a street beside it
        for at in (begin, unit - 1, unit - 2):
            if kinds[words[at]] & HOUSE:
                return unit, at
    return unit, -1


@compiled
def put(found: Any, to: int, points: Any, starts: Any, word: int, gap: Any) -> Any:
    """Where a text ends that a word was put behind, after a blank if there is to be one."""
    if gap:
        found[to], to = BLANK, to + 1
    for place in range(starts[word], starts[word + 1]):
        found[to], to = points[place], to + 1
    return to


@compiled
def read(points: Any, starts: Any, words: Any, begins: Any, rows: Any, present: Any, kinds: Any) -> Any:
    """Street, house number and the rest of rows of lines: three times texts and where each starts; and open rows.

    `points` and `starts` spell the words, of which line `k` has those from `begins[k]` on. Shape of `rows`:
    (rows, lines). `present` says which lines are there at all. Open rows are left empty.
    """
    room = np.zeros(rows.shape[0] + 1, np.int64)
    for row in range(rows.shape[0]):
        size = rows.shape[1]
        for line in rows[row]:
            for at in range(begins[line], begins[line + 1]):
                size += starts[words[at] + 1] - starts[words[at]] + 1
        room[row + 1] = room[row] + size
    made = np.empty((3, room[-1]), np.uint32)
    ends, open_ = np.zeros((3, room.size), np.int64), np.zeros(rows.shape[0], np.bool_)
    to = np.zeros(3, np.int64)
    for row in range(rows.shape[0]):
        chosen = chosen_line(words, begins, rows[row], present, kinds)
        if chosen >= 0:
            begin, end = begins[rows[row, chosen]], begins[rows[row, chosen] + 1]
            open_[row] = may_be_a_box(words, begin, end, kinds)
            if not open_[row]:
                _read_row(points, starts, words, begins, rows[row], chosen, present, kinds, made, to)
        for part in range(3):
            ends[part, row + 1] = to[part]
    return made, ends, open_


@compiled
def _read_row(
    points: Any, starts: Any, words: Any, begins: Any, lines: Any, chosen: int, present: Any, kinds: Any,
    made: Any, to: Any,
) -> None:  # fmt: skip
    begin, end = begins[lines[chosen]], begins[lines[chosen] + 1]
    unit, house = cut(words, begin, end, kinds)
    first, last = begin, unit
    letter, tail = -1, -1
    if house >= 0:
        first, last = (begin + 1, unit) if house == begin else (begin, house)
        if house == unit - 2 and house != begin:
            letter, tail = (house + 1, -1) if kinds[words[house + 1]] & LETTER else (-1, house + 1)
        _put_house(points, starts, words[house], words[letter] if letter >= 0 else -1, made, to)
    for at in range(first, last):
        to[STREET] = put(made[STREET], to[STREET], points, starts, words[at], at > first)
    start, gap = to[MORE], False
    for at in range(unit, end):
        to[MORE], gap = put(made[MORE], to[MORE], points, starts, words[at], gap), True
    if tail >= 0:
        to[MORE], gap = put(made[MORE], to[MORE], points, starts, words[tail], gap), True
    for place in range(lines.size):
        if place == chosen or not present[lines[place]]:
            continue
        for at in range(begins[lines[place]], begins[lines[place] + 1]):
            to[MORE], gap = put(made[MORE], to[MORE], points, starts, words[at], gap), True
        # Of a line of signs alone the blank is left.
        if begins[lines[place]] == begins[lines[place] + 1] and to[MORE] > start:
            made[MORE, to[MORE]] = BLANK
            to[MORE] += 1
    while to[MORE] > start and made[MORE, to[MORE] - 1] == BLANK:
        to[MORE] -= 1


@compiled
def _put_house(points: Any, starts: Any, house: int, letter: int, made: Any, to: Any) -> None:
    """A house number without leading zeros, with the letter that stands apart."""
    begin = to[NUMBER]
    for word in (house, letter):
        if word < 0:
            continue
        for place in range(starts[word], starts[word + 1]):
            leading = points[place] == ZERO and to[NUMBER] == begin
            if not leading and to[NUMBER] - begin < HOUSE_MAX:
                made[NUMBER, to[NUMBER]] = points[place]
                to[NUMBER] += 1
