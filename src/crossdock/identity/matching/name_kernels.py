"""Pairs of names word by word, compiled by numba as in `kernels`.

What the levels are called say `people` and `companies`; `online` finds the same for one pair.
"""

from typing import Any

import numpy as np

from crossdock.identity.matching.kernels import NEARLY, compiled
from crossdock.identity.matching.word_kernels import BLANK, number_of

LETTERS_MIN, LETTERS_MAX = 2, 6
"""How many letters an abbreviation has."""
ORDER, PART, ABBREVIATION = 5, 6, 7


@compiled
def word_numbers(points: Any, start: int, end: int, seed: Any, numbers: Any, initials: Any) -> Any:
    """How many words are between the blanks; their numbers and first letters are put into the two arrays."""
    count, begin = 0, start
    for place in range(start, end + 1):
        if place == end or points[place] == BLANK:
            if place > begin:
                numbers[count], initials[count] = number_of(points, begin, place, seed), points[begin]
                count += 1
            begin = place + 1
    return count


@compiled
def within(numbers: Any, count: int, others: Any, size: int) -> Any:
    """Whether all of the first `count` numbers are among the first `size` others."""
    for one in range(count):
        found = False
        for other in range(size):
            found = found or numbers[one] == others[other]
        if not found:
            return False
    return True


@compiled
def among(left: Any, p: Any, right: Any, q: Any, seed: Any) -> Any:
    """Whether the word `left[p]` is one of the words in `right[q]`."""
    numbers, (points, starts) = left[3], right[:2]
    found = np.zeros(p.size, np.bool_)
    for pair in range(p.size):
        number, begin, end = numbers[p[pair]], starts[q[pair]], starts[q[pair] + 1]
        if number == 0:
            continue
        for place in range(begin, end + 1):
            if place == end or points[place] == BLANK:
                found[pair] = found[pair] or number_of(points, begin, place, seed) == number
                begin = place + 1
    return found


@compiled
def share_a_word(left: Any, p: Any, right: Any, q: Any, seed: Any, longest: int) -> Any:
    """Whether one of the words in `left[p]` is one of those in `right[q]`."""
    one, at = left[:2]
    other, to = right[:2]
    found = np.zeros(p.size, np.bool_)
    mine, theirs = np.empty((2, longest + 1), np.int64), np.empty((2, longest + 1), np.int64)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        size = word_numbers(one, at[a], at[a + 1], seed, mine[0], mine[1])
        count = word_numbers(other, to[b], to[b + 1], seed, theirs[0], theirs[1])
        for place in range(size):
            for step in range(count):
                found[pair] = found[pair] or mine[0, place] == theirs[0, step]
    return found


@compiled
def company_levels(left: Any, p: Any, right: Any, q: Any, levels: Any, seed: Any, longest: int) -> Any:
    """The levels of names of companies, seen word by word; those in `levels` where their words say nothing.

    As `companies.name_level`, for names all of whose words are in the other one, and for short ones.
    """
    one, at = left[:2]
    other, to = right[:2]
    found = levels.copy()
    mine, theirs = np.empty((2, longest + 1), np.int64), np.empty((2, longest + 1), np.int64)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        size = word_numbers(one, at[a], at[a + 1], seed, mine[0], mine[1])
        count = word_numbers(other, to[b], to[b + 1], seed, theirs[0], theirs[1])
        if size == 0 or count == 0:
            continue
        inside = within(mine[0], size, theirs[0], count) or within(theirs[0], count, mine[0], size)
        if not inside and min(at[a + 1] - at[a], to[b + 1] - to[b]) > LETTERS_MAX:
            continue
        if _same_words(mine[0], size, theirs[0], count) or _same_letters(
            one, at[a], at[a + 1], other, to[b], to[b + 1]
        ):
            found[pair] = ORDER
        elif inside:
            found[pair] = NEARLY if levels[pair] == NEARLY else PART
        elif (size == 1 and _is_abbreviation(one, at[a], at[a + 1], theirs[1], count)) or (
            count == 1 and _is_abbreviation(other, to[b], to[b + 1], mine[1], size)
        ):
            found[pair] = ABBREVIATION
    return found


@compiled
def _same_words(numbers: Any, size: int, others: Any, count: int) -> Any:
    """Whether two names have the same words, each as often, in whatever order."""
    if size != count:
        return False
    for place in range(size):
        balance = 0
        for step in range(size):
            balance += (numbers[step] == numbers[place]) - (others[step] == numbers[place])
        if balance != 0:
            return False
    return True


@compiled
def _same_letters(one: Any, at: int, end: int, other: Any, to: int, stop: int) -> Any:
    """Whether two names are the same but for their blanks."""
    while True:
        while at < end and one[at] == BLANK:
            at += 1
        while to < stop and other[to] == BLANK:
            to += 1
        if at == end or to == stop:
            return at == end and to == stop
        if one[at] != other[to]:
            return False
        at, to = at + 1, to + 1


@compiled
def _is_abbreviation(word: Any, at: int, end: int, initials: Any, count: int) -> Any:
    """Whether a word is made of the initials of several others."""
    if count < LETTERS_MIN or end - at != count:
        return False
    alike = True
    for place in range(count):
        alike = alike and word[at + place] == initials[place]
    return alike


@compiled
def beginning(points: Any, starts: Any, heads: Any, head_starts: Any) -> Any:
    """Which words begin with one of some heads."""
    found = np.zeros(starts.size - 1, np.bool_)
    for word in range(found.size):
        for head in range(head_starts.size - 1):
            size = head_starts[head + 1] - head_starts[head]
            step = 0
            while (
                step < min(size, starts[word + 1] - starts[word])
                and points[starts[word] + step] == heads[head_starts[head] + step]
            ):
                step += 1
            if step == size:
                found[word] = True
                break
    return found
