"""Usual spellings of mailboxes and phone numbers, read by compiled loops; what is unusual is left to `normalise`.

Tests hold that both read alike.
"""

from typing import Any

import numpy as np

from crossdock.identity.matching.kernels import compiled
from crossdock.identity.matching.word_kernels import number_of

SPACE, PLUS, DASH, DOT, AT, LOWLINE = 32, 43, 45, 46, 64, 95
LABEL_MAX, TOP_MAX = 63, 24
NOTHING, USUAL, OPEN = 0, 1, 2
"""What a text is: no number at all, one of the usual form, or anything else."""


@compiled
def _is_digit(letter: Any) -> Any:
    return 48 <= letter <= 57  # noqa: PLR2004 - 0 to 9


@compiled
def _is_small(letter: Any) -> Any:
    return 97 <= letter <= 122  # noqa: PLR2004 - a to z


@compiled
def mailboxes(points: Any, starts: Any, seed: Any, dotless: Any, others: Any, nobodys: Any, longest: int) -> Any:
    """Mailboxes as `emails.email_of` reads them, and which words are not of the usual form: those are left empty.

    `dotless`, `others` and `nobodys` are hashes: of the domain that knows no dots, of those that go by another
    name, and of names that nobody has.
    """
    open_ = np.zeros(starts.size - 1, np.bool_)
    found = np.empty(points.size, np.uint32)
    begins = np.zeros(starts.size, np.int64)
    to = 0
    for word in range(starts.size - 1):
        begin, end = starts[word], starts[word + 1]
        while begin < end and points[begin] == SPACE:
            begin += 1
        while begin < end and points[end - 1] == SPACE:
            end -= 1
        at, known = -1, end - begin <= longest
        for place in range(begin, end):
            letter = points[place] | 32 if 65 <= points[place] <= 90 else points[place]  # noqa: PLR2004 - A to Z
            if letter == AT:
                known = known and at < 0
                at = place
            elif not (_is_small(letter) or _is_digit(letter) or letter in (PLUS, DASH, DOT, LOWLINE)):
                known = False
            if not known:
                break
            found[to + place - begin] = letter
        if known and at >= 0:
            known = _is_name(found, to, to + at - begin) and _is_domain(
                found, to + at - begin + 1, to + end - begin
            )
        open_[word] = not known
        if known and at >= 0:
            at, end = to + at - begin, to + end - begin
            domain = number_of(found, at + 1, end, seed)
            if _among(domain, others):
                open_[word] = True
            else:
                to = _kept(found, to, at, end, domain == dotless, nobodys, seed)
        begins[word + 1] = to
    return found[:to].copy(), begins, open_


@compiled
def _kept(found: Any, to: int, at: int, end: int, dotless: Any, nobodys: Any, seed: Any) -> Any:
    """Where the mailbox ends that stood from `to` to `end`: without what providers ignore, or gone altogether."""
    size = to
    for place in range(to, at):
        if found[place] == PLUS:
            break
        if not (dotless and found[place] == DOT):
            found[size] = found[place]
            size += 1
    if _among(number_of(found, to, size, seed), nobodys):
        return to
    for place in range(at, end):
        found[size] = found[place]
        size += 1
    return size


@compiled
def _among(number: Any, numbers: Any) -> Any:
    found = False
    for one in numbers:
        found = found or one == number
    return found


@compiled
def _is_name(text: Any, begin: int, end: int) -> Any:
    """Whether a text is the usual local part of an address: names parted by single dots."""
    if begin >= end or text[begin] in (PLUS, DASH, DOT):
        return False
    for place in range(begin, end):
        if text[place] == AT or (text[place] == DOT and (place + 1 == end or text[place + 1] == DOT)):
            return False
    return True


@compiled
def _is_domain(text: Any, begin: int, end: int) -> Any:
    """Whether a text is a usual domain: labels of letters, digits and dashes, the last one of letters alone."""
    label, labels, letters = begin, 0, True
    for place in range(begin, end + 1):
        if place == end or text[place] == DOT:
            if not 1 <= place - label <= LABEL_MAX or text[label] == DASH or text[place - 1] == DASH:
                return False
            if place == end:
                return labels > 0 and letters and 2 <= place - label <= TOP_MAX  # noqa: PLR2004 - a country's code
            label, letters = place + 1, True
            labels += 1
        elif text[place] in (PLUS, LOWLINE, AT):
            return False
        elif not _is_small(text[place]):
            letters = False
    return False


@compiled
def dialled(points: Any, starts: Any, longest: int, digits_min: int) -> Any:
    """The signs that are dialled of each number, `+` and digits, and whether it is one and of the usual form."""
    found = np.empty(points.size, np.uint32)
    begins = np.zeros(starts.size, np.int64)
    kinds = np.empty(starts.size - 1, np.int8)
    to = 0
    for word in range(starts.size - 1):
        begin, end = starts[word], min(starts[word + 1], starts[word] + longest)
        while begin < end and points[begin] == SPACE:
            begin += 1
        kind, size, alike, international = USUAL, to, True, False
        for place in range(begin, end):
            letter = points[place]
            if _is_digit(letter):
                alike = alike and (size == to + international or found[size - 1] == letter)
            elif letter == PLUS and place == begin:
                international = True
            elif letter in (SPACE, 40, 41, DOT, 47, DASH):
                continue
            else:
                kind = OPEN
                break
            found[size] = letter
            size += 1
        if kind == USUAL and (size - to - international < digits_min or alike):
            kind = NOTHING
        kinds[word] = kind
        if kind == USUAL:
            to = size
        begins[word + 1] = to
    return found[:to].copy(), begins, kinds


@compiled
def heads(points: Any, starts: Any, words: Any, size: int) -> Any:
    """The first signs of some numbers and how many signs they have, as one number; -1 where there are not more."""
    found = np.empty(words.size, np.int64)
    for place in range(words.size):
        begin, end = starts[words[place]], starts[words[place] + 1]
        head = -1
        if end - begin > size:
            head = 0
            for step in range(size):
                head = head * 11 + (10 if points[begin + step] == PLUS else points[begin + step] - 48)
            head = head * 64 + (end - begin)
        found[place] = head
    return found


@compiled
def begun(points: Any, starts: Any, words: Any, cuts: Any, kinds: Any, heads: Any, head_starts: Any) -> Any:
    """Some words, each with a head (of its kind) before what is left behind its first `cuts` letters.

    A cut below 0 leaves nothing.
    """
    begins = np.zeros(words.size + 1, np.int64)
    for place in range(words.size):
        kind, word = kinds[place], words[place]
        size = 0
        if cuts[kind] >= 0:
            size = head_starts[kind + 1] - head_starts[kind] + starts[word + 1] - starts[word] - cuts[kind]
        begins[place + 1] = begins[place] + size
    found = np.empty(begins[words.size], np.uint32)
    for place in range(words.size):
        kind, word, to = kinds[place], words[place], begins[place]
        if cuts[kind] < 0:
            continue
        for step in range(head_starts[kind], head_starts[kind + 1]):
            found[to] = heads[step]
            to += 1
        for step in range(starts[word] + cuts[kind], starts[word + 1]):
            found[to] = points[step]
            to += 1
    return found, begins
